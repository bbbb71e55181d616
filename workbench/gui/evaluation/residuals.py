"""How far guesses are off: for each target a histogram of guess minus truth, and its figures in words."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from workbench.gui.evaluation.canvas import Frame, Plot, around, inside
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes, mix

HEIGHT = 290
"""Of one target."""
LOW_HEIGHT = 210
"""Of each of several."""


class Residuals(Plot):
    """A histogram below the other, one for each target."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, "evaluation.residuals", "Residuals", parent)
        self.rows: list[dict[str, Any]] = []
        self.setMinimumWidth(240)

    def show_rows(self, rows: list[dict[str, Any]]) -> None:
        """Takes what the lab found of each target."""
        self.rows = [row for row in rows if any(row["counts"])]
        self.setVisible(bool(self.rows))
        self.setFixedHeight(self._each() * len(self.rows))
        self.setAccessibleDescription(". ".join(" ".join(words(row)) for row in self.rows))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws every histogram."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, row in enumerate(self.rows):
            self._draw(painter, QRectF(0, place * self._each(), self.width(), self._each()), row)

    def _draw(self, painter: QPainter, area: QRectF, row: dict[str, Any]) -> None:
        theme, height = self._themes.current, painter.fontMetrics().height()
        low, high, counts = row["low"], row["high"], row["counts"]
        painter.setPen(QColor(theme.text))
        for line, text in enumerate(words(row)):
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
        for place, count in enumerate(counts):
            if count:
                left, right = frame.place(low + place * wide, count), frame.place(low + (place + 1) * wide, 0)
                painter.drawRect(QRectF(left, right))
        painter.setPen(QPen(QColor(theme.muted), 1, Qt.PenStyle.DashLine))
        painter.drawLine(frame.place(0, 0), frame.place(0, upwards[1]))
        painter.setPen(QPen(QColor(theme.val), 1.5))
        painter.drawLine(frame.place(row["mean"], 0), frame.place(row["mean"], upwards[1]))

    def _each(self) -> int:
        return HEIGHT if len(self.rows) == 1 else LOW_HEIGHT


def words(row: dict[str, Any]) -> tuple[str, str]:
    """What a histogram tells, in two lines."""
    name = f"{row['target']}: " if row["target"] else ""
    return (
        f"{name}off by {ticks.number(row['mean'], 3)} on average, spread {ticks.number(row['std'], 3)}",
        f"mean absolute error {ticks.number(row['mae'], 3)}, RMSE {ticks.number(row['rmse'], 3)}",
    )
