"""What the menus do with runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gui.conftest import Answers
from tests.gui.scripted import Engine, Engines
from workbench.config.run import RunConfig
from workbench.gui.main_window import MainWindow
from workbench.gui.session.run_controller import END_NOW, WAIT
from workbench.runs.folder import create

Wait = Callable[[Callable[[], object]], None]


def test_that_a_complete_run_is_given_more_epochs(
    window: MainWindow, answers: Answers, engines: Engines, wait: Wait, runs: Path
) -> None:
    run = create(RunConfig(), "old", runs)
    Engine(run).train()
    window.controllers.runs.show_run(run)
    wait(lambda: window.session.progress.state == "completed")
    answers.give(7)
    window.actions_["run.resume"].trigger()
    wait(lambda: engines.all)
    assert engines.last.folder == run
    assert engines.last.epochs == 7
    assert "3 epochs" in answers.asked[0]


def test_that_a_run_that_does_not_stop_may_be_waited_for_and_then_ended(
    window: MainWindow, engines: Engines, wait: Wait, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.gui.session.run_watcher.STOP_PATIENCE_MS", 30)
    window.actions_["run.train"].trigger()
    wait(lambda: engines.all)
    engines.last.begin()
    engines.last.deaf = True
    wait(lambda: window.session.state == "running")
    answers.give(WAIT, END_NOW)
    window.actions_["run.stop"].trigger()
    wait(lambda: window.session.state == "ended")
    assert engines.last.killed
    assert len(answers.asked) == 2
