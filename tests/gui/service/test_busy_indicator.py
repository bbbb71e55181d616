"""A wait for the engine: shown after a moment, then with its progress and a button that ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from workbench.config.run import RunConfig
from workbench.gui.service import busy_indicator
from workbench.gui.service.busy_indicator import BusyIndicator
from workbench.gui.service.client import ServiceClient
from workbench.launch.service import CANCELLED, RequestType, ServiceProgress, ServiceReply
from workbench.runs.service.requests import AnyRequest, EvaluateCheckpoint, PredictFiles, PreviewDataset, ScanDataset

Wait = Callable[[Callable[[], object]], None]
SCAN = ScanDataset(config=RunConfig())
PREVIEW = PreviewDataset(config=RunConfig())
EVALUATE = EvaluateCheckpoint(checkpoint="model.pt", split="val")
PREDICT = PredictFiles(checkpoint="model.pt", files=("a.png",))


class _Service:
    """Answers only when it is cancelled."""

    def __init__(self) -> None:
        self.client: ServiceClient | None = None
        self.sent: list[AnyRequest] = []

    def start(self) -> None:
        pass

    def send(self, request: AnyRequest) -> int:
        self.sent.append(request)
        return len(self.sent)

    def cancel(self, request_type: RequestType) -> None:
        assert self.client is not None
        assert type(self.sent[-1]) is request_type
        reply = ServiceReply(len(self.sent), self.sent[-1], problems=(CANCELLED,), cancelled=True)
        self.client.apply_reply(reply)

    def close(self) -> None:
        pass


@pytest.fixture
def client(qapp: Any) -> Iterator[ServiceClient]:
    service = _Service()
    made = service.client = ServiceClient(service=service)
    made.start()
    yield made
    made.deleteLater()


@pytest.fixture
def line(client: ServiceClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[BusyIndicator]:
    monkeypatch.setattr(busy_indicator, "CANCEL_MS", busy_indicator.SHOWN_MS + 50)
    made = BusyIndicator(client, {ScanDataset: "Scanning the samples…"}, "line")
    yield made
    made.deleteLater()


def test_that_a_wait_is_said_then_measured_then_cancelled(
    line: BusyIndicator, client: ServiceClient, wait: Wait
) -> None:
    replies: list[ServiceReply] = []
    client.replied.connect(replies.append)
    client.send(SCAN)
    assert line.isHidden()
    wait(lambda: not line.isHidden())
    assert line.text.text() == "Scanning the samples…"
    wait(lambda: not line.button.isHidden())
    assert line.bar.maximum() == 0, "no share was reported yet"
    client.apply_progress(ServiceProgress(1, SCAN, "looking through train", 0.5))
    assert line.text.text() == "Looking through train · 50%"
    assert (line.bar.value(), line.bar.maximum()) == (50, 100)
    line.button.click()
    assert [reply.cancelled for reply in replies] == [True]
    assert line.isHidden()


def test_that_only_its_own_questions_and_the_newest_of_them_are_told(
    line: BusyIndicator, client: ServiceClient, wait: Wait
) -> None:
    client.send(PREVIEW)
    client.send(SCAN)
    client.send(SCAN)
    wait(lambda: not line.isHidden())
    client.apply_progress(ServiceProgress(1, PREVIEW, "reading images", 0.1))
    client.apply_progress(ServiceProgress(2, SCAN, "looking through train", 0.9))
    assert line.text.text() == "Scanning the samples…"
    client.apply_reply(ServiceReply(3, SCAN))
    assert line.isHidden()


def test_that_a_request_that_waits_for_the_service_to_start_can_be_cancelled(qapp: Any, wait: Wait) -> None:
    client = ServiceClient(service=_Service())
    replies: list[ServiceReply] = []
    client.replied.connect(replies.append)
    client.send(SCAN)
    client.cancel(ScanDataset)
    assert [reply.cancelled for reply in replies] == [True]
    assert not client.is_busy(ScanDataset)
    client.deleteLater()


def test_that_of_several_waits_the_one_that_was_asked_first_is_shown(client: ServiceClient, wait: Wait) -> None:
    line = BusyIndicator(client, {PredictFiles: "Predicting…", EvaluateCheckpoint: "Evaluating…"}, "line")
    client.send(EVALUATE)
    client.send(PREDICT)
    wait(lambda: not line.isHidden())
    assert line.text.text() == "Evaluating…"
    client.apply_reply(ServiceReply(1, EVALUATE))
    assert line.text.text() == "Predicting…"
    line.deleteLater()
