"""Residuals: for each target a histogram of predicted minus true values, and its figures."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from workbench.gui.evaluation.canvas import Frame, PaintedPlot, around, inside
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes, mix
from workbench.runs.service.evaluation import TargetResiduals

HEIGHT = 290
"""Of one target."""
LOW_HEIGHT = 210
"""Of each of several."""


class Residuals(PaintedPlot):
    """A histogram below the other, one for each target."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, "evaluation.residuals", "Residuals", parent)
        self.targets: list[TargetResiduals] = []
        self.setMinimumWidth(240)

    def show_targets(self, targets: Sequence[TargetResiduals]) -> None:
        """Shows a histogram for each target that has samples; hides itself where there is none."""
        self.targets = [target for target in targets if any(target.counts)]
        self.setVisible(bool(self.targets))
        self.setFixedHeight(self._each() * len(self.targets))
        self.setAccessibleDescription(". ".join(" ".join(figures(target)) for target in self.targets))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws every histogram."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, target in enumerate(self.targets):
            self._draw(painter, QRectF(0, index * self._each(), self.width(), self._each()), target)

    def _draw(self, painter: QPainter, area: QRectF, target: TargetResiduals) -> None:
        theme, height = self._themes.current, painter.fontMetrics().height()
        low, high, counts = target.low, target.high, target.counts
        painter.setPen(QColor(theme.text))
        for line, text in enumerate(figures(target)):
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(area.width()))
            painter.drawText(QPointF(area.left(), area.top() + (line + 0.8) * height), shown)
        area = area.adjusted(0, 2 * height + STEP, 0, 0)
        upwards = (0.0, max(counts) * 1.05)
        box = inside(painter, area, upwards)
        frame = Frame(box, around(min(low, 0.0), max(high, 0.0)), upwards)
        frame.draw(painter, theme, "predicted minus true", "samples")
        wide = (high - low) / len(counts)
        painter.setPen(QPen(QColor(theme.plot), 0.5))
        painter.setBrush(QColor(mix(theme.train, theme.plot, 0.85)))
        for index, count in enumerate(counts):
            if count:
                left, right = frame.point_at(low + index * wide, count), frame.point_at(low + (index + 1) * wide, 0)
                painter.drawRect(QRectF(left, right))
        painter.setPen(QPen(QColor(theme.muted), 1, Qt.PenStyle.DashLine))
        painter.drawLine(frame.point_at(0, 0), frame.point_at(0, upwards[1]))
        painter.setPen(QPen(QColor(theme.val), 1.5))
        painter.drawLine(frame.point_at(target.mean, 0), frame.point_at(target.mean, upwards[1]))

    def _each(self) -> int:
        return HEIGHT if len(self.targets) == 1 else LOW_HEIGHT


def figures(target: TargetResiduals) -> tuple[str, str]:
    """The figures of a histogram, in two lines."""
    name = f"{target.target}: " if target.target else ""
    return (
        f"{name}mean error (bias) {ticks.number(target.mean, 3)}, std. dev. {ticks.number(target.std, 3)}",
        f"MAE {ticks.number(target.mae, 3)}, RMSE {ticks.number(target.rmse, 3)}",
    )
