"""What the menus do: documents, runs and checkpoints, with every refusal told in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gui.conftest import Answers
from tests.gui.scripted import STEPS, Engine, Engines
from workbench.config import files
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig
from workbench.gui.dialogs import ask
from workbench.gui.dialogs.error import ReportDialog
from workbench.gui.main_window import MainWindow
from workbench.gui.session.run_controller import DISCARD, END_NOW, GO_ON, SAVE, SETTINGS_ONLY, WAIT
from workbench.launch.service import ServiceReply
from workbench.runs.folder import create, list_runs
from workbench.runs.service.answers import CheckpointDescription
from workbench.runs.service.requests import AnyRequest

Wait = Callable[[Callable[[], object]], None]


def _told(window: MainWindow) -> str:
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
        window.lab.replied.emit(ServiceReply(1, request, answer, problems))

    monkeypatch.setattr(window.lab, "send", reply_now)


def _described(config: RunConfig, step: int, epoch: int, run: str) -> CheckpointDescription:
    return CheckpointDescription(
        config=config.as_data(), step=step, epoch=epoch, metrics={}, classes=(), versions={}, run=run
    )


def test_that_a_run_file_is_opened_and_saved_back(window: MainWindow, answers: Answers, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[training]\nepochs = 9\n")
    answers.give(path)
    window.actions_["file.open"].trigger()
    assert window.document.value("training.epochs") == 9
    window.document.set("training.epochs", 11)
    window.actions_["file.save"].trigger()
    assert files.load(path).training.epochs == 11
    assert not window.document.modified


def test_that_the_run_file_of_a_run_shows_the_run_and_is_never_written(
    window: MainWindow, answers: Answers, wait: Wait, runs: Path
) -> None:
    run = create(RunConfig(), "old", runs)
    Engine(run).train()
    frozen = run.config_file.read_bytes()
    window.desk.take_drop(run.config_file)
    wait(lambda: window.session.progress.state == "completed")
    assert window.session.folder == run
    assert (window.document.name, window.document.path) == ("old", None)
    window.document.set("training.epochs", 11)
    answers.give(run.config_file)
    window.actions_["file.save"].trigger()
    assert "stays as it is" in _told(window)
    assert run.config_file.read_bytes() == frozen
    assert window.document.modified


def test_that_a_file_that_is_only_called_like_a_runs_is_opened_and_saved(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("[training]\nepochs = 9\n")
    window.desk.open_path(path)
    window.document.set("training.epochs", 11)
    window.actions_["file.save"].trigger()
    assert files.load(path).training.epochs == 11


def test_that_a_run_file_with_mistakes_is_told_with_all_of_them_and_nothing_changes(
    window: MainWindow, answers: Answers, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[training]\nepochs = 0\n[optimizer]\nlr = -1.0\n")
    before = window.document.data
    answers.give(path)
    window.actions_["file.open"].trigger()
    text = _told(window)
    assert "training.epochs" in text
    assert "optimizer.lr" in text
    assert window.document.data == before


def test_that_changes_are_not_thrown_away_unasked(window: MainWindow, answers: Answers, tmp_path: Path) -> None:
    window.document.set("training.epochs", 9)
    answers.give(ask.CANCEL)
    window.actions_["file.new"].trigger()
    assert window.document.value("training.epochs") == 9
    answers.give(SAVE, tmp_path / "kept.toml")
    window.actions_["file.new"].trigger()
    assert files.load(tmp_path / "kept.toml").training.epochs == 9
    assert window.document.name == "untitled"
    window.document.set("training.epochs", 9)
    answers.give(DISCARD)
    window.desk.open_recipe("digits-mlp")
    assert window.document.name == "digits-mlp"


def test_that_a_place_that_cannot_be_written_is_said(window: MainWindow, answers: Answers, tmp_path: Path) -> None:
    answers.give(tmp_path / "no" / "such" / "folder.toml")
    window.actions_["file.save_as"].trigger()
    assert "cannot be written" in _told(window)
    assert window.document.path is None


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
    window.desk.show_run(run)
    wait(lambda: window.session.progress.state == "completed")
    answers.give(tmp_path / "model.pt")
    window.actions_["file.save_checkpoint"].trigger()
    wait((tmp_path / "model.pt").exists)
    assert (tmp_path / "model.pt").read_bytes() == checkpoint.read_bytes()
    assert list(tmp_path.glob("*.tmp")) == []
    answers.give(tmp_path / "no" / "such" / "model.pt")
    window.actions_["file.save_checkpoint"].trigger()
    wait(lambda: window.findChildren(ReportDialog))
    assert "cannot be written" in _told(window)


def test_that_a_complete_run_is_given_more_epochs(
    window: MainWindow, answers: Answers, engines: Engines, wait: Wait, runs: Path
) -> None:
    run = create(RunConfig(), "old", runs)
    Engine(run).train()
    window.desk.show_run(run)
    wait(lambda: window.session.progress.state == "completed")
    answers.give(7)
    window.actions_["run.resume"].trigger()
    wait(lambda: engines.all)
    assert engines.last.folder == run
    assert engines.last.epochs == 7
    assert "3 epochs" in answers.asked[0]


def test_that_a_relative_path_in_a_run_file_is_taken_from_its_folder(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('[dataset]\nkind = "image-folder"\npath = "shapes"\n')
    window.desk.open_path(tmp_path / "my.toml")
    assert window.document.value("dataset.path") == str(tmp_path / "shapes")
    assert not window.document.modified


def test_that_a_checkpoint_of_a_run_here_shows_that_run(
    window: MainWindow, answers: Answers, wait: Wait, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create(RunConfig(), "old", runs)
    checkpoint = Engine(run).train()
    found = _described(RunConfig(), 69, 3, str(run.path))
    _reply_with(window, monkeypatch, found)
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
    found = _described(config, STEPS, 1, "/elsewhere")
    _reply_with(window, monkeypatch, found)
    answers.give(GO_ON)
    window.desk.open_path(given)
    wait(lambda: engines.all)
    run = list_runs(runs)[0]
    assert run.config() == config
    assert (run.checkpoints / "step-00000023.pt").read_bytes() == b"weights"
    assert window.document.value("training.epochs") == 33


def test_that_of_a_checkpoint_only_the_settings_may_be_taken(
    window: MainWindow, answers: Answers, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = files.change(RunConfig(), {"training.epochs": 33})
    found = _described(config, 1, 1, "")
    _reply_with(window, monkeypatch, found)
    answers.give(SETTINGS_ONLY)
    window.desk.open_path(tmp_path / "given.pt")
    assert window.document.config == config
    assert not list_runs(runs)


def test_that_what_is_no_checkpoint_is_told_in_a_sentence(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem("", "given.pt is a text file and no checkpoint", "choose a .pt file of a run")
    _reply_with(window, monkeypatch, None, (problem,))
    window.desk.open_path(tmp_path / "given.pt")
    assert "a text file and no checkpoint" in _told(window)


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


def test_that_a_start_may_be_changed_from_the_command_line(window: MainWindow) -> None:
    window.desk.start_on("digits-mlp", ("optimizer.lr=0.5",))
    assert window.document.value("optimizer.lr") == 0.5
    with pytest.raises(ConfigError, match=r"optimizer\.speed"):
        window.desk.start_on("digits-mlp", ("optimizer.speed=1",))


def test_that_what_was_open_last_is_changed_from_the_command_line_too(window: MainWindow) -> None:
    window.preferences.last_start = "digits-mlp"
    window.desk.start_on(None, ("optimizer.lr=0.5",))
    assert (window.document.name, window.document.value("optimizer.lr")) == ("digits-mlp", 0.5)
    with pytest.raises(ConfigError, match=r"optimizer\.speed"):
        window.desk.start_on(None, ("optimizer.speed=1",))


def test_that_a_relative_path_from_the_command_line_is_taken_from_where_it_was_typed(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    window.desk.start_on("digits-cnn", ("dataset.path=shapes", "dataset.kind=image-folder"))
    assert window.document.value("dataset.path") == str(tmp_path / "shapes")
    assert window.document.modified


def test_that_a_run_is_opened_by_its_name(window: MainWindow, runs: Path, wait: Wait) -> None:
    run = create(files.change(RunConfig(), {"training.epochs": 5}), "mine", runs)
    Engine(run).train()
    window.desk.start_on("mine")
    wait(lambda: window.session.progress.state == "completed")
    assert window.document.value("training.epochs") == 5
    assert window.preferences.last_start == str(run.path)


def test_that_a_start_that_is_gone_gives_the_default_recipe(window: MainWindow) -> None:
    window.preferences.last_start = "/no/such/run"
    window.desk.start_on(None)
    assert window.document.name == "digits-cnn"
