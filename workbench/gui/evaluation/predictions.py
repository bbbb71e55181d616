"""The model on the user's own files: a row for each, and what could not be used."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QLabel, QTableView, QVBoxLayout, QWidget

from workbench.gui.evaluation.tables import dress, fit
from workbench.gui.theme import STEP

NAMED = 8
"""Files left out that are named; the others are counted."""
OTHERS = 2
"""Next best classes that are told."""
Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()


class Rows(QAbstractTableModel):
    """Predictions as the lab gives them; of a large table only what is seen is made into words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.predictions: list[dict[str, Any]] = []
        self.headings: tuple[str, ...] = ()

    def take(self, predictions: list[dict[str, Any]]) -> None:
        """Other predictions. Those of one model have all the same keys."""
        self.beginResetModel()
        self.predictions = predictions
        first = predictions[0] if predictions else {}
        classes = ("Guess", "Score", "Next best") if "scores" in first else ()
        self.headings = ("File", *classes, *first.get("values", {}))
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        """One for each sample of the files."""
        return 0 if parent.isValid() else len(self.predictions)

    def columnCount(self, parent: Index = ROOT) -> int:
        """File, then the class, then the numbers."""
        return 0 if parent.isValid() else len(self.headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The headings."""
        shown = role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal
        return self.headings[section] if shown else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell in words; the whole path as a tool tip."""
        one, heading = self.predictions[index.row()], self.headings[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() and heading not in ("Guess", "Next best"):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return one["file"] if heading == "File" else self._words(one, heading)
        return self._words(one, heading) if role == Qt.ItemDataRole.DisplayRole else None

    def _words(self, one: dict[str, Any], heading: str) -> str:
        if heading == "File":
            return PurePath(one["file"]).name
        if heading in one.get("values", {}):
            return f"{one['values'][heading]:.6g}"
        if heading == "Guess":
            return str(one["scores"][0][0])
        if heading == "Score":
            return f"{one['scores'][0][1]:.1%}"
        return ", ".join(f"{name} {share:.1%}" for name, share in one["scores"][1 : 1 + OTHERS])


class Predictions(QWidget):
    """Title, table, and what was left out with the reason."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evaluation.predictions")
        self.rows = Rows(self)
        self.title = self._label("title")
        self.left_out = self._label("warning")
        self.table = QTableView(self)
        self.table.setModel(self.rows)
        dress(self.table, "evaluation.predictions.table", "Predictions of your files")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(STEP)
        for widget in (self.title, self.table, self.left_out):
            layout.addWidget(widget)
        self.hide()

    def show_result(self, result: dict[str, Any], by: str) -> None:
        """Takes what the lab predicted; ``by`` names the model."""
        found = result["predictions"]
        self.rows.take(found)
        self.title.setText(f"Your files by {by}: {len(found):,} prediction{'' if len(found) == 1 else 's'}")
        fit(self.table, len(found), 0)
        self.left_out.setText(reasons(result["left_out"]))
        self.left_out.setVisible(bool(result["left_out"]))
        self.show()

    def _label(self, role: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(f"evaluation.predictions.{role}")
        label.setProperty("role", role)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label


def reasons(left_out: list[dict[str, str]]) -> str:
    """What was left out, each with why; the others counted."""
    lines = [f"Left out: {PurePath(one['file']).name}: {one['why']}" for one in left_out[:NAMED]]
    more = len(left_out) - NAMED
    return "\n".join(lines + ([f"… and {more:,} more"] if more > 0 else []))
