"""The confusion matrix with the samples of the cell that was opened."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from workbench.gui.evaluation.confusion import Cell, Confusion
from workbench.gui.evaluation.part import EvaluationPart
from workbench.gui.evaluation.samples import Samples
from workbench.gui.theme import STEP, Themes
from workbench.runs.service.evaluation import EvaluatedSample, Evaluation
from workbench.runs.service.samples import SampleDescription

READING = "Rows are true classes, columns predicted classes. Choose a cell to see its samples."


class ConfusionCells(EvaluationPart):
    """How to read it, the matrix, and below it the samples of a cell."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self._indices: dict[Cell, tuple[int, ...]] = {}
        """The samples of each cell that lists them, the highest loss first."""
        reading = QLabel(READING, self)
        reading.setObjectName("evaluation.confusion.reading")
        reading.setProperty("role", "muted")
        reading.setWordWrap(True)
        self.confusion = Confusion(themes, self)
        self.confusion.chosen.connect(self._open_cell)
        self.confusion.walked.connect(self._follow_cell)
        self.cell = Samples("evaluation.cell", "Samples of the cell", self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3 * STEP)
        for widget in (reading, self.confusion, self.cell):
            layout.addWidget(widget)

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Shows the counts; hides itself where there are none, or too many classes."""
        cells = evaluation.cells or ()
        self._indices = {(label, prediction): samples for label, prediction, samples in cells}
        self.cell.hide()
        self.confusion.show_counts(evaluation.classes, evaluation.confusion or ())
        self.setVisible(not self.confusion.isHidden())

    def show_samples(self, samples: Sequence[SampleDescription]) -> None:
        """Shows the samples of the cell that is open."""
        cell = self.confusion.open_cell
        if cell is None:
            return
        label, prediction = (self.confusion.classes[index] for index in cell)
        evaluated = [
            EvaluatedSample(**dict(sample), label=label, prediction=prediction)  # as the cell says
            for sample in samples
        ]
        count = self.confusion.counts[cell[0]][cell[1]]
        some = f", the {len(evaluated)} with the highest loss" if len(evaluated) < count else ""
        self.cell.show_samples(self.confusion.cell_text(cell) + some, evaluated)

    @Slot(int, int)
    def _open_cell(self, row: int, column: int) -> None:
        indices = self._indices.get((row, column), ())
        self.request_samples(indices)
        if indices:
            return
        unlisted = ", too many cells to list them" if self.confusion.counts[row][column] else ""
        self.cell.show_samples(self.confusion.cell_text((row, column)) + unlisted, [])

    @Slot(object)
    def _follow_cell(self, box: QRect) -> None:
        self.bring_into_sight(self.confusion, box)
