"""What is predicted: one file per task, one entry in ``TASKS``."""

from __future__ import annotations

from workbench.engine.data.dataset import TaskSpec
from workbench.engine.tasks.classification import Classification
from workbench.engine.tasks.multi_task import MultiTask
from workbench.engine.tasks.regression import Regression
from workbench.engine.tasks.task import Task

TASKS: dict[str, type[Task]] = {task.kind: task for task in (Classification, Regression, MultiTask)}


def task_of(spec: TaskSpec) -> Task:
    """The task that a source poses."""
    return TASKS[spec.kind](spec)
