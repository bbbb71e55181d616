"""The engine's service from outside: progress is reported, and a request that nobody waits for any longer ends with its process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.waiting import until
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.launch.service import UNREADABLE, Service, ServiceProgress, ServiceReply, read_replies
from workbench.runs.service.answers import Environment, RequestRefused, WorkProgressed
from workbench.runs.service.requests import DescribeEnvironment, RunExamples, ScanDataset
from workbench.runs.service.samples import ScanReport


@pytest.fixture
def replies() -> list[ServiceReply]:
    return []


@pytest.fixture
def progress() -> list[ServiceProgress]:
    return []


@pytest.fixture
def service(replies: list[ServiceReply], progress: list[ServiceProgress]) -> Iterator[Service]:
    client = Service(replies.append, progress.append)
    yield client
    client.close()


def test_that_a_cancelled_request_ends_its_process_and_the_next_finds_another(
    service: Service, replies: list[ServiceReply], progress: list[ServiceProgress]
) -> None:
    service.send(RunExamples(page="tensors"))
    service.send(ScanDataset(config=RunConfig()))
    service.send(DescribeEnvironment())
    assert service._process is not None
    first = psutil.Process(service._process.pid)
    service.cancel(RunExamples)
    service.cancel(DescribeEnvironment)
    assert [(type(reply.request), reply.cancelled) for reply in replies] == [
        (RunExamples, True),
        (DescribeEnvironment, True),
    ]
    until(lambda: len(replies) == 3)
    assert replies[2].require(ScanReport).counts.unreadable == 0
    with pytest.raises(ConfigError, match="scan"):
        replies[2].require(Environment)
    assert {"looking through the training samples", "looking through the validation samples"} <= {
        line.text for line in progress if isinstance(line.request, ScanDataset)
    }
    until(lambda: not first.is_running())


def test_that_lines_of_another_version_are_left_out_and_an_answer_that_cannot_be_read_is_refused() -> None:
    lines = (
        "what a library prints",
        '{"kind": "a kind of another version", "id": 1}',
        '{"kind": "progress", "id": 1, "text": "reading", "a field of another version": 1}',
        '{"kind": "answer", "id": 1, "answer": {"kind": "environment"}}',
    )
    command = [sys.executable, "-c", f"print({chr(10).join(lines)!r})"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert list(read_replies(process)) == [
            WorkProgressed(id=1, text="reading"),
            RequestRefused(id=1, problems=(UNREADABLE,)),
        ]
