"""The client of the engine's service: sends requests to a process of its own and reads the replies."""

from __future__ import annotations

import contextlib
import itertools
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from workbench.config.problems import ConfigError, Problem
from workbench.launch.process import kill_tree, spawn
from workbench.runs.service.answers import (
    LAST_LINES,
    REPLY,
    AnyAnswer,
    AnyReply,
    PointMeasured,
    ReplyHead,
    RequestAnswered,
    RequestRefused,
    WorkProgressed,
)
from workbench.runs.service.base import ServiceData
from workbench.runs.service.requests import AnyRequest, ServiceCall

CANCELLED = Problem("", "cancelled")
UNREADABLE = Problem("", "the engine's answer cannot be read", "was the program updated? Start it again")
RequestType = type[ServiceData]
"""The class of a request: of several waiting requests of one class only the newest is sent."""
_Answer = TypeVar("_Answer", bound=ServiceData)


@dataclass(frozen=True)
class ServiceReply:
    """What became of a request: its answer, or the problems for which there is none."""

    id: int
    request: AnyRequest
    answer: AnyAnswer | None = None
    problems: tuple[Problem, ...] = ()
    cancelled: bool = False
    """Nobody wanted to wait for it any longer."""

    def require(self, answer_type: type[_Answer]) -> _Answer:
        """The answer, which is of this class. Raises ConfigError with the problems where there is none."""
        if isinstance(self.answer, answer_type):
            return self.answer
        raise ConfigError(self.problems or (Problem("", f"{self.request.kind}: unexpected answer"),))


@dataclass(frozen=True)
class ServiceProgress:
    """What the engine is doing for a request that it has not answered yet."""

    id: int
    request: AnyRequest
    text: str
    share: float | None = None
    """How much of it is done, from 0 to 1; None where that is not known."""


@dataclass(frozen=True)
class _Pending:
    """The request that a process is answering."""

    id: int
    request: AnyRequest
    process: subprocess.Popen[bytes]


def ignore_progress(progress: ServiceProgress) -> None:
    """For those who do not show it."""


class Service:
    """The engine's service, started at the first request. Requests are answered one after the other."""

    def __init__(
        self,
        on_reply: Callable[[ServiceReply], None],
        on_progress: Callable[[ServiceProgress], None] = ignore_progress,
    ) -> None:
        """Both are called on the reader's thread; ``on_reply`` from within :meth:`cancel` too."""
        self._on_reply, self._on_progress = on_reply, on_progress
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: dict[RequestType, tuple[int, AnyRequest]] = {}
        self._pending: _Pending | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._readers: list[threading.Thread] = []
        self._closed = False

    def start(self) -> None:
        """Starts the process, unless it runs."""
        with self._lock:
            self._ensure_process()

    def send(self, request: AnyRequest) -> int:
        """Sends a request, and returns its id at once. A newer request of the same class replaces one that still waits."""
        with self._lock:
            number = next(self._ids)
            self._waiting[type(request)] = (number, request)
            self._ensure_process()
            self._send_next()
            return number

    def cancel(self, request_type: RequestType) -> None:
        """Replies to requests of that class as cancelled. The process that is at one is ended; the next request starts another."""
        with self._lock:
            if self._closed:
                return
            waiting = self._waiting.pop(request_type, None)
            pending = self._pending
            if pending is not None and type(pending.request) is request_type:
                # Nothing is sent to this process any more; its reader sees its end.
                self._pending = self._process = None
            else:
                pending = None
        if pending is not None:
            self._on_reply(_cancelled(pending.id, pending.request))
        if waiting is not None:
            self._on_reply(_cancelled(*waiting))
        if pending is not None:
            kill_tree(pending.process.pid)
        with self._lock:
            if self._waiting:
                self._ensure_process()
                self._send_next()

    def close(self) -> None:
        """Ends the process and the thread. No reply comes after it."""
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

    def _ensure_process(self) -> None:
        if self._closed or (self._process is not None and self._process.poll() is None):
            return
        self._process = spawn(["--service"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        reader = threading.Thread(target=self._read, args=(self._process,), name="service reader", daemon=True)
        self._readers = [*(thread for thread in self._readers if thread.is_alive()), reader]
        reader.start()

    def _send_next(self) -> None:
        """Sends the next waiting request, when none is being answered. The lock is held."""
        if self._closed or self._pending is not None or not self._waiting or self._process is None:
            return
        number, request = self._waiting.pop(next(iter(self._waiting)))
        self._pending = _Pending(number, request, self._process)
        write_call(self._process, ServiceCall(id=number, request=request))

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        for reply in read_replies(process):
            pending = self._pending
            if pending is None or pending.id != reply.id:
                continue  # it was cancelled a moment ago
            match reply:
                case WorkProgressed():
                    self._on_progress(ServiceProgress(reply.id, pending.request, reply.text, reply.share))
                case RequestAnswered():
                    self._finish(ServiceReply(reply.id, pending.request, reply.answer))
                case RequestRefused():
                    self._finish(ServiceReply(reply.id, pending.request, problems=reply.problems))
                case PointMeasured():
                    pass
        # Dead and reaped before the next request sees whether it is alive.
        process.wait()
        close_pipes(process)
        with self._lock:
            pending = self._pending
        # A request that its successor was sent meanwhile is not lost.
        if pending is not None and pending.process is process:
            died = Problem("", "the preview process ended unexpectedly", "change a setting to try again")
            self._finish(ServiceReply(pending.id, pending.request, problems=(died,)))

    def _finish(self, reply: ServiceReply) -> None:
        with self._lock:
            if self._pending is None or self._pending.id != reply.id:
                return  # it was cancelled a moment ago
            self._pending = None
            if self._closed:
                return
            if self._waiting:
                self._ensure_process()
            self._send_next()
        self._on_reply(reply)


@contextlib.contextmanager
def open_service(
    on_progress: Callable[[ServiceProgress], None] = ignore_progress,
) -> Iterator[Callable[[AnyRequest], ServiceReply]]:
    """A service for as long as it is wanted: gives what sends a request and waits for the reply. For the command line."""
    replies: queue.SimpleQueue[ServiceReply] = queue.SimpleQueue()
    service = Service(replies.put, on_progress)

    def request_reply(request: AnyRequest) -> ServiceReply:
        service.send(request)
        return replies.get()

    try:
        yield request_reply
    finally:
        service.close()


def write_call(process: subprocess.Popen[bytes], call: ServiceCall) -> None:
    """Sends a call to a serving process. A process that died is no failure: whoever reads its replies sees its end."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.write(call.model_dump_json(by_alias=True).encode() + b"\n")
        process.stdin.flush()


def read_replies(process: subprocess.Popen[bytes]) -> Iterator[AnyReply]:
    """The lines of a serving process until its end. What is no reply is left out; an answer that cannot be read is refused."""
    assert process.stdout is not None
    for line in process.stdout:
        try:
            yield REPLY.validate_json(line)
        except ValidationError:
            head = _head_of(line)
            if head is not None and head.kind in LAST_LINES:
                yield RequestRefused(id=head.id, problems=(UNREADABLE,))


def _head_of(line: bytes) -> ReplyHead | None:
    try:
        return ReplyHead.model_validate_json(line)
    except ValidationError:
        return None


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    """Closes both ends, whether the process is still there or not."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _cancelled(number: int, request: AnyRequest) -> ServiceReply:
    return ServiceReply(number, request, problems=(CANCELLED,), cancelled=True)
