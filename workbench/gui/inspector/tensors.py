"""Every tensor of a batch in a table; of the one that is chosen the distribution of its values, and a slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSortFilterProxyModel, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.inspector.drawings import Histogram
from workbench.gui.inspector.page import Page, control_row, label
from workbench.gui.inspector.slices import SlicePane
from workbench.gui.inspector.table import COLUMNS, SORT_ROLE, TensorTable, cell_text, figures, shape_text
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes
from workbench.runs.service.answers import AnyAnswer
from workbench.runs.service.inspection import BatchInspection, TensorFacts

NAME = next(index for index, column in enumerate(COLUMNS) if column.key == "name")
HEIGHT = 330
"""Pixels that table and drawings need to be read."""
PADDING = 8
SHORTEST_NAME = 92
"""Pixels; of a longer name the middle is left out where there is no room for it."""

_COMMON: dict[str, Callable[[TensorFacts], str]] = {
    "device": lambda row: f"on {row.device}",
    "contiguous": lambda row: "contiguous" if row.contiguous else "not contiguous",
}
"""Columns whose value stands once above the table where all tensors have the same."""


class TensorsPage(Page):
    """The table above, what is inside the chosen tensor below."""

    empty = "Press Inspect to see every tensor of one batch: its inputs, the network's parameters, their gradients, its buffers."

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("tensors", "Tensors", parent)
        self.model = TensorTable(themes, self)
        self._order = QSortFilterProxyModel(self)
        self._order.setSourceModel(self.model)
        self._order.setSortRole(SORT_ROLE)
        self._order.setFilterKeyColumn(-1)
        self._order.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.filter = QLineEdit(self)
        self.filter.setObjectName("inspector.tensors.filter")
        self.filter.setAccessibleName("Show only tensors with")
        self.filter.setPlaceholderText("Filter")
        self.filter.setToolTip("Show only tensors whose row has these letters, such as weight or gradients")
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(240)
        self.filter.textChanged.connect(self._order.setFilterFixedString)
        self.summary = label("inspector.tensors.summary")
        self.table = self._table()
        self.chosen = label("inspector.tensors.chosen", "title")
        self.figures = label("inspector.tensors.figures")
        self.histogram = Histogram(themes, self)
        self.slice = SlicePane(themes, self)
        self.slice.requested.connect(self.requested)
        self.table.selectionModel().currentRowChanged.connect(self._choose)
        themes.changed.connect(self._redraw)
        self._arrange()

    def _table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName("inspector.tensors.table")
        table.setAccessibleName("Tensors")
        table.setModel(self._order)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setSortingEnabled(True)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + STEP)
        font = table.font()
        font.setPointSizeF(font.pointSizeF() * 0.9)
        table.setFont(font)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setMinimumSectionSize(24)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        table.setMinimumHeight(48)
        return table

    def _arrange(self) -> None:
        above = control_row()
        above.addWidget(self.filter)
        above.addWidget(self.summary, 1)
        left = QWidget()
        inner = QVBoxLayout(left)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(STEP)
        inner.addWidget(self.chosen)
        inner.addWidget(self.figures)
        inner.addWidget(self.histogram, 1)
        below = QWidget()
        beside = QHBoxLayout(below)
        beside.setContentsMargins(2 * STEP, STEP, 2 * STEP, 0)
        beside.setSpacing(4 * STEP)
        beside.addWidget(left, 1)
        beside.addWidget(self.slice, 1)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setObjectName("inspector.tensors.split")
        split.setChildrenCollapsible(False)
        split.addWidget(self.table)
        split.addWidget(below)
        split.setSizes([160, 180])
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, STEP)
        layout.setSpacing(STEP)
        layout.addLayout(above)
        layout.addWidget(split, 1)
        self.set_content(content, HEIGHT)

    def show_answer(self, answer: AnyAnswer) -> None:
        """Lists the tensors; the one that was chosen before stays chosen."""
        if not isinstance(answer, BatchInspection):
            return
        before = self.current()
        rows = answer.tensors
        self.model.show_rows(rows)
        memory = ticks.size(sum(row.bytes for row in rows))
        same = "".join(f", all {_COMMON[key](rows[0])}" for key in _uniform(rows))
        self.summary.setText(f"{len(rows):,} tensors of the first batch of an epoch, {memory}{same}")
        self.summary.setToolTip(self.summary.text())
        self._fit_columns()
        self.show_content()
        names = [(row.group, row.name) for row in rows]
        again = (before.group, before.name) if before is not None else None
        self.choose(*(again if again in names else names[0]))

    def choose(self, group: str, name: str) -> None:
        """Chooses a tensor by group and name."""
        for index, row in enumerate(self.model.rows):
            if (row.group, row.name) == (group, name):
                self.table.setCurrentIndex(self._order.mapFromSource(self.model.index(index, 0)))

    def current(self) -> TensorFacts | None:
        """The tensor that is chosen."""
        index = self._order.mapToSource(self.table.currentIndex())
        return self.model.rows[index.row()] if index.isValid() else None

    def _fit_columns(self) -> None:
        """Every column as wide as its text.

        Where the table is narrower, columns of one value give way (it stands in the line above), then names.
        """
        metrics, rows = self.table.fontMetrics(), self.model.rows
        widths = []
        for column in COLUMNS:
            texts = {column.title, *(cell_text(row, column) for row in rows)}
            widths.append(max(metrics.horizontalAdvance(text) for text in texts) + PADDING)
        bar = self.table.verticalScrollBar().sizeHint().width() + 2
        uniform = _uniform(rows) if sum(widths) > self.table.width() - bar else []
        for index, column in enumerate(COLUMNS):
            self.table.setColumnHidden(index, column.key in uniform)
            widths[index] = 0 if column.key in uniform else widths[index]
        spare = self.table.width() - bar - (sum(widths) - widths[NAME])
        widths[NAME] = max(spare, min(SHORTEST_NAME, widths[NAME]))
        for index, width in enumerate(widths):
            if width:
                self.table.setColumnWidth(index, width)

    @Slot()
    def _choose(self) -> None:
        tensor = self.current()
        self.chosen.setText(f"{tensor.name}  {shape_text(tensor.shape)}" if tensor is not None else "")
        self.figures.setText(figures(tensor) if tensor is not None else "")
        self.figures.setToolTip(self.figures.text())
        self.chosen.setToolTip(f"{tensor.group}: {tensor.name}" if tensor is not None else "")
        self.histogram.show_counts(tensor.histogram if tensor is not None else None)
        self.slice.show_tensor(tensor)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names have more room, or less."""
        super().resizeEvent(event)
        if self.model.rows:
            self._fit_columns()

    @Slot()
    def _redraw(self) -> None:
        self.table.viewport().update()


def _uniform(rows: Sequence[TensorFacts]) -> list[str]:
    """The columns in which all tensors have the same value."""
    return [key for key, text_of in _COMMON.items() if len({text_of(row) for row in rows}) == 1]
