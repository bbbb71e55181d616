"""Columns as inputs of a network: how they are made is learned from the training rows, kept with the model, and done again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from torch import Tensor

from workbench.engine.data.tables.columns import ColumnReading, without_gaps
from workbench.engine.data.tables.dates import CALENDAR, calendar, parse_dates
from workbench.engine.data.tables.description import Description
from workbench.engine.data.tables.numbers import Marks, parse

NO_WORD = -1
"""The number of a cell without a word."""
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class InputColumn:
    """A column that becomes inputs: its values, float64 (n,), NaN (of words NO_WORD) where one is missing."""

    name: str
    values: Values
    reading: ColumnReading
    words: tuple[str, ...] = ()
    part: str = ""
    """What of a date its values are; see :data:`CALENDAR`."""

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Where there is no value."""
        return self.values == NO_WORD if self.words else np.isnan(self.values)

    @property
    def varies(self) -> bool:
        """Whether there are two different values."""
        return len(np.unique(self.values[~np.isnan(self.values)])) > 1

    def rows(self, mask: npt.NDArray[np.bool_]) -> InputColumn:
        """The same with some of its rows."""
        if mask.all():
            return self
        return InputColumn(self.name, self.values[mask], self.reading, self.words, self.part)


def word_numbers(cells: pl.Series, words: Sequence[str]) -> pl.Series:
    """The number of the word in each cell, float64; NO_WORD where there is none, -2 where it is none of the words."""
    filled = without_gaps(cells)
    numbers = filled.replace_strict(list(words), list(range(len(words))), default=-2, return_dtype=pl.Float64)
    return pl.select(pl.when(filled.is_null()).then(float(NO_WORD)).otherwise(numbers)).to_series()


def describe(column: InputColumn, train: Tensor, standardize: bool) -> Description:
    """How a column becomes inputs, with statistics of the training rows alone. ``train``: their indices, int64."""
    if column.words:
        # A gap has a category of its own, where there is one.
        gap = bool(column.missing.any())
        return {"name": column.name, "kind": "words", "words": list(column.words), "gap": gap}
    values = torch.from_numpy(column.values)[train]
    mean, std = mean_std(values[~values.isnan()])
    center, scale = (mean, std) if standardize else (0.0, 1.0)
    description = Description(name=column.name, kind="number", fill=mean, mean=center, std=scale)
    if column.part:
        description["kind"], description["part"], description["order"] = "date", column.part, column.reading.order
        return description
    return with_marks(description, column.reading.marks)


def with_marks(description: Description, marks: Marks) -> Description:
    """A description with how the column's numbers are written, where that is not as programs write them."""
    described = description.copy()
    if marks.decimal != ".":
        described["decimal"] = marks.decimal
    if marks.thousands:
        described["thousands"] = marks.thousands
    if marks.unit:
        described["unit"] = marks.unit
    return described


def width(description: Description) -> int:
    """Inputs that a column becomes."""
    return len(description["words"]) + int(description["gap"]) if description["kind"] == "words" else 1


def encode(values: Tensor, description: Description) -> Tensor:
    """A column's values, float64 (n,), as inputs, float64 (n, width). A word that is not known is met by zeros."""
    if description["kind"] != "words":
        filled = torch.where(values.isnan(), torch.tensor(description["fill"], dtype=torch.float64), values)
        mean, std = float(description["mean"]), float(description["std"])
        return ((filled - mean) / std)[:, None]
    count = len(description["words"])
    encoded = torch.zeros(len(values), count + int(description["gap"]), dtype=torch.float64)
    indices = torch.where(values == NO_WORD, torch.tensor(float(count)), values).to(torch.int64)
    rows = torch.nonzero((indices >= 0) & (indices < encoded.shape[1])).flatten()
    encoded[rows, indices[rows]] = 1
    return encoded


def values_of(cells: pl.Series, description: Description, commas: Sequence[str] = ()) -> Tensor:
    """The values of a column of another table, read as that of the training was: float64 (n,).

    ``commas``: columns with decimal commas, as early versions kept it.
    """
    if description["kind"] == "words":
        return torch.from_numpy(word_numbers(cells, description["words"]).to_numpy().copy())
    if description["kind"] == "date":
        parts = calendar(parse_dates(cells, description["order"]))
        return torch.from_numpy(parts[description["part"]].fill_null(float("nan")).to_numpy().copy())
    return torch.from_numpy(
        parse(without_gaps(cells), marks_of(description, commas)).fill_null(float("nan")).to_numpy().copy()
    )


def marks_of(description: Description, commas: Sequence[str] = ()) -> Marks:
    """How a described column writes its numbers."""
    old = Marks(",", ".") if description["name"] in commas else Marks()
    return Marks(
        description.get("decimal", old.decimal),
        description.get("thousands", old.thousands),
        description.get("unit", ""),
    )


def date_parts(name: str, seconds: pl.Series, reading: ColumnReading) -> list[InputColumn]:
    """Year, month, day, weekday and hour of a column of dates."""
    parts = calendar(seconds)
    return [
        InputColumn(name, parts[part].fill_null(float("nan")).to_numpy(writable=True), reading, part=part)
        for part in CALENDAR
    ]


def mean_std(values: Tensor) -> tuple[float, float]:
    """Mean and standard deviation, float64; 0 and 1 of no values, 1 for the deviation of equal ones."""
    if len(values) == 0:
        return 0.0, 1.0
    std = float(values.std(correction=0))
    mean = float(values.mean())
    # What is left of a constant column is rounding: that is relative to its size.
    return mean, std if std > 1e-12 * abs(mean) else 1.0
