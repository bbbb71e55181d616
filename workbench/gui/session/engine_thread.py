"""The thread that hosts the engine of a run: starts it, follows what the run says, hands it over in batches.

Following is all it does to a run that goes elsewhere, or went long ago. It folds nothing but the history that it finds;
what comes later is folded by whoever takes it, so that no progress is ever touched from two threads.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

from PySide6.QtCore import QObject, QThread, Signal

from workbench.launch import inline, process
from workbench.runs.attempt_options import PLAIN, Request
from workbench.runs.events import AnyEvent, EventReader
from workbench.runs.folder import RunBusyError, RunFolder
from workbench.runs.progress import Progress

LOOK_SECONDS = 0.1
"""How often a run that goes is read."""
IDLE_SECONDS = 0.5
"""How often a run that nobody runs is looked at: somebody may go on with it from a terminal."""
STACK_BYTES = 16 * 1024 * 1024
"""macOS gives a QThread 512 KB, which is too little for what may be called from here."""


class LetGo:
    """Engines that are still at work when nobody follows them any more. A child process has to be waited for by its parent."""

    def __init__(self) -> None:
        self._engines: list[process.Engine] = []
        self._lock = threading.Lock()

    def add(self, engine: process.Engine) -> None:
        """Keeps an engine until it has ended."""
        self.look()
        if engine.poll() is None:
            with self._lock:
                self._engines.append(engine)

    def look(self) -> None:
        """Forgets those that have ended."""
        with self._lock:
            self._engines = [engine for engine in self._engines if engine.poll() is None]


_let_go = LetGo()


@dataclass(frozen=True)
class Job:
    """An engine to be started: what it is asked for, and with what."""

    request: Request = PLAIN
    standby: process.Standby | None = None


class EngineThread(QThread):
    """Hosts one run. ``news`` says that :meth:`take` has something; it is not said again before it was taken."""

    opened = Signal(object)
    """The Progress of everything that the run had said before. It belongs to the receiver from then on."""
    news = Signal()
    lost = Signal()
    """Nobody runs it any more, and it has not said its end."""
    failed = Signal(str)
    """The engine could not be started, in a sentence."""
    left = Signal(int)
    """The engine's exit status."""

    def __init__(self, folder: RunFolder, job: Job | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"engine of {folder.name}")
        self.setStackSize(STACK_BYTES)
        self._folder = folder
        self._job = job
        self._reader = EventReader(folder.events_file)
        self._waiting: list[AnyEvent] = []
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._kill = threading.Event()
        self._engine: process.Engine | None = None

    def take(self) -> list[AnyEvent]:
        """What the run said since the last time, in order."""
        with self._lock:
            events, self._waiting = self._waiting, []
        return events

    def ask_to_end(self) -> None:
        """Lets the thread end at once, also while it reads a long history. The engine goes on."""
        self._end.set()

    def kill(self) -> None:
        """Has the thread end the engine, wherever on this machine it was started: what it leaves may take long to read."""
        self._kill.set()

    def run(self) -> None:
        """Follows the run until it is asked to end."""
        progress = Progress()
        for events in self._reader.pieces():
            if self._end.is_set():
                break
            progress.apply_all(events)
        else:
            if self._job is None:
                progress.settle(self._folder.going())
            self.opened.emit(progress)
        if self._job is not None:
            self._start(self._job)
        if self._engine is None:
            # Nobody was asked to start it, or somebody else was faster: what it says is followed all the same.
            self._engine = self._attach()
        self._follow()
        self._kill_if_told()
        if self._engine is not None:
            _let_go.add(self._engine)

    def _start(self, job: Job) -> None:
        try:
            self._engine = process.start(self._folder, job.request, standby=job.standby)
        except (RunBusyError, OSError) as error:
            if job.standby is not None:
                job.standby.close()  # nobody else has it any more
            self.failed.emit(str(error))

    def _attach(self) -> process.Engine | None:
        """The engine, when another process is it: this one is neither watched nor killed."""
        engine = process.attach(self._folder)
        return engine if engine is not None and engine.pid != os.getpid() else None

    def _follow(self) -> None:
        looked = time.monotonic()
        going = True
        while not self._end.wait(LOOK_SECONDS if going else IDLE_SECONDS):
            self._kill_if_told()
            said = self._read()
            if said:
                going = True
            elif self._engine is not None:
                self._poll(self._engine)
            elif time.monotonic() - looked >= 1.0:
                looked, went = time.monotonic(), going
                going = self._look()
                if went and not going:
                    self.lost.emit()

    def _kill_if_told(self) -> None:
        if self._kill.is_set():
            self._kill.clear()
            engine = self._engine or self._attach()
            if engine is not None:
                engine.kill()

    def _poll(self, engine: process.Engine) -> None:
        status = engine.poll()
        if status is not None:
            self._read()
            self._engine = None
            self.left.emit(status)

    def _look(self) -> bool:
        """Whether somebody runs it, or has just spoken: what it said before its leaving counts before it is called lost."""
        if self._folder.going():
            self._engine = self._attach()
            return True
        return self._read()

    def _read(self) -> bool:
        events = self._reader.read()
        if events:
            with self._lock:
                said = bool(self._waiting)
                self._waiting += events
            if not said:
                self.news.emit()
        return bool(events)


class InlineThread(QThread):
    """Computes a run in this process: the preference for debugging. It is followed by its folder like any other."""

    def __init__(self, folder: RunFolder, request: Request, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"run of {folder.name} in this window")
        self.setStackSize(STACK_BYTES)
        self._folder = folder
        self._request = request

    def run(self) -> None:
        """Runs the run to its end. What goes wrong, the run says itself."""
        inline.run_inline(self._folder, self._request)
