"""Starts an engine for a run (or uses the one on standby), monitors it, ends it.

An engine has a session of its own, so that it keeps running when the window or the terminal that started it dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import psutil

from workbench.runs import history
from workbench.runs.attempt_options import PLAIN, AttemptOptions
from workbench.runs.events import Ended, EventWriter
from workbench.runs.folder import RunBusyError, RunFolder, locked, read_json, write_whole
from workbench.runs.progress import Progress

KILLED = "The engine was killed before it could finish"
RESUME_HINT = "Resume continues from the last checkpoint"
LOG_TAIL = 4000
"""Bytes of the engine's log that are kept as the details of a failure."""


class Engine:
    """The engine of a run: started by us, or found running."""

    def __init__(
        self, folder: RunFolder, pid: int, process: subprocess.Popen[bytes] | None = None, attempt: int = 0
    ) -> None:
        """``attempt`` is the one that a process of ours was started for."""
        self.folder = folder
        self.pid = pid
        self._process = process
        self._attempt = attempt
        self._status: int | None = None

    def poll(self) -> int | None:
        """Exit status; None while it is alive. For an engine that died without an ``ended`` event, that event is written here.

        The status of an engine that somebody else started is not available: it is 0 unless the run failed, else 1.
        """
        if self._status is None and not self._alive():
            ended = close_unfinished(self.folder, self._attempt)
            status = self._process.returncode if self._process is not None else None
            self._status = status if status is not None else int(ended is None or ended.status == "failed")
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end and gives the exit status. Raises TimeoutError."""
        until = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"the engine of {self.folder.name} is still running")
            time.sleep(0.02)  # noqa: TID251 - an engine found running is no child: its end can only be polled
        return status

    def kill(self) -> None:
        """Kills the engine and everything it started. What it saved stays; its ``ended`` event is written here."""
        if self.poll() is not None:
            return  # its number may be another process's by now
        kill_tree(self.pid)
        if self._process is not None:
            self._process.wait()
        self.poll()

    def _alive(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        try:
            return bool(psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False


class Standby:
    """An engine process that has torch loaded and waits for a run. It exits by itself when the process that started it dies."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    def start(self) -> None:
        """Starts the process, unless there is one, and returns at once."""
        if not self.usable:
            self._ready = False
            self._process = spawn(["--standby"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            if os.name != "nt" and self._process.stdout is not None:
                os.set_blocking(self._process.stdout.fileno(), False)

    @property
    def usable(self) -> bool:
        """Whether there is a process for a run (perhaps still importing: it starts the run as soon as it is done)."""
        return self._process is not None and self._process.poll() is None

    @property
    def ready(self) -> bool:
        """Whether torch is imported. On Windows, where the pipe cannot be polled, always False."""
        if not self._ready and self._process is not None and self._process.stdout is not None and os.name != "nt":
            self._ready = bool(self._process.stdout.read(1))
        return self._ready

    def hand_over(self, folder: RunFolder, request: AttemptOptions) -> subprocess.Popen[bytes] | None:
        """Hands the run to the process, which from now on is that run's engine. None when there is no such process."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None or process.stdin is None:
            return None
        try:
            line = {"folder": str(folder.path.resolve()), **request.as_data()}
            process.stdin.write(json.dumps(line).encode() + b"\n")
            process.stdin.close()
        except OSError:
            return None
        if process.stdout is not None:
            process.stdout.close()
        return process

    def close(self) -> None:
        """Ends the process, and waits until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        # Killed rather than waited for: it holds nothing, and may be in the middle of a long import.
        process.kill()
        process.wait()


def start(folder: RunFolder, request: AttemptOptions = PLAIN, *, standby: Standby | None = None) -> Engine:
    """Starts the engine of a run, new or to be resumed.

    Raises RunBusyError when the run is running already.
    """
    if folder.is_running():
        raise RunBusyError(f"{folder.name} is running already")
    attempt = folder.attempts() + 1
    process = standby.hand_over(folder, request) if standby is not None else None
    if process is None:
        arguments = [str(folder.path.resolve()), *request.arguments()]
        with folder.log_file().open("ab") as log:
            process = spawn(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return Engine(folder, process.pid, process, attempt)


def attach(folder: RunFolder) -> Engine | None:
    """The engine that is running the folder on this machine; None when there is none."""
    engine = read_json(folder.engine_file)
    if not folder.is_running() or engine.get("host") != socket.gethostname() or "pid" not in engine:
        return None
    return Engine(folder, int(engine["pid"]))


def close_unfinished(folder: RunFolder, attempt: int = 1) -> Ended | None:
    """Writes the ``ended`` event of an attempt whose engine died without it. Gives the run's end; None when it has none.

    ``attempt`` is that of an engine that may have died before it could write that it had started.
    Does nothing while somebody holds the run's lock: then the attempt is not over.
    """
    _, attempt, ended = _read_end(folder, attempt)
    if ended is not None:
        return ended
    try:
        with locked(folder):
            # Read again: somebody else who saw the same may have written it in the meantime.
            progress, attempt, ended = _read_end(folder, attempt)
            if ended is not None:
                return ended
            ended = Ended(
                attempt=attempt,
                status="failed",
                what=KILLED,
                hint=RESUME_HINT if any(folder.checkpoints.glob("*.pt")) else "Start the run again",
                details=_tail(folder.log_file()),
                epoch=progress.epoch,
                step=progress.step,
            )
            writer = EventWriter(folder.events_file, attempt)
            writer.write(ended)
            writer.close()
            progress.apply(ended)
            write_whole(folder.summary_file, json.dumps(progress.summary()))
    except (RunBusyError, OSError):
        return None
    return ended


def _read_end(folder: RunFolder, attempt: int) -> tuple[Progress, int, Ended | None]:
    """A run's progress, its last attempt (at least that one), and the end of it; None when that was not written."""
    progress = history.load(folder)
    attempt = max(progress.attempt, folder.attempts(), attempt, 1)
    over = progress.ended is not None and progress.ended.attempt >= attempt
    return progress, attempt, progress.ended if over else None


def interpreter() -> list[str]:
    """The command that starts this program's own Python."""
    return [sys.executable]


def spawn(
    arguments: list[str], *, stdin: int, stdout: int | IO[bytes], stderr: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """An engine in a session of its own, so that it outlives what started it. Raises OSError when it cannot be started."""
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    return subprocess.Popen(
        [*interpreter(), "-m", "workbench.engine", *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=os.name != "nt",
        creationflags=flags,
        cwd=Path.home(),
    )


def kill_tree(pid: int) -> None:
    """Kills a process, its session's group and all its descendants."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return
    with contextlib.suppress(ProcessLookupError):
        if os.name != "nt" and os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
    for process in family:
        try:
            process.kill()
        except psutil.Error:
            continue


def _tail(path: Path) -> str:
    try:
        return path.read_bytes()[-LOG_TAIL:].decode("utf-8", "replace")
    except OSError:
        return ""
