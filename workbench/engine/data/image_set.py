"""Image files with their classes as samples: each is read once, and every one that cannot be used is listed with the reason."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import psutil
import torch
from torch import Tensor

from workbench.config.dataset import ImageCSV, ImageFolder
from workbench.engine.data.dataset import LeaveOut, LeftOut, Progress, Source, Split, TaskSpec, TensorSplit
from workbench.engine.data.image_files import Files, readable_name
from workbench.engine.data.image_findings import Survey, class_findings
from workbench.engine.data.images import (
    STATISTICS_SAMPLES,
    Examined,
    ImageError,
    ImageForm,
    ImageSplit,
    decode,
    decoding_bytes,
    examine,
    form_of,
    scaling_of,
)
from workbench.engine.data.report import stamp_of
from workbench.engine.data.split import by_group, split
from workbench.engine.runtime.devices import available_cpus
from workbench.engine.runtime.failures import RefusedError

RESIDENT_SHARE = 0.25
"""Share of the free main memory up to which ``auto`` keeps all images resident."""
CHUNK = 128
"""Images decoded between two reports of progress."""


@dataclass
class _Reading:
    """What was read of all files."""

    form: ImageForm
    readable: dict[str, Files] = field(default_factory=dict)
    images: dict[str, Tensor | None] = field(default_factory=dict)
    """By split; None where images are not kept."""
    left_out: list[LeftOut] = field(default_factory=list)
    survey: Survey = field(default_factory=Survey)


def assemble(
    files: dict[str, Files],
    classes: Sequence[str],
    config: ImageFolder | ImageCSV,
    root: Path,
    progress: Progress,
    groups: Mapping[Path, str] | None = None,
    learned: Source | None = None,
) -> Source:
    """Files with the numbers of their classes as samples; validation is taken out of training where it is not given.

    ``groups``: what each file belongs to, where those that belong together are not to be divided. ``learned``: what a model was
    trained on, whose scales are used. Raises RefusedError.
    """
    files, leave_out = _leave_out(files, config.leave_out, root if root.is_dir() else root.parent)
    reading = _read_all(files, config, progress, learned)
    _check_classes(root, reading, classes)
    if "val" not in reading.readable:
        _divide(reading, config, groups)
    splits = {name: _build_split(reading, name) for name in reading.readable}
    train = splits["train"]
    scaling, preprocessing = scaling_of(_statistics_sample(train))
    form = reading.form
    preprocessing |= {"size": form.height, "width": form.width, "channels": form.channels, "fit": form.fit}
    preprocessing |= {"frame": form.frame}
    preprocessing |= {"scales": {kind: list(scale) for kind, scale in form.scales.items()}} if form.scales else {}
    return Source(
        task=TaskSpec("classification", tuple(classes)),
        shape=(3 if form.channels == "rgb" else 1, form.height, form.width),
        train=train,
        val=splits["val"],
        test=splits.get("test"),
        scaling=scaling if learned is None else learned.scaling,
        preprocessing=preprocessing if learned is None else learned.preprocessing,
        left_out=(*leave_out.left_out, *reading.left_out),
        findings=(
            *leave_out.findings(),
            *class_findings(classes, reading.readable),
            *reading.survey.findings(form),
        ),
        unit="file",
        stamp=stamp_of(path for split_files in files.values() for path, _ in split_files),
    )


def resident(config: ImageFolder | ImageCSV, images: int) -> bool:
    """Whether that many images are kept in memory."""
    if config.loading != "auto":
        return config.loading == "resident"
    needed = images * config.size * config.image_width * (3 if config.channels == "rgb" else 1)
    return bool(needed < RESIDENT_SHARE * psutil.virtual_memory().available)


def _leave_out(files: dict[str, Files], names: Sequence[str], root: Path) -> tuple[dict[str, Files], LeaveOut]:
    """The files without those that are to be left out, named by their whole path or by that from ``root`` on."""
    wanted = LeaveOut(names)
    used = {
        split: [
            (path, label)
            for path, label in split_files
            if wanted.keeps(readable_name(str(path)), readable_name(os.path.relpath(path, root)))
        ]
        for split, split_files in (files.items() if names else ())
    }
    return used or files, wanted


def _form(config: ImageFolder | ImageCSV, learned: Source | None) -> ImageForm:
    """What images become: by the settings, and by the scales that a model was trained with."""
    scales = form_of(learned.preprocessing).scales if learned is not None else {}
    return ImageForm(
        width=config.image_width,
        height=config.size,
        channels=config.channels,
        fit=config.fit,
        frame=config.frame,
        scales=scales,
        max_bytes=decoding_bytes(available_cpus()),
    )


def _read_all(
    files: dict[str, Files], config: ImageFolder | ImageCSV, progress: Progress, learned: Source | None
) -> _Reading:
    """Decodes every image once, whatever the loading: an unreadable one must not be met after an hour of training.

    Those with more than 8 bits a pixel are decoded once more when the scale of the whole set is known.
    """
    total = sum(len(split_files) for split_files in files.values())
    keep = resident(config, total)
    reading = _Reading(_form(config, learned))
    examined: dict[str, list[Examined]] = {}
    done = 0
    with ThreadPoolExecutor(available_cpus()) as pool:
        for name, split_files in files.items():
            reading.readable[name], examined[name] = [], []
            for start in range(0, len(split_files), CHUNK):
                part = split_files[start : start + CHUNK]
                for item, result in zip(part, pool.map(partial(_examine, reading.form), part), strict=True):
                    if isinstance(result, ImageError):
                        reading.left_out.append(LeftOut(readable_name(str(item[0])), str(result)))
                        continue
                    reading.survey.add(result, reading.form)
                    reading.readable[name].append(item)
                    examined[name].append(result if keep or result.image is None else replace(result, image=_READ))
                done += len(part)
                progress("reading images", done / total)
        if learned is None:
            reading.form = replace(reading.form, scales=reading.survey.scales())
        for name in files:
            kept = _with_scale(reading, name, examined.pop(name), pool)
            reading.images[name] = torch.stack(kept) if keep and kept else None
    return reading


_READ = torch.empty(0)
"""Stands for an image that was read and is not kept."""


def _with_scale(reading: _Reading, name: str, examined: list[Examined], pool: ThreadPoolExecutor) -> list[Tensor]:
    """The images of a split, those decoded that waited for the scale of the set."""
    files = reading.readable[name]
    waiting = [item for item, result in zip(files, examined, strict=True) if result.image is None]
    decoded = iter(pool.map(partial(_decode, reading.form), waiting))
    readable, images = [], []
    for item, result in zip(files, examined, strict=True):
        image = result.image if result.image is not None else next(decoded)
        if isinstance(image, ImageError):
            reading.left_out.append(LeftOut(readable_name(str(item[0])), str(image)))
            continue
        readable.append(item)
        images.append(image)
    reading.readable[name] = readable
    return images


def _examine(form: ImageForm, item: tuple[Path, int]) -> Examined | ImageError:
    try:
        return examine(item[0], form)
    except ImageError as error:
        return error


def _decode(form: ImageForm, item: tuple[Path, int]) -> Tensor | ImageError:
    try:
        return decode(item[0], form)
    except ImageError as error:
        return error


def _check_classes(root: Path, reading: _Reading, classes: Sequence[str]) -> None:
    """Raises RefusedError where there is nothing to learn from, or nothing in a split that was given."""
    present = {label for _, label in reading.readable["train"]}
    if not present:
        reasons = Counter(sample.why for sample in reading.left_out).most_common(REASONS_TOLD)
        counted = "; ".join(f"{count:,} × {why}" for why, count in reasons)
        what = f"no image in {root} can be read" + (f" ({counted})" if counted else "")
        raise RefusedError(what, "open one of the files in an image viewer", "dataset.path")
    if len(present) == 1:
        name = classes[next(iter(present))]
        what = f"all readable images are of one class ({name}), and at least two classes are needed"
        raise RefusedError(what, "add images of another class", "dataset.path")
    if not reading.readable.get("val", True):
        what = f"the validation folder in {root} contains no readable image of the training's classes"
        hint = "add images to it, or rename it so that a part of the training images is used for validation"
        raise RefusedError(what, hint, "dataset.path")


REASONS_TOLD = 3


def _divide(reading: _Reading, config: ImageFolder | ImageCSV, groups: Mapping[Path, str] | None) -> None:
    """Takes validation out of the training images."""
    files, train_images = reading.readable["train"], reading.images["train"]
    if groups is not None:
        group_of = [groups[path] for path, _ in files]
        if len(set(group_of)) < 2:
            what = "the group column has only one group among the usable images"
            raise RefusedError(what, "choose another column", "dataset.group")
        indices = by_group(group_of, config.validation, config.split_seed)
    else:
        labels = torch.tensor([label for _, label in files]) if config.split == "per-class" else None
        indices = split(len(files), labels, config.validation, config.split_seed)
    for name, chosen in zip(("train", "val"), indices, strict=True):
        reading.readable[name] = [files[index] for index in chosen.tolist()]
        reading.images[name] = train_images[chosen] if train_images is not None else None


def _build_split(reading: _Reading, name: str) -> Split:
    files, images = reading.readable[name], reading.images[name]
    paths = [path for path, _ in files]
    labels = torch.tensor([label for _, label in files], dtype=torch.int64)
    if images is not None:
        return TensorSplit(images, labels, names=tuple(readable_name(str(path)) for path in paths))
    return ImageSplit(paths, labels, reading.form)


def _statistics_sample(train: Split) -> Tensor:
    """Images from all over the training split. Raises RefusedError where none can be read any more."""
    indices = range(0, len(train), max(1, len(train) // STATISTICS_SAMPLES))
    sample = train.read_readable(indices)[0] if isinstance(train, ImageSplit) else train.read(indices)
    if len(sample) == 0:
        what = "the images can no longer be read"
        raise RefusedError(what, "is their disk still connected, and is the folder in its place?", "dataset.path")
    return sample
