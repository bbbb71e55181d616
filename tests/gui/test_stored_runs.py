"""Runs and run files of version 0.1 are opened and drawn by the window."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stored import NAMES, STOPPED, V0_1, copy
from workbench.gui.dialogs.error import ReportDialog
from workbench.gui.main_window import MainWindow
from workbench.gui.training.curves import CurvesView
from workbench.runs import history
from workbench.runs.folder import RunFolder

Wait = Callable[[Callable[[], object]], None]


@pytest.mark.parametrize("name", NAMES)
def test_that_the_curves_of_an_old_run_are_drawn(curves: CurvesView, name: str) -> None:
    progress = history.load(RunFolder(V0_1 / "runs" / name))
    curves.show_progress(progress)
    assert not curves.empty.isVisible()
    assert curves.charts is not None
    x, y = curves.charts.loss.traces[0].items[0].getData()
    assert x[-1] == progress.step
    assert y[-1] == progress.curves.loss.y[-1]


def test_that_an_old_run_is_shown_with_its_settings(window: MainWindow, wait: Wait, tmp_path: Path) -> None:
    run = copy(tmp_path).run(STOPPED)
    window.controllers.runs.show_run(run)
    wait(lambda: window.session.progress.step == history.load(run).step)
    assert window.session.progress.state == "stopped"
    assert window.document.config == run.config()
    assert window.document.problems == ()


def test_that_an_old_run_file_is_opened_with_a_note_and_edited_by_its_new_names(
    window: MainWindow, wait: Wait, find: Callable[[str], Any]
) -> None:
    window.controllers.documents.open_path(V0_1 / "run-files" / "own-data.toml")
    wait(lambda: window.findChildren(ReportDialog))
    (report,) = window.findChildren(ReportDialog)
    assert "optimizer.rest is now called optimizer.adamw_lr_scale" in report.text
    assert find("optimizer.adamw_lr_scale").isEnabled()
    assert find("schedule.min_lr_factor").isEnabled()
    assert window.document.value("dataset.sample_kind") == "images"
    report.close()
