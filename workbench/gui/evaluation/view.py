"""How well a run's model does on a split, and on the user's own files. It asks for everything by signals."""

from __future__ import annotations

import itertools
from pathlib import Path

from PySide6.QtCore import QRect, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from workbench.config.problems import Problem
from workbench.gui.evaluation.part import EvaluationPart
from workbench.gui.evaluation.predictions import Predictions
from workbench.gui.evaluation.samples import Samples
from workbench.gui.evaluation.task_views import TASK_VIEWS
from workbench.gui.panels.panel import sentences
from workbench.gui.theme import STEP, Themes
from workbench.runs.service.evaluation import Evaluation, FilePredictions
from workbench.runs.service.samples import SampleDescriptions

SPLITS = (("Validation", "val"), ("Training", "train"), ("Test", "test"))
METRICS = {"mae": "mean absolute error", "rmse": "root mean squared error", "r2": "R²"}


class EvaluationView(QWidget):
    """Asks for an evaluation, and shows it."""

    wanted = Signal(str)
    """The split that is to be evaluated."""
    samples_wanted = Signal(object)
    """The numbers (a tuple of int) of samples of the evaluated split that a part is to show."""
    files_wanted = Signal()
    """The user's own files are to be chosen and predicted."""
    files_given = Signal(object)
    """Paths that were dropped, to be predicted."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.evaluation")
        self.setAcceptDrops(True)
        self._themes = themes
        self.evaluation: Evaluation | None = None
        self._standing = ""
        """The status while nothing is waited for."""
        self._asking: tuple[EvaluationPart, frozenset[int]] | None = None
        """The part that waits for samples, and their numbers."""
        self.status = self._label("evaluation.status", "muted")
        self.metrics = self._label("evaluation.metrics", "title")
        self.predictions = Predictions(self)
        self.parts: dict[type[EvaluationPart], EvaluationPart] = {}
        """Those of the tasks that were evaluated so far."""
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
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setSpacing(3 * STEP)
        self._task_layout = QVBoxLayout()
        self._task_layout.setSpacing(3 * STEP)
        column.addWidget(self.predictions)
        column.addWidget(self.metrics)
        column.addLayout(self._task_layout)
        column.addWidget(self.worst)
        self.metrics.hide()
        self.worst.hide()
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
        warnings = [f"{warning[:1].upper()}{warning[1:]}." for warning in evaluation.warnings]
        self.show_status(" ".join([self._origin(evaluation), *warnings]))
        self._asking = None
        self.metrics.setText(_metrics_text(evaluation))
        self.metrics.show()
        self.predictions.hide()
        self._show_parts(evaluation)
        title = "Samples with the highest loss: true → predicted" if evaluation.worst else ""
        self.worst.show_samples(title, evaluation.worst)
        self._scroll.verticalScrollBar().setValue(0)

    def show_samples(self, described: SampleDescriptions) -> None:
        """Hands samples to the part that asked for them, unless others are waited for by now."""
        if self._asking is None:
            return
        part, numbers = self._asking
        if numbers.issuperset(sample.index for sample in described.samples):
            self._asking = None
            self.show_status(self._standing)
            part.show_samples(described.samples)

    def show_predictions(self, predictions: FilePredictions, by: str) -> None:
        """Shows the predictions of the user's files. ``by``: the model, perhaps not the one that was evaluated."""
        self.show_status("")
        if self.evaluation is not None:
            self.metrics.setText(f"{self._origin(self.evaluation)}\n{_metrics_text(self.evaluation)}")
        self.predictions.show_predictions(predictions, by)
        self._scroll.verticalScrollBar().setValue(0)

    # --- inside ---

    def _show_parts(self, evaluation: Evaluation) -> None:
        """Shows the parts of the evaluation's task, in their order, and hides those of the others."""
        for part in self.parts.values():
            self._task_layout.removeWidget(part)
            part.hide()
        # A task of a newer version has none here: its metrics and samples are shown.
        for kind in TASK_VIEWS.get(evaluation.task, ()):
            part = self._part(kind)
            self._task_layout.addWidget(part)
            part.show_evaluation(evaluation)
        _order_tabs(self.predictions, *self.parts_shown(), self.worst)

    def parts_shown(self) -> list[EvaluationPart]:
        """Those of the evaluation's task, from top to bottom, also such as hide because there is nothing of theirs in it."""
        kinds = TASK_VIEWS.get(self.evaluation.task, ()) if self.evaluation is not None else ()
        return [self.parts[kind] for kind in kinds]

    def _part(self, kind: type[EvaluationPart]) -> EvaluationPart:
        """The only one of its kind, made when it is first shown."""
        if kind not in self.parts:
            part = self.parts[kind] = kind(self._themes, self._inside)
            part.samples_wanted.connect(self._request_samples)
            part.sight_wanted.connect(self._bring_into_sight)
        return self.parts[kind]

    @Slot(object, object)
    def _request_samples(self, part: EvaluationPart, numbers: tuple[int, ...]) -> None:
        if numbers:
            self._asking = part, frozenset(numbers)
            self.show_waiting("Reading the samples…")
            self.samples_wanted.emit(numbers)
        elif self._asking is not None:
            self._asking = None
            self.show_status(self._standing)

    @Slot(object, object)
    def _bring_into_sight(self, part: EvaluationPart, area: QRect) -> None:
        middle = part.mapTo(self._inside, area.center())
        self._scroll.ensureVisible(middle.x(), middle.y(), 0, area.height() // 2 + STEP)

    @Slot()
    def _request(self) -> None:
        self.wanted.emit(str(self.split.currentData()))

    def _origin(self, evaluation: Evaluation) -> str:
        """Which checkpoint was evaluated on what."""
        path = Path(evaluation.checkpoint)
        run = path.parent.parent.name.split("-", 2)[-1] if path.parent.name == "checkpoints" else path.name
        split = next(title for title, name in SPLITS if name == evaluation.split).lower()
        origin = f"{run}, epoch {evaluation.epoch}, step {evaluation.step:,} · {evaluation.samples:,} {split} samples"
        return f"{origin}. {evaluation.note}" if evaluation.note else origin

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


def _order_tabs(*widgets: QWidget) -> None:
    """Has the tab key walk what is inside of widgets in the order in which they stand."""
    inside = [child for widget in widgets for child in widget.findChildren(QWidget) if _takes_tab(child)]
    for earlier, later in itertools.pairwise(inside):
        QWidget.setTabOrder(earlier, later)


def _takes_tab(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)


def _metrics_text(evaluation: Evaluation) -> str:
    """The metrics in one line, below them what a linear regression has learned."""
    named = {METRICS.get(name, name.replace("_", " ")): value for name, value in evaluation.metrics.items()}
    metrics = "   ".join(f"{name} {value:.4g}" for name, value in named.items() if name != "samples")
    return "\n".join([metrics, *(f"Learned: {equation.text}" for equation in evaluation.equations or ())])
