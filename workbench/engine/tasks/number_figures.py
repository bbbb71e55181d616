"""Figures of predicted numbers, in the targets' own units: errors, residuals, predicted against true."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine.data.dataset import Split, TaskSpec
from workbench.engine.reporting.metrics import Sums

MAX_PAIRS = 2000
BINS = 40
COLUMNS = 6


def sums(spec: TaskSpec, predictions: Tensor, labels: Tensor, starts: NDArray[np.int64]) -> Sums:
    """Samples, 0, |e|, e^2, y and y^2 added up from each of ``starts`` on: float64 (len(starts), 6).

    Predictions and labels (n, targets) on the network's scale, on the CPU; of several targets the mean is taken.
    """
    true = spec.in_own_units(labels).numpy()
    error = spec.in_own_units(predictions).numpy() - true
    rows = np.zeros((len(starts), COLUMNS))
    rows[:, 0] = np.add.reduceat(np.ones(len(true)), starts)
    for column, values in enumerate((np.abs(error), error**2, true, true**2), start=2):
        rows[:, column] = np.add.reduceat(values.mean(axis=1), starts)
    return rows


def metrics(row: Sums) -> dict[str, float]:
    """``mae``, ``rmse`` and ``r2`` of a row of sums. r2 is over all targets together where there are several."""
    count = float(row[0])
    spread = float(row[5]) - float(row[4]) ** 2 / count
    r2 = 1.0 - float(row[3]) / spread if spread > 0 else 0.0
    return {"mae": float(row[2]) / count, "rmse": float(np.sqrt(row[3] / count)), "r2": r2}


def residuals_and_pairs(spec: TaskSpec, predictions: Tensor, labels: Tensor, split: Split | None) -> dict[str, Any]:
    """``residuals`` of each target, and ``pairs``: predicted against true, at most ``MAX_PAIRS`` in their order."""
    step = max(1, -(-len(labels) // MAX_PAIRS))
    true, predicted = (spec.in_own_units(values[::step]).T.tolist() for values in (labels, predictions))
    names = [split.name(index) for index in range(0, len(labels), step)] if split is not None else []
    targets = [
        {"target": _target_name(spec, index), "true": values, "guess": predicted[index]}
        for index, values in enumerate(true)
    ]
    return {"residuals": _residuals(spec, predictions, labels), "pairs": {"names": names, "targets": targets}}


def _residuals(spec: TaskSpec, predictions: Tensor, labels: Tensor) -> list[dict[str, Any]]:
    """For each target how prediction minus label is distributed, in its own unit: mean, deviation, errors, and a histogram."""
    rows = []
    differences = spec.in_own_units(predictions) - spec.in_own_units(labels)
    for index, difference in enumerate(differences.T):
        counts, edges = np.histogram(difference.numpy(), bins=BINS)
        rows.append(
            {
                "target": _target_name(spec, index),
                "mean": float(difference.mean()),
                "std": float(difference.std(correction=0)),
                "rmse": float(difference.square().mean().sqrt()),
                "mae": float(difference.abs().mean()),
                "low": float(edges[0]),
                "high": float(edges[-1]),
                "counts": counts.tolist(),
            }
        )
    return rows


def text_of(spec: TaskSpec, values: Tensor) -> str:
    """Numbers of the network, (targets,), in their own units, as text."""
    return ", ".join(f"{number:.6g}" for number in spec.in_own_units(values).tolist())


def named_values(spec: TaskSpec, values: Tensor) -> dict[str, float]:
    """Numbers of the network, (targets,), in their own units, by their targets' names."""
    return dict(zip(spec.targets or ("value",), spec.in_own_units(values).tolist(), strict=False))


def _target_name(spec: TaskSpec, index: int) -> str:
    return spec.targets[index] if index < len(spec.targets) else ""
