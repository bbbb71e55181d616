"""The layers of a network: how long their gradients are for a batch, beside their weights, and over a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.inspector.drawings import Drawing
from workbench.gui.inspector.page import Page, control_row, label
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes
from workbench.runs.progress import Progress
from workbench.runs.service.answers import AnyAnswer
from workbench.runs.service.inspection import BatchInspection, LayerNorms

if TYPE_CHECKING:
    from workbench.gui.inspector.norm_chart import NormChart

HEIGHT = 320
"""Pixels that bars and curves need to be read."""
SETTING = "output.layer_norms"
OFF = (
    "The run shown has not recorded gradient norms of its layers. "
    "Switch on “Gradient norm of each layer” (Optimiser and schedule, Advanced) and train."
)
NO_RUN = "Gradient norms over time are drawn here once a run is shown that records them."
ON = "“Gradient norm of each layer” is on now: the next run records them. Press Train."
WAITING = "The run shown has not reported a step yet."


class NormBars(Drawing):
    """A row for each layer: the norm of its gradient, and that of its weights, each in its own scale from zero."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("inspector.layers.bars", "Norms of gradient and weights of each layer", themes, parent)
        self.layers: Sequence[LayerNorms] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(320, (len(self.layers) + 1) * self._row() + STEP)

    def minimumSizeHint(self) -> QSize:
        """All rows, but no width."""
        return QSize(160, self.sizeHint().height())

    def show_layers(self, layers: Sequence[LayerNorms]) -> None:
        """Shows a row for each layer."""
        self.layers = layers
        texts = (
            f"{layer.name}: gradient {_number(layer.gradient)}, weights {_number(layer.weights)}" for layer in layers
        )
        self.setAccessibleDescription("; ".join(texts))
        self.updateGeometry()
        self.update()

    def text_at(self, point: QPointF) -> str:
        """The layer under the pointer."""
        index = int(point.y() // self._row()) - 1
        if not 0 <= index < len(self.layers):
            return ""
        layer = self.layers[index]
        lines = [f"{layer.name} ({layer.type})", f"gradient norm: {_number(layer.gradient)}"]
        lines.append(f"weight norm: {_number(layer.weights)}")
        if layer.gradient is not None and layer.weights:
            lines.append(f"gradient per weight: {ticks.number(layer.gradient / layer.weights, 3)}")
        return "\n".join(lines)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws names, bars and numbers."""
        if not self.layers:
            return
        theme = self.themes.current
        painter = QPainter(self)
        metrics = self.fontMetrics()
        names = max((metrics.horizontalAdvance(_name(layer)) + 2 for layer in self.layers), default=0)
        left = min(names, int(self.width() * 0.34)) + 3 * STEP
        half = (self.width() - left - 2 * STEP) / 2
        number = metrics.horizontalAdvance("0.00000") + STEP
        painter.setPen(QColor(theme.muted))
        painter.drawText(QRectF(left, 0, half, self._row()), Qt.AlignmentFlag.AlignVCenter, "gradient norm")
        painter.drawText(QRectF(left + half, 0, half, self._row()), Qt.AlignmentFlag.AlignVCenter, "weight norm")
        tops = (_largest([layer.gradient for layer in self.layers]), _largest([layer.weights for layer in self.layers]))
        for index, layer in enumerate(self.layers, 1):
            y = index * self._row()
            painter.setPen(QColor(theme.text))
            name = metrics.elidedText(_name(layer), Qt.TextElideMode.ElideMiddle, left - 3 * STEP)
            painter.drawText(QRectF(0, y, left, self._row()), Qt.AlignmentFlag.AlignVCenter, name)
            bars = ((layer.gradient, theme.train), (layer.weights, theme.memory_other))
            for column, (value, color) in enumerate(bars):
                x = left + column * half
                finite = value is not None and math.isfinite(value)
                share = value / tops[column] if value is not None and finite else 0.0
                length = max((half - number - 2 * STEP) * share, 1.0) if finite else 0.0
                painter.fillRect(QRectF(x, y + 5, length, self._row() - 10), QColor(color))
                painter.setPen(QColor(theme.muted if finite or value is None else theme.error))
                box = QRectF(x + length + STEP, y, half - length, self._row())
                painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, _number(value))

    def _row(self) -> int:
        return self.line() + STEP


class LayersPage(Page):
    """Bars for the batch above, curves of the run shown below."""

    empty = "Press Inspect to see the norms of gradients and weights of each layer for a batch."
    setting_wanted = Signal(str)
    """A setting that is to be switched on."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("layers", "Layers", parent)
        self._themes = themes
        self._progress: Progress | None = None
        self._drawn: tuple[object, ...] = ()
        self.bars = NormBars(themes, self)
        self.note = label("inspector.layers.note", "muted", self.empty, wrap=True)
        self.history = label("inspector.layers.history", "muted", NO_RUN, wrap=True)
        self.switch = QPushButton("Record from the next run")
        self.switch.setObjectName("inspector.layers.switch")
        self.switch.setToolTip("Switches on “Gradient norm of each layer” in the settings")
        self.switch.clicked.connect(self._switch)
        self.logarithmic = QCheckBox("Lo&g axis")
        self.logarithmic.setObjectName("inspector.layers.log")
        self.logarithmic.setAccessibleName("Logarithmic axis")
        self.logarithmic.setChecked(True)
        self.logarithmic.toggled.connect(self._on_axis_changed)
        self.chart: NormChart | None = None
        self._arrange()
        self.show_content()
        themes.changed.connect(self._apply_theme)

    def _arrange(self) -> None:
        area = QScrollArea()
        area.setObjectName("inspector.layers.rows")
        area.setAccessibleName("Norms of gradient and weights of each layer")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        inside = QWidget()
        inner = QVBoxLayout(inside)
        inner.setContentsMargins(2 * STEP, STEP, 2 * STEP, STEP)
        inner.addWidget(self.note)
        inner.addWidget(self.bars)
        inner.addStretch(1)
        area.setWidget(inside)
        below = QWidget()
        self._below = QVBoxLayout(below)
        self._below.setContentsMargins(0, 0, 0, STEP)
        self._below.setSpacing(STEP)
        line = control_row()
        line.addWidget(self.history, 1)
        line.addWidget(self.switch)
        line.addWidget(self.logarithmic)
        self._below.addLayout(line)
        self._below.addStretch(1)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setObjectName("inspector.layers.split")
        split.setChildrenCollapsible(False)
        split.addWidget(area)
        split.addWidget(below)
        split.setSizes([150, 190])
        self.set_content(split, HEIGHT)
        self._follow()

    def fill(self) -> None:
        """Makes the plot: it imports pyqtgraph."""
        if self.chart is not None:
            return
        from workbench.gui.inspector.norm_chart import NormChart

        self.chart = NormChart(self)
        around = QVBoxLayout()
        around.setContentsMargins(2 * STEP, 0, 2 * STEP, 0)
        around.addWidget(self.chart)
        self._below.insertLayout(1, around, 100)
        self._apply_theme()

    def show_message(self, text: str) -> None:
        """A sentence in the place of the bars: the curves stay."""
        self.note.setText(text)
        self.note.show()
        self.bars.show_layers(())

    def show_answer(self, answer: AnyAnswer) -> None:
        """Shows the layers of a batch."""
        if not isinstance(answer, BatchInspection):
            return
        layers = answer.layers
        self.note.setText("" if layers else "No layer of this network has parameters.")
        self.note.setVisible(not layers)
        self.bars.show_layers(layers)

    def show_progress(self, progress: Progress | None) -> None:
        """Draws what is new in ``progress``. Cheap when nothing is new, or it is not visible."""
        if progress is not self._progress:
            self._progress = progress
            self._drawn = ()
            if self.chart is not None:
                self.chart.build(progress, self._themes.current)
        if self.isVisible():
            self._follow()

    def showEvent(self, event: QShowEvent) -> None:
        """Catches up on what came while it was hidden."""
        super().showEvent(event)
        self._follow()

    def _follow(self) -> None:
        progress = self._progress
        layers = progress.curves.layers if progress is not None else {}
        text = _history_text(progress) if self.history.text() != ON or layers else ON
        self.history.setText(text)
        self.switch.setVisible(not layers and text in (OFF, NO_RUN))
        self.logarithmic.setVisible(bool(layers))
        if self.chart is None:
            return
        self.chart.setVisible(bool(layers))
        drawn = (self.logarithmic.isChecked(), *((name, len(series), series.drops) for name, series in layers.items()))
        if layers and drawn != self._drawn:
            self._drawn = drawn
            self.chart.show_look(self.logarithmic.isChecked())

    @Slot()
    def _switch(self) -> None:
        self.history.setText(ON)
        self.switch.hide()
        self.setting_wanted.emit(SETTING)

    @Slot()
    def _on_axis_changed(self) -> None:
        self._drawn = ()
        self._follow()

    @Slot()
    def _apply_theme(self) -> None:
        self._drawn = ()
        if self.chart is not None:
            self.chart.apply_theme(self._themes.current)
            self.chart.build(self._progress, self._themes.current)
        self._follow()


def _name(layer: LayerNorms) -> str:
    """Its name, and its type where the name is a mere number."""
    return f"{layer.name} {layer.type}" if layer.name.rpartition(".")[2].isdigit() else layer.name


def _history_text(progress: Progress | None) -> str:
    if progress is None:
        return NO_RUN
    if progress.curves.layers:
        return "Gradient norm over time"
    return OFF if len(progress.curves.loss) or progress.ended is not None else WAITING


def _number(value: float | None) -> str:
    return "frozen" if value is None else ticks.number(value, 3)


def _largest(norms: Sequence[float | None]) -> float:
    return max((norm for norm in norms if norm is not None and math.isfinite(norm)), default=0.0) or 1.0
