"""The thread that waits for a search: the search itself computes in engines of its own."""

from __future__ import annotations

from PySide6.QtCore import QObject, QThread, Signal

from workbench.config.problems import ConfigError, Problem
from workbench.gui.session.engine_thread import STACK_BYTES
from workbench.launch.tuning import CancelledError, TuningSearch


class SearchThread(QThread):
    """Runs one search to its end. A search that was cancelled reports nothing more."""

    tried = Signal(object, float)
    """A point, and the share that is done."""
    completed = Signal(object)
    """The TuningResult."""
    refused = Signal(object)
    """The problems for which there is no result."""

    def __init__(self, search: TuningSearch, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"search for {search.kind}")
        self.setStackSize(STACK_BYTES)
        self._search = search

    def run(self) -> None:
        """Searches until there is a result."""
        try:
            result = self._search.run(self.tried.emit)
        except CancelledError:
            return
        except ConfigError as error:
            self.refused.emit(error.problems)
        except OSError as error:
            why = error.strerror or str(error)
            self.refused.emit((Problem("", f"no engine can be started: {why}"),))
        else:
            self.completed.emit(result)

    def cancel(self) -> None:
        """Ends the engine at work, and waits for the thread, which then leaves at once."""
        self._search.cancel()
        self.wait()
