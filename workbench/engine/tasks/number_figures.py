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
FORMER_COLUMNS = 4
"""Sums of version 0.1: |e|, e^2, y and y^2 in the targets' own units, of several targets the means."""


def columns(spec: TaskSpec) -> int:
    """Width of a row of :func:`sums`."""
    return 2 + 3 * _target_count(spec)


def sums(spec: TaskSpec, predictions: Tensor, labels: Tensor, starts: NDArray[np.int64]) -> Sums:
    """Sums from each of ``starts`` on, float64 (len(starts), columns): |e| and e^2 in the targets' own units, of several targets
    the means; then of each target y, of each y^2, of each e^2.

    Predictions and labels (n, targets) on the network's scale, on the CPU. The sums of each target stay on that scale: its mean is
    near 0 there, and differences from it are not lost in y^2. r2 is the same on any scale.
    """
    error = (spec.in_own_units(predictions) - spec.in_own_units(labels)).numpy()
    true, scaled_error = labels.double().numpy(), (predictions.double() - labels.double()).numpy()
    means = [values.mean(axis=1, keepdims=True) for values in (np.abs(error), error**2)]
    each: Sums = np.concatenate([*means, true, true**2, scaled_error**2], axis=1)
    rows: Sums = np.add.reduceat(each, starts, axis=0)
    return rows


def metrics(count: float, row: Sums) -> dict[str, float]:
    """``mae``, ``rmse`` and ``r2`` of a row of sums over ``count`` samples. r2 is the mean of each target's own.

    It is left out where the sums of each target are not known.
    """
    y, square, error = row[2:].reshape(3, -1)
    result = {"mae": float(row[0]) / count, "rmse": float(np.sqrt(row[1] / count))}
    if np.isnan(error).any():
        return result
    spread = square - y**2 / count
    # What is left of a constant target is the rounding of its sums: nothing that could be explained.
    varies = spread > count * np.finfo(np.float64).eps * square
    own = np.where(varies, 1.0 - error / np.where(varies, spread, 1.0), np.where(error > 0, 0.0, 1.0))
    return {**result, "r2": float(own.mean())}


def from_former_sums(spec: TaskSpec, count: float, former: Sums) -> Sums:
    """The sums of version 0.1 as a row of sums. What it did not keep of each of several targets is not a number."""
    row = np.full(columns(spec), np.nan)
    row[:2] = former[:2]
    if _target_count(spec) == 1:
        mean, std = spec.means[0], spec.stds[0]
        _, error, y, square = former
        row[2:] = (y - count * mean) / std, (square - 2 * mean * y + count * mean**2) / std**2, error / std**2
    return row


def _target_count(spec: TaskSpec) -> int:
    return max(len(spec.targets), 1)


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
