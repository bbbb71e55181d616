"""How a text file is laid out as a table: separator, quotes, the header and what stands before it.

A spreadsheet's reading is the measure: a quote counts at the beginning of a cell only, blank lines are none, titles and comments
before the header are skipped. Nothing is cut: a line with too many or too few cells is found, and named.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from workbench.engine.data.report import assumed, question
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

SEPARATORS = ";\t|,"
"""In the order in which they win where two divide the lines equally well: a comma may be a decimal mark."""
SAMPLE_LINES = 500
SAMPLE_CHARACTERS = 1 << 20
_SEP_LINE = re.compile(r"^\ufeff?sep=(.)$", re.IGNORECASE)
_NUMERIC = re.compile(r"^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$")
_NUMBER_OF_A_COLUMN = "column {}"
Record = list[str]


@dataclass(frozen=True)
class Layout:
    """``names`` are those of all columns. ``first``: records before the first row, blank lines not counted."""

    separator: str
    quote: str
    names: tuple[str, ...]
    first: int
    header_line: int
    """Counted from 1; 0 where the file has no header."""
    skipped_lines: int
    width: int
    """Cells of a regular line, those of a separator at its end included."""
    findings: tuple[Finding, ...] = ()


def records(file: TextIO, separator: str, quote: str) -> Iterator[Record]:
    """The cells of each line, blank ones left off. Cells in quotes may go over several lines."""
    csv.field_size_limit(1 << 30)
    if quote:
        return (
            record
            for record in csv.reader(file, delimiter=separator, quotechar=quote)
            if any(record) or len(record) > 1
        )
    return (line.rstrip("\n").split(separator) for line in file if line.strip())


def layout_of(path: Path, file: TextIO, header: str = "auto") -> Layout:
    """The layout of a text file that was just opened. ``header``: ``auto``, ``first line`` or ``none``.

    Raises RefusedError, OSError.
    """
    text = file.read(SAMPLE_CHARACTERS)
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise RefusedError(f"{path} is empty", "choose a file with a header and rows", "dataset.path")
    said = _SEP_LINE.match(lines[0].strip('"\r\n '))
    skipped = 1 if said else 0
    sample = "\n".join(lines[skipped : skipped + SAMPLE_LINES])
    separator, quote = (said[1], '"') if said else best_separator(sample)
    found = list(itertools.islice(records(io.StringIO(sample), separator, quote), SAMPLE_LINES))
    # A quote that is never closed joins lines; where they are regular without quotes, it is a character like any other.
    if said is None and quote and (not _is_regular(found) or any("\n" in cell for row in found for cell in row)):
        plain = list(records(io.StringIO(sample), separator, ""))
        if _is_regular(plain):
            found, quote = plain, ""
    return _with_header(found, Layout(separator, quote, (), skipped, 0, skipped, 0), lines[skipped:], header)


def best_separator(sample: str) -> tuple[str, str]:
    """What divides the lines of a sample into equally many cells, most of them, and the first line too; and the quote."""
    scores = {}
    quote = '"' if '"' in sample else ""
    for separator in SEPARATORS:
        found = list(records(io.StringIO(sample), separator, quote))
        widths = [len(record) for record in found]
        width, count = Counter(widths).most_common(1)[0]
        if width > 1:
            start = _titles(found, width, sample.splitlines())
            fits = {0: 1.0, 1: 0.8}.get(width - widths[start], 0.5) * (0.97 if start else 1.0)
            scores[separator] = (count / (len(widths) - start) * fits, -SEPARATORS.index(separator))
    best = max(scores, key=lambda separator: scores[separator]) if scores else ","
    return best, quote


def _is_regular(found: Sequence[Record]) -> bool:
    widths = Counter(map(len, found))
    return len(widths) == 1


def _width_of(found: Sequence[Record]) -> int:
    """Cells of most lines; of equally frequent widths that of the first."""
    return Counter(map(len, found)).most_common(1)[0][0]


def _with_header(found: list[Record], layout: Layout, lines: Sequence[str], header: str) -> Layout:
    body = found[1:] or found
    width = _width_of(body)
    start = 0 if header != "auto" else _titles(found, width, lines)
    first = found[start]
    names = [name.strip().strip("\ufeff").strip() for name in first]
    if names and names[0].startswith("#") and len(names) > 1:
        names[0] = names[0].lstrip("# ")
    is_row = header == "auto" and _looks_like_a_row(names)
    if header == "none" or is_row:
        return _without_header(layout, width, names if is_row else ())
    rest = found[start + 1 :]
    findings = list(layout.findings)
    names = _fit_names(names, width, rest)
    line = layout.skipped_lines + _line_of(lines, start)
    if start:
        findings.append(assumed(f"the header is line {line}: what stands before it is skipped", "dataset.header"))
    return replace(
        layout,
        names=tuple(names),
        width=len(names),
        first=layout.first + start + 1,
        header_line=line,
        skipped_lines=line - 1,
        findings=tuple(findings),
    )


def _without_header(layout: Layout, width: int, row: Sequence[str]) -> Layout:
    """The columns by their numbers. ``row``: the first line, where it is not said that it names no columns."""
    findings = list(layout.findings)
    if row:
        text = f"the first line ({', '.join(row[:4])}) contains only numbers: it may be a row and no header"
        cure = (
            "set dataset.header to 'first line' if they are the columns' names, or to 'none' if the file has no header"
        )
        findings.append(question(text, "dataset.header", cure))
    names = tuple(_NUMBER_OF_A_COLUMN.format(number + 1) for number in range(width))
    return replace(layout, names=names, width=width, header_line=0, findings=tuple(findings))


def _fit_names(names: list[str], width: int, rest: Sequence[Record]) -> list[str]:
    """The names with one more or one less, where every line has a separator at its end, or the first column has no name."""
    if len(names) == width - 1 and rest and all(len(row) == width for row in rest):
        # As R writes it, or with a separator at the end of every line but the header.
        return [*names, ""] if all(not row[-1].strip() for row in rest) else ["", *names]
    if len(names) == width + 1 and not names[-1]:
        return names[:-1]
    return names


def _looks_like_a_row(names: Sequence[str]) -> bool:
    filled = [name for name in names if name]
    return bool(filled) and all(_NUMERIC.match(name) for name in filled)


def _titles(found: Sequence[Record], width: int, lines: Sequence[str]) -> int:
    """How many records stand before the header: comments, and titles of fewer cells than the rows have."""
    for number, record in enumerate(found[:50]):
        filled = sum(bool(cell.strip()) for cell in record)
        following = found[number + 1] if number + 1 < len(found) else []
        if len(record) < width - 1 or (record[0].lstrip().startswith("#") and len(record) != width):
            continue
        line = _line_of(lines, number)
        if len(record) < width and line < len(lines) and not lines[line].strip():
            continue  # a title, with an empty line below it
        if width > 2 and filled <= 1 and sum(bool(cell.strip()) for cell in following) > 1:
            continue
        return number
    return 0


def _line_of(lines: Sequence[str], record: int) -> int:
    """The line, counted from 1, of a record, where no cell before it goes over several lines."""
    filled = [number for number, line in enumerate(lines, 1) if line.strip()]
    return filled[record] if record < len(filled) else record + 1
