"""What each task's evaluation is shown in, from top to bottom. What every task has (metrics, worst samples) is not listed."""

from __future__ import annotations

from workbench.gui.evaluation.class_scores import ClassScoresTable
from workbench.gui.evaluation.confusion_cells import ConfusionCells
from workbench.gui.evaluation.forecast import ForecastPart
from workbench.gui.evaluation.number_errors import NumberErrors
from workbench.gui.evaluation.part import EvaluationPart

TASK_VIEWS: dict[str, tuple[type[EvaluationPart], ...]] = {
    "classification": (ConfusionCells, ClassScoresTable),
    "regression": (ForecastPart, NumberErrors),
    "multi-task": (ConfusionCells, NumberErrors, ClassScoresTable),
}
"""By the task's kind, as :attr:`Evaluation.task` and :mod:`workbench.engine.tasks` have it."""
