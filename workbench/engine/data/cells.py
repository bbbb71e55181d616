"""Tables in files as cells of text: what a cell means is decided here, not guessed by the reader of the file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import torch
from torch import Tensor

from workbench.engine.failures import RefusedError

GAPS = ("", "na", "n/a", "nan", "null", "none", "?")
PARQUET = b"PAR1"
"""The first bytes of every Parquet file."""


def read(path: Path, least: int = 2) -> pl.DataFrame:
    """A table (CSV with any usual separator, TSV, Parquet) of ``least`` columns or more, every cell as text.

    Raises RefusedError.
    """
    if not path.is_file():
        what = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
        raise RefusedError(what, "choose a CSV, TSV or Parquet file", "dataset.path")
    try:
        mark = separator_of(path)
        frame = _parquet(path) if mark is None else _separated(path, mark)
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RefusedError(f"{path} cannot be read as a table: {first}", "save it as CSV", "dataset.path") from error
    if frame.width < least:
        what = f"{path} has one column only"
        raise RefusedError(
            what, "a table needs inputs and a target, divided by commas, semicolons or tabs", "dataset.path"
        )
    names = [name.strip().lstrip("\ufeff") for name in frame.columns]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise RefusedError(f"{path} has two columns named {twice!r}", "give them different names", "dataset.path")
    return frame.rename(dict(zip(frame.columns, names, strict=True)))


def require(frame: pl.DataFrame, name: str, setting: str) -> None:
    """Raises RefusedError, at the setting that names it, for a column that a table does not have."""
    if name not in frame.columns:
        raise RefusedError(f"the table has no column {name!r}", f"its columns are {', '.join(frame.columns)}", setting)


def separator_of(path: Path) -> str | None:
    """What divides the cells of a table in a file; None for Parquet, which has no lines. Raises OSError."""
    with path.open("rb") as file:
        if file.read(len(PARQUET)) == PARQUET:
            return None
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return separator(file.read(65536))


def _separated(path: Path, mark: str) -> pl.DataFrame:
    return pl.read_csv(path, separator=mark, infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True)


def separator(start: str) -> str:
    """What divides the first line into the most columns."""
    first = start.splitlines()[:1]
    return max(",;\t|", key=lambda mark: max((len(cells) for cells in csv.reader(first, delimiter=mark)), default=0))


def _parquet(path: Path) -> pl.DataFrame:
    """Columns of numbers, words, truth values and times; lists and other nested columns hold no cells and are left off."""
    frame = pl.read_parquet(path)
    flat = [name for name, kind in frame.schema.items() if not kind.is_nested() and kind != pl.Binary]
    return frame.select(pl.col(flat).cast(pl.String))


def is_gap(cell: str | None) -> bool:
    """Whether a cell holds nothing, in one of the usual ways to say so."""
    return cell is None or cell.strip().lower() in GAPS


def number(cell: str | None) -> float | None:
    """The finite number in a cell, or None."""
    if is_gap(cell):
        return None
    try:
        value = float(str(cell))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def times(name: str, cells: Sequence[str | None]) -> Tensor:
    """A column of times: numbers, or ISO 8601 dates as seconds since 1970 (UTC where none is said). float64 (rows,).

    Raises RefusedError.
    """
    numbers = [number(cell) for cell in cells]
    found = numbers if None not in numbers else [_date(cell) for cell in cells]
    for cell, value in zip(cells, found, strict=True):
        if value is None:
            what = f"the time column {name} holds {cell!r}, which is no time"
            raise RefusedError(what, "write numbers, or dates as 2024-12-31 or 2024-12-31 23:59:59", "dataset.time")
    return torch.tensor(found, dtype=torch.float64)


def _date(cell: str | None) -> float | None:
    try:
        found = datetime.fromisoformat((cell or "").strip())
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
