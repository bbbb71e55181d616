"""The distribution of a tensor's values as bars, and a slice of it as an image. Both drawn by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from workbench.gui.inspector import color_scale
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes
from workbench.runs.series import Floats
from workbench.runs.service.inspection import ValueHistogram

LARGEST_CELL = 32.0


class Drawing(QWidget):
    """Something drawn by hand that describes what is under the pointer."""

    def __init__(self, name: str, spoken: str, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(spoken)
        self.themes = themes
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        themes.changed.connect(self.update)

    def minimumSizeHint(self) -> QSize:
        """Small: the layout around it decides."""
        return QSize(120, 40)

    def event(self, event: QEvent) -> bool:
        """Shows what is under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.text_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), text, self) if text else QToolTip.hideText()
            return True
        return super().event(event)

    def text_at(self, point: QPointF) -> str:
        """The description of a point; empty for nothing."""
        return ""

    def line(self) -> int:
        """The height of a line of text."""
        return self.fontMetrics().height()


class Histogram(Drawing):
    """Counts in bins of equal width."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("inspector.histogram", "Distribution of the values", themes, parent)
        self.counts: Sequence[int] = ()
        self._low, self._high = 0.0, 0.0

    def show_counts(self, histogram: ValueHistogram | None) -> None:
        """Shows a histogram; None where no value is finite."""
        histogram = histogram or ValueHistogram(low=0.0, high=0.0, counts=())
        self.counts, self._low, self._high = histogram.counts, histogram.low, histogram.high
        text = f"{sum(self.counts):,} values from {ticks.number(self._low)} to {ticks.number(self._high)}"
        self.setAccessibleDescription(text if self.counts else "no finite value")
        self.update()

    def text_at(self, point: QPointF) -> str:
        """The bin under the pointer."""
        area = self._area()
        if not self.counts or not area.contains(point):
            return ""
        bin_ = min(int((point.x() - area.left()) / area.width() * len(self.counts)), len(self.counts) - 1)
        width = (self._high - self._low) / len(self.counts)
        low = self._low + bin_ * width
        return f"{ticks.number(low)} to {ticks.number(low + width)}: {self.counts[bin_]:,} values"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws bars, zero and the ends."""
        theme = self.themes.current
        painter = QPainter(self)
        area = self._area()
        painter.fillRect(area, QColor(theme.plot))
        painter.setPen(QColor(theme.line))
        painter.drawRect(area)
        painter.setPen(QColor(theme.muted))
        if not self.counts:
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "no finite value")
            return
        below = QRectF(area.left(), area.bottom() + 2, area.width(), self.line())
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, ticks.number(self._low, 3))
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, ticks.number(self._high, 3))
        above = QRectF(area.left(), 0, area.width(), self.line())
        painter.drawText(above, Qt.AlignmentFlag.AlignLeft, f"histogram (max count {max(self.counts):,})")
        width, most = area.width() / len(self.counts), max(*self.counts, 1)
        for index, count in enumerate(self.counts):
            height = max(count / most * (area.height() - STEP), 1.0 if count else 0.0)
            left = area.left() + index * width
            painter.fillRect(QRectF(left + 0.5, area.bottom() - height, width - 1, height), QColor(theme.train))
        if self._low < 0 < self._high:
            zero = area.left() - self._low / (self._high - self._low) * area.width()
            painter.drawLine(QPointF(zero, area.top()), QPointF(zero, area.bottom()))
            if area.left() + 60 < zero < area.right() - 60:
                painter.drawText(QRectF(zero - 20, below.top(), 40, self.line()), Qt.AlignmentFlag.AlignHCenter, "0")

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(0.5, self.line() + 2.5, -0.5, -self.line() - 3.5)


class HeatMap(Drawing):
    """A slice as an image: a cell for each number."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("inspector.slice.picture", "Slice as an image", themes, parent)
        self.values: Floats = np.empty((0, 0))

    def show_values(self, values: Sequence[Sequence[float]]) -> None:
        """Shows rows of numbers."""
        self.values = np.array(values, dtype=np.float64) if values else np.empty((0, 0))
        low, high = self._range()
        self.setAccessibleDescription(
            f"{self.values.shape[0]} by {self.values.shape[1]} values from {ticks.number(low)} to {ticks.number(high)}"
        )
        self.update()

    def text_at(self, point: QPointF) -> str:
        """The number under the pointer."""
        area = self._area()
        if not self.values.size or not area.contains(point):
            return ""
        rows, columns = self.values.shape
        row = min(int((point.y() - area.top()) / area.height() * rows), rows - 1)
        column = min(int((point.x() - area.left()) / area.width() * columns), columns - 1)
        return f"[{row}, {column}] = {ticks.number(float(self.values[row, column]))}"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the cells and the color scale."""
        if not self.values.size:
            return
        theme = self.themes.current
        painter = QPainter(self)
        low, high = self._range()
        area = self._area()
        painter.drawImage(area, color_scale.color_image(self.values, max(abs(low), abs(high)), theme))
        painter.setPen(QColor(theme.line))
        painter.drawRect(area)
        painter.setPen(QColor(theme.muted))
        draw_scale(painter, QRectF(0, self.height() - self.line(), self.width(), self.line()), (low, high), self.themes)

    def _range(self) -> tuple[float, float]:
        finite = self.values[np.isfinite(self.values)]
        return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)

    def _area(self) -> QRectF:
        rows, columns = max(self.values.shape[0], 1), max(self.values.shape[1], 1)
        width, height = self.width() - 1.0, self.height() - self.line() - STEP - 1.0
        cell = min(width / columns, height / rows, LARGEST_CELL)
        flat = min(rows, columns) == 1  # a single line may be as wide as is seen well
        across, tall = (min(side, LARGEST_CELL) if flat else cell for side in (width / columns, height / rows))
        return QRectF(0.5, 0.5, across * columns, tall * rows)


def draw_scale(painter: QPainter, box: QRectF, ends: tuple[float, float], themes: Themes) -> None:
    """A strip of the colors between the smallest and the largest value, with both written beside it."""
    low, high = ends
    metrics = painter.fontMetrics()
    first, last = ticks.number(low, 3), ticks.number(high, 3)
    left = box.left() + metrics.horizontalAdvance(first) + 2 * STEP
    middle = Qt.AlignmentFlag.AlignVCenter
    painter.drawText(box, Qt.AlignmentFlag.AlignLeft | middle, first)
    if low < high:
        strip = QRectF(left, box.center().y() - 4, 96, 8)
        painter.drawImage(strip, color_scale.scale(low, high, themes.current))
        painter.drawText(box.adjusted(left - box.left() + 96 + 2 * STEP, 0, 0, 0), Qt.AlignmentFlag.AlignLeft, last)
