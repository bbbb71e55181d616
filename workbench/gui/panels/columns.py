"""The columns of a table: what each holds and what it is used for. Role and kind are chosen here, no name is typed."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from workbench.gui.document.document import Document
from workbench.gui.panels.tables import dress
from workbench.runs.service.data_report import ColumnReport, DataReport

HEADINGS = ("Column", "Role", "Kind", "Examples")
ROW_HEIGHT = 28
MOST_ROWS = 12
"""Of more columns the others are scrolled to."""
WIDEST_NAME = 84
"""Pixels after which a name is cut; its tool tip has it whole."""
LISTED = 300
"""Columns that are listed; those of a wider table are chosen in the settings."""
ROLES: dict[str, tuple[str, ...]] = {
    "table": ("input", "target", "left out", "group", "time"),
    "series": ("input", "target", "left out", "time", "series"),
}
"""By the kind of dataset."""
_SINGLE = {"target": "target", "group": "group", "time": "time", "series": "series_column"}
"""Roles that one column has, and the setting that names it."""
KINDS = ("number", "category")


class ColumnTable(QTableWidget):
    """A row for each column, with its role and its kind to choose from."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(0, len(HEADINGS), parent)
        self._document = document
        self._source = ""
        self._columns: tuple[ColumnReport, ...] = ()
        self._boxes_up_to = 0
        """Rows from the top that have their boxes: others get them when they are scrolled to."""
        self.setHorizontalHeaderLabels(list(HEADINGS))
        dress(self, "dataset.columns", "Columns of the table")
        self.setToolTip("What each column holds, and what it is used for")
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalScrollBar().valueChanged.connect(self._add_boxes)

    def show_report(self, report: DataReport | None) -> None:
        """Shows the columns of a report; hides itself where there are none."""
        columns = report.columns[:LISTED] if report is not None and report.source in ROLES else ()
        self._source = report.source if report is not None else ""
        self._columns, self._boxes_up_to = columns, 0
        self.setVisible(bool(columns))
        self.setRowCount(0)  # with their boxes
        self.setRowCount(len(columns))
        for row, column in enumerate(columns):
            self._fill_row(row, column)
        self._add_boxes()
        header = self.horizontalHeader()
        # Columns that follow their content would be measured anew at every cell.
        for section in range(len(HEADINGS) - 1):
            self.resizeColumnToContents(section)
        self.setColumnWidth(0, min(self.columnWidth(0), WIDEST_NAME))
        header.setSectionResizeMode(len(HEADINGS) - 1, QHeaderView.ResizeMode.Stretch)
        shown = min(len(columns), MOST_ROWS)
        self.setFixedHeight(header.sizeHint().height() + shown * ROW_HEIGHT + 4)

    def set_role(self, name: str, role: str) -> None:
        """Gives a column a role, in one step that can be undone. A role that one column has is taken from the one that had it."""
        section = dict(self._document.data["dataset"])
        for setting in _SINGLE.values():
            if section.get(setting) == name:
                section[setting] = ""
        for setting in ("ignore", "inputs", "more_targets", "columns"):
            section = _without(section, setting, name)
        if role in _SINGLE:
            section[_SINGLE[role]] = name
        elif self._source == "series":
            section = self._series_role(section, name, role)
        elif role == "left out":
            section["ignore"] = [*section.get("ignore", ()), name]
        else:
            section["inputs"] = [*section.get("inputs", ()), name]
        self._document.set_section("dataset", section, f"role of {name}")

    def set_kind(self, name: str, kind: str) -> None:
        """Has a column of numbers read as categories, or as numbers again."""
        section = _without(dict(self._document.data["dataset"]), "categories", name)
        if kind == "category":
            section["categories"] = [*section.get("categories", ()), name]
        self._document.set_section("dataset", section, f"kind of {name}")

    def _series_role(self, section: dict[str, Any], name: str, role: str) -> dict[str, Any]:
        """A series names its inputs: those that are shown, with this one or without it."""
        inputs = [column.name for column in self._columns if column.role == "input" and column.name != name]
        return {**section, "columns": inputs + ([name] if role == "input" else [])}

    def _fill_row(self, row: int, column: ColumnReport) -> None:
        texts = (column.name, "", _kind_text(column), ", ".join(column.examples))
        hints = (column.name, column.why, _kind_text(column), _details(column))
        for place, (text, hint) in enumerate(zip(texts, hints, strict=True)):
            item = QTableWidgetItem(text)
            item.setToolTip(hint)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.setItem(row, place, item)

    @Slot()
    def _add_boxes(self) -> None:
        """Gives the rows that can be seen their boxes. A box takes half a millisecond, and a table may have hundreds."""
        end = min(self.verticalScrollBar().value() + MOST_ROWS + 1, len(self._columns))
        for row in range(self._boxes_up_to, end):
            self._add_boxes_of(row, self._columns[row])
        self._boxes_up_to = max(self._boxes_up_to, end)

    def _add_boxes_of(self, row: int, column: ColumnReport) -> None:
        role = self._box(f"dataset.columns.{row}.role", f"Role of {column.name}", ROLES[self._source], column.role)
        role.setToolTip(column.why or f"What {column.name} is used for")
        role.textActivated.connect(partial(self.set_role, column.name))
        self.setCellWidget(row, 1, role)
        is_category = column.name in self._document.data["dataset"].get("categories", ())
        if self._source == "table" and (column.kind == "number" or is_category) and column.role == "input":
            current = "category" if is_category else "number"
            kind = self._box(f"dataset.columns.{row}.kind", f"Kind of {column.name}", KINDS, current)
            kind.setToolTip(_details(column))
            kind.textActivated.connect(partial(self.set_kind, column.name))
            self.setCellWidget(row, 2, kind)

    def _box(self, name: str, spoken: str, choices: tuple[str, ...], current: str) -> QComboBox:
        box = QComboBox(self)
        box.setObjectName(name)
        box.setAccessibleName(spoken)
        box.addItems(list(choices))
        box.setCurrentText(current)
        return box


def _without(section: dict[str, Any], setting: str, name: str) -> dict[str, Any]:
    """A section without a column in one of its lists."""
    if setting not in section:
        return section
    return {**section, setting: [other for other in section[setting] if other != name]}


def _kind_text(column: ColumnReport) -> str:
    return f"{column.kind} ({column.unit})" if column.unit else column.kind


def _details(column: ColumnReport) -> str:
    """What a person may want to know of a column's cells."""
    parts = [_kind_text(column), f"{column.missing:,} missing"]
    parts += [f"{column.misfits:,} of another kind, which count as missing"] if column.misfits else []
    parts += [f"{column.distinct:,} different values"] if column.distinct else []
    parts += [f"decimal mark {column.decimal!r}"] if column.decimal == "," else []
    parts += [f"thousands mark {column.thousands!r}"] if column.thousands else []
    parts += [column.order] if column.order else []
    return ", ".join(parts)
