"""Watches a run that this terminal started until it ends; Ctrl-C and SIGTERM stop it, a second one ends it at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from workbench.cli import output
from workbench.cli.event_text import ended
from workbench.cli.progress_line import PlainLines, display
from workbench.launch.follow import Follower
from workbench.launch.process import Engine
from workbench.runs.commands import Command, send
from workbench.runs.folder import RunFolder
from workbench.runs.progress import Progress

LOOK_SECONDS = 0.1
"""How often a run is looked at."""
REFUSED = 2
"""The exit status with which an engine says that the request was wrong."""


def watch(engine: Engine, attempt: int, interrupted: Interrupts, as_json: bool) -> int:
    """Shows the attempt until it ends, prints the answer, and gives the exit status."""
    follower = Follower(engine.folder)
    with display(engine.folder.name.split("-", 2)[-1]) as shown:
        engine_status = _until_end(engine, attempt, follower, shown, interrupted)
    status = _status(follower.progress, attempt, engine_status)
    _tell_end(engine.folder, follower.progress, attempt, status)
    if as_json:
        output.result(summary(engine.folder, follower.progress, failed=status in (output.FAILED, REFUSED)))
    return status


def summary(folder: RunFolder, progress: Progress, failed: bool = False) -> dict[str, Any]:
    """The answer of ``train``, ``resume`` and ``follow`` as one object; a failure says ``what`` and ``hint`` as well."""
    found = {"run": str(folder.path.resolve()), **progress.summary()}
    best = found["best"]
    if best and best["checkpoint"]:
        found["best"] = {**best, "checkpoint": str((folder.path / best["checkpoint"]).resolve())}
    if failed:
        found["status"] = "failed" if progress.state in ("new", "running") else progress.state
        found["what"] = progress.ended.what if progress.ended else "the engine ended without a word"
        found["hint"] = progress.ended.hint if progress.ended else f"its output is in {folder.log_file()}"
    return found


class Interrupts:
    """How often Ctrl-C was pressed, or an end was asked for."""

    count = 0


@contextlib.contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Counts SIGINT and SIGTERM instead of dying of them."""
    found = Interrupts()

    def heard(number: int, frame: FrameType | None) -> None:
        found.count += 1

    previous = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield found
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _until_end(engine: Engine, attempt: int, follower: Follower, shown: PlainLines, interrupted: Interrupts) -> int:
    """Shows events until the engine has left; passes interrupts on. Gives the engine's exit status."""
    told = 0
    clock = threading.Event()
    while (status := engine.poll()) is None:
        shown.show(follower.read(), follower.progress)
        if interrupted.count > told:
            told = interrupted.count
            _pass_on(engine, attempt, told, shown)
        # Never set: the handler of a signal may not touch the lock that it holds while it waits.
        clock.wait(LOOK_SECONDS)
    while events := follower.read():
        shown.show(events, follower.progress)
    return status


def _pass_on(engine: Engine, attempt: int, count: int, shown: PlainLines) -> None:
    if count == 1:
        shown.say("stopping: the state is saved first (press Ctrl-C again to end it at once, without saving)")
        send(engine.folder.commands, Command("stop", attempt=attempt))
    else:
        shown.say("ending it at once")
        engine.kill()


def _status(progress: Progress, attempt: int, engine_status: int) -> int:
    """The exit status of an attempt: what the run says, and the engine's own where it said nothing."""
    if progress.ended is None or progress.ended.attempt < attempt:
        return REFUSED if engine_status == REFUSED else output.FAILED
    if progress.ended.status == "failed" and engine_status == REFUSED:
        return output.WRONG_REQUEST
    return output.exit_status(progress.ended.status)


def _tell_end(folder: RunFolder, progress: Progress, attempt: int, status: int) -> None:
    if progress.ended is None or progress.ended.attempt < attempt:
        output.tell(f"the engine ended without a word (its output is in {folder.log_file()})")
        return
    for line in ended(progress.ended).splitlines():
        output.tell(line)
    if progress.best is not None and status in (output.COMPLETED, output.INTERRUPTED):
        best = progress.best
        output.tell(f"best: {best.metric} {best.value:.4g} at epoch {best.epoch}")
    output.tell(f"run: {folder.path}")
    if status == output.FAILED and progress.ended.details:
        output.tell(f"details: {folder.log_file()}")
