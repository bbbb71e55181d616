"""Scans the samples of a dataset: what cannot be read, which classes are empty, what stands in two splits."""

from __future__ import annotations

import hashlib

import torch

from workbench.engine.data.dataset import Progress, Source, Split, no_progress
from workbench.engine.data.images import ImageSplit
from workbench.runs.service.samples import (
    ClassCount,
    DuplicateSample,
    EmptyClass,
    LeftOutSample,
    ScanCounts,
    ScanReport,
)

CHUNK = 256
SHOWN = 1000
"""Findings of each sort that are listed; all are counted."""
SPLITS = {"train": "training", "val": "validation", "test": "test"}


def scan(source: Source, progress: Progress = no_progress) -> ScanReport:
    """Counts by split and class, and findings, each with what it is about and why.

    ``unreadable``: samples left out, or gone since. ``empty``: classes without a sample, by split. ``duplicates``: samples of
    one split that are, value for value, in another; ``contradictions``: equal samples of different classes.
    """
    splits = {name: split for name in SPLITS if (split := source.split(name)) is not None and len(split)}
    unreadable = [LeftOutSample(what=sample.what, why=sample.why) for sample in source.unusable]
    # Windows of a series overlap, and neighbours may well be equal: that is no fault of theirs.
    wanted = splits if len(source.shape) != 2 else {}
    first: dict[bytes, tuple[str, int, str]] = {}
    duplicates: list[DuplicateSample] = []
    contradictions: list[LeftOutSample] = []
    for name, split in wanted.items():
        for index, digest, label in _digests(name, split, unreadable, progress):
            if digest not in first:
                first[digest] = (name, label, split.name(index))
                continue
            other, other_label, other_name = first[digest]
            if other != name:
                duplicates.append(DuplicateSample(what=split.name(index), split=name, same=other_name, other=other))
            if not source.task.has_numbers and label != other_label:
                why = f"{_class(source, label)} here, {_class(source, other_label)} at {other_name}"
                contradictions.append(LeftOutSample(what=split.name(index), why=why))
    counts = class_counts(source, splits)
    empty = [
        EmptyClass(split=split, name=count.name)
        for count in counts
        for split, samples in (("train", count.train), ("val", count.val))
        if samples == 0
    ]
    return ScanReport(
        classes=counts,
        counts=ScanCounts(
            unreadable=len(unreadable),
            empty=len(empty),
            duplicates=len(duplicates),
            contradictions=len(contradictions),
        ),
        unreadable=tuple(unreadable[:SHOWN]),
        empty=tuple(empty[:SHOWN]),
        duplicates=tuple(duplicates[:SHOWN]),
        contradictions=tuple(contradictions[:SHOWN]),
    )


def class_counts(source: Source, splits: dict[str, Split]) -> tuple[ClassCount, ...]:
    """Samples of every class in every split; nothing for a regression."""
    count = len(source.task.classes)
    counts: dict[str, list[int]] = {}
    for name, split in splits.items():
        labels = source.task.class_indices(split.targets)
        if labels is None:
            return ()
        counts[name] = torch.bincount(labels[labels >= 0], minlength=count).tolist()
    return tuple(
        ClassCount.model_validate({"name": name, **{split: by_class[index] for split, by_class in counts.items()}})
        for index, name in enumerate(source.task.classes)
    )


def _digests(
    name: str, split: Split, unreadable: list[LeftOutSample], progress: Progress
) -> list[tuple[int, bytes, int]]:
    """Index, hash of the values, and label of every sample (the label 0 where targets are numbers)."""
    digests: list[tuple[int, bytes, int]] = []
    for start in range(0, len(split), CHUNK):
        indices = list(range(start, min(start + CHUNK, len(split))))
        progress(f"looking through the {SPLITS[name]} samples", start / len(split))
        if isinstance(split, ImageSplit):
            inputs, reasons = split.read_readable(indices)
            unreadable += [LeftOutSample(what=split.name(index), why=why) for index, why in reasons.items()]
            indices = [index for index in indices if index not in reasons]
        else:
            inputs = split.read(indices)
        targets = split.targets[torch.as_tensor(indices, dtype=torch.int64)]
        for index, sample, target in zip(indices, inputs, targets, strict=True):
            values = hashlib.blake2b(sample.contiguous().numpy().tobytes(), digest_size=16).digest()
            digests.append((index, values, int(target) if target.dim() == 0 else 0))
    return digests


def _class(source: Source, label: int) -> str:
    return source.task.classes[label]
