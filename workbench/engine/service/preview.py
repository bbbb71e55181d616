"""What the dataset panel shows: sizes, class counts and a few samples, as plain data."""

from __future__ import annotations

from typing import Any

import torch

from workbench.config.run import RunConfig
from workbench.engine.data import augment, loader
from workbench.engine.data.dataset import Source, Split
from workbench.engine.data.images import ImageError
from workbench.engine.data.sampling import StepPlan
from workbench.engine.tasks.samples import thumbnail

PER_CLASS = 6
"""Thumbnails of each class, where there are few classes."""
MOST_THUMBNAILS = 60
LEFT_OUT_SHOWN = 200
AUGMENTED_SHOWN = 6


def preview(config: RunConfig, source: Source) -> dict[str, Any]:
    """The dataset of a configuration in numbers and samples."""
    task = source.task
    kept = loader.is_resident(config, source, torch.device("cpu"))
    return {
        "task": task.kind,
        "train": len(source.train),
        "val": len(source.val),
        "test": len(source.test) if source.test is not None else 0,
        "classes": _class_counts(source) if task.kind == "classification" else [],
        "shape": list(source.shape),
        "bytes": source.sample_bytes * (len(source.train) + len(source.val)),
        "loading": "resident" if kept else "streamed",
        "thumbnails": _thumbnails(source) if len(source.shape) == 3 and source.shape[0] in (1, 3) else [],
        "augmented": _augmented(config, source),
        "table": source.preview.get("table"),
        "points": source.preview.get("points"),
        "left_out": [vars(one) for one in source.left_out[:LEFT_OUT_SHOWN]],
        "left_out_count": len(source.left_out),
        "notes": list(source.notes),
        "steps_per_epoch": loader.plan_steps(config, len(source.train), 1).steps,
    }


def _class_counts(source: Source) -> list[dict[str, Any]]:
    count = len(source.task.classes)
    train, val = (_counts(split, count) for split in (source.train, source.val))
    return [{"name": name, "train": train[place], "val": val[place]} for place, name in enumerate(source.task.classes)]


def _counts(split: Split, classes: int) -> list[int]:
    return torch.bincount(split.targets.to(torch.int64), minlength=classes).tolist() if len(split) else [0] * classes


def _thumbnails(source: Source) -> list[dict[str, Any]]:
    labels = source.train.targets
    classes = source.task.classes
    each = max(1, min(PER_CLASS, MOST_THUMBNAILS // max(len(classes), 1)))
    found = []
    for place, name in enumerate(classes[:MOST_THUMBNAILS]):
        chosen = torch.nonzero(labels == place).flatten()[:each].tolist()
        try:
            pictures = source.train.read(chosen) if chosen else torch.empty(0)
        except ImageError:
            continue
        found += [thumbnail(picture, name, source.preprocessing.get("white", 255)) for picture in pictures]
    return found


def _augmented(config: RunConfig, source: Source) -> list[dict[str, Any]]:
    """Some training pictures as they are and as two epochs change them, by the code that trains. Empty where nothing changes."""
    augmenter = augment.build(config, source)
    if augmenter is None or len(source.train) == 0:
        return []
    count = min(AUGMENTED_SHOWN, len(source.train))
    chosen = [round(place * (len(source.train) - 1) / max(count - 1, 1)) for place in range(count)]
    try:
        raw = source.train.read(chosen)
    except ImageError:
        return []
    scale = source.scaling.on(torch.device("cpu"), raw.dim())
    white = source.preprocessing.get("white", 255)
    found = [thumbnail(picture, "as read", white) for picture in raw]
    plan = StepPlan(count, count)
    factor, offset = (
        torch.tensor(values).view(1, -1, 1, 1) for values in (source.scaling.factor, source.scaling.offset)
    )
    for epoch in range(2):
        numbers = augmenter.draw(plan, epoch, 0, plan.step(0))
        changed = augmenter.apply(raw, numbers, scale)
        changed, _ = augmenter.mix(changed, source.train.targets[chosen], epoch, 0, 0)
        pictures = ((changed - offset) / factor).round().clamp(0, white).to(torch.uint8)
        found += [thumbnail(picture, f"epoch {epoch + 1}", white) for picture in pictures]
    return found
