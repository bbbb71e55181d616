"""Tables in files as cells of text: what a cell means is decided here, not guessed by the reader of the file."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import torch
from torch import Tensor

from workbench.engine.data.report import assumed
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

GAPS = ("", "na", "n/a", "nan", "null", "none", "?")
PARQUET = b"PAR1"
"""The first bytes of every Parquet file."""
UTF8 = "UTF-8"
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""How a file says at its beginning what it is encoded in. Spreadsheets call UTF-16 *Unicode text*."""
DECIMAL_SHARE = 0.8
"""Of a column's filled cells so many are numbers where its commas are taken for decimal points."""
_DECIMAL_COMMA = r"^\s*[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?([eE][+-]?\d+)?\s*$"
_DECIMAL_COMMA_FITS = re.compile(_DECIMAL_COMMA).match


def read(path: Path, least: int = 2) -> pl.DataFrame:
    """A table (CSV with any usual separator, TSV, Parquet) of ``least`` columns or more, every cell as text.

    Raises RefusedError.
    """
    return read_with_report(path, least)[0]


@dataclass(frozen=True)
class Reading:
    """How a table was read: what a person should know of it, and the columns whose commas are decimal points."""

    findings: tuple[Finding, ...] = ()
    commas: tuple[str, ...] = ()


def read_with_report(path: Path, least: int = 2, commas: Sequence[str] = ()) -> tuple[pl.DataFrame, Reading]:
    """The same, with how it was read. ``commas``: columns known to have decimal commas, whether this file shows them or not."""
    if not path.is_file():
        what = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
        raise RefusedError(what, "choose a CSV, TSV or Parquet file", "dataset.path")
    try:
        mark = separator_of(path)
        frame, reading = (_parquet(path), Reading()) if mark is None else _separated(path, mark, commas)
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RefusedError(f"{path} cannot be read as a table: {first}", "save it as CSV", "dataset.path") from error
    if frame.width < least:
        what = f"{path} has only one column"
        raise RefusedError(what, "separate inputs and target by commas, semicolons or tabs", "dataset.path")
    names = [name.strip().lstrip("\ufeff") for name in frame.columns]
    duplicate = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if duplicate is not None:
        raise RefusedError(f"{path} has two columns named {duplicate!r}", "give them different names", "dataset.path")
    return frame.rename(dict(zip(frame.columns, names, strict=True))), reading


def require(frame: pl.DataFrame, name: str, setting: str) -> None:
    """Raises RefusedError, at the setting that names it, for a column that a table does not have."""
    if name not in frame.columns:
        raise RefusedError(
            f"the table has no column {name!r}", f"choose one of its columns: {', '.join(frame.columns)}", setting
        )


def separator_of(path: Path) -> str | None:
    """What divides the cells of a table in a file; None for Parquet, which has no lines. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(65536)
    if start.startswith(PARQUET):
        return None
    # What is cut in the middle of a character is no news.
    return separator(start.decode(_marked(start) or "utf-8", errors="replace"))


def _separated(path: Path, mark: str, known: Sequence[str]) -> tuple[pl.DataFrame, Reading]:
    text, encoding = decode_text(path)
    frame = cells(text, mark)
    findings = [] if encoding == UTF8 else [assumed(f"the table is read as {encoding}: it is not UTF-8")]
    # Where commas separate cells, a comma is no decimal point.
    shown = [name for name in frame.columns if _has_decimal_commas(frame[name])] if mark != "," else []
    commas = [name for name in frame.columns if name in shown or name.strip() in known]
    if commas:
        point = pl.col(commas).str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        frame = frame.with_columns(
            pl.when(pl.col(commas).str.contains(_DECIMAL_COMMA)).then(point).otherwise(pl.col(commas))
        )
        names = ", ".join(name.strip() for name in commas)
        findings.append(assumed(f"decimal commas are read as points in {names}"))
    return frame, Reading(tuple(findings), tuple(name.strip() for name in commas))


def cells(text: str, mark: str) -> pl.DataFrame:
    """A table of separated values, every cell as text; what a line has beyond the header is left off."""
    return pl.read_csv(text.encode(), separator=mark, infer_schema=False, truncate_ragged_lines=True)


def _has_decimal_commas(column: pl.Series) -> bool:
    """Whether its cells are numbers, as far as they are filled, and a comma stands in some of them."""
    filled = [cell for cell in column.to_list() if not is_gap(cell)]
    fitting = sum(_DECIMAL_COMMA_FITS(cell) is not None for cell in filled)
    return fitting >= DECIMAL_SHARE * max(len(filled), 1) and any("," in cell for cell in filled)


def decode_text(path: Path) -> tuple[str, str]:
    """The text in a file, and what it is encoded in: as a mark at its beginning says, else UTF-8, else Windows-1252.

    Raises RefusedError for a file that is no text, and OSError.
    """
    raw = path.read_bytes()
    encoding = _marked(raw) or "utf-8"
    try:
        return raw.decode(encoding), UTF8 if encoding.startswith("utf-8") else encoding.upper()
    except UnicodeDecodeError:
        if b"\0" in raw:
            hint = "choose a text file that is saved as UTF-8"
            raise RefusedError(f"{path} is not text, or has an unknown encoding", hint, "dataset.path") from None
        return raw.decode("cp1252", errors="replace"), "Windows-1252"


def _marked(raw: bytes) -> str:
    """The encoding that a mark at the beginning gives; empty where there is none."""
    return next((name for mark, name in MARKS.items() if raw.startswith(mark)), "")


def separator(start: str) -> str:
    """What divides the first line into the most columns."""
    first = start.splitlines()[:1]
    return max(",;\t|", key=lambda mark: max((len(cells) for cells in csv.reader(first, delimiter=mark)), default=0))


def _parquet(path: Path) -> pl.DataFrame:
    """Columns of numbers, words, booleans and times; lists and other nested columns hold no cells and are left out."""
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
    values = numbers if None not in numbers else [_date(cell) for cell in cells]
    for cell, value in zip(cells, values, strict=True):
        if value is None:
            what = f"the time column {name} contains {cell!r}, which is not a time"
            raise RefusedError(what, "write numbers, or dates as 2024-12-31 or 2024-12-31 23:59:59", "dataset.time")
    return torch.tensor(values, dtype=torch.float64)


def _date(cell: str | None) -> float | None:
    try:
        date = datetime.fromisoformat((cell or "").strip())
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
