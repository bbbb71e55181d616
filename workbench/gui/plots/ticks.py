"""Numbers as people read them on axes and in legends: 1e-3, 10 k, 2:30 min, 1.5 GiB."""

from __future__ import annotations

import math

_LARGE = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))
_BYTES = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def number(value: float, digits: int = 4) -> str:
    """A measured value with so many significant digits: ``0.08125``, ``3.2e-4``, ``not a number``."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value and not 1e-3 <= abs(value) < 1e6:
        return _short_exponent(f"{value:.{max(digits - 2, 0)}e}")
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def count(value: float) -> str:
    """A count at a tick: ``500``, ``1.5 k``, ``2 M``."""
    for size, name in _LARGE:
        if abs(value) >= size:
            return f"{value / size:.6g}{name}"
    return f"{value:.6g}"


def tick(value: float, spacing: float) -> str:
    """A value at a tick, as exact as the distance to the next tick asks for."""
    if value == 0:
        return "0"
    if max(abs(value), spacing) < 1e-2:
        exponent = math.floor(math.log10(abs(value)) + 1e-9)
        places = max(0, exponent - math.floor(math.log10(spacing) + 1e-9)) if spacing > 0 else 0
        return _short_exponent(f"{value:.{places}e}")
    if abs(value) >= 1e4:
        return count(value)
    places = max(0, -math.floor(math.log10(spacing) + 1e-9)) if spacing > 0 else 3
    return f"{value:.{min(places, 6)}f}"


def power(exponent: float) -> str:
    """10 to a power, at a tick of a logarithmic axis: ``1e-3``, ``1``, ``20``, ``1e5``; more digits between these."""
    value = 10**exponent
    leading = value / 10 ** math.floor(exponent + 1e-6)
    if not any(math.isclose(leading, digit, rel_tol=1e-4) for digit in (1, 2, 5)):
        return number(value, 4)
    if 0.1 <= value < 10000:
        return f"{value:.3g}"
    return _short_exponent(f"{value:.0e}")


def duration(seconds: float) -> str:
    """A span of time: ``31 s``, ``2:30 min``, ``1:05 h``, ``3 d 4 h``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    if whole < 86400:
        return f"{whole // 3600}:{whole % 3600 // 60:02} h"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def size(number_of_bytes: float) -> str:
    """An amount of memory: ``640 MiB``, ``1.5 GiB``."""
    for unit, name in _BYTES:
        if abs(number_of_bytes) >= unit:
            value = number_of_bytes / unit
            return f"{value:.0f} {name}" if value >= 100 else f"{value:.3g} {name}"
    return f"{number_of_bytes:.0f} B"


def _short_exponent(text: str) -> str:
    """``3.20e-04`` as ``3.2e-4``."""
    mantissa, _, exponent = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"
