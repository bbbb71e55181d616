"""Numbers as people write them: which decimal and which thousands mark a column has, and its unit.

Cells are classed by shape (``1,234`` may be 1234 or 1.234, ``1,5`` may not), the shapes of the whole column are counted, and the
counts decide. What they leave open is decided by the other columns of the file, else it is asked.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import polars as pl

BLANKS = "\u00a0\u202f\u2009\u2007"
"""Blanks that do not break, which spreadsheets set between thousands."""
_CURRENCY = "[$€£¥₩₹₽₺]|USD|EUR|GBP|CHF|JPY|KRW|CNY|INR"
_BODY = r"(?:\d[\d.,'’ ]*|[.,]\d+)"
_AFTER = r"[\p{L}°%‰€$£¥₩₹₽₺\"″′][^\d,;_]{0,10}[23]?"
"""A unit after a number: it begins with a letter or a sign and ends in no digit but that of a square or a cube."""
NUMBER = (
    rf"^(?P<before>{_CURRENCY})?\s*(?P<sign>[+\-−–]?)\s*(?P<before2>{_CURRENCY})?\s*"
    rf"(?P<body>{_BODY}?)(?P<exponent>[eE][+-]?\d+)?(?P<after>\s*(?:{_AFTER})?)$"
)
"""A number with an optional unit before or after it."""
_PLAIN = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_SURELY_DECIMAL = r"\.\d{0,2}$|\.\d{4,}|^[+-]?0?\.|^[+-]?\d{4,}\.|[eE]"
"""A plain number whose point cannot divide thousands."""
GAP_RATIO = 10.0
"""How much larger than the cells with a mark, read as decimals, a plain one must be to show that the mark divides thousands."""

_GROUP = r"[1-9]\d{0,2}"
SHAPES: dict[str, str] = {
    "whole": r"^\d+$",
    "dot?": rf"^{_GROUP}\.\d{{3}}$",
    "comma?": rf"^{_GROUP},\d{{3}}$",
    "dot": r"^(?:\d*\.\d+|\d+\.)$",
    "comma": r"^(?:\d*,\d+|\d+,)$",
    "dots": rf"^{_GROUP}(?:\.\d{{3}}){{2,}}$",
    "commas": rf"^(?:{_GROUP}(?:,\d{{3}}){{2,}}|[1-9]\d?(?:,\d\d)+,\d{{3}})$",
    "dots,comma": rf"^{_GROUP}(?:\.\d{{3}})+,\d*$",
    "commas.dot": rf"^(?:{_GROUP}(?:,\d{{3}})+|[1-9]\d?(?:,\d\d)+,\d{{3}})\.\d*$",
    "spaces": rf"^{_GROUP}(?: \d{{3}})+$",
    "spaces.dot": rf"^{_GROUP}(?: \d{{3}})+\.\d*$",
    "spaces,comma": rf"^{_GROUP}(?: \d{{3}})+,\d*$",
    "quotes": rf"^{_GROUP}(?:['’]\d{{3}})+$",
    "quotes.dot": rf"^{_GROUP}(?:['’]\d{{3}})+\.\d*$",
    "quotes,comma": rf"^{_GROUP}(?:['’]\d{{3}})+,\d*$",
}
"""What the digits of a cell can look like. The first that fits holds; ``?`` marks what has two meanings."""
SURE_POINT = ("dot", "commas.dot", "spaces.dot", "quotes.dot")
SURE_COMMA = ("comma", "dots,comma", "spaces,comma", "quotes,comma")
_THOUSANDS = {
    ",": ("commas", "commas.dot"),
    ".": ("dots", "dots,comma"),
    " ": ("spaces", "spaces.dot", "spaces,comma"),
    "'": ("quotes", "quotes.dot", "quotes,comma"),
}


@dataclass(frozen=True)
class Marks:
    """How numbers are written: their decimal mark, their thousands mark (empty: none), and their unit."""

    decimal: str = "."
    thousands: str = ""
    unit: str = ""


PLAIN = Marks()
"""As programs write them."""


@dataclass
class NumberEvidence:
    """The shapes of the filled cells of a column, counted. ``plain``: cells that every program reads alike."""

    shapes: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    largest_whole: float = 0.0
    ambiguous_sum: float = 0.0
    """Of cells with one mark before three digits, read as decimals."""

    @property
    def numbers(self) -> int:
        """Cells that are numbers of some kind."""
        return sum(self.shapes.values())

    def sure(self, shapes: tuple[str, ...]) -> int:
        """Cells of these shapes."""
        return sum(self.shapes[shape] for shape in shapes)

    def add(self, cells: pl.Series) -> None:
        """Counts more cells, all filled and without blanks at their ends."""
        if not self._add_plain(cells):
            self._add_shapes(cells)

    def _add_plain(self, cells: pl.Series) -> bool:
        """The short way, for cells that are all written as programs write them, where a point is known to be a decimal point."""
        if not cells.str.contains(_PLAIN).all():
            return False
        points = cells.str.contains(".", literal=True) | cells.str.contains("[eE]")
        if points.any() and not self.sure(SURE_POINT) and not cells.str.contains(_SURELY_DECIMAL).any():
            return False
        count = int(points.sum())
        self.shapes["dot"] += count
        self._add_wholes(cells.filter(~points).str.strip_chars("+-"))
        self.units[""] += len(cells)
        return True

    def _add_wholes(self, wholes: pl.Series) -> None:
        self.shapes["whole"] += len(wholes)
        largest = wholes.cast(pl.Float64, strict=False).max() if len(wholes) else None
        self.largest_whole = max(self.largest_whole, float(largest or 0))  # type: ignore[arg-type]

    def _add_shapes(self, cells: pl.Series) -> None:
        parts = split_numbers(cells).drop_nulls("body")
        body = pl.col("body")
        shape = pl.lit(None, dtype=pl.String)
        for name, pattern in reversed(SHAPES.items()):
            shape = pl.when(body.str.contains(pattern)).then(pl.lit(name)).otherwise(shape)
        # An exponent belongs to a decimal number that a program wrote.
        scientific = pl.when(body.str.contains(",")).then(pl.lit("comma")).otherwise(pl.lit("dot"))
        shape = pl.when(pl.col("exponent") != "").then(scientific).otherwise(shape)
        shaped = parts.with_columns(shape.alias("shape")).drop_nulls("shape")
        self.shapes.update(dict(shaped["shape"].value_counts().iter_rows()))
        self.units.update(dict(shaped["unit"].value_counts().iter_rows()))
        wholes = shaped.filter(pl.col("shape") == "whole")["body"].cast(pl.Float64, strict=False)
        self.largest_whole = max(self.largest_whole, float(wholes.max() or 0))  # type: ignore[arg-type]
        open_ = shaped.filter(pl.col("shape").is_in(["dot?", "comma?"]))["body"]
        self.ambiguous_sum += float(open_.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False).sum())

    def units_agree(self) -> bool:
        """Whether every number has the same unit, or none has one."""
        return len([unit for unit, count in self.units.items() if count]) <= 1

    def unit(self) -> str:
        """The unit of most of the cells."""
        return self.units.most_common(1)[0][0] if self.units else ""


def split_numbers(cells: pl.Series) -> pl.DataFrame:
    """Sign, digits with marks (``body``), exponent and unit of each cell; null where it is not a number."""
    groups = cells.str.replace_all(f"[{BLANKS}]", " ").str.extract_groups(NUMBER).struct.unnest()
    unit = pl.concat_str(
        pl.col("before").fill_null(""), pl.col("before2").fill_null(""), pl.col("after").fill_null("").str.strip_chars()
    )
    sign = pl.when(pl.col("sign").is_in(["-", "−", "–"])).then(pl.lit("-")).otherwise(pl.lit(""))
    return groups.select(
        sign.alias("sign"),
        pl.col("body").str.strip_chars().alias("body"),
        pl.col("exponent").fill_null("").alias("exponent"),
        unit.alias("unit"),
    )


@dataclass(frozen=True)
class MarksDecision:
    """The marks of a column. ``open``: nothing in it says whether its mark is a decimal or a thousands mark."""

    marks: Marks
    open: str = ""
    """The mark that has two meanings, or empty."""


def decide_marks(evidence: NumberEvidence, decimal: str = "auto", thousands: str = "auto") -> MarksDecision:
    """The marks of a column by its own cells and the settings, ``auto`` or a mark (thousands also ``none``)."""
    shapes, unit = evidence.shapes, evidence.unit()
    group = _thousands_of(evidence, thousands)
    if decimal != "auto":
        other = "," if decimal == "." else "."
        ambiguous = shapes[f"{_NAMES[other]}?"] > 0 and thousands == "auto"
        return MarksDecision(Marks(decimal, group or (other if ambiguous else ""), unit))
    dots, commas = evidence.sure(SURE_POINT), evidence.sure(SURE_COMMA)
    if group == ",":
        return MarksDecision(Marks(".", ",", unit))
    if group == ".":
        return MarksDecision(Marks(",", ".", unit))
    if dots or commas:
        point = "." if dots >= commas else ","
        other = "," if point == "." else "."
        # A mark that is no decimal mark here divides thousands.
        divides = shapes[f"{_NAMES[other]}?"] > 0 and not group and thousands == "auto"
        return MarksDecision(Marks(point, other if divides else group, unit))
    for mark in (",", "."):
        count, other = shapes[f"{_NAMES[mark]}?"], "." if mark == "," else ","
        if not count:
            continue
        if group or thousands == "none":
            return MarksDecision(Marks(mark, group, unit))
        if _plain_ones_are_larger(evidence, count):
            return MarksDecision(Marks(other, mark, unit))
        return MarksDecision(Marks(mark, "", unit), open=mark)
    return MarksDecision(Marks(".", group, unit))


_NAMES = {".": "dot", ",": "comma"}


def _thousands_of(evidence: NumberEvidence, wanted: str) -> str:
    if wanted != "auto":
        return {"none": "", "space": " ", "apostrophe": "'", "dot": ".", "comma": ","}.get(wanted, wanted)
    counts = {mark: evidence.sure(shapes) for mark, shapes in _THOUSANDS.items()}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ""


def _plain_ones_are_larger(evidence: NumberEvidence, count: int) -> bool:
    """``194`` beside ``2,288``: read as decimals, the cells with a mark would all be far smaller than those without one."""
    return evidence.largest_whole >= GAP_RATIO * evidence.ambiguous_sum / count and evidence.largest_whole < 1000


def parse(cells: pl.Series, marks: Marks) -> pl.Series:
    """The numbers in cells, float64; null where a cell is none that is written with these marks, or its unit is another.

    A cell without a unit is one of the column's unit: other tables of the same kind may leave it off.
    """
    cells = cells.str.strip_chars()
    if marks.decimal == "." and cells.str.contains(_PLAIN).all():
        return cells.cast(pl.Float64, strict=False)
    parts = split_numbers(cells)
    body = pl.col("body")
    if marks.thousands:
        body = _without_thousands(body, marks.thousands, marks.decimal)
    fits = body.str.contains(rf"^(?:\d+(?:{re.escape(marks.decimal)}\d*)?|{re.escape(marks.decimal)}\d+)$")
    text = pl.concat_str("sign", body.str.replace(marks.decimal, ".", literal=True), "exponent")
    same_unit = pl.col("unit").is_in(["", marks.unit])
    number = pl.when(fits & same_unit).then(text)
    return parts.select(number.cast(pl.Float64, strict=False).alias(cells.name)).to_series()


def _without_thousands(body: pl.Expr, mark: str, decimal: str) -> pl.Expr:
    """Digits without their thousands marks, where these stand in their places; others keep them, and are no numbers."""
    escaped, point = re.escape(mark) if mark != "'" else "['’]", re.escape(decimal)
    grouped = rf"^(?:\d{{1,3}}(?:{escaped}\d{{3}})+|\d{{1,2}}(?:{escaped}\d\d)+{escaped}\d{{3}})(?:{point}\d*)?$"
    return pl.when(body.str.contains(grouped)).then(body.str.replace_all(escaped, "")).otherwise(body)
