"""Keeps the machine from going to sleep while a run goes, where the system offers a way to ask for it."""

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
KEPT = "the machine is kept from going to sleep while the run goes"
MAY_SLEEP = "the machine may go to sleep while the run goes"
_ES_CONTINUOUS, _ES_SYSTEM_REQUIRED = 0x80000000, 0x00000001


@contextlib.contextmanager
def inhibit_sleep(name: str) -> Iterator[str]:
    """Asks the system to stay awake, gives in words what came of it, and takes the wish back, whatever happens."""
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
    words = ["systemd-inhibit", "--what=sleep:idle", "--who=Workbench", f"--why=training {name}", "--mode=block", "cat"]
    with _started(words) as process:
        yield MAY_SLEEP + ": this system offers no way to prevent it" if process is None else _answer(process)


@contextlib.contextmanager
def _helper(words: list[str]) -> Iterator[str]:
    with _started(words) as process:
        yield MAY_SLEEP + f": {words[0]} was not found" if process is None else f"{KEPT} ({words[0]})"


@contextlib.contextmanager
def _started(words: list[str]) -> Iterator[subprocess.Popen[bytes] | None]:
    """The process while it is needed; None where the program is not there."""
    program = shutil.which(words[0])
    process = None
    if program is not None:
        with contextlib.suppress(OSError):
            pipe = subprocess.PIPE
            process = subprocess.Popen([program, *words[1:]], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process is not None:
            _end(process)


def _answer(process: subprocess.Popen[bytes]) -> str:
    """What became of the wish: ``cat`` gives back what it is sent once it runs, which it does when the wish was granted."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.write(b"\n")
        process.stdin.flush()
    if not select.select([process.stdout], [], [], ANSWER_SECONDS)[0]:
        return MAY_SLEEP + ": systemd has not answered yet"
    if os.read(process.stdout.fileno(), 1):
        return f"{KEPT} (systemd-inhibit)"
    return MAY_SLEEP + ": systemd did not grant the wish to stay awake"


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
    """The wish belongs to the thread that says it: the one that trains."""
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - it is there on Windows alone
    granted = kernel.SetThreadExecutionState(_ES_CONTINUOUS | _ES_SYSTEM_REQUIRED)
    try:
        yield KEPT if granted else MAY_SLEEP + ": Windows did not grant the wish to stay awake"
    finally:
        kernel.SetThreadExecutionState(_ES_CONTINUOUS)
