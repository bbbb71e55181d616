"""What a transformer looks at: a map for each head, a row for each step that looks and a column for each that is looked at."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox, QVBoxLayout, QWidget

from workbench.gui.inspector import color_scale
from workbench.gui.inspector.drawings import Drawing, draw_scale
from workbench.gui.inspector.page import Page, label, row
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes
from workbench.runs.series import Floats

SPLITS = (("Validation", "val"), ("Training", "train"), ("Test", "test"))
PAUSE_MS = 200
LONGEST_WORD = 64
_ALL = "All heads"


class Maps(Drawing):
    """The maps of all heads side by side, or of one."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("inspector.attention.maps", "Attention maps", themes, parent)
        self.maps: Floats = np.empty((0, 0, 0))
        """Shape (heads, steps that look, steps that are looked at)."""
        self.words: list[str] = []
        self.head: int | None = None
        """The head that is shown; None for all."""

    def minimumSizeHint(self) -> QSize:
        """Small: the layout around it decides."""
        return QSize(160, 96)

    def show_maps(self, maps: Floats, words: list[str]) -> None:
        """Takes the maps of a layer."""
        self.maps, self.words = maps, words
        self.setAccessibleDescription(f"{len(maps)} heads, {len(words)} steps: {' '.join(words[:60])}")
        self.update()

    def words_at(self, place: QPointF) -> str:
        """Which step looks at which, and how much."""
        for head, area in self._areas():
            if area.contains(place):
                steps = len(self.words)
                source = min(int((place.y() - area.top()) / area.height() * steps), steps - 1)
                target = min(int((place.x() - area.left()) / area.width() * steps), steps - 1)
                value = ticks.number(float(self.maps[head, source, target]), 3)
                return f"head {head + 1}: “{self.words[source]}” looks at “{self.words[target]}”: {value}"
        return ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws every map, the words beside the outer ones, and what the colours mean."""
        if not self.maps.size:
            return
        theme = self.themes.current
        painter = QPainter(self)
        shown = self._areas()
        largest = max(float(self.maps[head].max()) for head, _ in shown)
        left, top = min(area.left() for _, area in shown), min(area.top() for _, area in shown)
        for head, area in shown:
            painter.setPen(QColor(theme.text))
            above = self._words_above() if area.top() == top else 0.0
            title = QRectF(area.left(), area.top() - above - self.line(), area.width(), self.line())
            painter.drawText(title, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"Head {head + 1}")
            painter.drawImage(area, color_scale.picture(self.maps[head], largest, theme))
            painter.setPen(QColor(theme.line))
            painter.drawRect(area)
            self._name_steps(painter, area, beside=area.left() == left, above=area.top() == top)
        painter.setPen(QColor(theme.muted))
        below = QRectF(0, self.height() - self.line(), self.width(), self.line())
        draw_scale(painter, below, (0.0, largest), self.themes)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, "row: looks · column: is looked at")

    def _name_steps(self, painter: QPainter, area: QRectF, *, beside: bool, above: bool) -> None:
        """The words left of the rows and above the columns: as many as there is room for."""
        painter.save()
        painter.setPen(QColor(self.themes.current.muted))
        painter.setFont(self._small())
        metrics, middle = painter.fontMetrics(), Qt.AlignmentFlag.AlignVCenter
        cell, line = area.height() / len(self.words), metrics.height()
        for step in range(0, len(self.words), max(1, int(np.ceil(line / cell)))):
            text = metrics.elidedText(self.words[step], Qt.TextElideMode.ElideRight, LONGEST_WORD)
            along = (step + 0.5) * cell
            if beside:
                box = QRectF(0, area.top() + along - line / 2, area.left() - STEP, line)
                painter.drawText(box, Qt.AlignmentFlag.AlignRight | middle, text)
            if above:
                painter.save()
                painter.translate(area.left() + along, area.top() - STEP)
                painter.rotate(-90)
                upright = QRectF(0, -line / 2, self._words_above(), line)
                painter.drawText(upright, Qt.AlignmentFlag.AlignLeft | middle, text)
                painter.restore()
        painter.restore()

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.85))
        return font

    def _words_above(self) -> float:
        """Room for the longest word, in both directions."""
        metrics = QFontMetrics(self._small())
        return min(max((metrics.horizontalAdvance(word) for word in self.words), default=0), LONGEST_WORD) + 2.0 * STEP

    def _areas(self) -> list[tuple[int, QRectF]]:
        """The head and the square of each map: as large as they fit."""
        heads = list(range(len(self.maps))) if self.head is None else [min(self.head, len(self.maps) - 1)]
        if not heads or not self.words:
            return []
        edge, title, gap = self._words_above(), float(self.line() + STEP), 3.0 * STEP
        width, height = self.width() - edge - 1, self.height() - self.line() - 2 * STEP - edge
        best, across = 16.0, 1
        for columns in range(1, len(heads) + 1):
            rows = -(-len(heads) // columns)
            side = min((width - (columns - 1) * gap) / columns, height / rows - title)
            if side > best:
                best, across = side, columns
        areas = []
        for place, head in enumerate(heads):
            x, y = edge + place % across * (best + gap), edge + title + place // across * (best + title)
            areas.append((head, QRectF(x, y, best, best)))
        return areas


class AttentionPage(Page):
    """Choice of sample, layer and head above the maps."""

    method = "attention"
    empty = "Press Look to see which step each head of a transformer looks at."

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("attention", "Attention", parent)
        self.split = QComboBox()
        for words, name in SPLITS:
            self.split.addItem(words, name)
        self.sample, self.layer, self.head = QSpinBox(), QSpinBox(), QComboBox()
        self.head.addItem(_ALL)
        self.what = label("inspector.attention.what")
        self.maps = Maps(themes, self)
        line = row()
        for widget, name, title in (
            (self.split, "split", "Split"),
            (self.sample, "sample", "Sample"),
            (self.layer, "layer", "Layer"),
            (self.head, "head", "Head"),
        ):
            widget.setObjectName(f"inspector.attention.{name}")
            widget.setAccessibleName(title)
            if isinstance(widget, QSpinBox):
                widget.setKeyboardTracking(False)
                widget.setRange(1, 1)
                widget.valueChanged.connect(self._moved)
                line.addWidget(QLabel(title))
            line.addWidget(widget)
        line.addWidget(self.what, 1)
        self.split.currentIndexChanged.connect(self._moved)
        self.head.currentIndexChanged.connect(self._choose_head)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, STEP)
        layout.setSpacing(2 * STEP)
        layout.addLayout(line)
        inner = QVBoxLayout()
        inner.setContentsMargins(2 * STEP, 0, 2 * STEP, 0)
        inner.addWidget(self.maps)
        layout.addLayout(inner, 1)
        self.set_content(content)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._ask)

    def question(self) -> dict[str, Any]:
        """Which sample and which layer; people count from one."""
        split = str(self.split.currentData())
        return {"split": split, "index": self.sample.value() - 1, "layer": self.layer.value() - 1}

    def show_result(self, result: dict[str, Any]) -> None:
        """Shows the maps."""
        heads, steps = result["heads"], result["steps"]
        raw = np.frombuffer(base64.b64decode(result["maps"]), dtype=np.float16)
        _limit(self.sample, result["samples"], result["index"])
        _limit(self.layer, result["layers"], result["layer"])
        if self.head.count() != heads + 1:
            self.head.blockSignals(True)
            self.head.clear()
            self.head.addItems([_ALL, *(f"Head {head + 1}" for head in range(heads))])
            self.head.blockSignals(False)
            self.maps.head = None
        self.what.setText(f"{result['what']} · {result['samples']:,} samples")
        self.what.setToolTip(self.what.text())
        self.maps.show_maps(raw.astype(np.float64).reshape(heads, steps, steps), result["words"])
        self.show_content()

    @Slot()
    def _moved(self) -> None:
        self._pause.start()

    @Slot()
    def _ask(self) -> None:
        self.asked.emit(self.method, self.question())

    @Slot(int)
    def _choose_head(self, place: int) -> None:
        self.maps.head = place - 1 if place > 0 else None
        self.maps.update()


def _limit(box: QSpinBox, count: int, place: int) -> None:
    """Sets what a box can be set to, and what it is, without asking again."""
    box.blockSignals(True)
    box.setRange(1, max(count, 1))
    box.setValue(place + 1)
    box.setToolTip(f"1 to {count:,}")
    box.blockSignals(False)
