"""Classes of unequal size: how unequal they are, and weights that make up for it."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.engine.data.dataset import Source
from workbench.runs.service.data_report import Finding

UNEQUAL = 2.0
"""From this ratio of the largest to the smallest class on, classes are called imbalanced."""


def class_counts(source: Source) -> Tensor | None:
    """Training samples of each class, float64 (classes,); None where there are no classes alone."""
    if source.task.has_numbers:
        return None
    return count_classes(source.train.targets, len(source.task.classes))


def count_classes(labels: Tensor, classes: int) -> Tensor:
    """Samples of each class, float64 (classes,). A negative label is none."""
    return torch.bincount(labels[labels >= 0], minlength=classes).double()


def is_imbalanced(counts: Tensor) -> bool:
    """Whether the classes that have samples differ much in size."""
    present = counts[counts > 0]
    return len(present) > 1 and bool(present.max() >= UNEQUAL * present.min())


def imbalance_findings(source: Source, balance: str = "none") -> tuple[Finding, ...]:
    """A warning where classes differ much in size and nothing is done about it."""
    counts = class_counts(source)
    if balance != "none" or counts is None or not is_imbalanced(counts):
        return ()
    present = torch.where(counts > 0, counts, torch.inf)
    large, small = int(counts.argmax()), int(present.argmin())
    names = source.task.classes
    text = (
        f"classes are of unequal size: in training {names[large]} has {int(counts[large]):,} samples and {names[small]} has "
        f"{int(counts[small]):,}; accuracy can mislead. Set Balance classes (dataset.balance) to sampler or loss, "
        "or compare the balanced accuracy"
    )
    return (Finding(severity="warning", text=text, setting="dataset.balance"),)


def class_weights(counts: Tensor) -> Tensor:
    """n / (classes * count) of each class, float32: the mean over all samples is 1. A class without samples has 0."""
    present = counts > 0
    weights = torch.where(present, counts.sum() / (present.sum() * counts.clamp(min=1)), 0.0)
    return weights.to(torch.float32)


def step_scale(labels: Tensor, class_weights: Tensor) -> float:
    """What makes the weights of a step's samples 1 in the mean. ``labels``: int64 (n,), of the whole step; a negative is none."""
    total = float(class_weights.double()[labels[labels >= 0]].sum())
    return len(labels) / total if total > 0 else 1.0


def sample_weights(source: Source) -> Tensor | None:
    """Each training sample's chance to be drawn, float64, so that all classes are drawn equally often. None without classes."""
    counts = class_counts(source)
    return None if counts is None else chances(source.train.targets, counts)


def chances(labels: Tensor, counts: Tensor) -> Tensor:
    """Each sample's chance to be drawn, float64 (n,), from its label and the samples of each class."""
    return torch.where(labels >= 0, 1 / counts.clamp(min=1)[labels.clamp(min=0)], 0.0)
