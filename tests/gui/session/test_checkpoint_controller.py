"""What the menus do with checkpoints, with every refusal shown in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gui.conftest import Answers
from tests.gui.scripted import STEPS, Engine, Engines
from workbench.config import files
from workbench.config.problems import Problem
from workbench.config.run import RunConfig
from workbench.gui.dialogs.error import ReportDialog
from workbench.gui.main_window import MainWindow
from workbench.gui.session.checkpoint_controller import CONTINUE, SETTINGS_ONLY
from workbench.launch.service import ServiceReply
from workbench.runs.folder import create, list_runs
from workbench.runs.service.answers import CheckpointDescription
from workbench.runs.service.requests import AnyRequest

Wait = Callable[[Callable[[], object]], None]


def _error_text(window: MainWindow) -> str:
    """The words of the error that is shown; it is closed."""
    dialog = window.findChildren(ReportDialog)[-1]
    text = dialog.text
    dialog.close()
    return text


def _reply_with(
    window: MainWindow,
    monkeypatch: pytest.MonkeyPatch,
    answer: CheckpointDescription | None,
    problems: tuple[Problem, ...] = (),
) -> None:
    """The engine replies at once with this to the next request about a checkpoint."""

    def reply_now(request: AnyRequest) -> None:
        window.service.replied.emit(ServiceReply(1, request, answer, problems))

    monkeypatch.setattr(window.service, "send", reply_now)


def _described(config: RunConfig, step: int, epoch: int, run: str) -> CheckpointDescription:
    return CheckpointDescription(
        config=config.as_data(), step=step, epoch=epoch, metrics={}, classes=(), versions={}, run=run
    )


def test_that_a_run_that_goes_saves_now(window: MainWindow, engines: Engines, wait: Wait) -> None:
    window.actions_["run.train"].trigger()
    wait(lambda: engines.all)
    engines.last.begin()
    wait(lambda: window.session.state == "running")
    window.actions_["file.save_checkpoint"].trigger()
    wait(lambda: window.session.progress.checkpoints)
    assert engines.last.heard[0].name == "save"


def test_that_the_newest_checkpoint_is_copied_to_a_place_of_choice(
    window: MainWindow, answers: Answers, wait: Wait, runs: Path, tmp_path: Path
) -> None:
    run = create(RunConfig(), "old", runs)
    checkpoint = Engine(run).train()
    window.controllers.runs.show_run(run)
    wait(lambda: window.session.progress.state == "completed")
    answers.give(tmp_path / "model.pt")
    window.actions_["file.save_checkpoint"].trigger()
    wait((tmp_path / "model.pt").exists)
    assert (tmp_path / "model.pt").read_bytes() == checkpoint.read_bytes()
    assert list(tmp_path.glob("*.tmp")) == []
    answers.give(tmp_path / "no" / "such" / "model.pt")
    window.actions_["file.save_checkpoint"].trigger()
    wait(lambda: window.findChildren(ReportDialog))
    assert "cannot be written" in _error_text(window)


def test_that_a_checkpoint_of_a_run_here_shows_that_run(
    window: MainWindow, answers: Answers, wait: Wait, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create(RunConfig(), "old", runs)
    checkpoint = Engine(run).train()
    described = _described(RunConfig(), 69, 3, str(run.path))
    _reply_with(window, monkeypatch, described)
    answers.give(checkpoint)
    window.actions_["file.open_checkpoint"].trigger()
    wait(lambda: window.session.progress.state == "completed")
    assert window.session.folder == run


def test_that_a_checkpoint_from_elsewhere_can_be_gone_on_with(
    window: MainWindow,
    engines: Engines,
    answers: Answers,
    wait: Wait,
    runs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = tmp_path / "given.pt"
    given.write_bytes(b"weights")
    config = files.change(RunConfig(), {"training.epochs": 33})
    described = _described(config, STEPS, 1, "/elsewhere")
    _reply_with(window, monkeypatch, described)
    answers.give(CONTINUE)
    window.controllers.documents.open_path(given)
    wait(lambda: engines.all)
    run = list_runs(runs)[0]
    assert run.config() == config
    assert (run.checkpoints / "step-00000023.pt").read_bytes() == b"weights"
    assert window.document.value("training.epochs") == 33


def test_that_of_a_checkpoint_only_the_settings_may_be_taken(
    window: MainWindow, answers: Answers, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = files.change(RunConfig(), {"training.epochs": 33})
    described = _described(config, 1, 1, "")
    _reply_with(window, monkeypatch, described)
    answers.give(SETTINGS_ONLY)
    window.controllers.documents.open_path(tmp_path / "given.pt")
    assert window.document.config == config
    assert not list_runs(runs)


def test_that_what_is_no_checkpoint_is_told_in_a_sentence(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem("", "given.pt is a text file and no checkpoint", "choose a .pt file of a run")
    _reply_with(window, monkeypatch, None, (problem,))
    window.controllers.documents.open_path(tmp_path / "given.pt")
    assert "a text file and no checkpoint" in _error_text(window)
