"""What is to be predicted of a table: classes by the text that stands in the file, or numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from torch import Tensor

from workbench.config.dataset import Table
from workbench.engine.data.dataset import TaskSpec
from workbench.engine.data.report import question
from workbench.engine.data.tables.columns import ColumnEvidence, ColumnReading
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

MAX_CLASSES = 1000
MAX_NUMERIC_CLASSES = 20
"""Whole numbers with more different values are numbers to predict, and no classes."""


@dataclass(frozen=True)
class TargetPlan:
    """The task, and which of the target columns is a class (the first, or none)."""

    kind: str
    columns: tuple[str, ...]

    @property
    def classes(self) -> str:
        """The column of the classes, or empty."""
        return self.columns[0] if self.kind != "regression" else ""

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of numbers."""
        return self.columns if self.kind == "regression" else self.columns[1:]


def plan_targets(
    columns: Sequence[str], evidence: Mapping[str, ColumnEvidence], readings: Mapping[str, ColumnReading], config: Table
) -> TargetPlan:
    """One target; several numbers side by side as a regression; or a class and numbers beside it as two tasks."""
    first, task = columns[0], config.task
    if len(columns) == 1:
        if task == "auto":
            task = "regression" if _is_measured(evidence[first], readings[first]) else "classification"
        return TargetPlan(task, tuple(columns))
    # Numbers beside numbers are numbers, however few there are, unless the settings say that the first is a class.
    beside = task == "classification" or (task == "auto" and readings[first].kind not in ("number", "constant"))
    return TargetPlan("multi-task" if beside else "regression", tuple(columns))


def _is_measured(evidence: ColumnEvidence, reading: ColumnReading) -> bool:
    """Whether a column of numbers is to be predicted as numbers: it has fractions, or many values."""
    if reading.kind != "number":
        return False
    if evidence.is_many or len(evidence.values) > MAX_NUMERIC_CLASSES:
        return True
    return any(float(text) != int(float(text)) for text in evidence.values if _is_float(text)) or any(
        not _is_float(text) for text in evidence.values
    )


def _is_float(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text))) and "_" not in text
    except ValueError:
        return False


def missing_labels(evidence: ColumnEvidence, setting: str) -> tuple[Finding, ...]:
    """Asks what is meant where a word for a missing value, such as None or NA, stands in a column of classes."""
    if setting != "ask" or not evidence.missing_words:
        return ()
    words = ", ".join(f"{word!r} ({count:,} rows)" for word, count in evidence.missing_words.most_common(5))
    text = f"the column {evidence.name} contains {words}: that may be a class, or mean that there is no label"
    cure = "set dataset.missing_labels to 'class' to keep it as a class, or to 'leave out' to leave these rows out"
    return (question(text, "dataset.missing_labels", cure),)


def class_names(labels: pl.Series) -> tuple[str, ...]:
    """The classes, by number where all are numbers, else by their text."""
    names = labels.drop_nulls().unique().to_list()
    if all(_is_float(name) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


def class_targets(labels: pl.Series, name: str, known: Sequence[str] = ()) -> tuple[TaskSpec, Tensor]:
    """Labels as the numbers of their classes, int64 (n,). ``known``: the classes of a model. Raises RefusedError."""
    names = class_names(labels)
    if known and set(names) != set(known):
        # Early versions took labels that are numbers for numbers: 1.0 and 01 were the class 1.
        as_numbers = labels.map_elements(_number_name, return_dtype=pl.String)
        if set(as_numbers.unique()) <= set(known):
            labels, names = as_numbers, tuple(known)
    if len(names) < 2:
        only = names[0] if names else "none"
        what = f"the target column {name} has only one class ({only}), and at least two are needed"
        raise RefusedError(what, "choose another target", "dataset.target")
    if len(names) > MAX_CLASSES:
        what = f"the target column {name} has {len(names)} different values"
        raise RefusedError(what, "choose another target, or regression", "dataset.target")
    numbers = labels.replace_strict(list(names), list(range(len(names))), return_dtype=pl.Int64)
    return TaskSpec("classification", names), torch.from_numpy(numbers.to_numpy().copy())


def _number_name(text: str) -> str:
    if not _is_float(text):
        return text
    value = float(text)
    return str(int(value)) if value.is_integer() else str(value)
