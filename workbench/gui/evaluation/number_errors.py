"""Predicted against true numbers, and beside it how their differences are distributed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from workbench.gui.evaluation.pairs import Pairs
from workbench.gui.evaluation.part import EvaluationPart
from workbench.gui.evaluation.residuals import Residuals
from workbench.gui.theme import STEP, Themes
from workbench.runs.service.evaluation import Evaluation


class NumberErrors(EvaluationPart):
    """For each target a square of points and a histogram."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self.pairs = Pairs(themes, self)
        self.residuals = Residuals(themes, self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4 * STEP)
        layout.addWidget(self.pairs, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.residuals, 1, Qt.AlignmentFlag.AlignTop)

    def show_evaluation(self, evaluation: Evaluation) -> None:
        """Shows both, as far as there are samples."""
        self.pairs.show_pairs(evaluation.pairs)
        self.residuals.show_targets(evaluation.residuals or ())
        self.setVisible(not (self.pairs.isHidden() and self.residuals.isHidden()))
