"""Predicted against true numbers; a perfect model lies on the diagonal."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from workbench.gui.evaluation.canvas import Frame, PaintedPlot, around, inside
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes
from workbench.runs.service.evaluation import PredictionPairs, TargetPairs

SIDE = 290
"""Of one target."""
LOW_SIDE = 210
"""Of each of several."""
NEAR = 6.0
"""Pixels from a point within which the pointer means it."""


class Pairs(PaintedPlot):
    """A point for each sample; a square below the other, one for each target."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, "evaluation.pairs", "Predicted against true", parent)
        self.targets: list[TargetPairs] = []
        self._names: Sequence[str] = ()
        self._points: list[tuple[QPointF, int, int]] = []
        self.setMinimumWidth(SIDE)

    def show_pairs(self, pairs: PredictionPairs | None) -> None:
        """Shows a square for each target that has samples; hides itself where there is none."""
        pairs = pairs or PredictionPairs()
        self._names, self.targets = pairs.names, [target for target in pairs.targets if target.true]
        self.setVisible(bool(self.targets))
        self.setFixedHeight(self._side() * len(self.targets))
        self.setAccessibleDescription(f"{len(self.targets[0].true):,} samples" if self.targets else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the diagonals and the points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._points = []
        for row in range(len(self.targets)):
            self._draw(painter, row)

    def _draw(self, painter: QPainter, row: int) -> None:
        theme, side = self._themes.current, self._side()
        target = self.targets[row]
        every = (*target.true, *target.predicted)
        shown = around(min(every), max(every))
        area = QRectF(0, row * side, max(min(self.width(), side), SIDE), side)
        frame = Frame(inside(painter, area, shown), shown, shown)
        name = target.target or "value"
        frame.draw(painter, theme, f"{name}, true", f"{name}, predicted")
        painter.setPen(QPen(QColor(theme.muted), 1, Qt.PenStyle.DashLine))
        painter.drawLine(frame.point_at(shown[0], shown[0]), frame.point_at(shown[1], shown[1]))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.train))
        painter.setOpacity(0.9 if len(target.true) < 200 else 0.55)
        for index, (x, y) in enumerate(zip(target.true, target.predicted, strict=True)):
            point = frame.point_at(x, y)
            self._points.append((point, row, index))
            painter.drawEllipse(point, 2.2, 2.2)
        painter.setOpacity(1.0)

    def event(self, event: QEvent) -> bool:
        """Names the sample below the pointer."""
        if isinstance(event, QHelpEvent):
            here = QPointF(event.pos())
            near = [(QPointF(point - here).manhattanLength(), row, index) for point, row, index in self._points]
            distance, row, index = min(near, default=(NEAR + STEP, 0, 0))
            if distance <= NEAR:
                QToolTip.showText(event.globalPos(), self._point_text(row, index), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _side(self) -> int:
        return SIDE if len(self.targets) == 1 else LOW_SIDE

    def _point_text(self, row: int, index: int) -> str:
        name = f"{self._names[index]}: " if index < len(self._names) else ""
        target = self.targets[row]
        return f"{name}true {ticks.number(target.true[index])}, predicted {ticks.number(target.predicted[index])}"
