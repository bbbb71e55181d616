"""What a panel requests of the engine: problems stay with the settings that have them, and no answer comes to other settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import HANG_MS
from workbench.config import files
from workbench.config.problems import Problem
from workbench.config.run import RunConfig
from workbench.gui.document.document import Document
from workbench.gui.panels.panel import PreviewRequester
from workbench.gui.service.client import ServiceClient
from workbench.launch.service import CANCELLED, RequestType, ServiceReply
from workbench.runs.service.requests import AnyRequest, PreviewDataset
from workbench.runs.service.samples import DatasetPreview

MISSING = Problem("dataset.path", "there is no folder of that name", "choose another")


class _Service:
    """A service that keeps the requests; a test answers them."""

    def __init__(self) -> None:
        self.sent: list[AnyRequest] = []

    def start(self) -> None:
        pass

    def send(self, request: AnyRequest) -> int:
        self.sent.append(request)
        return len(self.sent)

    def cancel(self, _request_type: RequestType) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def service() -> _Service:
    return _Service()


@pytest.fixture
def requester(qapp: Any, service: _Service) -> Iterator[PreviewRequester]:
    document = Document()
    config = files.change(RunConfig(), {"dataset.kind": "image-folder", "dataset.path": "/nowhere"})
    document.open(config, "first", None)
    client = ServiceClient(service=service)
    client.start()
    made = PreviewRequester(document, client, PreviewDataset, ("dataset",), {"model": {"kind": "linear"}})
    made.refused.connect(lambda problems: document.set_outside_problems("dataset", problems))
    yield made
    client.deleteLater()
    document.deleteLater()


def test_that_a_problem_of_the_data_is_there_again_when_the_same_settings_are_opened(
    requester: PreviewRequester, service: _Service
) -> None:
    document, client = requester._document, requester._service
    client.apply_reply(ServiceReply(1, service.sent[0], problems=(MISSING,)))
    assert document.problems == (MISSING,)
    assert document.config is not None
    document.open(document.config, "second", None)
    assert document.problems == (MISSING,)
    assert len(service.sent) == 1
    document.open(RunConfig(), "third", None)
    assert not list(document.problems)


def test_that_an_answer_to_settings_that_have_become_wrong_is_not_shown(
    requester: PreviewRequester, service: _Service, qtbot: Any
) -> None:
    document, client = requester._document, requester._service
    answers: list[object] = []
    requester.answered.connect(answers.append)
    with qtbot.waitSignal(requester.refused, timeout=HANG_MS):
        document.set("dataset.path", 7)
    empty = DatasetPreview(task="classification", train=0, val=0, shape=(), bytes=0, loading="", steps_per_epoch=0)
    client.apply_reply(ServiceReply(1, service.sent[0], empty))
    assert answers == []
    assert len(service.sent) == 1


def test_that_a_cancelled_preview_is_no_problem_and_comes_again_with_the_next_change(
    requester: PreviewRequester, service: _Service, qtbot: Any
) -> None:
    document, client = requester._document, requester._service
    cancelled: list[bool] = []
    requester.cancelled.connect(lambda: cancelled.append(True))
    client.apply_reply(ServiceReply(1, service.sent[0], problems=(CANCELLED,), cancelled=True))
    assert cancelled == [True]
    assert document.problems == ()
    document.set("dataset.path", "/elsewhere")
    qtbot.waitUntil(lambda: len(service.sent) == 2, timeout=HANG_MS)
