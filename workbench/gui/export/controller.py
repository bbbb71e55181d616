"""Exporting the run shown: its dialog, the request to the engine and its reply."""

from __future__ import annotations

import contextlib
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMainWindow

from workbench.gui.dialogs import error
from workbench.gui.export.dialog import ExportDialog, describe_outcome
from workbench.gui.service.client import ServiceClient
from workbench.gui.session.session import Session
from workbench.launch.service import ServiceReply
from workbench.runs import checkpoints
from workbench.runs.folder import RunFolder, given_name, unfinished_of
from workbench.runs.service.answers import ExportedModel
from workbench.runs.service.requests import ExportModel


class ExportController(QObject):
    """One dialog at a time."""

    def __init__(self, session: Session, service: ServiceClient, window: QMainWindow) -> None:
        super().__init__(window)
        self._session, self._service, self._window = session, service, window
        self._dialog: ExportDialog | None = None
        self._run: RunFolder | None = None
        """The run that the dialog was opened for."""
        self._unfinished: Path | None = None
        """The unfinished file of what is written."""
        service.replied.connect(self._apply_reply)

    @Slot()
    def open(self) -> None:
        """Asks for format and file, and exports the model of the run shown."""
        self._run = self._session.folder
        if self._dialog is not None:
            self._dialog.close()
        name = given_name(self._run) if self._run is not None else "model"
        self._dialog = ExportDialog(name, self._service, self._window)
        self._dialog.wanted.connect(self._request_export)
        self._dialog.finished.connect(self._forget_dialog)
        self._dialog.show()

    @Slot(str, str)
    def _request_export(self, form: str, file: str) -> None:
        """Of the run that the dialog was opened for, whichever is shown by now."""
        run = self._run
        checkpoint = checkpoints.best_else_latest(run.checkpoints) if run is not None else None
        if checkpoint is not None:
            self._unfinished = unfinished_of(Path(file))
            options = self._dialog.options() if self._dialog is not None else {}
            self._service.send(ExportModel(checkpoint=str(checkpoint.path), format=form, file=file, **options))
        elif self._dialog is not None:
            self._dialog.show_refusal("The run has no checkpoint that could be exported.")

    @Slot()
    def _forget_dialog(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        if not isinstance(reply.request, ExportModel):
            return
        if reply.cancelled and self._unfinished is not None:
            with contextlib.suppress(OSError):
                self._unfinished.unlink(missing_ok=True)
        if self._dialog is not None:
            self._dialog.apply_reply(reply)
        elif isinstance(reply.answer, ExportedModel):
            # The dialog was closed while it was written.
            self._window.statusBar().showMessage(describe_outcome(reply))
        elif not reply.cancelled:
            error.show_error(self._window, "The model could not be exported.", details=describe_outcome(reply))
