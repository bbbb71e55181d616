"""The finders as a person sees them: a curve that grows, a suggestion, Apply."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from workbench.gui.theme import STEP, Themes


class FinderPlot(QWidget):
    """Points (x, y) with x on a logarithmic axis, and the suggestion as a line."""

    def __init__(self, themes: Themes, across: str, upwards: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("finder.plot")
        self.setAccessibleName(f"{upwards} against {across}")
        self.setMinimumSize(480, 260)
        self._themes = themes
        self._words = (across, upwards)
        self.points: list[tuple[float, float]] = []
        self.suggestion: float | None = None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws frame, curve and suggestion."""
        theme = self._themes.current
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(16 * STEP, 6 * STEP, -2 * STEP, -8 * STEP)
        painter.fillRect(frame, QColor(theme.plot))
        painter.setPen(QColor(theme.line))
        painter.drawRect(frame)
        painter.setPen(QColor(theme.muted))
        centre = Qt.AlignmentFlag.AlignHCenter
        painter.drawText(
            QRectF(frame.left(), frame.bottom() + 4 * STEP, frame.width(), 5 * STEP), centre, self._words[0]
        )
        painter.drawText(QRectF(frame.left(), 0, frame.width(), 5 * STEP), Qt.AlignmentFlag.AlignLeft, self._words[1])
        if not self.points:
            return
        xs = [math.log10(max(x, 1e-12)) for x, _ in self.points]
        ys = [y for _, y in self.points]
        left, wide = min(xs), max(max(xs) - min(xs), 1e-9)
        low, tall = min(ys), max(max(ys) - min(ys), 1e-9)

        def place(x: float, y: float) -> QPointF:
            return QPointF(
                frame.left() + (x - left) / wide * frame.width(), frame.bottom() - (y - low) / tall * frame.height()
            )

        for y, text in ((low, f"{low:.3g}"), (low + tall, f"{low + tall:.3g}")):
            box = QRectF(0, place(left, y).y() - 2 * STEP, 15 * STEP, 5 * STEP)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight, text)
        for x, side in ((min(xs), Qt.AlignmentFlag.AlignLeft), (max(xs), Qt.AlignmentFlag.AlignRight)):
            box = QRectF(frame.left(), frame.bottom() + STEP, frame.width(), 5 * STEP)
            painter.drawText(box, side, f"{10**x:.3g}")
        painter.setPen(QPen(QColor(theme.train), 1.5))
        painter.drawPolyline(QPolygonF([place(x, y) for x, y in zip(xs, ys, strict=True)]))
        painter.setBrush(QColor(theme.train))
        if len(xs) < 40:
            for x, y in zip(xs, ys, strict=True):
                painter.drawEllipse(place(x, y), 3.0, 3.0)
        if self.suggestion:
            painter.setPen(QPen(QColor(theme.val), 1.5, Qt.PenStyle.DashLine))
            x = place(math.log10(self.suggestion), low).x()
            painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))


class FinderDialog(QDialog):
    """Shows points as they come. ``applied`` says the suggestion that the person takes; ``left`` that it was closed."""

    applied = Signal(object)
    left = Signal()

    def __init__(self, title: str, across: str, upwards: str, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dialog.finder")
        self.setWindowTitle(title)
        self.suggestion: Any = None
        self.plot = FinderPlot(themes, across, upwards, self)
        self.status = QLabel("Trying…", self)
        self.status.setObjectName("finder.status")
        self.status.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.apply = buttons.addButton("Apply", QDialogButtonBox.ButtonRole.AcceptRole)
        self.apply.setObjectName("finder.apply")
        self.apply.setEnabled(False)
        self.apply.clicked.connect(self._apply)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * STEP, 4 * STEP, 4 * STEP, 4 * STEP)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.status)
        layout.addWidget(buttons)

    def show_points(self, points: list[tuple[float, float]], words: str) -> None:
        """Takes all points so far, and what is being tried."""
        self.plot.points = points
        self.plot.update()
        self.status.setText(words)

    def suggest(self, value: Any, words: str) -> None:
        """The end: what is suggested, in words."""
        self.suggestion = value
        self.plot.suggestion = float(value)
        self.plot.update()
        self.status.setText(words)
        self.apply.setEnabled(True)

    def refuse(self, words: str) -> None:
        """Says why there is no suggestion."""
        self.status.setText(words)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Says that nobody waits any more."""
        super().closeEvent(event)
        self.left.emit()

    @Slot()
    def _apply(self) -> None:
        self.applied.emit(self.suggestion)
        self.close()
