"""Loads the runs that are drawn beside the one shown: their histories can be long, so a thread reads them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QThread, Signal, Slot

from workbench.gui.document.setting_text import values_text
from workbench.runs import comparison
from workbench.runs.events import EventReader
from workbench.runs.folder import RunFolder, given_name
from workbench.runs.progress import Progress

LoadedRuns = list[tuple[str, Progress]]


class _LoadingThread(QThread):
    loaded = Signal(object)

    def __init__(self, runs: Sequence[RunFolder], parent: QObject) -> None:
        super().__init__(parent)
        self.setObjectName("overlays")
        self._runs = tuple(runs)

    def run(self) -> None:
        histories: LoadedRuns = []
        for run in self._runs:
            progress = Progress()
            for events in EventReader(run.events_file).pieces():
                if self.isInterruptionRequested():
                    return
                progress.apply_all(events)
            progress.settle(run.is_running())
            member = comparison.read(run)
            name = values_text(member.values) if member is not None else ""
            histories.append((name or given_name(run), progress))
        self.loaded.emit(histories)


class Overlays(QObject):
    """``loaded`` gives name and progress of the runs requested last; one of a comparison is named by its own settings."""

    loaded = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._loading: _LoadingThread | None = None

    @Slot(object)
    def load(self, runs: Sequence[RunFolder]) -> None:
        """Loads these runs. What was requested before and has not come is dropped."""
        self.close()
        self._loading = _LoadingThread(runs, self)
        self._loading.loaded.connect(self._forward)
        self._loading.start()

    def close(self) -> None:
        """Ends the thread."""
        loading, self._loading = self._loading, None
        if loading is not None:
            loading.requestInterruption()
            loading.wait()
            loading.deleteLater()

    @Slot(object)
    def _forward(self, histories: LoadedRuns) -> None:
        if self.sender() is self._loading:
            self.loaded.emit(histories)
