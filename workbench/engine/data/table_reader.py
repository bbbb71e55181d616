"""A table in a file with every cell as text, for sources that use a few of its columns."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from workbench.engine.data.tables.encoding import encoding_of
from workbench.engine.data.tables.file import TableFile, TableOptions, open_table


def read(path: Path, least: int = 2) -> pl.DataFrame:
    """The cells of a table (CSV with any usual separator, TSV, Excel, Parquet), cleaned; null where there is none.

    Raises RefusedError.
    """
    return read_with_report(path, least)[0]


def read_with_report(path: Path, least: int = 2, options: TableOptions | None = None) -> tuple[pl.DataFrame, TableFile]:
    """The same, and the table that they are of. Raises RefusedError."""
    table = open_table(path, options, least)
    return table.whole().cells, table


def decode_text(path: Path) -> str:
    """The text in a file. Raises RefusedError for a file that is no text, and OSError."""
    return path.read_text(encoding=encoding_of(path).codec)
