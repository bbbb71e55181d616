"""Follows a run that this terminal started until it ends; Ctrl-C and SIGTERM stop it, a second one kills it."""

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

POLL_SECONDS = 0.1
"""How often the events of a run are read."""
REFUSED = 2
"""The exit status of an engine whose run was wrong in its settings."""


def watch(engine: Engine, attempt: int, interrupted: Interrupts, as_json: bool) -> int:
    """Shows the attempt until it ends, prints the answer, and gives the exit status."""
    follower = Follower(engine.folder)
    with display(engine.folder.name.split("-", 2)[-1]) as shown:
        engine_status = _until_end(engine, attempt, follower, shown, interrupted)
    status = _status(follower.progress, attempt, engine_status)
    _show_end(engine.folder, follower.progress, attempt, status)
    if as_json:
        output.result(summary(engine.folder, follower.progress, failed=status in (output.FAILED, REFUSED)))
    return status


def summary(folder: RunFolder, progress: Progress, failed: bool = False) -> dict[str, Any]:
    """The answer of ``train``, ``resume`` and ``follow`` as one object; a failure has ``what`` and ``hint`` as well."""
    answer = {"run": str(folder.path.resolve()), **progress.summary()}
    best = answer["best"]
    if best and best["checkpoint"]:
        answer["best"] = {**best, "checkpoint": str((folder.path / best["checkpoint"]).resolve())}
    if progress.ended is not None and progress.ended.equations:
        answer["equations"] = [equation.as_data() for equation in progress.ended.equations]
    if failed:
        answer["status"] = "failed" if progress.state in ("new", "running") else progress.state
        answer["what"] = progress.ended.what if progress.ended else "the engine ended without an event"
        answer["hint"] = progress.ended.hint if progress.ended else f"see its output in {folder.log_file()}"
    return answer


class Interrupts:
    """How often Ctrl-C was pressed, or SIGTERM received."""

    count = 0


@contextlib.contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Counts SIGINT and SIGTERM instead of dying of them."""
    interrupted = Interrupts()

    def count(number: int, frame: FrameType | None) -> None:
        interrupted.count += 1

    previous = {number: signal.signal(number, count) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _until_end(engine: Engine, attempt: int, follower: Follower, shown: PlainLines, interrupted: Interrupts) -> int:
    """Shows events until the engine has exited; passes interrupts on. Gives the engine's exit status."""
    passed_on = 0
    clock = threading.Event()
    while (status := engine.poll()) is None:
        shown.show(follower.read(), follower.progress)
        if interrupted.count > passed_on:
            passed_on = interrupted.count
            _pass_on(engine, attempt, passed_on, shown)
        # Never set: the handler of a signal may not touch the lock that it holds while it waits.
        clock.wait(POLL_SECONDS)
    while events := follower.read():
        shown.show(events, follower.progress)
    return status


def _pass_on(engine: Engine, attempt: int, count: int, shown: PlainLines) -> None:
    if count == 1:
        shown.print_line("stopping: the state is saved first (press Ctrl-C again to quit at once, without saving)")
        send(engine.folder.commands, Command("stop", attempt=attempt))
    else:
        shown.print_line("quitting without saving")
        engine.kill()


def _status(progress: Progress, attempt: int, engine_status: int) -> int:
    """The exit status of an attempt: what the run's events say, and the engine's own where they do not."""
    if progress.ended is None or progress.ended.attempt < attempt:
        return REFUSED if engine_status == REFUSED else output.FAILED
    if progress.ended.status == "failed" and engine_status == REFUSED:
        return output.WRONG_REQUEST
    return output.exit_status(progress.ended.status)


def _show_end(folder: RunFolder, progress: Progress, attempt: int, status: int) -> None:
    if progress.ended is None or progress.ended.attempt < attempt:
        output.error_line(f"the engine ended without an event (see its output in {folder.log_file()})")
        return
    for line in ended(progress.ended).splitlines():
        output.error_line(line)
    if progress.best is not None and status in (output.COMPLETED, output.INTERRUPTED):
        best = progress.best
        output.error_line(f"best: {best.metric} {best.value:.4g} at epoch {best.epoch}")
    output.error_line(f"run: {folder.path}")
    if status == output.FAILED and progress.ended.details:
        output.error_line(f"details: {folder.log_file()}")
