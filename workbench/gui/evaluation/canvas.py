"""Axes drawn by hand: a frame with ticks that people read, and where a value lies in it. Nothing here is slow to import."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Theme, Themes, mix

Range = tuple[float, float]
ROOM = 0.04
"""Share of an axis that is left empty at each end."""


class PaintedPlot(QWidget):
    """A drawing that follows the theme, with a name for those who listen."""

    def __init__(self, themes: Themes, name: str, spoken: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(spoken)
        self._themes = themes
        themes.changed.connect(self.update)


class Frame:
    """Where values lie in a box, ``x`` and ``y`` being the ranges that it shows."""

    def __init__(self, box: QRectF, x: Range, y: Range) -> None:
        self.box, self._x, self._y = box, x, y

    def point_at(self, x: float, y: float) -> QPointF:
        """A pair of values as a point of the widget."""
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        upwards = (y - self._y[0]) / (self._y[1] - self._y[0])
        return QPointF(self.box.left() + across * self.box.width(), self.box.bottom() - upwards * self.box.height())

    def draw(self, painter: QPainter, theme: Theme, x_title: str, y_title: str) -> None:
        """Background, grid, ticks, the title of x below and that of y above."""
        box, height = self.box, painter.fontMetrics().height()
        painter.fillRect(box, QColor(theme.plot))
        grid, muted = QColor(mix(theme.line, theme.plot, 0.5)), QColor(theme.muted)
        values, spacing = marks(self._x, max(2, int(box.width() // 60)))
        for value in values:
            x = self.point_at(value, self._y[0]).x()
            painter.setPen(grid)
            painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
            painter.setPen(muted)
            below = QRectF(x - 50, box.bottom() + STEP / 2, 100, height)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, ticks.tick(value, spacing))
        values, spacing = marks(self._y, max(2, int(box.height() // 40)))
        for value in values:
            y = self.point_at(self._x[0], value).y()
            painter.setPen(grid)
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            painter.setPen(muted)
            beside = QRectF(0, y - height / 2, box.left() - STEP, height)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(beside, right, ticks.tick(value, spacing))
        painter.setPen(QColor(theme.line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        painter.setPen(muted)
        title = QRectF(box.left(), box.bottom() + height + STEP / 2, box.width(), height)
        painter.drawText(title, Qt.AlignmentFlag.AlignCenter, x_title)
        above = QRectF(0, box.top() - height - STEP / 2, box.right(), height)
        painter.drawText(above, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, y_title)


def inside(painter: QPainter, area: QRectF, y: Range) -> QRectF:
    """What ticks and titles leave of an area: the box of a frame."""
    metrics = painter.fontMetrics()
    values, spacing = marks(y, max(2, int(area.height() // 40)))
    widest = max((metrics.horizontalAdvance(ticks.tick(value, spacing)) for value in values), default=0)
    height = metrics.height() + STEP
    return area.adjusted(widest + 2 * STEP, height, -3 * STEP, -2 * height)


def around(low: float, high: float) -> Range:
    """The range that shows values from ``low`` to ``high`` with some room; never an empty one."""
    wide = high - low
    if wide <= 0:
        wide = abs(high) or 1.0
    return low - ROOM * wide, high + ROOM * wide


def marks(shown: Range, most: int) -> tuple[list[float], float]:
    """At most about so many round values within a range, and the distance between them."""
    rough = (shown[1] - shown[0]) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    spacing = next(step * power for step in (1, 2, 5, 10) if step * power >= rough * (1 - 1e-9))
    first, last = math.ceil(shown[0] / spacing - 1e-9), math.floor(shown[1] / spacing + 1e-9)
    return [number * spacing for number in range(first, last + 1)], spacing
