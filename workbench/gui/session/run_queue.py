"""Queued runs: each starts when no other run is active any more."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal, Slot

from workbench.config.run import RunConfig
from workbench.gui.session.session import Session
from workbench.runs.comparison import Member
from workbench.runs.folder import RunFolder


@dataclass(frozen=True)
class QueuedRun:
    """A run that has no folder yet. ``member`` is what it will know of its comparison."""

    config: RunConfig
    name: str
    member: Member | None = None


class RunQueue(QObject):
    """Emits ``changed`` when runs are queued, started or dropped. Stopping a run of a comparison drops its others."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._queued: list[QueuedRun] = []
        self._started: tuple[RunFolder, Member] | None = None
        self._closed = False
        # A queued connection: a session that says that a run ended has not yet done all that belongs to it.
        session.runs_changed.connect(self.start_next, Qt.ConnectionType.QueuedConnection)

    def add(self, *runs: QueuedRun) -> None:
        """Queues these, in their order."""
        self._queued += runs
        self.changed.emit()
        self.start_next()

    def drop(self, group: str) -> None:
        """Drops the queued runs of a comparison."""
        self._queued = [run for run in self._queued if run.member is None or run.member.group != group]
        self.changed.emit()

    def close(self) -> None:
        """Starts nothing any more: the end of a run that closed its window must not start the next."""
        if not self._closed:
            self._closed = True
            self._queued.clear()
            self._session.runs_changed.disconnect(self.start_next)

    def places(self, group: str) -> set[int]:
        """Which of a comparison's runs are queued, by their places."""
        return {run.member.place for run in self._queued if run.member is not None and run.member.group == group}

    @Slot()
    def start_next(self) -> None:
        """Starts the next one, unless a run is active."""
        if self._session.active_run is not None or not self._queued:
            return
        if self._comparison_was_stopped():
            return
        first, before = self._queued.pop(0), self._session.folder
        self._session.train(first.config, first.name, first.member)
        run = self._session.folder
        if first.member is not None and run is not None and run is not before:
            self._started = run, first.member
        elif first.member is not None:  # its folder cannot be made, nor could those of the others
            self.drop(first.member.group)
        self.changed.emit()

    def _comparison_was_stopped(self) -> bool:
        """Whether a run of the comparison was just stopped, which ends the comparison."""
        started, self._started = self._started, None
        shown = self._session.folder
        if (
            started is None
            or shown is None
            or shown.path != started[0].path
            or self._session.progress.state != "stopped"
        ):
            return False
        self.drop(started[1].group)
        self.start_next()
        return True
