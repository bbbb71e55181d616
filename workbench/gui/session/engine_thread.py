"""The thread that hosts the engine of a run: starts it, follows what the run says, hands it over in batches.

Following is all it does to a run whose engine was started elsewhere, or ended long ago. It folds nothing but the history;
what comes later is folded by whoever drains it, so that no progress is ever touched from two threads.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

from PySide6.QtCore import QObject, QThread, Signal

from workbench.launch import inline, process
from workbench.runs.attempt_options import PLAIN, AttemptOptions
from workbench.runs.events import AnyEvent, EventReader
from workbench.runs.folder import RunBusyError, RunFolder
from workbench.runs.progress import Progress

POLL_SECONDS = 0.1
"""How often an active run is read."""
IDLE_POLL_SECONDS = 0.5
"""How often a run that nobody runs is read: somebody may resume it from a terminal."""
STACK_BYTES = 16 * 1024 * 1024
"""macOS gives a QThread 512 KB, which is too little for what may be called from here."""


class DetachedEngines:
    """Engines that are still at work when nobody follows them any more. A child process has to be waited for by its parent."""

    def __init__(self) -> None:
        self._engines: list[process.Engine] = []
        self._lock = threading.Lock()

    def add(self, engine: process.Engine) -> None:
        """Keeps an engine until it has ended."""
        self.forget_ended()
        if engine.poll() is None:
            with self._lock:
                self._engines.append(engine)

    def forget_ended(self) -> None:
        """Forgets those that have ended."""
        with self._lock:
            self._engines = [engine for engine in self._engines if engine.poll() is None]


_detached = DetachedEngines()


@dataclass(frozen=True)
class EngineStart:
    """An engine to be started: its options, and the standby process that becomes it."""

    request: AttemptOptions = PLAIN
    standby: process.Standby | None = None


class EngineThread(QThread):
    """Hosts one run. ``events_ready`` says that :meth:`drain_events` has something; it is not said again before it was drained."""

    opened = Signal(object)
    """The Progress of everything that the run had said before. It belongs to the receiver from then on."""
    events_ready = Signal()
    engine_lost = Signal()
    """Nobody runs it any more, and it has not said its end."""
    failed = Signal(str)
    """The engine could not be started, in a sentence."""
    engine_exited = Signal(int)
    """The engine's exit status."""

    def __init__(self, folder: RunFolder, start: EngineStart | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"engine of {folder.name}")
        self.setStackSize(STACK_BYTES)
        self._folder = folder
        self._start = start
        self._reader = EventReader(folder.events_file)
        self._events: list[AnyEvent] = []
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._kill = threading.Event()
        self._engine: process.Engine | None = None

    def drain_events(self) -> list[AnyEvent]:
        """What the run said since the last time, in order."""
        with self._lock:
            events, self._events = self._events, []
        return events

    def request_end(self) -> None:
        """Lets the thread end at once, also while it reads a long history. The engine keeps running."""
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
            if self._start is None:
                progress.settle(self._folder.is_running())
            self.opened.emit(progress)
        if self._start is not None:
            self._start_engine(self._start)
        if self._engine is None:
            # It is not to be started, or somebody else was faster: what it says is followed all the same.
            self._engine = self._attach()
        self._follow()
        self._kill_if_requested()
        if self._engine is not None:
            _detached.add(self._engine)

    def _start_engine(self, start: EngineStart) -> None:
        try:
            self._engine = process.start(self._folder, start.request, standby=start.standby)
        except (RunBusyError, OSError) as error:
            if start.standby is not None:
                start.standby.close()  # nobody else has it any more
            self.failed.emit(str(error))

    def _attach(self) -> process.Engine | None:
        """The engine, when another process is it: this one is neither watched nor killed."""
        engine = process.attach(self._folder)
        return engine if engine is not None and engine.pid != os.getpid() else None

    def _follow(self) -> None:
        checked = time.monotonic()
        running = True
        while not self._end.wait(POLL_SECONDS if running else IDLE_POLL_SECONDS):
            self._kill_if_requested()
            if self._read():
                running = True
            elif self._engine is not None:
                self._poll(self._engine)
            elif time.monotonic() - checked >= 1.0:
                checked, was_running = time.monotonic(), running
                running = self._is_running()
                if was_running and not running:
                    self.engine_lost.emit()

    def _kill_if_requested(self) -> None:
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
            self.engine_exited.emit(status)

    def _is_running(self) -> bool:
        """Whether somebody runs it, or has just spoken: what it said before its leaving counts before it is called lost."""
        if self._folder.is_running():
            self._engine = self._attach()
            return True
        return self._read()

    def _read(self) -> bool:
        events = self._reader.read()
        if events:
            with self._lock:
                signalled = bool(self._events)
                self._events += events
            if not signalled:
                self.events_ready.emit()
        return bool(events)


class InlineThread(QThread):
    """Computes a run in this process: the preference for debugging. It is followed by its folder like any other."""

    def __init__(self, folder: RunFolder, request: AttemptOptions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"run of {folder.name} in this window")
        self.setStackSize(STACK_BYTES)
        self._folder = folder
        self._request = request

    def run(self) -> None:
        """Runs the run to its end. What goes wrong, the run says itself."""
        inline.run_inline(self._folder, self._request)
