"""Tuning a setting: one search at a time, its dialog, and its suggestion put into the form."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.config.problems import Problem
from workbench.gui.document.document import Document
from workbench.gui.session.session import Session
from workbench.gui.theme import Themes
from workbench.gui.tuning.dialog import TuningDialog
from workbench.gui.tuning.search_thread import SearchThread
from workbench.launch.tuning import TUNED_SETTINGS, TuningKind, TuningResult, TuningSearch
from workbench.runs.service.tuning import TuningPoint


class TuningController(QObject):
    """``dialog`` is the one that is open; None when none is."""

    def __init__(self, session: Session, document: Document, themes: Themes, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._document, self._themes, self._window = session, document, themes, window
        self.dialog: TuningDialog | None = None
        self._thread: SearchThread | None = None

    def open(self, kind: TuningKind) -> None:
        """Opens the dialog of that kind and begins. A search that is still running is shown instead."""
        config = self._document.config
        if self._thread is not None and self.dialog is not None:
            self.dialog.raise_()
            return
        if config is None:
            return
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = TuningDialog(kind, self._themes, self._window)
        self.dialog.cancelled.connect(self._cancel)
        self.dialog.applied.connect(self._apply)
        self.dialog.left.connect(self._left)
        running = self._session.active_run
        if running is not None:
            self.dialog.show_warning(
                f"{running.name} is running: what is measured beside it is slower than it would be alone."
            )
        self._thread = SearchThread(TuningSearch(kind, config), self)
        self._thread.tried.connect(self._add_point)
        self._thread.completed.connect(self._show_result)
        self._thread.refused.connect(self._show_problems)
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
            self.dialog.end_search("Cancelled.")

    @Slot()
    def _left(self) -> None:
        self._end()
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None

    @Slot(object, float)
    def _add_point(self, point: TuningPoint, share: float) -> None:
        if self.sender() is self._thread and self.dialog is not None:
            self.dialog.add_point(point, share)

    @Slot(object)
    def _show_result(self, result: TuningResult) -> None:
        if self.sender() is self._thread and self.dialog is not None:
            self._end()
            self.dialog.show_result(result)

    @Slot(object)
    def _show_problems(self, problems: tuple[Problem, ...]) -> None:
        if self.sender() is self._thread and self.dialog is not None:
            self._end()
            self.dialog.show_problems(problems)

    @Slot(object)
    def _apply(self, value: float | int) -> None:
        if self.dialog is None:
            return
        setting = TUNED_SETTINGS[self.dialog.kind]
        if self._document.has(setting):
            self._document.set(setting, value)
            self.dialog.close()
        else:
            self.dialog.show_problems((Problem(setting, "is no setting of what is being edited now"),))
