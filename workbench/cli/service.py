"""Requests to the engine's service from a terminal, which shows meanwhile what the engine is doing."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from workbench.launch import service
from workbench.launch.service import ServiceProgress, ServiceReply
from workbench.runs.service.requests import AnyRequest


@contextlib.contextmanager
def open_service() -> Iterator[Callable[[AnyRequest], ServiceReply]]:
    """A service for as long as it is wanted: gives what sends a request and waits for the reply."""
    if sys.stderr is None or not sys.stderr.isatty():
        with service.open_service() as request_reply:
            yield request_reply
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("starting PyTorch", spinner="line") as status:

        def show_progress(progress: ServiceProgress) -> None:
            status.update(progress.text + (f" {progress.share:.0%}" if progress.share is not None else ""))

        with service.open_service(show_progress) as request_reply:
            yield request_reply


def request_once(request: AnyRequest) -> ServiceReply:
    """Starts a service, sends one request, ends it."""
    with open_service() as request_reply:
        return request_reply(request)
