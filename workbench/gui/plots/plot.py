"""One plot with its header: title, legend that names values, line under the cursor. Imports pyqtgraph: import it late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from workbench.gui.plots.axes import Axis
from workbench.gui.plots.lines import Range
from workbench.gui.theme import STEP, Theme

AXIS_WIDTH = 60
"""Fixed, in pixels: plots above each other line up, and nothing jumps when the numbers grow."""

AXIS_HEIGHT = 30

RIGHT_MARGIN = 12
"""In pixels: half a tick's text at the right end of the axis."""


@dataclass(frozen=True)
class LegendEntry:
    """One entry of a legend: what it names, its color, its value as text."""

    name: str
    color: str
    value: str
    symbol: str = "●"


class Canvas(pg.PlotWidget):  # type: ignore[misc]
    """The drawing area. Tells where the mouse is, in x, and when the user moved what is shown."""

    hovered = Signal(object)
    moved = Signal()
    reset_wanted = Signal()

    def __init__(self, bottom: Axis, left: Axis) -> None:
        super().__init__(axisItems={"bottom": bottom, "left": left})
        self.setMenuEnabled(False)
        self.hideButtons()
        self.disableAutoRange()
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumSize(0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        left.setWidth(AXIS_WIDTH)
        bottom.setStyle(tickTextOffset=2, tickTextHeight=12, autoExpandTextSpace=False)
        bottom.setHeight(AXIS_HEIGHT)
        self.getPlotItem().layout.setContentsMargins(0, 0, RIGHT_MARGIN, 0)
        self.getPlotItem().showGrid(x=False, y=True, alpha=0.25)
        self.scene().sigMouseMoved.connect(self._mouse_moved)
        self.getViewBox().sigRangeChangedManually.connect(self._range_moved)

    def minimumSizeHint(self) -> QSize:
        """Small: the layout around it decides."""
        return QSize(120, 96)

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse left: no value is named any more."""
        super().leaveEvent(event)
        self.hovered.emit(None)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back to following."""
        super().mouseDoubleClickEvent(event)
        self.reset_wanted.emit()

    @Slot(object)
    def _mouse_moved(self, position: QPointF) -> None:
        box = self.getViewBox()
        inside = box.sceneBoundingRect().contains(position)
        self.hovered.emit(box.mapSceneToView(position).x() if inside else None)

    @Slot(object)
    def _range_moved(self, _mouse: object) -> None:
        self.moved.emit()


class TitledPlot(QWidget):
    """Title and legend above a drawing area. Ranges are set from outside; pyqtgraph's own choice is off."""

    def __init__(self, title: str, bottom: Axis, left: Axis, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.left, self.bottom = left, bottom
        self.canvas = Canvas(bottom, left)
        self.title = QLabel(title)
        self.title.setProperty("role", "title")
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        header = QHBoxLayout()
        header.setContentsMargins(STEP, 0, STEP, 0)
        header.setSpacing(2 * STEP)
        header.addWidget(self.title)
        header.addWidget(self.legend, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * STEP, STEP, 2 * STEP, STEP)
        layout.setSpacing(STEP)
        layout.addLayout(header)
        layout.addWidget(self.canvas, 1)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "plot")
        self.cursor_line = pg.InfiniteLine(angle=90, movable=False)
        self.cursor_line.setVisible(False)
        self.canvas.addItem(self.cursor_line, ignoreBounds=True)
        self._muted = "#808080"

    def set_title(self, title: str, axis: str) -> None:
        """What is plotted, and the words beside the axis."""
        if self.title.text() != title:
            self.title.setText(title)
            self.left.setLabel(axis)
            self.setAccessibleName(title)

    def apply_theme(self, theme: Theme) -> None:
        """Applies the theme's colors."""
        self._muted = theme.muted
        self.canvas.setBackground(theme.plot)
        small = self.font()
        small.setPointSizeF(max(7.0, small.pointSizeF() * 0.85))
        for axis in (self.left, self.bottom):
            axis.setPen(theme.line)
            axis.setTextPen(theme.muted)
            axis.setTickFont(small)
            axis.label.setFont(small)
        self.cursor_line.setPen(pg.mkPen(theme.muted, width=1))

    def set_cursor(self, x: float | None) -> None:
        """Draws the line at ``x``, or none."""
        self.cursor_line.setVisible(x is not None)
        if x is not None:
            self.cursor_line.setPos(x)

    def set_legend(self, entries: Sequence[LegendEntry]) -> None:
        """Names the values."""
        parts = [
            f'<span style="color:{entry.color}">{entry.symbol}</span>&nbsp;'
            f'<span style="color:{self._muted}">{entry.name.replace(" ", "&nbsp;")}</span> '
            f"{entry.value.replace(' ', '&nbsp;')}"
            for entry in entries
        ]
        text = "&nbsp;&nbsp; ".join(parts)
        if text != self.legend.text():
            self.legend.setText(text)

    def span(self) -> Range:
        """The x that are shown."""
        low, high = self.canvas.getViewBox().viewRange()[0]
        return float(low), float(high)

    def set_ranges(self, x: Range | None = None, y: Range | None = None) -> None:
        """Shows these; what is None stays."""
        box = self.canvas.getViewBox()
        if x is not None and x[0] < x[1]:
            box.setXRange(*x, padding=0)
        if y is not None and y[0] < y[1]:
            box.setYRange(*y, padding=0)

    def pixels(self) -> int:
        """Pixels of the screen across the drawing area."""
        return max(100, int(self.canvas.getViewBox().width() * self.canvas.devicePixelRatioF()))


def pen(color: str, opacity: float = 1.0) -> Any:
    """One pixel wide: anything wider is drawn four to five times as slowly."""
    ink = QColor(color)
    ink.setAlphaF(opacity)
    return pg.mkPen(ink, width=1)
