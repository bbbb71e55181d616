"""Dates as people write them: the order of day, month and year is that in which every cell of the column is a date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

Order = Literal["year first", "day first", "month first"]
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:[.,]\d+)?))?"
_TIME = rf"(?:[T ]+{_CLOCK}\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|[+-]\d{{2}}:?\d{{2}})?)?$"
_YEAR_FIRST = r"^(?P<a>\d{4})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{1,2})\.?" + _TIME
_YEAR_LAST = r"^(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{4})\.?" + _TIME


@dataclass
class DateEvidence:
    """How many cells are dates with the year first and last, and how large their other numbers get."""

    year_first: int = 0
    year_last: int = 0
    largest_first: int = 0
    """Of the first of two numbers before a year."""
    largest_second: int = 0
    dotted: int = 0
    """With points between the numbers, as those write who put the day first."""

    def add(self, cells: pl.Series) -> None:
        """Counts more cells, all filled and without blanks at their ends."""
        self.year_first += int(cells.str.contains(_YEAR_FIRST).sum())
        last = cells.filter(cells.str.contains(_YEAR_LAST))
        if len(last):
            self.year_last += len(last)
            self.dotted += int(last.str.contains(r"^\d+\.").sum())
            numbers = last.str.extract_groups(r"^(\d{1,2})[-/.](\d{1,2})").struct.unnest()
            first, second = (numbers.to_series(index).cast(pl.Int64).max() for index in (0, 1))
            self.largest_first = max(self.largest_first, int(first))  # type: ignore[arg-type]
            self.largest_second = max(self.largest_second, int(second))  # type: ignore[arg-type]

    @property
    def dates(self) -> int:
        """Cells that are dates in one and the same order, as far as that can be."""
        return max(self.year_first, self.year_last if min(self.largest_first, self.largest_second) <= 12 else 0)

    def orders(self) -> tuple[Order, ...]:
        """The orders that are possible: one, or two that mean other days."""
        if self.year_first >= self.year_last:
            return ("year first",)
        if self.largest_first > 12 or (self.dotted == self.year_last and self.largest_second <= 12):
            return ("day first",)
        return ("month first",) if self.largest_second > 12 else ("day first", "month first")


@dataclass(frozen=True)
class DateDecision:
    """The order of a column of dates. ``open``: day and month could be exchanged in every cell."""

    order: Order = "year first"
    open: bool = False


def decide_order(evidence: DateEvidence, wanted: str = "auto") -> DateDecision:
    """The order by the column's cells, and where they leave it open by the settings."""
    orders = evidence.orders()
    if len(orders) == 1:
        return DateDecision(orders[0])
    if wanted != "auto":
        return DateDecision("month first" if wanted == "month first" else "day first")
    return DateDecision(orders[0], open=True)


def parse_dates(cells: pl.Series, order: Order = "year first") -> pl.Series:
    """Seconds since 1970 (UTC where no zone is said), float64; null where a cell is no date in that order."""
    cells = cells.str.strip_chars()
    pattern = _YEAR_FIRST if order == "year first" else _YEAR_LAST
    groups = cells.str.extract_groups(pattern).struct.unnest()
    names = {"year first": ("a", "b", "c"), "day first": ("c", "b", "a"), "month first": ("c", "a", "b")}[order]
    year, month, day = (pl.col(name).cast(pl.Int64) for name in names)
    possible = month.is_between(1, 12) & day.is_between(1, 31)
    parsed = groups.with_columns(
        pl.when(possible)
        .then(
            pl.concat_str(
                year.cast(pl.String),
                month.cast(pl.String).str.zfill(2),
                day.cast(pl.String).str.zfill(2),
                separator="-",
            )
        )
        .str.to_date("%Y-%m-%d", strict=False)
        .alias("date"),
        _hour().alias("hours"),
        pl.col("minute").cast(pl.Float64, strict=False).fill_null(0.0).alias("minutes"),
        pl.col("second")
        .str.replace(",", ".", literal=True)
        .cast(pl.Float64, strict=False)
        .fill_null(0.0)
        .alias("seconds"),
        _zone_seconds().alias("offset"),
    )
    days = pl.col("date").cast(pl.Int32).cast(pl.Float64)
    moment = days * 86400 + pl.col("hours") * 3600 + pl.col("minutes") * 60 + pl.col("seconds") - pl.col("offset")
    return parsed.select(moment.alias(cells.name)).to_series()


def _hour() -> pl.Expr:
    hour = pl.col("hour").cast(pl.Float64, strict=False).fill_null(0.0)
    half = pl.col("half").fill_null("").str.to_lowercase().str.slice(0, 1)
    return pl.when(half == "p").then(hour % 12 + 12).when(half == "a").then(hour % 12).otherwise(hour)


def _zone_seconds() -> pl.Expr:
    zone = pl.col("zone").fill_null("")
    sign = pl.when(zone.str.starts_with("-")).then(-1.0).otherwise(1.0)
    digits = zone.str.replace_all("[^0-9]", "")
    hours = digits.str.slice(0, 2).cast(pl.Float64, strict=False).fill_null(0.0)
    minutes = digits.str.slice(2, 2).cast(pl.Float64, strict=False).fill_null(0.0)
    return sign * (hours * 3600 + minutes * 60)


CALENDAR: Sequence[str] = ("year", "month", "day", "weekday", "hour")
"""What a date gives as inputs, where it is chosen for that."""


def calendar(seconds: pl.Series) -> pl.DataFrame:
    """Year, month (1 to 12), day (1 to 31), weekday (1, a Monday, to 7) and hour of moments, float64 columns."""
    moments = (seconds * 1e6).cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
    accessor = moments.dt
    values = (accessor.year(), accessor.month(), accessor.day(), accessor.weekday(), accessor.hour())
    return pl.DataFrame({name: value.cast(pl.Float64) for name, value in zip(CALENDAR, values, strict=True)})
