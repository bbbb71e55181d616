"""The rows of a text file in batches of cells, each row with its number; lines that do not fit are found and named."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt
import polars as pl

from workbench.engine.data.dataset import LeftOut
from workbench.engine.data.tables.layout import Layout, records
from workbench.engine.runtime.failures import RefusedError

BATCH_CHARACTERS = 1 << 23
BATCH_ROWS = 1 << 16
BAD_SHARE = 0.02
"""Up to this share of lines with too many or too few cells are left out; more are a sign that the table is read wrongly."""
FEW_ROWS = 50
"""In a table of fewer rows no line may be wrong."""
NAMED = 5
RowNumbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """Some rows of a table: their numbers, int64 (n,), counted from 0, and their cells as text, a column for each name."""

    numbers: RowNumbers
    cells: pl.DataFrame


@dataclass
class BadLines:
    """Lines with too many or too few cells: the row's number, its cells, and the text it begins with."""

    width: int
    rows: list[tuple[int, int, str]] = field(default_factory=list)
    count: int = 0
    total: int = 0

    def left_out(self, name_of: RowNames) -> list[LeftOut]:
        """Them as samples that are not used."""
        return [LeftOut(name_of(row), f"it has {cells} cells and not {self.width}") for row, cells, _ in self.rows]

    def check(self, path: Path, name_of: RowNames) -> None:
        """Raises RefusedError where they are more than a few."""
        if not self.count or (self.total >= FEW_ROWS and self.count <= BAD_SHARE * self.total):
            return
        row, cells, text = self.rows[0]
        named = ", ".join(name_of(number) for number, _, _ in self.rows[:NAMED])
        more = f" and {self.count - NAMED:,} more" if self.count > NAMED else ""
        what = (
            f"{path.name} has {self.count:,} of {self.total:,} rows with another number of cells than the header "
            f"({self.width}): {named}{more}; {name_of(row)} has {cells}: {text!r}"
        )
        cure = "put cells that contain the separator into double quotes, or save the table with another separator"
        raise RefusedError(what, cure, "dataset.path")


@dataclass(frozen=True)
class RowNames:
    """What rows are called: as a spreadsheet counts them, the first below the header in line 1 being row 2."""

    first: int = 2

    def __call__(self, number: int) -> str:
        """The name of a row by its number, counted from 0."""
        return f"row {number + self.first}"


def batches(file: TextIO, layout: Layout, bad: BadLines | None = None) -> Iterator[Rows]:
    """All rows of a file that was just opened, in batches. ``bad`` is given the lines that are not among them. Raises OSError."""
    bad = bad if bad is not None else BadLines(layout.width)
    return (_quoted if layout.quote else _unquoted)(file, layout, bad)


def _unquoted(file: TextIO, layout: Layout, bad: BadLines) -> Iterator[Rows]:
    """Where no cell is in quotes a line is a row, and the separators in it can be counted all at once."""
    width, at = layout.width, 0
    filled = (line for line in file if line.strip())
    for _ in itertools.islice(filled, layout.first):
        pass
    while lines := file.readlines(BATCH_CHARACTERS):
        text = pl.Series([line.rstrip("\n") for line in lines], dtype=pl.String)
        text = text.filter(text.str.strip_chars() != "")
        numbers = np.arange(at, at + len(text))
        at += len(text)
        counts = text.str.count_matches(layout.separator, literal=True) + 1
        fits = (counts == width).to_numpy()
        _note_bad(bad, text, counts, numbers, fits)
        good = text.filter(pl.Series(fits))
        split = good.str.split_exact(layout.separator, width - 1).struct.unnest()
        yield _rows(numbers[fits], split, layout)


def _note_bad(bad: BadLines, text: pl.Series, counts: pl.Series, numbers: RowNumbers, fits: Mask) -> None:
    bad.total += len(numbers)
    for row in np.flatnonzero(~fits).tolist():
        bad.count += 1
        bad.rows.append((int(numbers[row]), int(counts[row]), text[row][:60]))


def _quoted(file: TextIO, layout: Layout, bad: BadLines) -> Iterator[Rows]:
    source, at = records(file, layout.separator, layout.quote), 0
    for _ in itertools.islice(source, layout.first):
        pass
    while batch := list(itertools.islice(source, BATCH_ROWS)):
        good: list[list[str]] = []
        numbers: list[int] = []
        for record in batch:
            bad.total += 1
            if len(record) == layout.width:
                good.append(record)
                numbers.append(at)
            else:
                bad.count += 1
                bad.rows.append((at, len(record), layout.separator.join(record)[:60]))
            at += 1
        columns = {f"field_{index}": list(cells) for index, cells in enumerate(zip(*good, strict=True))}
        columns = columns or {f"field_{index}": [] for index in range(layout.width)}
        yield _rows(
            np.array(numbers, dtype=np.int64), pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)), layout
        )


def _rows(numbers: RowNumbers, split: pl.DataFrame, layout: Layout) -> Rows:
    return Rows(numbers, split.rename(dict(zip(split.columns, layout.names, strict=True))))
