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

    until(lambda: not living_children("workbench.engine"), what="the end of every engine")


def living_children(word: str) -> list[psutil.Process]:
    """Children of this process that have not ended and whose command line holds ``word``.

    Whatever else the tests before have started, or have ended without asking how, is none of them.
    """
    children = []
    for child in psutil.Process().children():
        # One that has ended has no command line, and may go at any time.
        with contextlib.suppress(psutil.Error):
            if child.status() != psutil.STATUS_ZOMBIE and any(word in part for part in child.cmdline()):
                children.append(child)
    return children
