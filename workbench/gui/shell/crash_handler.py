"""What nobody expected: an exception in a slot or in a thread is told in a window, and the window goes on."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication

from workbench.gui.dialogs import error

_log = logging.getLogger(__name__)


class CrashHandler(QObject):
    """Stands in for Python's own way of telling, between ``install`` and ``restore``."""

    caught = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._told = False
        self._before = (sys.excepthook, threading.excepthook)
        # Exceptions of threads come from there: the dialog belongs to the window's thread.
        self.caught.connect(self._tell)

    def install(self) -> None:
        """Takes over."""
        sys.excepthook = self._catch
        threading.excepthook = self._catch_in_thread

    def restore(self) -> None:
        """Puts back what was there."""
        sys.excepthook, threading.excepthook = self._before

    def _catch(self, kind: type[BaseException], problem: BaseException, where: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        details = "".join(traceback.format_exception(kind, problem, where))
        _log.error("unexpected: %s", details)
        self.caught.emit(str(problem) or kind.__name__, details)

    def _catch_in_thread(self, found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None:
            self._catch(found.exc_type, found.exc_value, found.exc_traceback)

    @Slot(str, str)
    def _tell(self, what: str, details: str) -> None:
        if self._told:
            return  # one at a time: what follows is mostly the same
        self._told = True
        hint = f"{what}\n\nThe window goes on, and a run that is going is not touched. Save what you need to keep."
        dialog = error.show_error(QApplication.activeWindow(), "Something unexpected happened.", hint, details)
        dialog.finished.connect(self._closed)

    @Slot()
    def _closed(self) -> None:
        self._told = False
