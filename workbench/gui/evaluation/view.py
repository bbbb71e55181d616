"""How well a run's model does on a split, and on the user's own files. It asks for everything by signals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QRect, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from workbench.config.problems import Problem
from workbench.gui.evaluation.confusion import Cell, Confusion
from workbench.gui.evaluation.forecast import Forecast
from workbench.gui.evaluation.pairs import Pairs
from workbench.gui.evaluation.predictions import Predictions
from workbench.gui.evaluation.residuals import Residuals
from workbench.gui.evaluation.samples import Samples
from workbench.gui.evaluation.tables import fill, table
from workbench.gui.panels.panel import sentences
from workbench.gui.theme import STEP, Themes

SPLITS = (("Validation", "val"), ("Training", "train"), ("Test", "test"))
METRICS = {"mae": "mean absolute error", "rmse": "root mean squared error", "r2": "R²"}
READING = "Rows are the true classes, columns what they were taken for. Choose a cell to see its samples."


class EvaluationView(QWidget):
    """Asks for an evaluation, and shows it."""

    wanted = Signal(str)
    """The split that is to be evaluated."""
    cell_wanted = Signal(object)
    """The numbers of the samples that are to be shown: those of a cell of the confusion."""
    files_wanted = Signal()
    """The user's own files are to be chosen and predicted."""
    files_given = Signal(object)
    """Paths that were dropped, to be predicted."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.evaluation")
        self.setAcceptDrops(True)
        self.result: dict[str, Any] = {}
        self._standing = ""
        """What the status says while nothing is waited for."""
        self._asked_cell: Cell | None = None
        """The cell whose samples are waited for."""
        self.status = self._label("evaluation.status", "muted")
        self.metrics = self._label("evaluation.metrics", "title")
        self._reading = self._label("evaluation.confusion.reading", "muted")
        self._reading.setText(READING)
        self.predictions = Predictions(self)
        self.confusion = Confusion(themes, self)
        self.confusion.chosen.connect(self._open_cell)
        self.confusion.walked.connect(self._bring_into_sight)
        self.cell = Samples("evaluation.cell", "Samples of the cell", self)
        self.forecast = Forecast(themes, self)
        self.pairs = Pairs(themes, self)
        self.residuals = Residuals(themes, self)
        headings = ("Class", "Precision", "Recall", "F1", "Samples")
        self.classes = table("evaluation.classes", "Figures of each class", headings)
        self.worst = Samples("evaluation.worst", "Worst samples", self)
        layout = QVBoxLayout(self)
        layout.addLayout(self._controls())
        layout.addWidget(self._area(), 1)
        self._rest("Evaluate the run shown to see what its model gets right, and where it errs.")

    def _controls(self) -> QHBoxLayout:
        self.split = QComboBox(self)
        self.split.setObjectName("evaluation.split")
        self.split.setAccessibleName("Split")
        self.split.setToolTip("Which samples the model is measured on")
        for words, name in SPLITS:
            self.split.addItem(words, name)
        self.button = self._button("evaluation.start", "Evaluate")
        self.button.setToolTip("Measure the best checkpoint of the run shown on this split")
        self.button.clicked.connect(self._ask)
        self.predict = self._button("evaluation.predict", "Predict files…")
        self.predict.setToolTip("The model of the run shown on files of your own. They can be dropped here too")
        self.predict.clicked.connect(self.files_wanted)
        self._row = QHBoxLayout()
        for widget in (self.split, self.button, self.predict):
            self._row.addWidget(widget)
        self._row.addWidget(self.status, 1)
        return self._row

    def _area(self) -> QScrollArea:
        side = QHBoxLayout()
        side.setSpacing(4 * STEP)
        side.addWidget(self.pairs, 0, Qt.AlignmentFlag.AlignTop)
        side.addWidget(self.residuals, 1, Qt.AlignmentFlag.AlignTop)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setSpacing(3 * STEP)
        above: tuple[QWidget, ...] = (
            self.predictions,
            self.metrics,
            self._reading,
            self.confusion,
            self.cell,
            self.forecast,
        )
        beside: tuple[QWidget, ...] = (self.pairs, self.residuals)
        below: tuple[QWidget, ...] = (self.classes, self.worst)
        for widget in above:
            column.addWidget(widget)
        column.addLayout(side)
        for widget in below:
            column.addWidget(widget)
        for widget in (*above, *beside, *below):
            widget.hide()
        column.addStretch(1)
        area = QScrollArea(self)
        area.setObjectName("evaluation.area")
        area.setAccessibleName("Evaluation")
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(inside)
        self._scroll, self._inside = area, inside
        return area

    # --- what others tell it ---

    def put_wait_line(self, line: QWidget) -> None:
        """Beside the status: how far the lab is."""
        self._row.addWidget(line)

    def wait_for(self, words: str) -> None:
        """Says what is waited for."""
        self.status.setText(words)

    def refuse(self, problems: tuple[Problem, ...]) -> None:
        """Says why there is nothing to show."""
        self._rest(sentences(problems))

    def say(self, words: str) -> None:
        """Says something in the place of the status."""
        self._rest(words)

    def show_result(self, result: dict[str, Any]) -> None:
        """Takes what the lab found."""
        if self._inside.isAncestorOf(self.window().focusWidget()):
            # What has the focus may be hidden now; where it would go of itself nobody wants it.
            self.button.setFocus()
        self.result = result
        self._rest(self._origin(result))
        self._asked_cell = None
        self.metrics.setText(_metrics(result))
        self.metrics.show()
        self.predictions.hide()
        self.cell.hide()
        self.confusion.show_counts(result["classes"], result.get("confusion") or [])
        self._reading.setVisible(not self.confusion.isHidden())
        self.forecast.show_forecast(result.get("forecast"))
        self.pairs.show_pairs(result.get("pairs"))
        self.residuals.show_rows(result.get("residuals") or [])
        fill(self.classes, [_figures(one) for one in result.get("per_class") or []])
        worst = result["worst"]
        self.worst.show_samples("Worst samples: truth → guess" if worst else "", worst)
        self._scroll.verticalScrollBar().setValue(0)

    def show_cell(self, result: dict[str, Any]) -> None:
        """Takes the ``samples`` of the cell that was asked for, as the lab describes them, unless another is open by now."""
        cell, self._asked_cell = self._asked_cell, None
        if cell is None or cell != self.confusion.open_cell:
            return
        self._rest(self._standing)
        truth, guess = (self.confusion.classes[place] for place in cell)
        told = [{**one, "truth": truth, "guess": guess} for one in result["samples"]]
        count = self.confusion.counts[cell[0]][cell[1]]
        some = f", the {len(told)} with the highest loss" if len(told) < count else ""
        self.cell.show_samples(self.confusion.words(cell) + some, told)

    def show_predictions(self, result: dict[str, Any], by: str) -> None:
        """Takes the predictions of the user's files. ``by``: whose they are, perhaps not those of the model measured below."""
        self._rest("")
        if self.result:
            self.metrics.setText(f"{self._origin(self.result)}\n{_metrics(self.result)}")
        self.predictions.show_result(result, by)
        self._scroll.verticalScrollBar().setValue(0)

    # --- inside ---

    @Slot(int, int)
    def _open_cell(self, row: int, column: int) -> None:
        cell: Cell = (row, column)
        indices = next((list(found) for *place, found in self.result["cells"] if tuple(place) == cell), [])
        waited, self._asked_cell = self._asked_cell is not None, cell if indices else None
        if indices:
            self.status.setText("Reading the samples of the cell…")
            self.cell_wanted.emit(indices)
            return
        if waited:
            self._rest(self._standing)
        count = self.confusion.counts[row][column]
        self.cell.show_samples(self.confusion.words(cell) + (", too many cells to list them" if count else ""), [])

    @Slot(object)
    def _bring_into_sight(self, box: QRect) -> None:
        middle = self.confusion.mapTo(self._inside, box.center())
        self._scroll.ensureVisible(middle.x(), middle.y(), 0, box.height() // 2 + STEP)

    @Slot()
    def _ask(self) -> None:
        self.wanted.emit(str(self.split.currentData()))

    def _rest(self, words: str) -> None:
        """Nothing is waited for any more."""
        self._standing = words
        self.status.setText(words)

    def _origin(self, result: dict[str, Any]) -> str:
        """Which checkpoint was measured on what."""
        path = Path(result["checkpoint"])
        run = path.parent.parent.name.split("-", 2)[-1] if path.parent.name == "checkpoints" else path.name
        split = next(words for words, name in SPLITS if name == result["split"]).lower()
        count = result["samples"]
        return f"{run}, epoch {result['epoch']}, step {result['step']:,} · {count:,} {split} samples"

    def _button(self, name: str, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAccessibleName(text.rstrip("…"))
        return button

    def _label(self, name: str, role: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(name)
        label.setProperty("role", role)
        label.setWordWrap(True)
        return label

    # --- Qt's own ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Takes files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Has what was dropped predicted."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self.files_given.emit(paths)


def _metrics(result: dict[str, Any]) -> str:
    """An evaluation in one line."""
    named = {METRICS.get(name, name.replace("_", " ")): value for name, value in result["metrics"].items()}
    return "   ".join(f"{name} {value:.4g}" for name, value in named.items() if name != "samples")


def _figures(one: dict[str, Any]) -> tuple[str, ...]:
    return (one["name"], *(f"{one[key]:.3f}" for key in ("precision", "recall", "f1")), f"{one['samples']:,.0f}")
