"""Axes with ticks that people read. Imports pyqtgraph: import this only once the window is on the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyqtgraph as pg

from workbench.gui.plots import ticks

_MINUTE_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis whose ticks are written by a function of value and spacing. Where ``logarithmic`` is set, values are exponents."""

    def __init__(self, orientation: str, write: Callable[[float, float], str], title: str) -> None:
        super().__init__(orientation, maxTickLength=-4)
        self._write = write
        self.logarithmic = False
        self.enableAutoSIPrefix(False)
        self.setStyle(hideOverlappingLabels=False)
        self.setLabel(title)

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """The words at the ticks."""
        if self.logarithmic:
            return [ticks.power(value) for value in values]
        return [self._write(value, spacing) for value in values]

    def tickValues(self, low: float, high: float, length: float) -> list[tuple[float, list[float]]]:
        """Only the ticks that carry words; on a logarithmic axis powers of ten where there are enough, else 2 and 5 too."""
        if not self.logarithmic:
            return list(super().tickValues(low, high, length))[:1]
        whole = [float(power) for power in range(int(low // 1) + 1, int(high // 1) + 1)]
        if len(whole) >= 2:
            return [(1.0, whole[:: -(-len(whole) // 6)])]
        parts = [
            power + part for power in range(int(low // 1) - 1, int(high // 1) + 1) for part in (0.0, 0.30103, 0.69897)
        ]
        inside = [value for value in parts if low <= value <= high]
        return [(0.3, inside)] if len(inside) >= 2 else list(super().tickValues(low, high, length))[:1]


class TimeAxis(Axis):
    """Seconds, written as minutes and hours, with ticks at whole ones."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation, lambda value, _spacing: ticks.duration(value) if value else "0", "time")

    def tickSpacing(self, low: float, high: float, length: float) -> list[tuple[float, float]]:
        """A step that a clock knows, such that about one tick comes every 64 pixels."""
        wanted = (high - low) / max(2.0, length / 64)
        step = next((step for step in _MINUTE_STEPS if step >= wanted), _MINUTE_STEPS[-1])
        return [(float(step), 0.0)]


def step_axis() -> Axis:
    """The axis of optimizer steps."""
    return Axis("bottom", lambda value, _spacing: ticks.count(value) if value >= 0 else "", "step")


def value_axis(title: str, write: Callable[[float, float], str] = ticks.tick) -> Axis:
    """An axis of measured values."""
    return Axis("left", write, title)


def count_axis(title: str) -> Axis:
    """An axis of counts: 10 k."""
    return Axis("left", lambda value, _spacing: ticks.count(value), title)


def size_axis(title: str) -> Any:
    """An axis of bytes, with ticks at whole powers of two."""
    return _SizeAxis("left", lambda value, _spacing: ticks.size(value) if value else "0", title)


class _SizeAxis(Axis):
    def tickSpacing(self, low: float, high: float, length: float) -> list[tuple[float, float]]:
        wanted = (high - low) / max(2.0, length / 20)
        step = 1.0
        while step < wanted:
            step *= 2
        return [(step, 0.0)]
