"""What the dataset panel shows: sizes, class counts and a few samples."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.config.run import RunConfig
from workbench.engine.data import augment, loader
from workbench.engine.data.dataset import Source, Split
from workbench.engine.data.images import ImageError
from workbench.engine.data.sampling import StepPlan
from workbench.engine.tasks.samples import thumbnail
from workbench.runs.service.samples import (
    ClassCount,
    DatasetPreview,
    LeftOutSample,
    PreviewPoints,
    PreviewTable,
    Thumbnail,
)

PER_CLASS = 6
"""Thumbnails of each class, where there are few classes."""
MOST_THUMBNAILS = 60
LEFT_OUT_SHOWN = 200
AUGMENTED_SHOWN = 6


def preview(config: RunConfig, source: Source) -> DatasetPreview:
    """The dataset of a configuration in numbers and samples."""
    task = source.task
    resident = loader.is_resident(config, source, torch.device("cpu"))
    table, points = source.preview.get("table"), source.preview.get("points")
    return DatasetPreview(
        task=task.kind,
        train=len(source.train),
        val=len(source.val),
        test=len(source.test) if source.test is not None else 0,
        classes=() if task.has_numbers else _class_counts(source),
        shape=tuple(source.shape),
        bytes=source.sample_bytes * (len(source.train) + len(source.val)),
        loading="resident" if resident else "streamed",
        thumbnails=_thumbnails(source) if len(source.shape) == 3 and source.shape[0] in (1, 3) else (),
        augmented=_augmented(config, source),
        table=PreviewTable.model_validate(table) if table is not None else None,
        points=PreviewPoints.model_validate(points) if points is not None else None,
        left_out=tuple(LeftOutSample(what=sample.what, why=sample.why) for sample in source.unusable[:LEFT_OUT_SHOWN]),
        left_out_count=len(source.unusable),
        notes=tuple(source.notes),
        report=source.report,
        steps_per_epoch=loader.plan_steps(config, len(source.train), 1).steps,
    )


def _class_counts(source: Source) -> tuple[ClassCount, ...]:
    count = len(source.task.classes)
    train, val = (_counts(split, count) for split in (source.train, source.val))
    return tuple(
        ClassCount(name=name, train=train[index], val=val[index]) for index, name in enumerate(source.task.classes)
    )


def _counts(split: Split, classes: int) -> list[int]:
    return torch.bincount(split.targets.to(torch.int64), minlength=classes).tolist() if len(split) else [0] * classes


def _thumbnails(source: Source) -> tuple[Thumbnail, ...]:
    labels = source.train.targets
    classes = source.task.classes
    each = max(1, min(PER_CLASS, MOST_THUMBNAILS // max(len(classes), 1)))
    thumbnails: list[Thumbnail] = []
    for index, name in enumerate(classes[:MOST_THUMBNAILS]):
        chosen = torch.nonzero(labels == index).flatten()[:each].tolist()
        try:
            images = source.train.read(chosen) if chosen else torch.empty(0)
        except ImageError:
            continue
        thumbnails += _as_thumbnails(images, name, source)
    return tuple(thumbnails)


def _as_thumbnails(images: Tensor, label: str, source: Source) -> list[Thumbnail]:
    white = source.preprocessing.get("white", 255)
    return [Thumbnail.model_validate(thumbnail(image, label, white)) for image in images]


def _augmented(config: RunConfig, source: Source) -> tuple[Thumbnail, ...]:
    """Some training images as they are and as two epochs change them, by the code that trains. Empty where nothing changes."""
    augmenter = augment.build(config, source)
    if augmenter is None or len(source.train) == 0:
        return ()
    count = min(AUGMENTED_SHOWN, len(source.train))
    chosen = [round(index * (len(source.train) - 1) / max(count - 1, 1)) for index in range(count)]
    try:
        raw = source.train.read(chosen)
    except ImageError:
        return ()
    scale = source.scaling.on(torch.device("cpu"), raw.dim())
    white = source.preprocessing.get("white", 255)
    thumbnails = _as_thumbnails(raw, "as read", source)
    plan = StepPlan(count, count)
    factor, offset = (
        torch.tensor(values).view(1, -1, 1, 1) for values in (source.scaling.factor, source.scaling.offset)
    )
    for epoch in range(2):
        numbers = augmenter.draw(plan, epoch, 0, plan.step(0))
        changed = augmenter.apply(raw, numbers, scale)
        changed, _ = augmenter.mix(changed, source.train.targets[chosen], epoch, 0, 0)
        images = ((changed - offset) / factor).round().clamp(0, white).to(torch.uint8)
        thumbnails += _as_thumbnails(images, f"epoch {epoch + 1}", source)
    return tuple(thumbnails)
