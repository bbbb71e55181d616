"""A table in a file (text, Excel, Parquet): its columns, and its rows in batches of cells as text."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import overload

import numpy as np
import polars as pl

from workbench.config.dataset import TableFileSettings
from workbench.engine.data.dataset import LeftOut
from workbench.engine.data.report import stamp_of, warning
from workbench.engine.data.tables import excel, parquet
from workbench.engine.data.tables.columns import ColumnReading, clean, cleaned, read_numbers, without_gaps
from workbench.engine.data.tables.encoding import encoding_of
from workbench.engine.data.tables.layout import layout_of
from workbench.engine.data.tables.rows import BadLines, RowNames, RowNumbers, Rows, batches
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import FileReading, Finding

KEPT_BYTES = 1 << 26
"""Cells up to this size are kept; those of larger tables are read again whenever they are needed."""


@dataclass(frozen=True)
class TableOptions:
    """What the settings say of how a file is read; ``auto`` and empty: as it shows itself."""

    encoding: str = "auto"
    header: str = "auto"
    sheet: str = ""


def options_of(config: TableFileSettings) -> TableOptions:
    """How the settings say that a file is read."""
    return TableOptions(config.encoding, config.header, config.sheet)


@dataclass
class TableFile:
    """A table that was opened: ``names`` are those of its columns, each once. ``batches`` reads its rows, cleaned."""

    path: Path
    names: tuple[str, ...]
    reading: FileReading
    row_name: RowNames
    batches: Callable[[], Iterator[Rows]]
    nameless: tuple[str, ...] = ()
    """Columns that have no name in the file, as they are called here."""
    findings: list[Finding] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    stamp: str = ""

    def whole(self) -> Rows:
        """All rows at once."""
        parts = list(self.batches())
        if not parts:
            return Rows(np.arange(0), pl.DataFrame(schema=dict.fromkeys(self.names, pl.String)))
        return Rows(np.concatenate([part.numbers for part in parts]), pl.concat([part.cells for part in parts]))

    def cell(self, row: int, name: str) -> str | None:
        """A single cell, by the number of its row."""
        for rows in self.batches():
            if len(rows.numbers) and row <= rows.numbers[-1]:
                return rows.cells[name][int(np.searchsorted(rows.numbers, row))]  # type: ignore[no-any-return]
        return None

    def misfit(self, name: str, reading: ColumnReading) -> str:
        """The first filled cell of a column that is not of its kind, and its row: ``'oops' in row 3``; or empty."""
        for rows in self.batches():
            filled = without_gaps(rows.cells[name])
            wrong = read_numbers(filled, reading).is_null() & filled.is_not_null()
            if wrong.any():
                at = int(wrong.arg_true()[0])
                return f"{str(filled[at])[:40]!r} in {self.row_name(int(rows.numbers[at]))}"
        return ""


@dataclass(frozen=True)
class NumberedNames(Sequence[str]):
    """The names of rows by their numbers, int64 (n,), each made when it is asked for: of millions there is no room for all."""

    numbers: RowNumbers
    row_name: RowNames

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> NumberedNames: ...
    def __getitem__(self, index: int | slice) -> str | NumberedNames:
        if isinstance(index, slice):
            return NumberedNames(self.numbers[index], self.row_name)
        return self.row_name(int(self.numbers[index]))


def open_table(path: Path, options: TableOptions | None = None, least: int = 2) -> TableFile:
    """Opens a table of ``least`` columns or more, and reads it once. Raises RefusedError where it cannot be read as one."""
    if not path.is_file():
        what = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
        raise RefusedError(what, "choose a CSV, TSV, Excel or Parquet file", "dataset.path")
    try:
        table = _open(path, options or TableOptions())
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RefusedError(f"{path} cannot be read as a table: {first}", "save it as CSV", "dataset.path") from error
    if len(table.names) < least:
        what = f"{path} has only one column"
        raise RefusedError(what, "separate inputs and target by commas, semicolons or tabs", "dataset.path")
    table.stamp = stamp_of([path])
    return table


def _open(path: Path, options: TableOptions) -> TableFile:
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(parquet.MAGIC):
        content = parquet.read(path)
        names, nameless = _names(path, content.names)
        read = functools.partial(_renamed, content.batches, names)
        reading = FileReading(format="parquet", header_line=0)
        return TableFile(path, names, reading, RowNames(1), read, nameless, list(content.findings))
    if start.startswith(excel.MAGIC):
        return _open_text(path, *excel.as_text(path, options.sheet), options)
    encoding = encoding_of(path, options.encoding)
    codec = encoding.codec if encoding.codec != "utf-8" else "utf-8-sig"
    open_file = functools.partial(path.open, encoding=codec, newline=None)
    return _open_text(path, open_file, FileReading(encoding=encoding.title), encoding.findings, options)


def _open_text(
    path: Path,
    open_file: Callable[[], io.TextIOWrapper | io.StringIO],
    reading: FileReading,
    findings: Sequence[Finding],
    options: TableOptions,
) -> TableFile:
    with open_file() as file:
        layout = layout_of(path, file, options.header)
    names, nameless = _names(path, layout.names)
    layout = replace(layout, names=names)
    row_name = RowNames(layout.header_line + 1)
    bad, kept, size = BadLines(layout.width), list[Rows](), 0.0

    def read() -> Iterator[Rows]:
        with open_file() as file:
            for rows in batches(file, layout):
                yield Rows(rows.numbers, _cleaned(rows.cells))

    with open_file() as file:
        for rows in batches(file, layout, bad):
            size += rows.cells.estimated_size()
            if size <= KEPT_BYTES:
                kept.append(Rows(rows.numbers, _cleaned(rows.cells)))
    bad.check(path, row_name)
    reading = reading.model_copy(
        update={
            "separator": layout.separator if reading.format == "csv" else "",
            "quote": layout.quote,
            "header_line": layout.header_line,
            "skipped_lines": layout.skipped_lines,
        }
    )
    source = read if size > KEPT_BYTES else functools.partial(iter, kept)
    table = TableFile(path, names, reading, row_name, source, nameless, [*findings, *layout.findings])
    if bad.count:
        table.left_out = bad.left_out(row_name)
        text = f"{bad.count:,} rows with too many or too few cells are left out"
        table.findings.append(warning(text, "dataset.path", "put cells that contain the separator into double quotes"))
    return table


def _renamed(read: Callable[[], Iterator[Rows]], names: Sequence[str]) -> Iterator[Rows]:
    for rows in read():
        frame = rows.cells.rename(dict(zip(rows.cells.columns, names, strict=True)))
        yield Rows(rows.numbers, _cleaned(frame))


def _cleaned(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame([cleaned(column) for column in frame])


def _names(path: Path, given: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns' names, cleaned, and those that stand in for a missing one. Raises RefusedError for a name twice."""
    names = [clean(name) for name in given]
    duplicate = next((name for index, name in enumerate(names) if name and name in names[:index]), None)
    if duplicate is not None:
        raise RefusedError(f"{path} has two columns named {duplicate!r}", "give them different names", "dataset.path")
    nameless = tuple(f"column {index + 1}" for index, name in enumerate(names) if not name)
    return tuple(name or f"column {index + 1}" for index, name in enumerate(names)), nameless
