"""A series as it was and as it was foretold, and how the forecast compares with the naive one, which repeats the last value."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from workbench.gui.evaluation.canvas import Frame, Plot, around, inside
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Theme, Themes

HEIGHT = 300


class Forecast(Plot):
    """Three lines over the steps of a split, the newest steps of it."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, "evaluation.forecast", "Forecast", parent)
        self.forecast: dict[str, Any] = {}
        self.setFixedHeight(HEIGHT)

    def show_forecast(self, forecast: dict[str, Any] | None) -> None:
        """Takes what the lab foretold; hides itself where the samples are no series."""
        self.forecast = forecast or {}
        self.setVisible(bool(self.forecast))
        self.setAccessibleDescription(verdict(self.forecast) if self.forecast else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the lines, and above them what they are."""
        if not self.forecast:
            return
        theme = self._themes.current
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = painter.fontMetrics().height()
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(0, 0, self.width(), height), Qt.AlignmentFlag.AlignLeft, verdict(self.forecast))
        self._draw_legend(painter, theme, height + STEP)
        true = self.forecast["true"]
        every = [value for name in ("true", "guess", "naive") for value in self.forecast[name]]
        shown = around(min(every), max(every))
        area = QRectF(0, 2 * (height + STEP), self.width(), self.height() - 2 * (height + STEP))
        frame = Frame(inside(painter, area, shown), (0.0, float(max(len(true) - 1, 1))), shown)
        frame.draw(painter, theme, f"windows, the first {self.forecast['first']}", self.forecast["target"])
        for name, _, pen in _lines(theme, self.forecast):
            painter.setPen(pen)
            points = [frame.place(step, value) for step, value in enumerate(self.forecast[name])]
            painter.drawPolyline(QPolygonF(points))

    def _draw_legend(self, painter: QPainter, theme: Theme, top: float) -> None:
        x, height = 0.0, painter.fontMetrics().height()
        for _, words, pen in reversed(_lines(theme, self.forecast)):
            painter.setPen(pen)
            painter.drawLine(QPointF(x, top + height / 2), QPointF(x + 5 * STEP, top + height / 2))
            painter.setPen(QColor(theme.muted))
            wide = painter.fontMetrics().horizontalAdvance(words)
            painter.drawText(QRectF(x + 6 * STEP, top, wide + STEP, height), Qt.AlignmentFlag.AlignLeft, words)
            x += 6 * STEP + wide + 4 * STEP


def _lines(theme: Theme, forecast: dict[str, Any]) -> list[tuple[str, str, QPen]]:
    """What is drawn, from the back to the front: its key, its words, its pen."""
    naive = f"naive, mean error {ticks.number(forecast['naive_mae'], 3)}"
    guess = f"forecast, mean error {ticks.number(forecast['mae'], 3)}"
    return [
        ("naive", naive, QPen(QColor(theme.memory_other), 1.0, Qt.PenStyle.DotLine)),
        ("true", "true", QPen(QColor(theme.text), 1.0)),
        ("guess", guess, QPen(QColor(theme.train), 1.6)),
    ]


def verdict(forecast: dict[str, Any]) -> str:
    """Whether the model is worth its pains."""
    own, naive = forecast["mae"], forecast["naive_mae"]
    if naive <= 0:
        return f"The forecast errs by {ticks.number(own, 3)} on average; repeating the last value never errs."
    share = abs(1 - own / naive)
    if own >= 2 * naive:
        return f"The forecast errs {own / naive:.2g} times as much as repeating the last value."
    if share < 0.005:
        return "The forecast errs as much as repeating the last value."
    return f"The forecast errs {share:.0%} {'less' if own < naive else 'more'} than repeating the last value."
