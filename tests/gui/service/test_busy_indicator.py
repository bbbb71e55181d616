"""A wait for the lab: said after a moment, then with how far it is and a button that ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from workbench.gui.service import busy_indicator
from workbench.gui.service.busy_indicator import WaitLine
from workbench.gui.service.client import LabClient
from workbench.launch.service import CANCELLED, Answer, Doing

Wait = Callable[[Callable[[], object]], None]


class _Lab:
    """Answers only when it is cancelled."""

    def __init__(self) -> None:
        self.client: LabClient | None = None
        self.asked = 0

    def start(self) -> None:
        pass

    def ask(self, _method: str, _params: dict[str, Any]) -> int:
        self.asked += 1
        return self.asked

    def cancel(self, method: str) -> None:
        assert self.client is not None
        self.client.take(Answer(self.asked, method, ok=False, problems=(CANCELLED,), cancelled=True))

    def close(self) -> None:
        pass


@pytest.fixture
def client(qapp: Any) -> Iterator[LabClient]:
    lab = _Lab()
    made = lab.client = LabClient(lab=lab)
    made.start()
    yield made
    made.deleteLater()


@pytest.fixture
def line(client: LabClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[WaitLine]:
    monkeypatch.setattr(busy_indicator, "CANCEL_MS", busy_indicator.SAID_MS + 50)
    made = WaitLine(client, {"scan": "Looking through the samples…"}, "line")
    yield made
    made.deleteLater()


def test_that_a_wait_is_said_then_measured_then_cancelled(line: WaitLine, client: LabClient, wait: Wait) -> None:
    answers: list[Answer] = []
    client.answered.connect(answers.append)
    client.ask("scan", {})
    assert line.isHidden()
    wait(lambda: not line.isHidden())
    assert line.text.text() == "Looking through the samples…"
    wait(lambda: not line.button.isHidden())
    assert line.bar.maximum() == 0, "how far it is was not said yet"
    client.tell(Doing(1, "scan", "looking through train", 0.5))
    assert line.text.text() == "Looking through train · 50%"
    assert (line.bar.value(), line.bar.maximum()) == (50, 100)
    line.button.click()
    assert [answer.cancelled for answer in answers] == [True]
    assert line.isHidden()


def test_that_only_its_own_questions_and_the_newest_of_them_are_told(
    line: WaitLine, client: LabClient, wait: Wait
) -> None:
    client.ask("dataset", {})
    client.ask("scan", {})
    client.ask("scan", {})
    wait(lambda: not line.isHidden())
    client.tell(Doing(1, "dataset", "reading pictures", 0.1))
    client.tell(Doing(2, "scan", "looking through train", 0.9))
    assert line.text.text() == "Looking through the samples…"
    client.take(Answer(3, "scan", ok=True))
    assert line.isHidden()


def test_that_a_question_that_waits_for_the_lab_to_start_can_be_cancelled(qapp: Any, wait: Wait) -> None:
    client = LabClient(lab=_Lab())
    answers: list[Answer] = []
    client.answered.connect(answers.append)
    client.ask("scan", {})
    client.cancel("scan")
    assert [answer.cancelled for answer in answers] == [True]
    assert not client.busy("scan")
    client.deleteLater()


def test_that_of_several_waits_the_one_that_was_asked_first_is_shown(client: LabClient, wait: Wait) -> None:
    line = WaitLine(client, {"predict": "Predicting…", "evaluate": "Measuring…"}, "line")
    client.ask("evaluate", {})
    client.ask("predict", {})
    wait(lambda: not line.isHidden())
    assert line.text.text() == "Measuring…"
    client.take(Answer(1, "evaluate", ok=True))
    assert line.text.text() == "Predicting…"
    line.deleteLater()
