"""A series as it was and as it was predicted, beside the naive baseline, which repeats the last value."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.gui.evaluation.canvas import Frame, PaintedPlot, around, inside
from workbench.gui.evaluation.part import EvaluationPart
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Theme, Themes
from workbench.runs.service.evaluation import Evaluation, ForecastSeries

HEIGHT = 300
_Line = tuple[Sequence[float], str, QPen]


class Forecast(PaintedPlot):
    """Three lines over the steps of a split, the newest steps of it."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, "evaluation.forecast", "Forecast", parent)
        self.forecast: ForecastSeries | None = None
        self.setFixedHeight(HEIGHT)

    def show_forecast(self, forecast: ForecastSeries | None) -> None:
        """Shows a forecast; hides itself where the samples are no series."""
        self.forecast = forecast
        self.setVisible(forecast is not None)
        self.setAccessibleDescription(verdict(forecast) if forecast is not None else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the lines, and above them what they are."""
        forecast = self.forecast
        if forecast is None:
            return
        theme = self._themes.current
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = painter.fontMetrics().height()
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(0, 0, self.width(), height), Qt.AlignmentFlag.AlignLeft, verdict(forecast))
        lines = _lines(theme, forecast)
        self._draw_legend(painter, theme, height + STEP, lines)
        every = [*forecast.true, *forecast.predicted, *forecast.baseline]
        shown = around(min(every), max(every))
        area = QRectF(0, 2 * (height + STEP), self.width(), self.height() - 2 * (height + STEP))
        frame = Frame(inside(painter, area, shown), (0.0, float(max(len(forecast.true) - 1, 1))), shown)
        frame.draw(painter, theme, f"windows starting at {forecast.first.removeprefix('from ')}", forecast.target)
        for values, _, pen in lines:
            painter.setPen(pen)
            points = [frame.point_at(step, value) for step, value in enumerate(values)]
            painter.drawPolyline(QPolygonF(points))

    def _draw_legend(self, painter: QPainter, theme: Theme, top: float, lines: Sequence[_Line]) -> None:
        x, height = 0.0, painter.fontMetrics().height()
        for _, text, pen in reversed(lines):
            painter.setPen(pen)
            painter.drawLine(QPointF(x, top + height / 2), QPointF(x + 5 * STEP, top + height / 2))
            painter.setPen(QColor(theme.muted))
            wide = painter.fontMetrics().horizontalAdvance(text)
            painter.drawText(QRectF(x + 6 * STEP, top, wide + STEP, height), Qt.AlignmentFlag.AlignLeft, text)
            x += 6 * STEP + wide + 4 * STEP


class ForecastPart(EvaluationPart):
    """The forecast, where the samples are windows of a series."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self.plot = Forecast(themes, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Draws it."""
        self.plot.show_forecast(evaluation.forecast)
        self.setVisible(evaluation.forecast is not None)


def _lines(theme: Theme, forecast: ForecastSeries) -> list[_Line]:
    """What is drawn, from the back to the front: its values, its legend, its pen."""
    baseline = f"naive baseline, MAE {ticks.number(forecast.baseline_mae, 3)}"
    predicted = f"forecast, MAE {ticks.number(forecast.mae, 3)}"
    return [
        (forecast.baseline, baseline, QPen(QColor(theme.memory_other), 1.0, Qt.PenStyle.DotLine)),
        (forecast.true, "true", QPen(QColor(theme.text), 1.0)),
        (forecast.predicted, predicted, QPen(QColor(theme.train), 1.6)),
    ]


def verdict(forecast: ForecastSeries) -> str:
    """Whether the model is better than the baseline."""
    mae, baseline = forecast.mae, forecast.baseline_mae
    if baseline <= 0:
        return f"MAE is {ticks.number(mae, 3)}; the naive baseline (repeat the last value) has none."
    change = abs(1 - mae / baseline)
    if mae >= 2 * baseline:
        return f"MAE is {mae / baseline:.2g}× the naive baseline (repeat the last value)."
    if change < 0.005:
        return "MAE is the same as that of the naive baseline (repeat the last value)."
    return f"MAE is {change:.0%} {'lower' if mae < baseline else 'higher'} than the naive baseline (repeat the last value)."
