"""A closer look at the samples of a dataset: what cannot be read, which classes are empty, what stands in two splits."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from workbench.engine.data.dataset import Progress, Source, Split, no_progress
from workbench.engine.data.images import UNREADABLE, ImageSplit

CHUNK = 256
SHOWN = 1000
"""Findings of each sort that are listed; all are counted."""
SPLITS = {"train": "training", "val": "validation", "test": "test"}


def scan(source: Source, progress: Progress = no_progress) -> dict[str, Any]:
    """Counts by split and class, and findings, each with what it is about and why.

    ``unreadable``: samples left out, or gone since. ``empty``: classes without a sample, by split. ``duplicates``: samples of
    one split that are, value for value, in another; ``contradictions``: equal samples of different classes.
    """
    splits = {name: split for name in SPLITS if (split := source.split(name)) is not None and len(split)}
    unreadable = [{"what": one.what, "why": one.why} for one in source.left_out]
    # Windows of a series overlap, and neighbours may well be equal: that is no fault of theirs.
    wanted = splits if len(source.shape) != 2 else {}
    first: dict[bytes, tuple[str, int, str]] = {}
    duplicates, contradictions = [], []
    for name, split in wanted.items():
        for index, digest, label in _digests(name, split, progress):
            if label == UNREADABLE:
                unreadable.append({"what": split.name(index), "why": "it can no longer be read"})
                continue
            if digest not in first:
                first[digest] = (name, label, split.name(index))
                continue
            other, other_label, other_name = first[digest]
            if other != name:
                duplicates.append({"what": split.name(index), "split": name, "same": other_name, "other": other})
            if source.task.kind == "classification" and label != other_label:
                why = f"{_class(source, label)} here, {_class(source, other_label)} at {other_name}"
                contradictions.append({"what": split.name(index), "why": why})
    counts = class_counts(source, splits)
    found = {
        "unreadable": unreadable,
        "empty": [
            {"split": split, "name": one["name"]}
            for one in counts
            for split in splits
            if split != "test" and not one[split]
        ],
        "duplicates": duplicates,
        "contradictions": contradictions,
    }
    return {
        "classes": counts,
        "counts": {key: len(values) for key, values in found.items()},
        **{key: values[:SHOWN] for key, values in found.items()},
    }


def class_counts(source: Source, splits: dict[str, Split]) -> list[dict[str, Any]]:
    """Samples of every class in every split; nothing for a regression."""
    if not source.task.has_classes:
        return []
    count = len(source.task.classes)
    found = {}
    for name, split in splits.items():
        labels = split.targets if source.task.kind == "classification" else split.targets[:, 0].to(torch.int64)
        found[name] = torch.bincount(labels[labels >= 0], minlength=count).tolist()
    return [
        {"name": name, **{split: counts[place] for split, counts in found.items()}}
        for place, name in enumerate(source.task.classes)
    ]


def _digests(name: str, split: Split, progress: Progress) -> list[tuple[int, bytes, int]]:
    """Index, hash of the values, and label of every sample (the label 0 where targets are numbers)."""
    found = []
    for start in range(0, len(split), CHUNK):
        indices = range(start, min(start + CHUNK, len(split)))
        progress(f"looking through the {SPLITS[name]} samples", start / len(split))
        if isinstance(split, ImageSplit):
            inputs, targets = split.read_labeled(indices)
        else:
            inputs, targets = split.read(indices), split.targets[torch.as_tensor(indices)]
        for index, sample, target in zip(indices, inputs, targets, strict=True):
            values = hashlib.blake2b(sample.contiguous().numpy().tobytes(), digest_size=16).digest()
            found.append((index, values, int(target) if target.dim() == 0 else 0))
    return found


def _class(source: Source, label: int) -> str:
    return source.task.classes[label]
