"""The thread that follows the runs of one comparison: it finds them, and reads the events of each.

A run's past is folded here; what comes later is handed over, so that no progress is ever touched from two threads.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from workbench.gui.session.engine_thread import STACK_BYTES
from workbench.runs import comparison
from workbench.runs.comparison import Member
from workbench.runs.events import AnyEvent, EventReader
from workbench.runs.folder import RunFolder, list_runs
from workbench.runs.progress import Progress

POLL_SECONDS = 0.2
"""How often active runs are read. Where none is active, nothing is read before :meth:`RunFollowerThread.rescan`."""


@dataclass
class RunUpdate:
    """What a run said: everything, folded, the first time, and the events since then later."""

    run: RunFolder
    member: Member
    alive: bool
    progress: Progress | None = None
    events: list[AnyEvent] = field(default_factory=list)


@dataclass
class _Followed:
    run: RunFolder
    member: Member
    reader: EventReader
    alive: bool = True
    """Whether it is active, or has said something just now."""
    started: bool = False
    first: bool = True


class RunFollowerThread(QThread):
    """``updated`` says that :meth:`drain_updates` has something; it is not said again before it was drained."""

    updated = Signal()

    def __init__(self, root: Path, group: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"runs of {group}")
        self.setStackSize(STACK_BYTES)
        self._root = root
        self._group = group
        self._decided: set[Path] = set()
        """Runs of which it is known whether they are of this comparison."""
        self._followed: list[_Followed] = []
        self._updates: list[RunUpdate] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ending = threading.Event()

    def drain_updates(self) -> list[RunUpdate]:
        """What was said since the last time, in order."""
        with self._lock:
            updates, self._updates = self._updates, []
        return updates

    def rescan(self) -> None:
        """There may be another run, or one that was resumed."""
        self._wake.set()

    def end(self) -> None:
        """Ends the thread and waits for it."""
        self._ending.set()
        self._wake.set()
        self.wait()

    def run(self) -> None:
        """Reads until :meth:`end` is called."""
        rescan = True
        while not self._ending.is_set():
            if rescan:
                self._find_members()
            for followed in self._followed:
                if not self._ending.is_set() and (rescan or followed.alive or not followed.started):
                    self._read(followed)
            active = any(followed.alive or not followed.started for followed in self._followed)
            rescan = self._wake.wait(POLL_SECONDS if active else None)
            self._wake.clear()

    def _find_members(self) -> None:
        for run in reversed(list_runs(self._root)):
            if run.path in self._decided:
                continue
            member = comparison.read(run)
            # A run is made a moment before it knows its comparison; once it has started, that does not change.
            if member is not None or run.attempts():
                self._decided.add(run.path)
            if member is not None and member.group == self._group:
                self._followed.append(_Followed(run, member, EventReader(run.events_file)))

    def _read(self, followed: _Followed) -> None:
        running = followed.run.is_running()
        events: list[AnyEvent] = []
        for piece in followed.reader.pieces():
            if self._ending.is_set():
                return
            events += piece
        # Who has just spoken is not called dead: its end, or its beginning, may lie between the two questions.
        alive = running or bool(events)
        if not (events or followed.first or alive != followed.alive):
            return
        update = RunUpdate(followed.run, followed.member, alive)
        if followed.first:
            update.progress = Progress()
            update.progress.apply_all(events)
            update.progress.settle(alive)
        else:
            update.events = events
        followed.first, followed.alive, followed.started = False, alive, followed.started or bool(events)
        with self._lock:
            signalled = bool(self._updates)
            self._updates.append(update)
        if not signalled:
            self.updated.emit()
