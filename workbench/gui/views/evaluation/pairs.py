"""Predicted against true numbers; a perfect model lies on the diagonal."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from workbench.gui.theme import STEP, Themes
from workbench.gui.views import ticks
from workbench.gui.views.evaluation.canvas import Frame, Plot, around, inside

SIDE = 290
NEAR = 6.0
"""Pixels from a point within which the pointer means it."""


class Pairs(Plot):
    """A point for each sample."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, "evaluation.pairs", "Predicted against true", parent)
        self.pairs: dict[str, Any] = {"true": [], "guess": [], "names": [], "target": ""}
        self._places: list[QPointF] = []
        self.setFixedHeight(SIDE)
        self.setMinimumWidth(SIDE)

    def show_pairs(self, pairs: dict[str, Any] | None) -> None:
        """Takes lists ``true`` and ``guess``, their ``names``, and the ``target`` that they are of."""
        self.pairs = pairs or {"true": [], "guess": [], "names": [], "target": ""}
        self.setVisible(bool(self.pairs["true"]))
        self.setAccessibleDescription(f"{len(self.pairs['true']):,} samples")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws the diagonal and the points."""
        true, guess = self.pairs["true"], self.pairs["guess"]
        if not true:
            return
        theme = self._themes.current
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown = around(min(*true, *guess), max(*true, *guess))
        side = min(self.width(), self.height())
        frame = Frame(inside(painter, QRectF(0, 0, max(side, SIDE), self.height()), shown), shown, shown)
        target = self.pairs.get("target") or "value"
        frame.draw(painter, theme, f"{target}, true", f"{target}, predicted")
        painter.setPen(QPen(QColor(theme.muted), 1, Qt.PenStyle.DashLine))
        painter.drawLine(frame.place(shown[0], shown[0]), frame.place(shown[1], shown[1]))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.train))
        painter.setOpacity(0.9 if len(true) < 200 else 0.55)
        self._places = [frame.place(x, y) for x, y in zip(true, guess, strict=True)]
        for place in self._places:
            painter.drawEllipse(place, 2.2, 2.2)

    def event(self, event: QEvent) -> bool:
        """Names the sample below the pointer."""
        if isinstance(event, QHelpEvent):
            here = QPointF(event.pos())
            near = [(QPointF(place - here).manhattanLength(), index) for index, place in enumerate(self._places)]
            distance, index = min(near, default=(NEAR + STEP, 0))
            if distance <= NEAR:
                QToolTip.showText(event.globalPos(), self._words(index), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _words(self, index: int) -> str:
        names = self.pairs.get("names") or []
        name = f"{names[index]}: " if index < len(names) else ""
        return f"{name}true {ticks.number(self.pairs['true'][index])}, predicted {ticks.number(self.pairs['guess'][index])}"
