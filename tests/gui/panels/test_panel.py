"""What a panel asks the lab: problems stay with the settings that have them, and no answer comes to other settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import HANG_MS
from workbench.config import files
from workbench.config.problems import Problem
from workbench.config.run import RunConfig
from workbench.gui.document.document import Document
from workbench.gui.panels.panel import Asker
from workbench.gui.service.client import LabClient
from workbench.launch.service import CANCELLED, Answer

MISSING = Problem("dataset.path", "there is no folder of that name", "choose another")


class _Lab:
    """A lab that keeps the questions; a test answers them."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def start(self) -> None:
        pass

    def ask(self, _method: str, params: dict[str, Any]) -> int:
        self.asked.append(params["config"])
        return len(self.asked)

    def cancel(self, _method: str) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def lab() -> _Lab:
    return _Lab()


@pytest.fixture
def asker(qapp: Any, lab: _Lab) -> Iterator[Asker]:
    document = Document()
    config = files.change(RunConfig(), {"dataset.kind": "image-folder", "dataset.path": "/nowhere"})
    document.open(config, "first", None)
    client = LabClient(lab=lab)
    client.start()
    made = Asker(document, client, "dataset", ("dataset",), {"model": {"kind": "linear"}})
    made.refused.connect(lambda problems: document.set_outside_problems("dataset", problems))
    yield made
    client.deleteLater()
    document.deleteLater()


def test_that_a_problem_of_the_data_is_there_again_when_the_same_settings_are_opened(asker: Asker, lab: _Lab) -> None:
    document, client = asker._document, asker._lab
    client.take(Answer(1, "dataset", False, problems=(MISSING,)))
    assert document.problems == (MISSING,)
    assert document.config is not None
    document.open(document.config, "second", None)
    assert document.problems == (MISSING,)
    assert len(lab.asked) == 1
    document.open(RunConfig(), "third", None)
    assert not list(document.problems)


def test_that_an_answer_to_settings_that_have_become_wrong_is_not_shown(asker: Asker, lab: _Lab, qtbot: Any) -> None:
    document, client = asker._document, asker._lab
    answers: list[object] = []
    asker.answered.connect(answers.append)
    with qtbot.waitSignal(asker.refused, timeout=HANG_MS):
        document.set("dataset.path", 7)
    client.take(Answer(1, "dataset", True, {"classes": []}))
    assert answers == []
    assert len(lab.asked) == 1


def test_that_a_cancelled_look_is_no_problem_and_comes_again_with_the_next_change(
    asker: Asker, lab: _Lab, qtbot: Any
) -> None:
    document, client = asker._document, asker._lab
    cancelled: list[bool] = []
    asker.cancelled.connect(lambda: cancelled.append(True))
    client.take(Answer(1, "dataset", False, problems=(CANCELLED,), cancelled=True))
    assert cancelled == [True]
    assert document.problems == ()
    document.set("dataset.path", "/elsewhere")
    qtbot.waitUntil(lambda: len(lab.asked) == 2, timeout=HANG_MS)
