"""Waiting for what another process or thread does: for a condition, never for a time."""

import threading
import time
from collections.abc import Callable

LOOK_SECONDS = 0.02


def until(condition: Callable[[], object], *, within: float = 100.0, what: str = "it") -> None:
    """Returns as soon as the condition holds. Fails when it does not within so many seconds, which is a hang."""
    pause = threading.Event()
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"{what} never came"
        pause.wait(LOOK_SECONDS)
