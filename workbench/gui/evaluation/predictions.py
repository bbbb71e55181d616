"""The model on the user's own files: a row for each, and what could not be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QLabel, QTableView, QVBoxLayout, QWidget

from workbench.gui.panels.tables import dress, fit
from workbench.gui.theme import STEP
from workbench.runs.service.evaluation import FilePrediction, FilePredictions, LeftOutFile

NAMED = 8
"""Files left out that are named; the others are counted."""
RUNNERS_UP = 2
"""Classes that are shown after the best."""
CLASS_HEADINGS = PREDICTION, SCORE, NEXT = ("Prediction", "Score", "Runners-up")
TEXT_HEADINGS = (PREDICTION, NEXT)
Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()


class PredictionRows(QAbstractTableModel):
    """A row for each prediction; of a large table only what is seen is made into text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.predictions: Sequence[FilePrediction] = ()
        self.headings: tuple[str, ...] = ()
        self.identifiers: tuple[str, ...] = ()
        """The headings of the columns after the file: a table's own columns that are no inputs."""

    def show_predictions(self, predictions: Sequence[FilePrediction]) -> None:
        """Other predictions. Those of one model have all the same columns."""
        self.beginResetModel()
        self.predictions = predictions
        first = predictions[0] if predictions else None
        classes = CLASS_HEADINGS if first is not None and first.scores else ()
        values = first.values or {} if first is not None else {}
        self.identifiers = tuple(first.identifiers or ()) if first is not None else ()
        self.headings = ("File", *self.identifiers, *classes, *values)
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        """One for each sample of the files."""
        return 0 if parent.isValid() else len(self.predictions)

    def columnCount(self, parent: Index = ROOT) -> int:
        """File, what identifies a row, then the class, then the numbers."""
        return 0 if parent.isValid() else len(self.headings)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        """The headings."""
        shown = role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal
        return self.headings[section] if shown else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell; the whole path as a tool tip."""
        prediction, heading = self.predictions[index.row()], self.headings[index.column()]
        if 0 < index.column() <= len(self.identifiers):
            cell = (prediction.identifiers or {}).get(heading, "")
            return cell if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole) else None
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() and heading not in TEXT_HEADINGS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return prediction.file if heading == "File" else _cell(prediction, heading)
        return _cell(prediction, heading) if role == Qt.ItemDataRole.DisplayRole else None


class Predictions(QWidget):
    """Title, table, and what was left out with the reason."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evaluation.predictions")
        self.rows = PredictionRows(self)
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

    def show_predictions(self, result: FilePredictions, by: str) -> None:
        """Shows predictions and what was left out; ``by`` names the model."""
        count = len(result.predictions)
        self.rows.show_predictions(result.predictions)
        self.title.setText(f"{count:,} prediction{'' if count == 1 else 's'} (model {by})")
        fit(self.table, count, 0)
        warnings = [
            reasons(result.left_out),
            *(f"{_named(unknown.file)}: {unknown.text}" for unknown in result.unknown),
        ]
        self.left_out.setText("\n".join(filter(None, warnings)))
        self.left_out.setVisible(any(warnings))
        self.show()

    def _label(self, role: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(f"evaluation.predictions.{role}")
        label.setProperty("role", role)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label


def _named(file: str) -> str:
    return PurePath(file).name


def _cell(prediction: FilePrediction, heading: str) -> str:
    values, scores = prediction.values or {}, prediction.scores or ()
    if heading == "File":
        return PurePath(prediction.file).name
    if heading in values:
        return f"{values[heading]:.6g}"
    if heading == PREDICTION:
        return scores[0][0]
    if heading == SCORE:
        return f"{scores[0][1]:.1%}"
    return ", ".join(f"{name} {share:.1%}" for name, share in scores[1 : 1 + RUNNERS_UP])


def reasons(left_out: Sequence[LeftOutFile]) -> str:
    """What was left out, each with why; the others counted."""
    lines = [f"Left out: {PurePath(left.file).name}: {left.why}" for left in left_out[:NAMED]]
    more = len(left_out) - NAMED
    return "\n".join(lines + ([f"… and {more:,} more"] if more > 0 else []))
