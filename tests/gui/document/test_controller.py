"""What the menus do with documents, with every refusal shown in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gui.conftest import Answers
from tests.gui.scripted import Engine
from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.gui.dialogs import ask
from workbench.gui.dialogs.error import ReportDialog
from workbench.gui.document.controller import DISCARD, SAVE
from workbench.gui.main_window import MainWindow
from workbench.runs.folder import create

Wait = Callable[[Callable[[], object]], None]


def _error_text(window: MainWindow) -> str:
    """The words of the error that is shown; it is closed."""
    dialog = window.findChildren(ReportDialog)[-1]
    text = dialog.text
    dialog.close()
    return text


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
    window.controllers.documents.open_dropped(run.config_file)
    wait(lambda: window.session.progress.state == "completed")
    assert window.session.folder == run
    assert (window.document.name, window.document.path) == ("old", None)
    window.document.set("training.epochs", 11)
    answers.give(run.config_file)
    window.actions_["file.save"].trigger()
    assert "cannot be changed" in _error_text(window)
    assert run.config_file.read_bytes() == frozen
    assert window.document.modified


def test_that_a_file_that_is_only_called_like_a_runs_is_opened_and_saved(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("[training]\nepochs = 9\n")
    window.controllers.documents.open_path(path)
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
    text = _error_text(window)
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
    window.controllers.documents.open_recipe("digits-mlp")
    assert window.document.name == "digits-mlp"


def test_that_a_place_that_cannot_be_written_is_said(window: MainWindow, answers: Answers, tmp_path: Path) -> None:
    answers.give(tmp_path / "no" / "such" / "folder.toml")
    window.actions_["file.save_as"].trigger()
    assert "cannot be written" in _error_text(window)
    assert window.document.path is None


def test_that_a_relative_path_in_a_run_file_is_taken_from_its_folder(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('[dataset]\nkind = "image-folder"\npath = "shapes"\n')
    window.controllers.documents.open_path(tmp_path / "my.toml")
    assert window.document.value("dataset.path") == str(tmp_path / "shapes")
    assert not window.document.modified


def test_that_a_start_may_be_changed_from_the_command_line(window: MainWindow) -> None:
    window.controllers.documents.open_start("digits-mlp", ("optimizer.lr=0.5",))
    assert window.document.value("optimizer.lr") == 0.5
    with pytest.raises(ConfigError, match=r"optimizer\.speed"):
        window.controllers.documents.open_start("digits-mlp", ("optimizer.speed=1",))


def test_that_what_was_open_last_is_changed_from_the_command_line_too(window: MainWindow) -> None:
    window.preferences.last_start = "digits-mlp"
    window.controllers.documents.open_start(None, ("optimizer.lr=0.5",))
    assert (window.document.name, window.document.value("optimizer.lr")) == ("digits-mlp", 0.5)
    with pytest.raises(ConfigError, match=r"optimizer\.speed"):
        window.controllers.documents.open_start(None, ("optimizer.speed=1",))


def test_that_a_relative_path_from_the_command_line_is_taken_from_where_it_was_typed(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    window.controllers.documents.open_start("digits-cnn", ("dataset.path=shapes", "dataset.kind=image-folder"))
    assert window.document.value("dataset.path") == str(tmp_path / "shapes")
    assert window.document.modified


def test_that_a_run_is_opened_by_its_name(window: MainWindow, runs: Path, wait: Wait) -> None:
    run = create(files.change(RunConfig(), {"training.epochs": 5}), "mine", runs)
    Engine(run).train()
    window.controllers.documents.open_start("mine")
    wait(lambda: window.session.progress.state == "completed")
    assert window.document.value("training.epochs") == 5
    assert window.preferences.last_start == str(run.path)


def test_that_a_start_that_is_gone_gives_the_default_recipe(window: MainWindow) -> None:
    window.preferences.last_start = "/no/such/run"
    window.controllers.documents.open_start(None)
    assert window.document.name == "digits-cnn"
