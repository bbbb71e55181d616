"""Excel files (.xlsx, .xls) as text: a sheet becomes lines of separated, quoted cells, and is read from there like any other."""

from __future__ import annotations

import csv
import datetime
import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.engine.data.report import assumed
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import FileReading, Finding

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""The first bytes of .xlsx and of .xls."""
Opener = Callable[[], io.StringIO]


def as_text(path: Path, sheet: str = "") -> tuple[Opener, FileReading, tuple[Finding, ...]]:
    """A sheet as text. ``sheet``: its name; empty: the first that is not empty. Raises RefusedError."""
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_path(path)
        names = list(workbook.sheet_names)
        if sheet and sheet not in names:
            what = f"{path} has no sheet {sheet!r}"
            raise RefusedError(what, f"choose one of its sheets: {', '.join(names)}", "dataset.sheet")
        rows, name = _rows(workbook, [sheet] if sheet else names)
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        hint = "open it in a spreadsheet program and save it as .xlsx or CSV"
        raise RefusedError(f"{path} cannot be read as an Excel file: {error}", hint, "dataset.path") from error
    others = [other for other in names if other != name]
    findings: tuple[Finding, ...] = ()
    if others and not sheet:
        text = f"of {len(names)} sheets the first with rows, {name!r}, is read ({', '.join(others[:5])} not)"
        findings = (assumed(text, "dataset.sheet"),)
    lines = io.StringIO()
    csv.writer(lines, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([map(cell_text, row) for row in rows])
    return functools.partial(io.StringIO, lines.getvalue()), FileReading(format="excel", sheet=name), findings


def _rows(workbook: CalamineWorkbook, names: list[str]) -> tuple[list[list[object]], str]:
    """The rows of the first of the sheets that has any, and its name."""
    rows: list[list[object]] = []
    for name in names:
        rows = [list(row) for row in workbook.get_sheet_by_name(name).to_python(skip_empty_area=True)]
        if rows:
            return rows, name
    return rows, names[0] if names else ""


def cell_text(value: object) -> str:
    """A cell as text: whole numbers without a point, times in ISO form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    return str(value)
