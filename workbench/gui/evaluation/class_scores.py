"""Precision, recall and F1 of each class, in a table."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.gui.evaluation.part import EvaluationPart
from workbench.gui.panels.tables import fill, table
from workbench.gui.theme import Themes
from workbench.runs.service.evaluation import ClassScores, Evaluation

HEADINGS = ("Class", "Precision", "Recall", "F1", "Samples")


class ClassScoresTable(EvaluationPart):
    """A row for each class."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self.table = table("evaluation.classes", "Scores of each class", HEADINGS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Fills the table."""
        scores = evaluation.per_class or ()
        fill(self.table, [_row(each) for each in scores])
        self.setVisible(bool(scores))


def _row(scores: ClassScores) -> tuple[str, ...]:
    shares = (f"{share:.3f}" for share in (scores.precision, scores.recall, scores.f1))
    return (scores.name, *shares, f"{scores.samples:,}")
