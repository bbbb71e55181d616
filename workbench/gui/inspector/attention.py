"""The attention of a transformer: a map for each head, a row for each query and a column for each key."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox, QVBoxLayout, QWidget

from workbench.gui.inspector import color_scale
from workbench.gui.inspector.drawings import Drawing, draw_scale
from workbench.gui.inspector.page import Page, control_row, label
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes
from workbench.runs.series import Floats
from workbench.runs.service.answers import AnyAnswer
from workbench.runs.service.inspection import AttentionMaps
from workbench.runs.service.requests import MapAttention

SPLITS = (("Validation", "val"), ("Training", "train"), ("Test", "test"))
PAUSE_MS = 200
LONGEST_NAME = 64
_ALL = "All heads"


class AttentionDrawing(Drawing):
    """The maps of all heads side by side, or of one."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("inspector.attention.maps", "Attention maps", themes, parent)
        self.maps: Floats = np.empty((0, 0, 0))
        """Shape (heads, queries, keys)."""
        self.step_names: Sequence[str] = ()
        self.head: int | None = None
        """The head that is shown; None for all."""

    def minimumSizeHint(self) -> QSize:
        """Small: the layout around it decides."""
        return QSize(160, 96)

    def show_maps(self, maps: Floats, step_names: Sequence[str]) -> None:
        """Shows the maps of a layer."""
        self.maps, self.step_names = maps, step_names
        self.setAccessibleDescription(f"{len(maps)} heads, {len(step_names)} steps: {' '.join(step_names[:60])}")
        self.update()

    def text_at(self, point: QPointF) -> str:
        """Which step attends to which, and how much."""
        for head, area in self._areas():
            if area.contains(point):
                steps = len(self.step_names)
                query = min(int((point.y() - area.top()) / area.height() * steps), steps - 1)
                key = min(int((point.x() - area.left()) / area.width() * steps), steps - 1)
                value = ticks.number(float(self.maps[head, query, key]), 3)
                return f"head {head + 1}: “{self.step_names[query]}” attends to “{self.step_names[key]}”: {value}"
        return ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws every map, the step names beside the outer ones, and the color scale."""
        if not self.maps.size:
            return
        theme = self.themes.current
        painter = QPainter(self)
        shown = self._areas()
        largest = max(float(self.maps[head].max()) for head, _ in shown)
        left, top = min(area.left() for _, area in shown), min(area.top() for _, area in shown)
        for head, area in shown:
            painter.setPen(QColor(theme.text))
            above = self._names_height() if area.top() == top else 0.0
            title = QRectF(area.left(), area.top() - above - self.line(), area.width(), self.line())
            painter.drawText(title, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, f"Head {head + 1}")
            painter.drawImage(area, color_scale.color_image(self.maps[head], largest, theme))
            painter.setPen(QColor(theme.line))
            painter.drawRect(area)
            self._name_steps(painter, area, beside=area.left() == left, above=area.top() == top)
        painter.setPen(QColor(theme.muted))
        below = QRectF(0, self.height() - self.line(), self.width(), self.line())
        draw_scale(painter, below, (0.0, largest), self.themes)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, "row: query · column: key")

    def _name_steps(self, painter: QPainter, area: QRectF, *, beside: bool, above: bool) -> None:
        """The step names left of the rows and above the columns: as many as there is room for."""
        painter.save()
        painter.setPen(QColor(self.themes.current.muted))
        painter.setFont(self._small())
        metrics, middle = painter.fontMetrics(), Qt.AlignmentFlag.AlignVCenter
        cell, line = area.height() / len(self.step_names), metrics.height()
        for step in range(0, len(self.step_names), max(1, int(np.ceil(line / cell)))):
            text = metrics.elidedText(self.step_names[step], Qt.TextElideMode.ElideRight, LONGEST_NAME)
            along = (step + 0.5) * cell
            if beside:
                box = QRectF(0, area.top() + along - line / 2, area.left() - STEP, line)
                painter.drawText(box, Qt.AlignmentFlag.AlignRight | middle, text)
            if above:
                painter.save()
                painter.translate(area.left() + along, area.top() - STEP)
                painter.rotate(-90)
                upright = QRectF(0, -line / 2, self._names_height(), line)
                painter.drawText(upright, Qt.AlignmentFlag.AlignLeft | middle, text)
                painter.restore()
        painter.restore()

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.85))
        return font

    def _names_height(self) -> float:
        """Room for the longest name, in both directions."""
        metrics = QFontMetrics(self._small())
        return (
            min(max((metrics.horizontalAdvance(name) for name in self.step_names), default=0), LONGEST_NAME)
            + 2.0 * STEP
        )

    def _areas(self) -> list[tuple[int, QRectF]]:
        """The head and the square of each map: as large as they fit."""
        heads = list(range(len(self.maps))) if self.head is None else [min(self.head, len(self.maps) - 1)]
        if not heads or not self.step_names:
            return []
        edge, title, gap = self._names_height(), float(self.line() + STEP), 3.0 * STEP
        width, height = self.width() - edge - 1, self.height() - self.line() - 2 * STEP - edge
        best, across = 16.0, 1
        for columns in range(1, len(heads) + 1):
            rows = -(-len(heads) // columns)
            side = min((width - (columns - 1) * gap) / columns, height / rows - title)
            if side > best:
                best, across = side, columns
        areas = []
        for index, head in enumerate(heads):
            x, y = edge + index % across * (best + gap), edge + title + index // across * (best + title)
            areas.append((head, QRectF(x, y, best, best)))
        return areas


class AttentionPage(Page):
    """Choice of sample, layer and head above the maps."""

    request_type = MapAttention
    empty = "Press Inspect to see which steps each head of a transformer attends to."

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("attention", "Attention", parent)
        self.split = QComboBox()
        for title, name in SPLITS:
            self.split.addItem(title, name)
        self.sample, self.layer, self.head = QSpinBox(), QSpinBox(), QComboBox()
        self.head.addItem(_ALL)
        self.what = label("inspector.attention.what")
        self.maps = AttentionDrawing(themes, self)
        line = control_row()
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
                widget.valueChanged.connect(self._request_later)
                line.addWidget(QLabel(title))
            line.addWidget(widget)
        line.addWidget(self.what, 1)
        self.split.currentIndexChanged.connect(self._request_later)
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
        self._pause.timeout.connect(self._request)

    def build_request(self) -> MapAttention:
        """Which sample and which layer; people count from one."""
        split = str(self.split.currentData())
        return MapAttention(split=split, index=self.sample.value() - 1, layer=self.layer.value() - 1)

    def show_answer(self, answer: AnyAnswer) -> None:
        """Shows the maps."""
        if not isinstance(answer, AttentionMaps):
            return
        heads, steps = answer.heads, answer.steps
        raw = np.frombuffer(base64.b64decode(answer.maps), dtype=np.float16)
        _limit(self.sample, answer.samples, answer.index)
        _limit(self.layer, answer.layers, answer.layer)
        if self.head.count() != heads + 1:
            self.head.blockSignals(True)
            self.head.clear()
            self.head.addItems([_ALL, *(f"Head {head + 1}" for head in range(heads))])
            self.head.blockSignals(False)
            self.maps.head = None
        self.what.setText(f"{answer.what} · {answer.samples:,} samples")
        self.what.setToolTip(self.what.text())
        self.maps.show_maps(raw.astype(np.float64).reshape(heads, steps, steps), answer.step_names)
        self.show_content()

    @Slot()
    def _request_later(self) -> None:
        self._pause.start()

    @Slot()
    def _request(self) -> None:
        self.requested.emit(self.build_request())

    @Slot(int)
    def _choose_head(self, index: int) -> None:
        self.maps.head = index - 1 if index > 0 else None
        self.maps.update()


def _limit(box: QSpinBox, count: int, index: int) -> None:
    """Sets what a box can be set to, and what it is, without another request."""
    box.blockSignals(True)
    box.setRange(1, max(count, 1))
    box.setValue(index + 1)
    box.setToolTip(f"1 to {count:,}")
    box.blockSignals(False)
