"""What a column holds: evidence is gathered over all of its cells, then it is decided once, and every cell is read by that."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from workbench.engine.data.tables.dates import DateEvidence, Order, decide_order, parse_dates
from workbench.engine.data.tables.numbers import (
    BLANKS,
    PLAIN,
    SURE_COMMA,
    SURE_POINT,
    Marks,
    NumberEvidence,
    decide_marks,
    parse,
)

GAPS = ("", "na", "n/a", "nan", "null", "none", "?", "#n/a", "nil", "-")
"""Words for a value that is missing, in lower case."""
FITTING_SHARE = 0.8
"""Of a column's filled cells so many are numbers, or dates, where it is a column of them; other cells in it count as missing."""
MAX_CATEGORIES = 50
"""A column with more different values is not a category but a text or a name, and is not used."""
MOST_DISTINCT = 2000
"""Different values of a column that are told apart; of more it is only known that they are many."""
EXAMPLES = 3
Kind = Literal["number", "category", "date", "text", "identifier", "constant", "empty", "other"]
_WIDE_BLANKS = f"\t\r\n {BLANKS}\u3000\ufeff\u200b"


def cleaned(cells: pl.Series) -> pl.Series:
    """Cells without blanks at their ends, in composed form (NFC); null where there is nothing."""
    text = cells.str.strip_chars(_WIDE_BLANKS)
    if text.str.contains(r"[^\x00-\x7f]").any():
        text = text.str.normalize("NFC")
    return text.replace("", None)


def clean(text: str) -> str:
    """The same for one text."""
    return unicodedata.normalize("NFC", text.strip(_WIDE_BLANKS))


def without_gaps(cells: pl.Series) -> pl.Series:
    """Cleaned cells with null for each that holds nothing, in one of the usual ways to say so."""
    return (
        pl.select(pl.when(cells.str.to_lowercase().is_in(GAPS)).then(None).otherwise(cells))
        .to_series()
        .rename(cells.name)
    )


@dataclass
class ColumnEvidence:
    """What was seen of a column so far."""

    name: str
    rows: int = 0
    empty: int = 0
    missing_words: Counter[str] = field(default_factory=Counter)
    """Cells that say in a word that there is no value, by that word."""
    values: Counter[str] = field(default_factory=Counter)
    """Filled cells by their text, as long as they are not too many."""
    is_many: bool = False
    """Whether there are more different values than are told apart."""
    numbers: NumberEvidence = field(default_factory=NumberEvidence)
    dates: DateEvidence = field(default_factory=DateEvidence)
    first: list[str] = field(default_factory=list)
    counts_up: bool = True
    """Whether the cells are whole numbers, each one more than that before it."""
    last: int | None = None

    def add(self, cells: pl.Series) -> None:
        """Takes more cells, cleaned, into account."""
        self.rows += len(cells)
        self.empty += cells.null_count()
        filled = cells.drop_nulls()
        words = filled.str.to_lowercase().is_in(GAPS)
        if words.any():
            self.missing_words.update(dict(filled.filter(words).value_counts().iter_rows()))
            filled = filled.filter(~words)
        self._add_values(filled)
        self.numbers.add(filled)
        if self.numbers.numbers < self.filled:
            self.dates.add(filled)
        self._follow_count(cells)

    @property
    def filled(self) -> int:
        """Cells with a value."""
        return self.rows - self.empty - sum(self.missing_words.values())

    @property
    def missing(self) -> int:
        """Cells without one."""
        return self.rows - self.filled

    def _add_values(self, filled: pl.Series) -> None:
        if len(self.first) < EXAMPLES:
            self.first += [value for value in filled.head(50).unique(maintain_order=True) if value not in self.first]
            self.first = self.first[:EXAMPLES]
        if self.is_many:
            return
        # Of a long column a part may show already that its values are many.
        start = filled.head(4 * MOST_DISTINCT)
        counts = filled.value_counts() if start.n_unique() <= MOST_DISTINCT else None
        if counts is not None:
            self.values.update(dict(counts.iter_rows()))
        if counts is None or len(self.values) > MOST_DISTINCT:
            self.is_many = True
            self.values.clear()

    def _follow_count(self, cells: pl.Series) -> None:
        if not self.counts_up or not len(cells):
            return
        numbers = cells.cast(pl.Int64, strict=False)
        steps = numbers.diff().drop_nulls()
        joins = self.last is None or numbers[0] == self.last + 1
        self.counts_up = bool(numbers.null_count() == 0 and joins and (steps == 1).all())
        self.last = numbers[-1] if self.counts_up else None


