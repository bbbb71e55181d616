"""Loads the runs that are laid over the one shown: their histories can be long, so a thread reads them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QThread, Signal, Slot

from workbench.runs import comparison
from workbench.runs.events import EventReader
from workbench.runs.folder import RunFolder, given_name
from workbench.runs.progress import Progress

Loaded = list[tuple[str, Progress]]


class _Loading(QThread):
    loaded = Signal(object)

    def __init__(self, runs: Sequence[RunFolder], parent: QObject) -> None:
        super().__init__(parent)
        self.setObjectName("overlays")
        self._runs = tuple(runs)

    def run(self) -> None:
        found: Loaded = []
        for run in self._runs:
            progress = Progress()
            for events in EventReader(run.events_file).pieces():
                if self.isInterruptionRequested():
                    return
                progress.apply_all(events)
            progress.settle(run.going())
            member = comparison.read(run)
            found.append((member.label if member is not None else given_name(run), progress))
        self.loaded.emit(found)


class Overlays(QObject):
    """``loaded`` gives name and progress of every run asked for last; of a comparison's run, what is its own."""

    loaded = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._loading: _Loading | None = None

    @Slot(object)
    def load(self, runs: Sequence[RunFolder]) -> None:
        """Loads these runs. What was asked for before and has not come is no longer wanted."""
        self.close()
        self._loading = _Loading(runs, self)
        self._loading.loaded.connect(self._take)
        self._loading.start()

    def close(self) -> None:
        """Ends the thread."""
        loading, self._loading = self._loading, None
        if loading is not None:
            loading.requestInterruption()
            loading.wait()
            loading.deleteLater()

    @Slot(object)
    def _take(self, found: Loaded) -> None:
        if self.sender() is self._loading:
            self.loaded.emit(found)
