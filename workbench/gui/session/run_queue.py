"""Runs that wait for the one that goes: each begins when nothing goes any more."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal, Slot

from workbench.config.run import RunConfig
from workbench.gui.session.session import Session
from workbench.runs.comparison import Member
from workbench.runs.folder import RunFolder


@dataclass(frozen=True)
class Waiting:
    """A run that has no folder yet. ``member`` is what it will know of its comparison."""

    config: RunConfig
    name: str
    member: Member | None = None


class RunQueue(QObject):
    """Says ``changed`` when more runs wait, or fewer. A comparison whose run was stopped is over: its others are dropped."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._waiting: list[Waiting] = []
        self._begun: tuple[RunFolder, Member] | None = None
        self._closed = False
        # Queued: a session that tells of an end has not yet done all that belongs to it.
        session.runs_changed.connect(self.next, Qt.ConnectionType.QueuedConnection)

    def add(self, *runs: Waiting) -> None:
        """Lets these follow, in their order."""
        self._waiting += runs
        self.changed.emit()
        self.next()

    def drop(self, group: str) -> None:
        """Forgets those of a comparison that wait."""
        self._waiting = [one for one in self._waiting if one.member is None or one.member.group != group]
        self.changed.emit()

    def close(self) -> None:
        """Begins nothing any more: the end of a run that closed its window must not be the beginning of the next."""
        if not self._closed:
            self._closed = True
            self._waiting.clear()
            self._session.runs_changed.disconnect(self.next)

    def places(self, group: str) -> set[int]:
        """Which of a comparison's runs wait."""
        return {one.member.place for one in self._waiting if one.member is not None and one.member.group == group}

    @Slot()
    def next(self) -> None:
        """Begins the next one, unless a run goes."""
        if self._session.going is not None or not self._waiting:
            return
        if self._was_stopped():
            return
        first, before = self._waiting.pop(0), self._session.folder
        self._session.train(first.config, first.name, first.member)
        run = self._session.folder
        if first.member is not None and run is not None and run is not before:
            self._begun = run, first.member
        elif first.member is not None:  # its folder cannot be made, nor could those of the others
            self.drop(first.member.group)
        self.changed.emit()

    def _was_stopped(self) -> bool:
        """Whether the comparison at work was just stopped, which ends it."""
        begun, self._begun = self._begun, None
        shown = self._session.folder
        if begun is None or shown is None or shown.path != begun[0].path or self._session.progress.state != "stopped":
            return False
        self.drop(begun[1].group)
        self.next()
        return True