@dataclass(frozen=True)
class ColumnReading:
    """How the cells of a column are read. ``open`` names what is ambiguous: decimal, date order; empty where nothing is."""

    kind: Kind
    marks: Marks = PLAIN
    order: Order = "year first"
    open: str = ""
    why_not_number: str = ""


@dataclass(frozen=True)
class Choices:
    """What the settings say of how columns are read."""

    decimal: str = "auto"
    thousands: str = "auto"
    date_order: str = "auto"
    writes_points: bool = False
    """Whether the file cannot have decimal commas: they would divide cells."""


def decide_columns(evidence: Sequence[ColumnEvidence], choices: Choices) -> dict[str, ColumnReading]:
    """How each column of a table is read. What a column leaves open is decided by the others, if they all write alike."""
    readings = {column.name: _decide(column, choices) for column in evidence}
    marks = _marks_of_file(evidence, readings.values(), choices)
    return {
        name: _as_the_file(reading, marks) if reading.open == "decimal" else reading
        for name, reading in readings.items()
    }


def _decide(evidence: ColumnEvidence, choices: Choices) -> ColumnReading:
    filled, numbers = evidence.filled, evidence.numbers
    if not filled:
        return ColumnReading("empty")
    if not evidence.is_many and len(evidence.values) == 1 and not evidence.missing:
        return ColumnReading("constant")
    decision = decide_marks(numbers, choices.decimal, choices.thousands)
    why = ""
    if numbers.numbers >= FITTING_SHARE * filled:
        if numbers.units_agree():
            return ColumnReading("number", decision.marks, open="decimal" if decision.open else "")
        units = ", ".join(repr(unit) if unit else "none" for unit, _ in numbers.units.most_common(3))
        why = f"its numbers have different units ({units})"
    if evidence.dates.dates >= FITTING_SHARE * filled:
        order = decide_order(evidence.dates, choices.date_order)
        return ColumnReading("date", order=order.order, open="date" if order.open else "")
    is_category = not evidence.is_many and len(evidence.values) <= MAX_CATEGORIES
    return ColumnReading("category" if is_category else "text", decision.marks, why_not_number=why)


def _marks_of_file(evidence: Iterable[ColumnEvidence], readings: Iterable[ColumnReading], choices: Choices) -> str:
    """The decimal mark that the columns which leave no doubt have; empty where there is none, or they do not agree."""
    sure = {
        reading.marks.decimal
        for column, reading in zip(evidence, readings, strict=True)
        if reading.kind == "number" and not reading.open and _shows_decimal(column.numbers, reading.marks.decimal)
    }
    if not sure and choices.writes_points:
        return "point?"
    return sure.pop() if len(sure) == 1 else ""


def _shows_decimal(numbers: NumberEvidence, mark: str) -> bool:
    return numbers.sure((*SURE_POINT, "commas") if mark == "." else (*SURE_COMMA, "dots")) > 0


def _as_the_file(reading: ColumnReading, decimal: str) -> ColumnReading:
    """A column whose one mark may be both, read as the other columns are written."""
    mark = reading.marks.decimal
    if decimal == "point?":
        # The comma may still be either in a table that puts it in quotes.
        return ColumnReading("number", reading.marks) if mark == "." else reading
    if not decimal:
        return reading
    marks = reading.marks if mark == decimal else Marks(decimal, mark, reading.marks.unit)
    return ColumnReading("number", marks)


def read_numbers(cells: pl.Series, reading: ColumnReading) -> pl.Series:
    """The numbers of cleaned cells, float64; null where there is none. Dates are seconds since 1970."""
    if reading.kind == "date":
        return parse_dates(cells, reading.order)
    return parse(without_gaps(cells), reading.marks)


def number(cell: str | None) -> float | None:
    """The number in a cell as programs write it, or None."""
    values = parse(pl.Series([cell or ""]), PLAIN)
    return None if values[0] is None else float(values[0])
