"""An unexpected exception in a slot or in a thread is shown in a dialog, and the window stays open."""

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
    """Replaces Python's own exception hooks between ``install`` and ``restore``."""

    caught = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shown = False
        self._before = (sys.excepthook, threading.excepthook)
        # Exceptions of threads come from there: the dialog belongs to the window's thread.
        self.caught.connect(self._show_dialog)

    def install(self) -> None:
        """Sets the hooks."""
        sys.excepthook = self._catch
        threading.excepthook = self._catch_in_thread

    def restore(self) -> None:
        """Puts the hooks back that were there before."""
        sys.excepthook, threading.excepthook = self._before

    def _catch(self, kind: type[BaseException], problem: BaseException, where: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        details = "".join(traceback.format_exception(kind, problem, where))
        _log.error("unexpected: %s", details)
        self.caught.emit(str(problem) or kind.__name__, details)

    def _catch_in_thread(self, failure: threading.ExceptHookArgs) -> None:
        if failure.exc_value is not None:
            self._catch(failure.exc_type, failure.exc_value, failure.exc_traceback)

    @Slot(str, str)
    def _show_dialog(self, what: str, details: str) -> None:
        if self._shown:
            return  # one at a time: what follows is mostly the same
        self._shown = True
        hint = f"{what}\n\nThe window stays open, and a run that is running continues. Save your settings, then restart the window."
        dialog = error.show_error(QApplication.activeWindow(), "Something unexpected happened.", hint, details)
        dialog.finished.connect(self._closed)

    @Slot()
    def _closed(self) -> None:
        self._shown = False
