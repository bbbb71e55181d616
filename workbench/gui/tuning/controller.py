"""Finding settings by trying: one search at a time, its dialog, and its suggestion put into the form."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.config.problems import Problem
from workbench.gui.document.document import Document
from workbench.gui.session.session import Session
from workbench.gui.theme import Themes
from workbench.gui.tuning.dialog import FinderDialog
from workbench.gui.tuning.search_thread import SearchThread
from workbench.launch.tuning import SETTINGS, Found, Kind, Search


class TuningController(QObject):
    """``dialog`` is the finder that is open; None when none is."""

    def __init__(self, session: Session, document: Document, themes: Themes, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._document, self._themes, self._window = session, document, themes, window
        self.dialog: FinderDialog | None = None
        self._thread: SearchThread | None = None

    def find(self, kind: Kind) -> None:
        """Opens the finder of that kind and begins. One that is still at work is shown instead."""
        config = self._document.config
        if self._thread is not None and self.dialog is not None:
            self.dialog.raise_()
            return
        if config is None:
            return
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = FinderDialog(kind, self._themes, self._window)
        self.dialog.cancelled.connect(self._cancel)
        self.dialog.applied.connect(self._apply)
        self.dialog.left.connect(self._left)
        going = self._session.active_run
        if going is not None:
            self.dialog.warn(f"{going.name} is running: what is measured beside it is slower than it would be alone.")
        self._thread = SearchThread(Search(kind, config), self)
        self._thread.tried.connect(self._take_point)
        self._thread.found.connect(self._take_found)
        self._thread.refused.connect(self._take_problems)
        self._thread.start()
        self.dialog.show()

    def close(self) -> None:
        """Ends the search at once, and closes its dialog."""
        self._end()
        if self.dialog is not None:
            self.dialog.close()

    def _end(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.cancel()
            thread.deleteLater()

    @Slot()
    def _cancel(self) -> None:
        self._end()
        if self.dialog is not None:
            self.dialog.end("Cancelled.")

    @Slot()
    def _left(self) -> None:
        self._end()
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None

    @Slot(object, float)
    def _take_point(self, point: dict[str, Any], share: float) -> None:
        if self.sender() is self._thread and self.dialog is not None:
            self.dialog.add(point, share)

    @Slot(object)
    def _take_found(self, found: Found) -> None:
        if self.sender() is self._thread and self.dialog is not None:
            self._end()
            self.dialog.show_found(found)

    @Slot(object)
    def _take_problems(self, problems: tuple[Problem, ...]) -> None:
        if self.sender() is self._thread and self.dialog is not None:
            self._end()
            self.dialog.refuse(problems)

    @Slot(object)
    def _apply(self, value: float | int) -> None:
        if self.dialog is None:
            return
        setting = SETTINGS[self.dialog.kind]
        if self._document.has(setting):
            self._document.set(setting, value)
            self.dialog.close()
        else:
            self.dialog.refuse((Problem(setting, "is no setting of what is being edited now"),))
