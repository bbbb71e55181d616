"""A task of the engine has its views in the window, and the window lists no task that the engine does not have."""

import pytest

from workbench.engine.tasks import TASKS


def test_that_every_task_has_views_of_its_evaluation() -> None:
    pytest.importorskip("PySide6")
    from workbench.gui.evaluation.task_views import TASK_VIEWS

    assert set(TASK_VIEWS) == set(TASKS)
