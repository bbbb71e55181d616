"""The learning rate over the planned epochs, drawn from the very function that training uses."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from workbench.config.schedule import Plan, ScheduleSection
from workbench.gui.forms.values import short_number
from workbench.gui.theme import Themes

HEIGHT = 112
POINTS = 240


class RatePlot(QWidget):
    """A small plot: epochs to the right, learning rate upwards."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("schedule.plot")
        self.setAccessibleName("Learning rate over the planned epochs")
        self.setToolTip("Learning rate over the planned epochs")
        self.setFixedHeight(HEIGHT)
        self._themes = themes
        self._epochs = 0
        self.rates: list[float] = []
        themes.changed.connect(self.update)

    def show_plan(self, schedule: ScheduleSection, base: float, plan: Plan) -> None:
        """Draws a schedule whose full learning rate is ``base``."""
        steps = max(plan.steps, 1)
        count = min(POINTS, steps)
        chosen = [round(index * (steps - 1) / max(count - 1, 1)) for index in range(count)]
        self.rates = [base * schedule.factor(step, plan) for step in chosen]
        self._epochs = plan.epochs
        first, last, top = (
            short_number(float(f"{rate:.3g}")) for rate in (self.rates[0], self.rates[-1], max(self.rates))
        )
        self.setAccessibleDescription(f"begins at {first}, highest {top}, ends at {last}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws frame, ticks and curve."""
        theme = self._themes.current
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.9)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        top = max(self.rates, default=1.0)
        text = short_number(float(f"{top:.3g}"))
        left = metrics.horizontalAdvance(text) + 8
        area = QRectF(left, 8, self.width() - left - 8, self.height() - metrics.height() - 16)
        painter.setPen(QColor(theme.line))
        painter.setBrush(QColor(theme.plot))
        painter.drawRect(area)
        painter.setPen(QColor(theme.muted))
        right = Qt.AlignmentFlag.AlignRight
        painter.drawText(QRectF(0, area.top() - 2, left - 4, metrics.height()), right, text)
        painter.drawText(QRectF(0, area.bottom() - metrics.height() + 2, left - 4, metrics.height()), right, "0")
        below = QRectF(area.left(), area.bottom() + 4, area.width(), metrics.height())
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "learning rate over epochs")
        painter.drawText(below, right, f"{self._epochs:,}")
        if not self.rates:
            return
        last = max(len(self.rates) - 1, 1)
        points = [
            QPointF(area.left() + index / last * area.width(), area.bottom() - rate / top * (area.height() - 6))
            for index, rate in enumerate(self.rates)
        ]
        if len(points) == 1:
            points.append(QPointF(area.right(), points[0].y()))
        painter.setPen(QPen(QColor(theme.lr), 1.5))
        painter.drawPolyline(QPolygonF(points))
