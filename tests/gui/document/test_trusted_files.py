"""The user's own Python runs only after a person was asked: at Train, and never for a preview."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gui.conftest import Answers
from tests.gui.scripted import Engines
from tests.waiting import HANG_MS
from workbench.gui.dialogs import ask
from workbench.gui.document.trusted_files import TRUST
from workbench.gui.headless import HeadlessOptions, HeadlessRun
from workbench.gui.main_window import MainWindow
from workbench.runs import trust
from workbench.runs.service.requests import DescribeEnvironment, PreviewDataset, SummarizeModel

CODE = """
import pathlib
import torch
from torch.utils.data import Dataset

pathlib.Path(__file__).with_suffix(".ran").touch()

class Points(Dataset):
    def __len__(self):
        return 20
    def __getitem__(self, index):
        return torch.tensor([float(index), 1.0]), index % 2
"""


@pytest.fixture
def file(window: MainWindow, tmp_path: Path) -> Path:
    """A Python file that the settings name, and that notes when it is run."""
    path = tmp_path / "points.py"
    path.write_text(CODE, encoding="utf-8")
    window.document.set("model.kind", "mlp")
    window.document.set("dataset.kind", "python")
    window.document.set("dataset.path", str(path))
    return path


def test_that_train_asks_once_and_again_when_the_file_has_changed(
    window: MainWindow,
    engines: Engines,
    answers: Answers,
    file: Path,
    runs: Path,
    wait: Callable[[Callable[[], object]], None],
) -> None:
    train = window.actions_["run.train"]
    answers.give(ask.CANCEL)
    train.trigger()
    assert answers.asked == [f"This run uses the Python code in {file}, which is not trusted yet. Trust it?"]
    assert not engines.all
    assert not list(runs.glob("*"))
    answers.give(TRUST)
    train.trigger()
    wait(lambda: engines.all)
    assert len(engines.all) == 1
    assert trust.trusted(trust.content_hash(file))
    assert window.trusted_files.confirm(window.document.data)
    file.write_text(CODE + "# changed\n", encoding="utf-8")
    answers.give(ask.CANCEL)
    assert not window.trusted_files.confirm(window.document.data)
    assert not trust.trusted(trust.content_hash(file))


def test_that_what_was_not_seen_is_not_trusted(window: MainWindow, answers: Answers, file: Path) -> None:
    def answer() -> str:
        file.write_text("changed while the question stands")
        return TRUST

    answers.give(answer, ask.CANCEL)
    assert window.trusted_files.confirm(window.document.data)
    assert not window.trusted_files.confirm(window.document.data)


def test_that_resuming_and_queueing_ask_too(
    window: MainWindow, engines: Engines, answers: Answers, file: Path, wait: Callable[[Callable[[], object]], None]
) -> None:
    answers.give(ask.CANCEL, TRUST)
    window.controllers.runs.queue()
    assert not engines.all
    window.controllers.runs.queue()
    wait(lambda: engines.all)
    engines.last.train()
    wait(lambda: window.session.state == "ended")
    file.write_text(CODE + "# changed\n", encoding="utf-8")
    run = window.session.folder
    assert run is not None
    answers.give(ask.CANCEL)
    window.controllers.runs.resume_run(run)
    assert len(engines.all) == 1


def test_that_previews_run_nothing_before_it_is_trusted(
    window: MainWindow, answers: Answers, find: Callable[[str], Any], file: Path, qtbot: Any
) -> None:
    window.service.start()
    qtbot.waitUntil(
        lambda: not {PreviewDataset, SummarizeModel, DescribeEnvironment} & set(window.service.pending),
        timeout=HANG_MS,
    )
    assert not file.with_suffix(".ran").exists()
    assert not find("dataset.own_file").isHidden()
    assert "not run before" in find("dataset.own_file.words").text()
    assert find("dataset.problem").text() == ""
    assert window.actions_["run.train"].isEnabled()
    answers.give(TRUST)
    find("dataset.own_file.trust").click()
    assert find("dataset.own_file").isHidden()
    facts = find("dataset.facts")
    qtbot.waitUntil(lambda: "20 rows" in facts.text() or "20 samples" in facts.text(), timeout=HANG_MS)
    assert file.with_suffix(".ran").exists()


def test_that_nobody_is_asked_where_nobody_is(
    window: MainWindow, engines: Engines, file: Path, qtbot: Any, capsys: Any
) -> None:
    errand = HeadlessRun(window, HeadlessOptions(train=True, quit_when_done=True))
    with qtbot.waitSignal(errand.done, timeout=HANG_MS) as told:
        errand.start()
    assert told.args == [1]
    assert not engines.all
    assert f"{file} is Python code that is not trusted" in capsys.readouterr().out
