"""How well a run's model does on a split, and on the user's own files. It asks for everything by signals."""

from __future__ import annotations

from pathlib import Path

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
from workbench.runs.service.evaluation import ClassScores, EvaluatedSample, Evaluation, FilePredictions
from workbench.runs.service.samples import SampleDescription, SampleDescriptions

SPLITS = (("Validation", "val"), ("Training", "train"), ("Test", "test"))
METRICS = {"mae": "mean absolute error", "rmse": "root mean squared error", "r2": "R²"}
READING = "Rows are true classes, columns predicted classes. Choose a cell to see its samples."


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
        self.evaluation: Evaluation | None = None
        self._standing = ""
        """The status while nothing is waited for."""
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
        self.classes = table("evaluation.classes", "Scores of each class", headings)
        self.worst = Samples("evaluation.worst", "Samples with the highest loss", self)
        layout = QVBoxLayout(self)
        layout.addLayout(self._controls())
        layout.addWidget(self._area(), 1)
        self.show_status("Evaluate the run shown to see what its model gets right and wrong.")

    def _controls(self) -> QHBoxLayout:
        self.split = QComboBox(self)
        self.split.setObjectName("evaluation.split")
        self.split.setAccessibleName("Split")
        self.split.setToolTip("Which samples the model is evaluated on")
        for title, name in SPLITS:
            self.split.addItem(title, name)
        self.button = self._button("evaluation.start", "Evaluate")
        self.button.setToolTip("Evaluate the best checkpoint of the run shown on this split")
        self.button.clicked.connect(self._request)
        self.predict = self._button("evaluation.predict", "Predict files…")
        self.predict.setToolTip("Apply the model of the run shown to your own files. They can be dropped here too")
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

    # --- what others show in it ---

    def add_busy_indicator(self, indicator: QWidget) -> None:
        """Beside the status: the progress of what is waited for."""
        self._row.addWidget(indicator)

    def show_waiting(self, text: str) -> None:
        """Says what is waited for."""
        self.status.setText(text)

    def show_problems(self, problems: tuple[Problem, ...]) -> None:
        """Says why there is nothing to show."""
        self.show_status(sentences(problems))

    def show_status(self, text: str) -> None:
        """A status that stays until something else is waited for."""
        self._standing = text
        self.status.setText(text)

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Shows an evaluation in the place of the one before."""
        if self._inside.isAncestorOf(self.window().focusWidget()):
            # What has the focus may be hidden now; where it would go of itself nobody wants it.
            self.button.setFocus()
        self.evaluation = evaluation
        self.show_status(self._origin(evaluation))
        self._asked_cell = None
        self.metrics.setText(_metrics_text(evaluation))
        self.metrics.show()
        self.predictions.hide()
        self.cell.hide()
        self.confusion.show_counts(evaluation.classes, evaluation.confusion or ())
        self._reading.setVisible(not self.confusion.isHidden())
        self.forecast.show_forecast(evaluation.forecast)
        self.pairs.show_pairs(evaluation.pairs)
        self.residuals.show_targets(evaluation.residuals or ())
        fill(self.classes, [_class_row(scores) for scores in evaluation.per_class or ()])
        title = "Samples with the highest loss: true → predicted" if evaluation.worst else ""
        self.worst.show_samples(title, evaluation.worst)
        self._scroll.verticalScrollBar().setValue(0)

    def show_cell(self, described: SampleDescriptions) -> None:
        """Shows the samples of the cell that was asked for, unless another is open by now."""
        cell, self._asked_cell = self._asked_cell, None
        if cell is None or cell != self.confusion.open_cell:
            return
        self.show_status(self._standing)
        label, prediction = (self.confusion.classes[index] for index in cell)
        samples = [_with_classes(sample, label, prediction) for sample in described.samples]
        count = self.confusion.counts[cell[0]][cell[1]]
        some = f", the {len(samples)} with the highest loss" if len(samples) < count else ""
        self.cell.show_samples(self.confusion.cell_text(cell) + some, samples)

    def show_predictions(self, predictions: FilePredictions, by: str) -> None:
        """Shows the predictions of the user's files. ``by``: the model, perhaps not the one that was evaluated."""
        self.show_status("")
        if self.evaluation is not None:
            self.metrics.setText(f"{self._origin(self.evaluation)}\n{_metrics_text(self.evaluation)}")
        self.predictions.show_predictions(predictions, by)
        self._scroll.verticalScrollBar().setValue(0)

    # --- inside ---

    @Slot(int, int)
    def _open_cell(self, row: int, column: int) -> None:
        cell: Cell = (row, column)
        cells = (self.evaluation.cells or ()) if self.evaluation is not None else ()
        indices = next((samples for label, prediction, samples in cells if (label, prediction) == cell), ())
        waited, self._asked_cell = self._asked_cell is not None, cell if indices else None
        if indices:
            self.show_waiting("Reading the samples of the cell…")
            self.cell_wanted.emit(indices)
            return
        if waited:
            self.show_status(self._standing)
        count = self.confusion.counts[row][column]
        self.cell.show_samples(self.confusion.cell_text(cell) + (", too many cells to list them" if count else ""), [])

    @Slot(object)
    def _bring_into_sight(self, box: QRect) -> None:
        middle = self.confusion.mapTo(self._inside, box.center())
        self._scroll.ensureVisible(middle.x(), middle.y(), 0, box.height() // 2 + STEP)

    @Slot()
    def _request(self) -> None:
        self.wanted.emit(str(self.split.currentData()))

    def _origin(self, evaluation: Evaluation) -> str:
        """Which checkpoint was evaluated on what."""
        path = Path(evaluation.checkpoint)
        run = path.parent.parent.name.split("-", 2)[-1] if path.parent.name == "checkpoints" else path.name
        split = next(title for title, name in SPLITS if name == evaluation.split).lower()
        return f"{run}, epoch {evaluation.epoch}, step {evaluation.step:,} · {evaluation.samples:,} {split} samples"

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


def _with_classes(sample: SampleDescription, label: str, prediction: str) -> EvaluatedSample:
    return EvaluatedSample(
        index=sample.index,
        what=sample.what,
        thumbnail=sample.thumbnail,
        text=sample.text,
        label=label,
        prediction=prediction,
    )


def _metrics_text(evaluation: Evaluation) -> str:
    """The metrics in one line."""
    named = {METRICS.get(name, name.replace("_", " ")): value for name, value in evaluation.metrics.items()}
    return "   ".join(f"{name} {value:.4g}" for name, value in named.items() if name != "samples")


def _class_row(scores: ClassScores) -> tuple[str, ...]:
    shares = (f"{share:.3f}" for share in (scores.precision, scores.recall, scores.f1))
    return (scores.name, *shares, f"{scores.samples:,}")
