"""How a model keeps what its inputs are made of: plain data, for each column of a table or a series."""

from __future__ import annotations

from typing import Literal, TypedDict


class Description(TypedDict, total=False):
    """How inputs are made of a column, as plain data: its ``name``, its ``kind`` (number, words, date) and what that needs."""

    name: str
    kind: str
    words: list[str]
    gap: bool
    fill: float
    mean: float
    std: float
    decimal: str
    thousands: str
    unit: str
    part: str
    order: Literal["year first", "day first", "month first"]
