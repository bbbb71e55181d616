"""Values as the text of a line, and back: exactly, so that no number is rounded and nothing that was typed is lost.

Text that is no value (yet) stands for itself: the document keeps it, and its problem is shown beside the line.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal

from workbench.config.fields import Setting

_WHOLE = re.compile(r"[+-]?\d{1,4000}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NEEDS_QUOTES = re.compile(r'[",\x00-\x1f\x7f-\x9f\u2028\u2029]|^\s|\s$|^$')
_FINE = Decimal("0.05")
_COARSE = Decimal("0.1")
_FIRST = Decimal("0.001")


def text_of(setting: Setting, value: object) -> str:
    """``value`` as the text that :func:`value_of` reads back as the same value."""
    if isinstance(value, list | tuple):
        return ", ".join(_item(item) for item in value)
    if setting.words and value == setting.words[0]:
        return ""  # the box beside the line says it
    return number_text(value) if isinstance(value, float) else str(value)


def value_of(setting: Setting, text: str) -> object:
    """What ``text`` stands for; the text itself where it is no value of the setting's kind."""
    if setting.kind in ("text", "path", "choice"):
        return text
    if setting.words and (not text.strip() or text.strip() in setting.words):
        return text.strip() or setting.words[0]
    if setting.kind in ("integer", "number"):
        number = _scalar(setting.kind, text)
        return text if number is None else number
    items = _texts(text) if setting.kind == "texts" else _numbers(setting.kind, text)
    return text if items is None else items


def same(first: object, second: object) -> bool:
    """Whether two plain values are one and the same: 1 and 1.0 and True are not, lists and tuples are."""
    return json.dumps(first) == json.dumps(second)


def number_text(value: float) -> str:
    """The shortest text that reads back as ``value``: 0.0003, 1e-10, 20000."""
    text = repr(value)
    mantissa, sign, exponent = text.partition("e")
    return mantissa.removesuffix(".0") + (f"e{int(exponent)}" if sign else "")


def short_number(value: float) -> str:
    """A number for a summary line, where 0.001 is easier to read as 1e-3."""
    if value == 0 or abs(value) >= 0.01:
        return number_text(value)
    digits, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{digits}e{int(exponent)}"


def stepped(setting: Setting, text: str, up: bool) -> str | None:
    """The text one step up or down from ``text``; None where there is no step, or none within the bounds.

    Whole numbers go by 1; shares from 0 to 1 by 0.05; numbers that may be negative by 0.1; all others, such as a
    learning rate, along 1, 2, 5, 10, 20, 50.
    """
    value = value_of(setting, text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    result = value + (1 if up else -1) if setting.kind == "integer" else float(_step(setting, Decimal(repr(value)), up))
    return text_of(setting, result) if _within(setting, result) else None


def _step(setting: Setting, value: Decimal, up: bool) -> Decimal:
    low, high = setting.minimum, setting.maximum
    if low is None or low < 0:
        return value + (_COARSE if up else -_COARSE)
    if low == 0 and high == 1 and not setting.exclusive_minimum:
        return value + (_FINE if up else -_FINE)
    if value <= 0:
        return _FIRST if up else Decimal(-1)
    return _next_of_1_2_5(value, up)


def _next_of_1_2_5(value: Decimal, up: bool) -> Decimal:
    power = Decimal(1).scaleb(value.adjusted())
    marks = [power / 2, power, power * 2, power * 5, power * 10]
    return next(mark for mark in marks if mark > value) if up else next(m for m in reversed(marks) if m < value)


def _within(setting: Setting, value: float) -> bool:
    low, high = setting.minimum, setting.maximum
    above = low is None or value > low or (value == low and not setting.exclusive_minimum)
    below = high is None or value < high or (value == high and not setting.exclusive_maximum)
    return above and below


def _scalar(kind: str, text: str) -> int | float | None:
    text = text.strip()
    if kind == "integer":
        return int(text) if _WHOLE.fullmatch(text) else None
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _numbers(kind: str, text: str) -> list[int | float] | None:
    parts = text.split(",")
    if not parts[-1].strip():
        parts.pop()  # the number behind the comma is still to be typed
    scalars = [_scalar(kind.removesuffix("s"), part) for part in parts]
    values = [value for value in scalars if value is not None]
    return values if len(values) == len(scalars) else None


def _item(item: object) -> str:
    if isinstance(item, float):
        return number_text(item)
    text = str(item)
    return json.dumps(text, ensure_ascii=False) if isinstance(item, str) and _NEEDS_QUOTES.search(text) else text


def _texts(text: str) -> list[str] | None:
    """Items between commas; one in double quotes (as in JSON) may hold commas, and spaces at its ends."""
    items: list[str] = []
    rest = text.strip()
    while rest:
        if rest.startswith('"'):
            try:
                item, end = json.JSONDecoder().raw_decode(rest)
            except json.JSONDecodeError:
                return None
            between, _, rest = rest[end:].partition(",")
            if between.strip():
                return None
        else:
            item, _, rest = rest.partition(",")
            item = item.strip()
            if not item or '"' in item:
                return None
        items.append(item)
        rest = rest.strip()
    return items
