"""The lab engine from outside: what it is doing is told, and a question that nobody waits for any longer ends with its process."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from tests.waiting import until
from workbench.config import files
from workbench.config.run import RunConfig
from workbench.launch.service import Answer, Doing, Lab

DATA = files.change(RunConfig(), {}).as_data()


@pytest.fixture
def answers() -> list[Answer]:
    return []


@pytest.fixture
def doings() -> list[Doing]:
    return []


@pytest.fixture
def lab(answers: list[Answer], doings: list[Doing]) -> Iterator[Lab]:
    made = Lab(answers.append, doings.append)
    yield made
    made.close()


def test_that_a_cancelled_question_ends_its_process_and_the_next_finds_another(
    lab: Lab, answers: list[Answer], doings: list[Doing]
) -> None:
    lab.ask("examples", {"page": "tensors"})
    lab.ask("scan", {"config": DATA})
    lab.ask("machine", {})
    assert lab._process is not None
    first = psutil.Process(lab._process.pid)
    lab.cancel("examples")
    lab.cancel("machine")
    assert [(answer.method, answer.cancelled) for answer in answers] == [("examples", True), ("machine", True)]
    until(lambda: len(answers) == 3)
    assert answers[2].ok
    assert answers[2].result["counts"]["unreadable"] == 0
    assert {"looking through the training samples", "looking through the validation samples"} <= {
        doing.text for doing in doings if doing.method == "scan"
    }
    until(lambda: not first.is_running())
