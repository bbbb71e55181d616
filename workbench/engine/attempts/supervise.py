"""Takes an attempt to its end, whatever that is, and reports the end once."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from workbench.engine.runtime.failures import Failure, explain
from workbench.engine.training.loop import AttemptResult
from workbench.runs import history
from workbench.runs.events import Ended, EventWriter, last_attempt
from workbench.runs.folder import (
    HEARTBEAT_SECONDS,
    RunFolder,
    number,
    read_json,
    write_engine,
    write_whole,
)

COMPLETED, FAILED, REFUSED = 0, 1, 2


def supervise(folder: RunFolder, compute: Callable[[int], AttemptResult]) -> int:
    """Takes a new attempt through ``compute``, and reports how it ended. The caller holds the lock. Gives the exit status."""
    attempt = max(last_attempt(folder.events_file), folder.attempts()) + 1
    with _heartbeat(folder, attempt):
        try:
            try:
                result = compute(attempt)
            finally:
                _ignore_dead_workers()
        except BaseException as error:  # noqa: BLE001 - whatever ended the attempt has to be reported, and the lock be released
            _ignore_dead_workers()
            result = failed(explain(error))
        _report_end(folder, attempt, result)
    return exit_status(result)


def _ignore_dead_workers() -> None:
    """Torch raises an error wherever the main thread is when a loader worker has died: not while the end is being reported."""
    if hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def exit_status(result: AttemptResult) -> int:
    """What the engine's process gives to whoever started it."""
    if result.status != "failed":
        return COMPLETED
    return REFUSED if result.refused else FAILED


def failed(failure: Failure) -> AttemptResult:
    """A failure as the result of an attempt."""
    return AttemptResult("failed", failure.what, failure.hint, failure.details, refused=failure.refused)


def _report_end(folder: RunFolder, attempt: int, result: AttemptResult) -> None:
    """The last event of the attempt, and the summary that goes with it."""
    summary = read_json(folder.summary_file)
    # The attempt has just written how far it is: a history of many hours is not read again for one word.
    known = number(summary, "attempt") == attempt and number(summary, "steps") == result.step > 0
    progress = None if known else history.load(folder)
    fields: dict[str, Any] = {key: value for key, value in vars(result).items() if key != "refused"}
    if progress is not None:
        fields |= {"step": result.step or progress.step, "epoch": result.epoch or progress.epoch}
    ended = Ended(**fields)
    writer = EventWriter(folder.events_file, attempt)
    writer.write(ended)
    writer.close()
    summary["status"] = ended.status
    if progress is not None:
        progress.apply(ended.model_copy(update={"attempt": attempt}))
        summary = progress.summary()
    # A full disk: the summary can be made again from the events, and the exit status still tells the end.
    with suppress(OSError):
        write_whole(folder.summary_file, json.dumps(summary))


@contextmanager
def _heartbeat(folder: RunFolder, attempt: int) -> Iterator[None]:
    """Keeps ``engine.json`` fresh, so that other machines see that the attempt is running."""
    done = threading.Event()
    write_engine(folder, attempt, os.getpid())

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            try:
                write_engine(folder, attempt, os.getpid())
            except OSError:
                continue

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with suppress(OSError):
            write_engine(folder, attempt, os.getpid(), left=True)
