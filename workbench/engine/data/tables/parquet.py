"""Parquet files as cells of text."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from workbench.engine.data.report import assumed
from workbench.engine.data.tables.rows import BATCH_ROWS, Rows
from workbench.runs.service.data_report import Finding

MAGIC = b"PAR1"
"""The first bytes of every Parquet file."""
_WHOLE = r"\.0$"


@dataclass(frozen=True)
class ParquetContent:
    """Columns that hold cells, and what was left out."""

    names: tuple[str, ...]
    batches: Callable[[], Iterator[Rows]]
    findings: tuple[Finding, ...]


def read(path: Path) -> ParquetContent:
    """The columns of numbers, words, booleans and times of a file. Raises polars' errors and OSError.

    Lists and other nested columns, binary ones and durations hold no cells and are left out.
    """
    schema = pl.read_parquet_schema(path)
    flat = [name for name, kind in schema.items() if _holds_cells(kind)]
    other = {name: kind for name, kind in schema.items() if name not in flat}
    findings = tuple(
        assumed(f"column {name} is left out: its type {kind} holds no numbers and no words", "dataset.ignore")
        for name, kind in other.items()
    )
    return ParquetContent(tuple(flat), functools.partial(_batches, path, flat, schema), findings)


def _holds_cells(kind: pl.DataType) -> bool:
    return not kind.is_nested() and kind not in (pl.Binary, pl.Duration, pl.Object, pl.Null)


def _batches(path: Path, names: list[str], schema: dict[str, pl.DataType]) -> Iterator[Rows]:
    texts = [_as_text(name, schema[name]) for name in names]
    scan, start = pl.scan_parquet(path), 0
    while True:
        frame = scan.slice(start, BATCH_ROWS).select(texts).collect()
        if not len(frame):
            return
        yield Rows(np.arange(start, start + len(frame)), frame)
        start += len(frame)


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if kind.is_float():
        # A whole number is written as one: floats are often integers that had gaps.
        return column.cast(pl.String).str.replace(_WHOLE, "")
    return column.cast(pl.String)
