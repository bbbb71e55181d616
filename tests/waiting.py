"""Waiting for what another process or thread does: for a condition, never for a time."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from workbench.launch import process
from workbench.runs.folder import list_runs

LOOK_SECONDS = 0.02
HANG_SECONDS = 300.0
"""What has not come by then never comes. It is no statement on speed: a busy machine may take its time."""
HANG_MS = int(1000 * HANG_SECONDS)
"""The same for Qt."""


def until(condition: Callable[[], object], *, within: float = HANG_SECONDS, what: str = "it") -> None:
    """Returns as soon as the condition holds. Fails when it does not within so many seconds, which is a hang."""
    pause = threading.Event()
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"{what} never came"
        pause.wait(LOOK_SECONDS)


def end_runs(root: Path | None = None) -> None:
    """Ends what still runs below ``root``, and waits for the engines that this process started.

    One that has said its end takes a moment to leave.
    """
    for run in list_runs(root):
        engine = process.attach(run)
        if engine is not None:
            engine.kill()

    def left() -> list[psutil.Process]:
        found = []
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                if child.status() != psutil.STATUS_ZOMBIE and "workbench.engine" in child.cmdline():
                    found.append(child)
        return found

    until(lambda: not left(), what="the end of every engine")
