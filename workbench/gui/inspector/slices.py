"""A slice of a tensor: its last two axes as an image or as numbers, at an index of the axes before them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QSpinBox,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.inspector.drawings import HeatMap
from workbench.gui.inspector.page import label
from workbench.gui.inspector.table import Index
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes
from workbench.runs.service.inspection import TensorFacts, TensorSlice
from workbench.runs.service.requests import SliceTensor

MOST_AXES = 4
"""Axes that can be chosen; of a tensor with more, the others stay at index 0."""
PAUSE_MS = 200
"""A slice is asked for when no index was changed for so long."""


class SliceNumbers(QAbstractTableModel):
    """The values of a slice."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.values: Sequence[Sequence[float]] = ()
        self._whole = False

    def show_values(self, values: Sequence[Sequence[float]], whole: bool) -> None:
        """Shows rows of numbers; ``whole`` when they are whole ones."""
        self.beginResetModel()
        self.values, self._whole = values, whole
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """As many as the slice has."""
        return 0 if parent is not None and parent.isValid() else len(self.values)

    def columnCount(self, parent: Index | None = None) -> int:
        """As many as the slice has."""
        return 0 if (parent is not None and parent.isValid()) or not self.values else len(self.values[0])

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        """Indices, counted from zero."""
        return str(section) if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The numbers."""
        value = self.values[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{value:.0f}" if self._whole else ticks.number(value, 3)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"[{index.row()}, {index.column()}] = {value!r}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


class SlicePane(QWidget):
    """Requests a slice, and shows it."""

    requested = Signal(object)
    """A SliceTensor."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inspector.slice")
        self.setAccessibleName("Slice")
        self._tensor: TensorFacts | None = None
        self.axes = [self._axis(axis) for axis in range(MOST_AXES)]
        self.form = QComboBox(self)
        self.form.setObjectName("inspector.slice.form")
        self.form.setAccessibleName("Show the slice as")
        self.form.addItems(["Image", "Numbers"])
        self.note = label("inspector.slice.note")
        self.image = HeatMap(themes, self)
        self.numbers = SliceNumbers(self)
        self._shown = QStackedWidget(self)
        self._shown.addWidget(self.image)
        self._shown.addWidget(self._table())
        self.form.currentIndexChanged.connect(self._shown.setCurrentIndex)
        line = QHBoxLayout()
        line.setSpacing(STEP)
        line.addWidget(label("inspector.slice.title", "title", "Slice"), 1)
        for axis in self.axes:
            line.addWidget(axis)
        line.addWidget(self.form)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(STEP)
        layout.addLayout(line)
        layout.addWidget(self.note)
        layout.addWidget(self._shown, 1)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._request)

    def _axis(self, axis: int) -> QSpinBox:
        box = QSpinBox(self)
        box.setObjectName(f"inspector.slice.axis{axis}")
        box.setAccessibleName(f"Index of axis {axis}")
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._request_later)
        box.hide()
        return box

    def _table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName("inspector.slice.numbers")
        table.setAccessibleName("Slice as numbers")
        table.setModel(self.numbers)
        table.setTabKeyNavigation(False)
        table.setMinimumHeight(40)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.horizontalHeader().setDefaultSectionSize(64)
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + STEP)
        return table

    def show_tensor(self, tensor: TensorFacts | None) -> None:
        """Another tensor is shown; its first slice is requested."""
        self._tensor = tensor
        leading = tensor.shape[:-2] if tensor is not None else ()
        for axis, box in enumerate(self.axes):
            box.blockSignals(True)
            box.setVisible(axis < len(leading))
            box.setRange(0, max(leading[axis] - 1, 0) if axis < len(leading) else 0)
            box.setValue(0)
            box.setToolTip(f"Axis {axis} of the tensor, from 0 to {box.maximum()}")
            box.blockSignals(False)
        self._show_values((), False)
        self.note.setText("")
        if tensor is not None and tensor.elements:
            self._request()

    def show_slice(self, shown: TensorSlice) -> None:
        """Shows a slice, unless another tensor was chosen meanwhile."""
        tensor = self._tensor
        if tensor is None or (shown.group, shown.name) != (tensor.group, tensor.name):
            return
        values = shown.values
        self._show_values(values, shown.whole)
        index = ", ".join([*(str(position) for position in shown.index), *[":"] * min(2, len(shown.shape))])
        text = f"[{index}]  {shown.rows:,} × {shown.columns:,}" if index else "scalar"
        if values and (len(values) < shown.rows or len(values[0]) < shown.columns):
            text += f", the first {len(values)} × {len(values[0])} shown"
        self.note.setText(text)

    def show_refusal(self, text: str) -> None:
        """Says why there is no slice."""
        self._show_values((), False)
        self.note.setText(text)

    def _show_values(self, values: Sequence[Sequence[float]], whole: bool) -> None:
        self.numbers.show_values(values, whole)
        self.image.show_values(values)

    @Slot()
    def _request_later(self) -> None:
        self._pause.start()

    @Slot()
    def _request(self) -> None:
        self._pause.stop()
        if self._tensor is not None:
            index = tuple(box.value() for box in self.axes if not box.isHidden())
            self.requested.emit(SliceTensor(group=self._tensor.group, name=self._tensor.name, index=index))
