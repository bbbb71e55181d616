"""Figures of predicted classes: confusion, precision and recall, the samples in a cell, probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.config.monitor import PER_CLASS

SAMPLES_PER_CELL = 24
MAX_CELLS = 4000
TOP = 5
"""Classes listed for a prediction."""


def per_class(classes: Sequence[str], predictions: Tensor, labels: Tensor) -> dict[str, Any]:
    """``confusion`` (row: label, column: prediction) and ``per_class``: precision, recall, F1 and samples of every class.

    Both int64 (n,); samples whose label is negative are left out.
    """
    count = len(classes)
    known = labels >= 0
    confusion = torch.bincount(labels[known] * count + predictions[known], minlength=count * count).view(count, count)
    correct = confusion.diag().double()
    precision = correct / confusion.sum(0).clamp(min=1)
    recall = correct / confusion.sum(1).clamp(min=1)
    f1 = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
    rows = zip(classes, precision.tolist(), recall.tolist(), f1.tolist(), confusion.sum(1).tolist(), strict=True)
    names = ("name", "precision", "recall", "f1", "samples")
    return {"confusion": confusion.tolist(), "per_class": [dict(zip(names, row, strict=True)) for row in rows]}


def cells(predictions: Tensor, labels: Tensor, hardest: list[int]) -> list[list[Any]]:
    """For cells of the confusion [label, prediction, samples], the samples with the highest loss first.

    Where there are too many cells, those with the highest loss in them are listed.
    """
    label, predicted = labels.tolist(), predictions.tolist()
    samples: dict[tuple[int, int], list[int]] = {}
    for index in hardest:
        if label[index] >= 0:
            listed = samples.setdefault((label[index], predicted[index]), [])
            if len(listed) < SAMPLES_PER_CELL:
                listed.append(index)
    return [[*cell, listed] for cell, listed in list(samples.items())[:MAX_CELLS]]


def class_counts(classes: int, predictions: list[Tensor], labels: list[Tensor]) -> NDArray[np.float64]:
    """Of every class its samples, how many are predicted as it, and how many of them correctly: float64 (3, classes).

    ``predictions`` and ``labels`` come batch by batch. Samples whose label is negative are left out. The counts of several
    processes add up.
    """
    counts = np.zeros((3, classes))
    if predictions:
        predicted, label = torch.cat(predictions).cpu(), torch.cat(labels).cpu()
        known = label >= 0
        for row, chosen in enumerate((label[known], predicted[known], label[known & (predicted == label)])):
            counts[row] = torch.bincount(chosen, minlength=classes).numpy()
    return counts


def balanced_accuracy(counts: NDArray[np.float64]) -> float:
    """The mean over the classes of the share of each that is predicted correctly, of :func:`class_counts`.

    Classes without samples are left out.
    """
    samples, _, correct = counts
    present = samples > 0
    return float((correct[present] / samples[present]).mean()) if present.any() else 0.0


def macro_f1(counts: NDArray[np.float64]) -> float:
    """The mean of the classes' F1, of :func:`class_counts`. Classes that have no sample and are never predicted are left out."""
    samples, predicted, correct = counts
    both = samples + predicted
    present = both > 0
    return float((2 * correct[present] / both[present]).mean()) if present.any() else 0.0


def metric_names(classes: Sequence[str]) -> tuple[str, ...]:
    """What :func:`metric` knows."""
    return ("balanced_accuracy", "f1", *(f"{name}[{one}]" for name in PER_CLASS for one in classes))


def metric(name: str, classes: Sequence[str], counts: NDArray[np.float64]) -> float:
    """``balanced_accuracy``, ``f1`` (their means over the classes), or of one class ``recall[cat]``, ``precision[cat]``,
    ``f1[cat]``, of :func:`class_counts`. Not a number of a class that has no samples, or for precision is never predicted.
    """
    if name == "balanced_accuracy":
        return balanced_accuracy(counts)
    if name == "f1":
        return macro_f1(counts)
    kind, _, one = name.removesuffix("]").partition("[")
    samples, predicted, correct = counts[:, list(classes).index(one)]
    whole = {"recall": samples, "precision": predicted, "f1": (samples + predicted) / 2}[kind]
    return float(correct / whole) if whole > 0 else float("nan")


def top_scores(classes: Sequence[str], output: Tensor) -> list[list[Any]]:
    """The classes with the highest probabilities, [name, probability], from the outputs of one sample (classes,)."""
    best = torch.softmax(output, dim=0).topk(min(TOP, len(classes)))
    pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
    return [[classes[index], round(value, 6)] for value, index in pairs]
