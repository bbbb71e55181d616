"""The rows of a table in the order of their time, and one series after the other where several stand in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl
import torch
from torch import Tensor

from workbench.config.dataset import Series
from workbench.engine.data.report import assumed, question, warning
from workbench.engine.data.tables.columns import ColumnReading, read_numbers, without_gaps
from workbench.engine.data.tables.file import TableFile
from workbench.engine.data.tables.rows import Rows
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

GAP = 1.5
"""From so many usual steps on a step of time is a gap."""


@dataclass(frozen=True)
class Segment:
    """Rows ``start`` to ``stop`` of the arranged ones: those of one series."""

    name: str
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.stop - self.start


@dataclass(frozen=True)
class SeriesOrder:
    """``rows``: the numbers of the rows in their order, int64 (n,)."""

    rows: Tensor
    segments: tuple[Segment, ...]
    findings: tuple[Finding, ...]


def arrange(table: TableFile, rows: Rows, readings: Mapping[str, ColumnReading], config: Series) -> SeriesOrder:
    """The rows by series, and within each by time, as far as the settings name their columns; else as they stand.

    Raises RefusedError for a row without a time or a series.
    """
    cells = rows.cells
    times = moments(table, rows, config.time, readings[config.time]) if config.time else None
    names, groups = _groups(table, rows, config.series_column)
    order = torch.argsort(times, stable=True) if times is not None else torch.arange(len(cells))
    order = order[torch.argsort(groups[order], stable=True)]
    sizes = torch.bincount(groups, minlength=len(names))
    stops = sizes.cumsum(0)
    segments = tuple(
        Segment(name, int(stop - size), int(stop)) for name, size, stop in zip(names, sizes, stops, strict=True)
    )
    if times is None:
        findings = list(_without_time(cells, readings, config))
    else:
        findings = list(_with_time(cells, readings, config, order, times, segments))
    return SeriesOrder(order, segments, tuple(findings))


def moments(table: TableFile, rows: Rows, name: str, reading: ColumnReading) -> Tensor:
    """A column of times, dates as seconds since 1970: float64 (rows,). Raises RefusedError for a cell that is none."""
    cells = rows.cells[name]
    values = read_numbers(cells, reading if reading.kind == "date" else ColumnReading("number", reading.marks))
    wrong = values.is_null()
    if wrong.any():
        row = int(wrong.arg_true()[0])
        what = f"the time column {name} contains {cells[row]!r} in {_row_name(table, rows, row)}, which is not a time"
        raise RefusedError(what, "write numbers, or dates as 2024-12-31 or 2024-12-31 23:59:59", "dataset.time")
    return torch.from_numpy(values.to_numpy().copy())


def _groups(table: TableFile, rows: Rows, name: str) -> tuple[list[str], Tensor]:
    """The series in the order in which they begin, and the number of each row's: int64 (rows,)."""
    if not name:
        return [""], torch.zeros(len(rows.numbers), dtype=torch.int64)
    column = without_gaps(rows.cells[name])
    if column.null_count():
        row = int(column.is_null().arg_true()[0])
        what = f"the series column {name} is empty in {_row_name(table, rows, row)}"
        raise RefusedError(what, "fill it in, or choose another column", "dataset.series_column")
    names = column.unique(maintain_order=True).to_list()
    numbers = column.replace_strict(names, list(range(len(names))), return_dtype=pl.Int64)
    return names, torch.from_numpy(numbers.to_numpy().copy())


def _row_name(table: TableFile, rows: Rows, index: int) -> str:
    return table.row_name(int(rows.numbers[index]))


def _with_time(
    cells: pl.DataFrame,
    readings: Mapping[str, ColumnReading],
    config: Series,
    order: Tensor,
    times: Tensor,
    segments: tuple[Segment, ...],
) -> Iterator[Finding]:
    """What the times show: rows that were sorted, times that come twice, and steps that are missing."""
    if not torch.equal(order, torch.arange(len(order))):
        yield assumed(f"the rows were sorted by {config.time}", "dataset.time")
    doubled, gaps = 0, 0
    for segment in segments:
        steps = times[order[segment.start : segment.stop]].diff()
        doubled += int((steps == 0).sum())
        forward = steps[steps > 0]
        gaps += int((forward > GAP * forward.median()).sum()) if len(forward) else 0
    if doubled:
        yield _doubled(cells, readings, config, doubled, config.time)
    if gaps:
        text = (
            f"{gaps:,} steps of {config.time} are longer than usual: windows go over these gaps as if there were none"
        )
        yield warning(text, "dataset.time", "fill in the missing rows")


def _without_time(cells: pl.DataFrame, readings: Mapping[str, ColumnReading], config: Series) -> Iterator[Finding]:
    """What the first column of dates shows of rows whose order is kept as it stands."""
    dates = (name for name, reading in readings.items() if reading.kind == "date" and name != config.series_column)
    name = next(dates, "")
    if not name:
        return
    times = read_numbers(cells[name], readings[name]).drop_nulls()
    doubled = len(times) - times.n_unique()
    if doubled and not config.series_column:
        yield _doubled(cells, readings, config, doubled, name)
    elif not doubled and (times.diff().drop_nulls() < 0).any():
        text = f"the rows are not sorted by {name}: set dataset.time = {name!r} to sort them"
        yield warning(text, "dataset.time", "choose the column by which they are to be sorted")


def _doubled(
    cells: pl.DataFrame, readings: Mapping[str, ColumnReading], config: Series, count: int, time: str
) -> Finding:
    """Times that come more than once: several series in one table, which are to be told apart, or rows that are there twice."""
    if config.series_column:
        text = f"{count:,} times of {time} come more than once in one series"
        return warning(text, "dataset.series_column", "remove the rows that are there twice")
    text = f"{count:,} times of {time} come more than once: the table may hold several series"
    for name, reading in readings.items():
        words = reading.kind == "category" and name not in (time, config.target)
        if words and not cells.select(name, time).is_duplicated().any():
            cure = f"set dataset.series_column to the column that tells them apart, for example {name!r}"
            return question(text, "dataset.series_column", cure)
    return warning(
        text,
        "dataset.series_column",
        "set dataset.series_column to the column that tells them apart, or remove doubled rows",
    )
