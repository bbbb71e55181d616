"""Keeps the system from suspending while a run is running, where it offers a way to ask for it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator

ANSWER_SECONDS = 1.0
"""How long systemd is waited for before the run begins; it answers in hundredths of that."""
LEAVE_SECONDS = 5.0
STAYS_AWAKE = "the system does not suspend during training"
MAY_SLEEP = "the system may suspend during training"
_ES_CONTINUOUS, _ES_SYSTEM_REQUIRED = 0x80000000, 0x00000001


@contextlib.contextmanager
def inhibit_sleep(name: str) -> Iterator[str]:
    """Asks the system to stay awake, gives the outcome as a sentence, and withdraws the request, whatever happens."""
    if sys.platform == "win32":
        held = _windows()
    elif sys.platform == "darwin":
        held = _helper(["caffeinate", "-i", "-w", str(os.getpid())])
    else:
        held = _systemd(name)
    with held as text:
        yield text


@contextlib.contextmanager
def _systemd(name: str) -> Iterator[str]:
    """``cat`` under systemd-inhibit: it ends with its standard input, so also when this process is killed."""
    command = [
        "systemd-inhibit",
        "--what=sleep:idle",
        "--who=Workbench",
        f"--why=training {name}",
        "--mode=block",
        "cat",
    ]
    with _started(command) as process:
        yield MAY_SLEEP + " (this system offers no way to prevent it)" if process is None else _answer(process)


@contextlib.contextmanager
def _helper(command: list[str]) -> Iterator[str]:
    with _started(command) as process:
        yield MAY_SLEEP + f" ({command[0]} was not found)" if process is None else f"{STAYS_AWAKE} ({command[0]})"


@contextlib.contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[bytes] | None]:
    """The process while it is needed; None where the program is not there."""
    program = shutil.which(command[0])
    process = None
    if program is not None:
        with contextlib.suppress(OSError):
            pipe = subprocess.PIPE
            process = subprocess.Popen([program, *command[1:]], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process is not None:
            _end(process)


def _answer(process: subprocess.Popen[bytes]) -> str:
    """The outcome of the request: ``cat`` gives back what it is sent once it runs, which it does when the request was granted."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.write(b"\n")
        process.stdin.flush()
    if not select.select([process.stdout], [], [], ANSWER_SECONDS)[0]:
        return MAY_SLEEP + " (systemd has not answered yet)"
    if os.read(process.stdout.fileno(), 1):
        return f"{STAYS_AWAKE} (systemd-inhibit)"
    return MAY_SLEEP + " (sleep could not be blocked)"


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.terminate()
    try:
        process.wait(LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _windows() -> Iterator[str]:
    """The request belongs to the thread that makes it: the one that trains."""
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - it is there on Windows alone
    granted = kernel.SetThreadExecutionState(_ES_CONTINUOUS | _ES_SYSTEM_REQUIRED)
    try:
        yield STAYS_AWAKE if granted else MAY_SLEEP + " (sleep could not be blocked)"
    finally:
        kernel.SetThreadExecutionState(_ES_CONTINUOUS)
