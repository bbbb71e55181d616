"""What is suspicious about a target: nearly as many classes as samples, or an input that gives it away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from workbench.config.dataset import Dataset
from workbench.engine.data.dataset import Source, TensorSplit
from workbench.runs.service.data_report import Finding

FEWEST = 10
"""Samples below which chance alone makes an input equal to the target."""
MOST = 100_000
"""Samples that are compared."""
UNIQUE = 0.5
"""From this share of classes among the samples on, nearly every sample is a class of its own."""
_EQUAL = 1e-4
"""Largest difference of numbers that count as equal, in standard deviations: they are kept with seven digits."""


def target_findings(source: Source, config: Dataset) -> tuple[Finding, ...]:
    """Warnings about the target, at the setting that names it."""
    setting = next((f"dataset.{name}" for name in ("target", "label_column") if hasattr(config, name)), "")
    texts = [*_nearly_unique(source), *_given_away(source)]
    return tuple(Finding(severity="warning", text=text, hint=hint, setting=setting) for text, hint in texts)


def _nearly_unique(source: Source) -> Iterator[tuple[str, str]]:
    count = sum(len(split) for split in (source.train, source.val, source.test) if split is not None)
    classes = len(source.task.classes)
    if count >= FEWEST and classes > UNIQUE * count:
        text = (
            f"the target has {classes:,} classes in {count:,} samples: nearly every sample is a class of its own, "
            "and nothing can be learned of it"
        )
        yield text, "choose another target, or leave this column out if it identifies the rows"


def _given_away(source: Source) -> Iterator[tuple[str, str]]:
    """An input column that equals the target, whatever both are scaled with."""
    split = source.train
    if not isinstance(split, TensorSplit) or split.inputs.dim() != 2 or not split.inputs.is_floating_point():
        return
    inputs, targets = split.inputs[:MOST].double(), split.targets[:MOST]
    if len(inputs) < FEWEST:
        return
    names = _column_names(source, inputs.shape[1])
    hint = "leave it out unless it is known when the model is used"
    for column, target in _equal_columns(source, inputs, targets):
        which = f" {target}" if target else ""
        yield (
            f"the input {names[column]} equals the target{which}, but for its unit: the model only has to copy it",
            hint,
        )


def _equal_columns(source: Source, inputs: Tensor, targets: Tensor) -> Iterator[tuple[int, str]]:
    labels = source.task.class_indices(targets)
    if labels is not None:
        column = _column_of_classes(inputs[labels >= 0], labels[labels >= 0])
        if column is not None:
            yield column, ""
    if source.task.has_numbers:
        numbers = targets[:, 1:] if source.task.has_classes else targets
        for index in range(numbers.shape[1]):
            column = _column_of_numbers(inputs, numbers[:, index].double())
            if column is not None:
                yield column, source.task.targets[index] if index < len(source.task.targets) else ""


def _column_of_numbers(inputs: Tensor, numbers: Tensor) -> int | None:
    """The first column that is the target, both in standard deviations from their means."""
    wanted = numbers - numbers.mean()
    deviation = wanted.square().mean().sqrt()
    centered = inputs - inputs.mean(dim=0)
    deviations = centered.square().mean(dim=0).sqrt()
    if deviation == 0:
        return None
    apart = (centered / deviations.clamp(min=1e-300) - (wanted / deviation)[:, None]).abs().amax(dim=0)
    return _first((apart < _EQUAL) & (deviations > 0))


def _column_of_classes(inputs: Tensor, labels: Tensor) -> int | None:
    """The first column that has one value for each class and no two alike, or that is one class of several such columns."""
    present, index = torch.unique(labels, return_inverse=True)
    classes = len(present)
    if classes < 2 or classes > UNIQUE * len(labels):
        return None
    spread = inputs.amax(dim=0) - inputs.amin(dim=0)
    where = index[:, None].expand_as(inputs)
    empty = inputs.new_zeros(classes, inputs.shape[1])
    low, high = (empty.scatter_reduce(0, where, inputs, way, include_self=False) for way in ("amin", "amax"))
    constant = ((high - low).amax(dim=0) <= _EQUAL * spread) & (spread > 0)
    if not constant.any():
        return None
    gaps = low.sort(dim=0).values.diff(dim=0)
    single = _first(constant & (gaps.amin(dim=0) > _EQUAL * spread))
    if single is not None:
        return single
    # A category is a column for each of its values: two values, of which one class has one and all others the other.
    highest = low == low.amax(dim=0)
    marks = constant & (highest.sum(dim=0) == 1) & ((gaps > _EQUAL * spread).sum(dim=0) == 1)
    marked = highest[:, marks].any(dim=1)
    return _first(marks) if int(marked.sum()) >= classes - 1 else None


def _first(chosen: Tensor) -> int | None:
    return int(chosen.nonzero()[0]) if chosen.any() else None


def _column_names(source: Source, width: int) -> list[str]:
    """What the inputs are called, one for each number of a sample; by their places where that is not known."""
    described: list[dict[str, Any]] = source.preprocessing.get("columns", [])
    names = [
        str(column.get("name", ""))
        for column in described
        for _ in range(len(column.get("words", (0,))) + int(column.get("gap", False)))
    ]
    return names if len(names) == width and all(names) else [f"number {index + 1}" for index in range(width)]
