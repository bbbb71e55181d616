"""A look inside a tensor: its last two axes as a picture or as numbers, at a place of the axes before them."""

from __future__ import annotations

from typing import Any

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

MOST_AXES = 4
"""Axes that can be chosen; of a tensor with more, the others stay at their first place."""
PAUSE_MS = 200
"""A slice is asked for when no place was changed for so long."""


class Numbers(QAbstractTableModel):
    """The values of a slice."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.values: list[list[float]] = []
        self._whole = False

    def show_values(self, values: list[list[float]], whole: bool) -> None:
        """Takes rows of numbers; ``whole`` when they are whole ones."""
        self.beginResetModel()
        self.values, self._whole = values, whole
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """As many as the slice has."""
        return 0 if parent is not None and parent.isValid() else len(self.values)

    def columnCount(self, parent: Index | None = None) -> int:
        """As many as the slice has."""
        return 0 if (parent is not None and parent.isValid()) or not self.values else len(self.values[0])

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Places, counted from zero."""
        return str(section) if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
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
    """Asks for a slice, and shows it."""

    wanted = Signal(object)
    """Parameters of the question: group, name, index."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inspector.slice")
        self.setAccessibleName("Slice")
        self._tensor: dict[str, Any] | None = None
        self.axes = [self._axis(place) for place in range(MOST_AXES)]
        self.form = QComboBox(self)
        self.form.setObjectName("inspector.slice.form")
        self.form.setAccessibleName("Show the slice as")
        self.form.addItems(["Picture", "Numbers"])
        self.note = label("inspector.slice.note")
        self.picture = HeatMap(themes, self)
        self.numbers = Numbers(self)
        self._shown = QStackedWidget(self)
        self._shown.addWidget(self.picture)
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
        self._pause.timeout.connect(self._ask)

    def _axis(self, place: int) -> QSpinBox:
        box = QSpinBox(self)
        box.setObjectName(f"inspector.slice.axis{place}")
        box.setAccessibleName(f"Place on axis {place}")
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._moved)
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

    def show_tensor(self, tensor: dict[str, Any] | None) -> None:
        """Another tensor is looked into; its first slice is asked for."""
        self._tensor = tensor
        leading = tensor["shape"][:-2] if tensor is not None else []
        for place, box in enumerate(self.axes):
            box.blockSignals(True)
            box.setVisible(place < len(leading))
            box.setRange(0, max(leading[place] - 1, 0) if place < len(leading) else 0)
            box.setValue(0)
            box.setToolTip(f"Axis {place} of the tensor, from 0 to {box.maximum()}")
            box.blockSignals(False)
        self._show([], False)
        self.note.setText("")
        if tensor is not None and tensor["elements"]:
            self._ask()

    def show_result(self, result: dict[str, Any]) -> None:
        """Takes the lab's answer, unless another tensor was chosen meanwhile."""
        tensor = self._tensor
        if tensor is None or (result["group"], result["name"]) != (tensor["group"], tensor["name"]):
            return
        values = result["values"]
        self._show(values, result["whole"])
        place = ", ".join([*(str(one) for one in result["index"]), *[":"] * min(2, len(result["shape"]))])
        words = f"[{place}]  {result['rows']:,} × {result['columns']:,}" if place else "a single number"
        if values and (len(values) < result["rows"] or len(values[0]) < result["columns"]):
            words += f", the first {len(values)} × {len(values[0])} shown"
        self.note.setText(words)

    def refuse(self, words: str) -> None:
        """Says why there is no slice."""
        self._show([], False)
        self.note.setText(words)

    def _show(self, values: list[list[float]], whole: bool) -> None:
        self.numbers.show_values(values, whole)
        self.picture.show_values(values)

    @Slot()
    def _moved(self) -> None:
        self._pause.start()

    @Slot()
    def _ask(self) -> None:
        self._pause.stop()
        if self._tensor is not None:
            index = [box.value() for box in self.axes if not box.isHidden()]
            self.wanted.emit({"group": self._tensor["group"], "name": self._tensor["name"], "index": index})
