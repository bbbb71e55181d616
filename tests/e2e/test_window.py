"""The window with real engines: from the click on Train to a checkpoint, and through sudden deaths."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from tests.gate import Gate
from tests.real_window import real_windows
from tests.waiting import HANG_MS, end_runs
from workbench.gui.main_window import MainWindow
from workbench.runs import checkpoints
from workbench.runs.folder import list_runs

EPOCH = 23
"""Steps of an epoch."""
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def windows(qapp: Any, qtbot: Any, folders: Any) -> Iterator[Callable[[], MainWindow]]:
    """``windows()`` opens a real window on short real training. All close at the end, and runs that still go are ended."""
    with real_windows(qtbot) as open_one:
        yield lambda: open_one("digits-mlp")
    end_runs(folders.runs)


def _until(qtbot: Any, condition: Callable[[], object]) -> None:
    qtbot.waitUntil(lambda: bool(condition()), timeout=HANG_MS)


def _click(window: MainWindow, qtbot: Any, name: str) -> None:
    button = window.findChild(QToolButton, f"toolbar.{name}")
    assert button is not None
    qtbot.mouseClick(button, LEFT)


def test_that_train_and_stop_and_resume_by_clicks_train_a_network(
    windows: Any, qtbot: Any, folders: Any, gate: Gate
) -> None:
    gate.close_after(2 * EPOCH + 5)
    window = windows()
    window.session.start_standby()
    _click(window, qtbot, "run.train")
    _until(qtbot, lambda: window.session.progress.epoch >= 2)
    _click(window, qtbot, "run.stop")
    _until(qtbot, lambda: window.session.state == "ended")
    stopped = window.session.progress.step
    assert window.session.progress.state == "stopped"
    assert window.session.progress.curves.loss.y[-1] < window.session.progress.curves.loss.y[0]
    run = list_runs(folders.runs)[0]
    newest = checkpoints.latest(run.checkpoints)
    assert newest is not None
    assert newest.step == stopped
    _until(qtbot, lambda: window.actions_["run.resume"].isEnabled())  # once the engine has left
    gate.close_after(stopped + 5)
    _click(window, qtbot, "run.resume")
    _until(qtbot, lambda: window.session.progress.attempt == 2 and window.session.progress.step == stopped + 5)
    started = window.session.progress.started
    assert started is not None
    assert started.from_step == stopped
    _click(window, qtbot, "run.stop")
    _until(qtbot, lambda: window.session.state == "ended")


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
def test_that_a_run_outlives_its_window_is_found_again_and_may_be_killed(
    windows: Any, qtbot: Any, folders: Any, gate: Gate
) -> None:
    gate.close_after(EPOCH + 5)
    window = windows()
    _click(window, qtbot, "run.train")
    _until(qtbot, lambda: window.session.progress.epoch >= 1)
    window.controllers.runs.close_without_asking()
    window.close()
    run = list_runs(folders.runs)[0]
    assert run.is_running()
    again = windows()
    assert again.session.attach_active_run()
    _until(qtbot, lambda: again.session.state == "running")
    gate.close_after(EPOCH + 10)
    _until(qtbot, lambda: again.session.progress.step == EPOCH + 10)
    started = again.session.progress.started
    assert started is not None
    os.kill(started.pid, signal.SIGKILL)
    _until(qtbot, lambda: again.session.state == "ended")
    assert again.session.progress.state in ("failed", "interrupted")
    _until(qtbot, lambda: again.actions_["run.resume"].isEnabled())
    assert Path(run.events_file).exists()
