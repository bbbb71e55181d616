"""Exporting the run shown: its dialog, and what the lab says of it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMainWindow

from workbench.gui.dialogs import error
from workbench.gui.evaluation.controller import best_checkpoint
from workbench.gui.export.dialog import ExportDialog, outcome
from workbench.gui.service.client import LabClient
from workbench.gui.session.session import Session
from workbench.launch.service import Answer
from workbench.runs.folder import RunFolder, given_name, unfinished_of


class ExportController(QObject):
    """One dialog at a time."""

    def __init__(self, session: Session, lab: LabClient, window: QMainWindow) -> None:
        super().__init__(window)
        self._session, self._lab, self._window = session, lab, window
        self._dialog: ExportDialog | None = None
        self._run: RunFolder | None = None
        """The run that the dialog was opened for."""
        self._unfinished: Path | None = None
        """The unfinished file of what is written."""
        lab.answered.connect(self._receive_answer)

    @Slot()
    def open(self) -> None:
        """Asks for format and file, and exports the model of the run shown."""
        self._run = self._session.folder
        if self._dialog is not None:
            self._dialog.close()
        name = given_name(self._run) if self._run is not None else "model"
        self._dialog = ExportDialog(name, self._lab, self._window)
        self._dialog.wanted.connect(self._request_export)
        self._dialog.finished.connect(self._forget_dialog)
        self._dialog.show()

    @Slot(str, str)
    def _request_export(self, form: str, file: str) -> None:
        """Of the run that the dialog was opened for, whichever is shown by now."""
        checkpoint = best_checkpoint(self._run)
        if checkpoint is not None:
            self._unfinished = unfinished_of(Path(file))
            self._lab.ask("export", {"checkpoint": str(checkpoint), "format": form, "file": file})
        elif self._dialog is not None:
            self._dialog.refuse("The run has no checkpoint that could be exported.")

    @Slot()
    def _forget_dialog(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None

    @Slot(object)
    def _receive_answer(self, answer: Answer) -> None:
        if answer.method != "export":
            return
        if answer.cancelled and self._unfinished is not None:
            with contextlib.suppress(OSError):
                self._unfinished.unlink(missing_ok=True)
        if self._dialog is not None:
            self._dialog.take(answer)
        elif answer.ok:
            # The dialog was closed while it was written.
            self._window.statusBar().showMessage(outcome(answer))
        elif not answer.cancelled:
            error.show_error(self._window, "The model could not be exported.", details=outcome(answer))
