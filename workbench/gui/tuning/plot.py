"""The plot of a search: what was tried to the right, what was measured upwards, and a line at the suggestion."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes

_FEW = 40
"""Up to so many points are marked one by one."""
_LEFT, _TOP, _RIGHT, _BOTTOM = 16 * STEP, 7 * STEP, 4 * STEP, 13 * STEP


@dataclass(frozen=True)
class TriedValue:
    """What was tried, what was measured (None where memory ran out), and its text below the axis."""

    x: float
    y: float | None
    text: str


class TuningPlot(QWidget):
    """Values over a logarithmic axis, or one beside the other at equal distances."""

    def __init__(
        self, themes: Themes, across: str, upwards: str, *, logarithmic: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("finder.plot")
        self.setAccessibleName(f"{upwards} against {across}")
        self.setMinimumSize(90 * STEP, 60 * STEP)
        self._themes = themes
        self._across, self._upwards = across, upwards
        self._logarithmic = logarithmic
        self.tried: list[TriedValue] = []
        self.suggestion: float | None = None
        themes.changed.connect(self.update)

    def add_value(self, value: TriedValue) -> None:
        """Draws one more."""
        self.tried.append(value)
        self.setAccessibleDescription(f"{len(self.tried)} tried, the last at {value.text}")
        self.update()

    def show_suggestion(self, x: float) -> None:
        """Draws the line."""
        self.suggestion = x
        self.setAccessibleDescription(f"{len(self.tried)} tried, {x:g} is suggested")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws everything."""
        theme = self._themes.current
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)
        painter.fillRect(area, QColor(theme.plot))
        low, high = self._heights()
        self._draw_heights(painter, area, low, high)
        painter.setPen(QColor(theme.line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(area)
        painter.setPen(QColor(theme.muted))
        below = QRectF(area.left(), area.bottom() + 6 * STEP, area.width(), 6 * STEP)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, self._across)
        painter.drawText(QRectF(STEP, 0, self.width(), 6 * STEP), Qt.AlignmentFlag.AlignLeft, self._upwards)
        if not self.tried:
            return
        self._draw_ticks(painter, area)
        self._draw_line(painter, area, low, high)
        self._draw_suggestion(painter, area)

    def _heights(self) -> tuple[float, float]:
        """What the axis upwards spans: throughput from zero, losses with a little room."""
        measured = [value.y for value in self.tried if value.y is not None]
        if not measured:
            return 0.0, 1.0
        low, high = (min(measured), max(measured)) if self._logarithmic else (0.0, max(measured))
        room = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
        return (low - room if self._logarithmic else 0.0), high + room

    def _position(self, area: QRectF, x: float) -> float:
        """The position of ``x``, in pixels."""
        if self._logarithmic:
            first, last = (math.log10(self.tried[end].x) for end in (0, -1))
            share = (math.log10(x) - first) / (last - first) if last > first else 0.5
        else:
            share = (next((i for i, value in enumerate(self.tried) if value.x >= x), 0) + 0.5) / len(self.tried)
        return area.left() + share * area.width()

    def _draw_heights(self, painter: QPainter, area: QRectF, low: float, high: float) -> None:
        theme = self._themes.current
        spacing = _spacing(high - low)
        grid = QColor(theme.line)
        grid.setAlphaF(0.5)
        for count in range(math.ceil(low / spacing), math.floor(high / spacing) + 1):
            y = area.bottom() - (count * spacing - low) / (high - low) * area.height()
            painter.setPen(grid)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(theme.muted))
            box = QRectF(0, y - 3 * STEP, area.left() - 2 * STEP, 6 * STEP)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, flags, ticks.tick(count * spacing, spacing))

    def _draw_ticks(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(QColor(self._themes.current.muted))
        if self._logarithmic:
            first, last = (math.log10(self.tried[end].x) for end in (0, -1))
            exponents = range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)
            named = [(10.0**exponent, ticks.power(exponent)) for exponent in exponents]
        else:
            named = [(value.x, value.text) for value in self.tried]
        for x, text in named:
            position = self._position(area, x)
            painter.drawLine(QPointF(position, area.bottom()), QPointF(position, area.bottom() + STEP))
            box = QRectF(position - 10 * STEP, area.bottom() + STEP, 20 * STEP, 5 * STEP)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, text)

    def _draw_line(self, painter: QPainter, area: QRectF, low: float, high: float) -> None:
        theme = self._themes.current
        points = [
            QPointF(self._position(area, value.x), area.bottom() - (value.y - low) / (high - low) * area.height())
            for value in self.tried
            if value.y is not None
        ]
        painter.setPen(QPen(QColor(theme.train), 1.5))
        painter.drawPolyline(QPolygonF(points))
        if len(points) <= _FEW:
            painter.setBrush(QColor(theme.train))
            for point in points:
                painter.drawEllipse(point, 3.0, 3.0)
        painter.setPen(QColor(theme.error))
        for value in self.tried:
            if value.y is None:
                box = QRectF(self._position(area, value.x) - 5 * STEP, area.bottom() - 6 * STEP, 10 * STEP, 6 * STEP)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "✕")

    def _draw_suggestion(self, painter: QPainter, area: QRectF) -> None:
        if self.suggestion is None:
            return
        position = self._position(area, self.suggestion)
        painter.setPen(QPen(QColor(self._themes.current.val), 1.5, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(position, area.top()), QPointF(position, area.bottom()))
        text = f"{self.suggestion:g}"
        width = painter.fontMetrics().horizontalAdvance(text) + 2 * STEP
        left = position + STEP if position + width + STEP < area.right() else position - width - STEP
        box = QRectF(left, area.top() + STEP, width, 6 * STEP)
        behind = QColor(self._themes.current.plot)
        behind.setAlphaF(0.85)
        painter.fillRect(box, behind)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _spacing(span: float) -> float:
    """The distance of the lines: 1, 2 or 5 times a power of ten, so that there are about five."""
    power = 10.0 ** math.floor(math.log10(span / 5))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= span / 5)
