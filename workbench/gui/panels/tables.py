"""Tables of figures: read-only, with numbers to the right, and as high as their rows up to a height."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QTableWidget, QTableWidgetItem

HIGHEST = 420
"""Pixels after which a table scrolls."""
NARROWEST = 56
MANY = 6
"""Of more columns some may lie outside: there is a bar to scroll to them."""


def table(name: str, spoken: str, headings: tuple[str, ...]) -> QTableWidget:
    """An empty table, hidden until it has rows."""
    made = QTableWidget(0, len(headings))
    made.setHorizontalHeaderLabels(list(headings))
    dress(made, name, spoken)
    return made


def dress(view: QTableView, name: str, spoken: str) -> None:
    """What every table here has in common."""
    view.setObjectName(name)
    view.setAccessibleName(spoken)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setTabKeyNavigation(False)
    view.setWordWrap(False)
    view.verticalHeader().hide()
    view.horizontalHeader().setMinimumSectionSize(NARROWEST)
    view.hide()


def fill(view: QTableWidget, rows: Sequence[tuple[str, ...]], wide: int = 0) -> None:
    """Puts rows in, with the column ``wide`` taking the room that is left; hides the table where there are none."""
    view.setRowCount(len(rows))
    for index, row in enumerate(rows):
        for column, text in enumerate(row):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            if column and _is_number(text):
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            view.setItem(index, column, item)
    fit(view, len(rows), wide)


def fit(view: QTableView, rows: int, wide: int, widest: int = 260) -> None:
    """Columns as wide as their content, up to a width; the column ``wide`` takes the room that is left. As high as its rows."""
    view.setVisible(rows > 0)
    header, columns = view.horizontalHeader(), view.model().columnCount()
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    for column in range(columns):
        if column == wide and columns <= MANY:
            # Not resized beside: a header that is to be stretched would keep that width.
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
            continue
        view.resizeColumnToContents(column)
        view.setColumnWidth(column, min(view.columnWidth(column), widest))
    heights = sum(view.rowHeight(row) for row in range(min(rows, 40)))
    bar = view.horizontalScrollBar().sizeHint().height() if columns > MANY else 0
    view.setFixedHeight(min(header.sizeHint().height() + heights + bar + 4, HIGHEST))


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True
