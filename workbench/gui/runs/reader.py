"""Reads the table of runs away from the window's thread: a thousand runs, or a slow disk, never make it wait."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot

from workbench.runs.folder import RunFolder, list_runs
from workbench.runs.history import Row, row

_SETTLED = ("completed", "stopped", "failed", "interrupted", "new")
Stamp = tuple[int, ...]


class RunReader(QObject):
    """Emits ``read`` with the rows of all runs, the newest first, after :meth:`refresh`.

    Called again while it reads, it reads once more.
    """

    read = Signal(object)

    def __init__(self, root: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.root = root
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._known: dict[Path, tuple[Stamp, Row]] = {}
        self._job: _Job | None = None
        self._finished_job: _Job | None = None
        """Kept, for its thread may still be on the way out of it."""
        self._again = False
        self._stopped = False

    @property
    def busy(self) -> bool:
        """Whether rows are on their way."""
        return self._job is not None

    def refresh(self) -> None:
        """Reads the runs anew; those that did not change are not read again."""
        if self._stopped:
            return
        if self._job is not None:
            self._again = True
            return
        self._job = _Job(self.root, self._known)
        self._job.signals.done.connect(self._finished)
        self._pool.start(self._job)

    def stop(self) -> None:
        """Reads no more, and returns when the thread has left, which is within one run's reading."""
        self._stopped = True
        if self._job is not None:
            self._job.cancelled.set()
        self._pool.waitForDone()
        self._job = None

    @Slot(object)
    def _finished(self, rows: list[Row]) -> None:
        self._finished_job, self._job = self._job, None
        if self._stopped:
            return
        self.read.emit(rows)
        if self._again:
            self._again = False
            self.refresh()


class _JobSignals(QObject):
    done = Signal(object)


class _Job(QRunnable):
    def __init__(self, root: Path, known: dict[Path, tuple[Stamp, Row]]) -> None:
        super().__init__()
        self.setAutoDelete(False)
        self.signals = _JobSignals()
        self.cancelled = threading.Event()
        self._root = root
        self._known = known

    def run(self) -> None:
        rows: list[Row] = []
        try:
            runs = list_runs(self._root)
        except OSError:
            runs = []
        for run in runs:
            if self.cancelled.is_set():
                return
            fresh = self._row(run)
            if fresh is not None:
                rows.append(fresh)
        for path in self._known.keys() - {run.path for run in runs}:
            del self._known[path]
        self.signals.done.emit(rows)

    def _row(self, run: RunFolder) -> Row | None:
        """The row as it is known, where its files are the same and nobody can be running it; else read anew."""
        try:
            stamp = _stamp(run)
            known = self._known.get(run.path)
            if known is not None and known[0] == stamp and known[1].state in _SETTLED:
                return known[1]
            fresh = row(run)
        except (OSError, ValueError):
            return None
        self._known[run.path] = (stamp, fresh)
        return fresh


def _stamp(run: RunFolder) -> Stamp:
    return tuple(_changed(path) for path in (run.summary_file, run.engine_file, run.events_file, run.config_file))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
