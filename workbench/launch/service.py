"""Asks the lab engine for previews, layer tables, device lists and evaluations. One line of JSON a question, one an answer."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from workbench.config.problems import Problem
from workbench.launch.process import kill_tree, spawn

CANCELLED = Problem("", "cancelled")


@dataclass(frozen=True)
class Answer:
    """The lab's answer to a question. ``problems`` says what is wrong when it is not ``ok``."""

    id: int
    method: str
    ok: bool
    result: dict[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    cancelled: bool = False
    """Nobody wanted to wait for it any longer."""


@dataclass(frozen=True)
class Doing:
    """What the lab is doing for a question that it has not answered yet."""

    id: int
    method: str
    text: str
    share: float | None = None
    """How much of it is done, from 0 to 1; None where that is not known."""


def _nobody(doing: Doing) -> None:
    """Nobody wants to know."""


class Lab:
    """The lab engine, started at the first question. Of several waiting questions of one method only the newest is asked."""

    def __init__(self, on_answer: Callable[[Answer], None], on_doing: Callable[[Doing], None] = _nobody) -> None:
        """Both are called on the reader's thread; ``on_answer`` from within :meth:`cancel` too."""
        self._on_answer, self._on_doing = on_answer, on_doing
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[int, dict[str, Any]]] = {}
        self._asked: tuple[int, str, subprocess.Popen[bytes]] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._readers: list[threading.Thread] = []
        self._closed = False

    def start(self) -> None:
        """Starts the process, unless it runs."""
        with self._lock:
            self._ensure()

    def ask(self, method: str, params: dict[str, Any]) -> int:
        """Asks, and returns the question's id at once. A newer question of the same method replaces one that still waits."""
        with self._lock:
            number = next(self._ids)
            self._waiting[method] = (number, params)
            self._ensure()
            self._next()
            return number

    def cancel(self, method: str) -> None:
        """Answers questions of that kind as cancelled. The process that is at one is ended; the next question starts another."""
        with self._lock:
            if self._closed:
                return
            waited = self._waiting.pop(method, None)
            asked, process = self._asked, self._process
            if asked is not None and asked[1] == method and process is not None:
                # Nothing is asked of this one any more; its reader sees its end.
                self._asked = self._process = None
            else:
                asked = process = None
        for number in (asked and asked[0], waited and waited[0]):
            if number is not None:
                self._on_answer(Answer(number, method, ok=False, problems=(CANCELLED,), cancelled=True))
        if process is not None:
            kill_tree(process.pid)
        with self._lock:
            if self._waiting:
                self._ensure()
                self._next()

    def close(self) -> None:
        """Ends the process and the thread. No answer comes after it."""
        with self._lock:
            self._closed = True
            process, readers = self._process, self._readers
        if process is not None:
            if process.poll() is None:
                # Its loader's workers too: they hold the pipe, whose end the reader waits for.
                kill_tree(process.pid)
            process.wait()
        for reader in readers:
            if reader is not threading.current_thread():
                reader.join()

    def _ensure(self) -> None:
        if self._closed or (self._process is not None and self._process.poll() is None):
            return
        self._process = spawn(["--lab"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        reader = threading.Thread(target=self._read, args=(self._process,), name="lab reader", daemon=True)
        self._readers = [*(one for one in self._readers if one.is_alive()), reader]
        reader.start()

    def _next(self) -> None:
        """Sends the next waiting question, when none is being answered. The lock is held."""
        if self._closed or self._asked is not None or not self._waiting:
            return
        if self._process is None or self._process.stdin is None:
            return
        method = next(iter(self._waiting))
        number, params = self._waiting.pop(method)
        self._asked = (number, method, self._process)
        # A broken pipe means that the process died: the reader sees its end and answers for it.
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps({"id": number, "method": method, "params": params}).encode() + b"\n")
            self._process.stdin.flush()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        for line in process.stdout:
            said = _read_line(line)
            if isinstance(said, Doing):
                self._on_doing(said)
            elif said is not None:
                self._done(said)
        # Dead and reaped before the next question looks whether it is alive.
        process.wait()
        _close_pipes(process)
        with self._lock:
            asked = self._asked
        # A question that its successor was asked meanwhile is not lost.
        if asked is not None and asked[2] is process:
            died = Problem("", "the preview process ended unexpectedly", "change a setting to try again")
            self._done(Answer(*asked[:2], ok=False, problems=(died,)))

    def _done(self, answer: Answer) -> None:
        with self._lock:
            if self._asked is None or self._asked[0] != answer.id:
                return  # it was cancelled a moment ago
            self._asked = None
            if self._closed:
                return
            if self._waiting:
                self._ensure()
            self._next()
        self._on_answer(answer)


@contextlib.contextmanager
def asking(on_doing: Callable[[Doing], None] = _nobody) -> Iterator[Callable[[str, dict[str, Any]], Answer]]:
    """A lab engine for as long as it is wanted: gives what asks it and waits for the answer. For the command line."""
    answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    lab = Lab(answers.put, on_doing)

    def ask(method: str, params: dict[str, Any]) -> Answer:
        lab.ask(method, params)
        return answers.get()

    try:
        yield ask
    finally:
        lab.close()


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _read_line(line: bytes) -> Answer | Doing | None:
    try:
        data = json.loads(line)
        if "doing" in data:
            share = data.get("share")
            return Doing(
                int(data["id"]), str(data["method"]), str(data["doing"]), None if share is None else float(share)
            )
        problems = tuple(Problem(p["path"], p["what"], p.get("hint", "")) for p in data.get("problems", ()))
        return Answer(int(data["id"]), str(data["method"]), bool(data["ok"]), data.get("result", {}), problems)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
