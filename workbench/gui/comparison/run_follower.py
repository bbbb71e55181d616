"""The thread that follows the runs of one comparison: it finds them, and reads what each of them says.

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

LOOK_SECONDS = 0.2
"""How often runs that go are read. Where none goes, nothing is read before it is asked for."""


@dataclass
class News:
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
    """Whether it goes, or has said something just now."""
    begun: bool = False
    first: bool = True


class MembersThread(QThread):
    """``news`` says that :meth:`take` has something; it is not said again before it was taken."""

    news = Signal()

    def __init__(self, root: Path, group: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"runs of {group}")
        self.setStackSize(STACK_BYTES)
        self._root = root
        self._group = group
        self._decided: set[Path] = set()
        """Runs of which it is known whether they are of this comparison."""
        self._followed: list[_Followed] = []
        self._waiting: list[News] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ending = threading.Event()

    def take(self) -> list[News]:
        """What was said since the last time, in order."""
        with self._lock:
            news, self._waiting = self._waiting, []
        return news

    def look_again(self) -> None:
        """There may be another run, or one that goes on."""
        self._wake.set()

    def end(self) -> None:
        """Ends the thread and waits for it."""
        self._ending.set()
        self._wake.set()
        self.wait()

    def run(self) -> None:
        """Looks until it is told to end."""
        asked = True
        while not self._ending.is_set():
            if asked:
                self._find()
            for one in self._followed:
                if not self._ending.is_set() and (asked or one.alive or not one.begun):
                    self._read(one)
            lively = any(one.alive or not one.begun for one in self._followed)
            asked = self._wake.wait(LOOK_SECONDS if lively else None)
            self._wake.clear()

    def _find(self) -> None:
        for run in reversed(list_runs(self._root)):
            if run.path in self._decided:
                continue
            member = comparison.read(run)
            # A run is made a moment before it knows its comparison; once it has begun, that does not change.
            if member is not None or run.attempts():
                self._decided.add(run.path)
            if member is not None and member.group == self._group:
                self._followed.append(_Followed(run, member, EventReader(run.events_file)))

    def _read(self, one: _Followed) -> None:
        going = one.run.going()
        events: list[AnyEvent] = []
        for piece in one.reader.pieces():
            if self._ending.is_set():
                return
            events += piece
        # Who has just spoken is not called dead: its end, or its beginning, may lie between the two questions.
        alive = going or bool(events)
        if not (events or one.first or alive != one.alive):
            return
        news = News(one.run, one.member, alive)
        if one.first:
            news.progress = Progress()
            news.progress.apply_all(events)
            news.progress.settle(alive)
        else:
            news.events = events
        one.first, one.alive, one.begun = False, alive, one.begun or bool(events)
        with self._lock:
            said = bool(self._waiting)
            self._waiting.append(news)
        if not said:
            self.news.emit()
