"""The thread that follows the runs of one comparison: it finds them, and reads what each of them says.

A run's past is folded here; what comes later is handed over, so that no progress is ever touched from two threads.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from workbench.gui.engine_thread import STACK_BYTES
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
    going: bool
    progress: Progress | None = None
    events: list[AnyEvent] = field(default_factory=list)


@dataclass
class _Followed:
    run: RunFolder
    member: Member
    reader: EventReader
    going: bool = True
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
        self._members: dict[Path, Member | None] = {}
        self._followed: list[_Followed] = []
        self._waiting: list[News] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ending = False

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
        self._ending = True
        self._wake.set()
        self.wait()

    def run(self) -> None:
        """Looks until it is told to end."""
        asked = True
        while not self._ending:
            if asked:
                self._find()
            for one in self._followed:
                if not self._ending and (asked or one.going):
                    self._read(one)
            going = any(one.going for one in self._followed)
            asked = self._wake.wait(LOOK_SECONDS if going else None)
            self._wake.clear()

    def _find(self) -> None:
        for run in reversed(list_runs(self._root)):
            # A run is made a moment before it knows its comparison; from its start on that does not change.
            if self._members.get(run.path) is None and (run.path not in self._members or not run.attempts()):
                member = comparison.read(run)
                self._members[run.path] = member
                if member is not None and member.group == self._group:
                    self._followed.append(_Followed(run, member, EventReader(run.events_file)))

    def _read(self, one: _Followed) -> None:
        # Who goes is asked first: what is said between the two questions is then read now.
        going = one.run.going()
        events = one.reader.read(limit=-1)
        if not (events or one.first or going != one.going):
            return
        news = News(one.run, one.member, going)
        if one.first:
            news.progress = Progress()
            news.progress.apply_all(events)
            news.progress.settle(going)
        else:
            news.events = events
        one.first, one.going = False, going
        with self._lock:
            said = bool(self._waiting)
            self._waiting.append(news)
        if not said:
            self.news.emit()
