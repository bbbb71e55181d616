"""What the menus do with checkpoints: open one, save one now, copy the newest."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.gui.dialogs import ask, error
from workbench.gui.document.controller import DocumentController
from workbench.gui.preferences import Preferences
from workbench.gui.service.client import ServiceClient
from workbench.gui.session.background_job import BackgroundJob, copy_file
from workbench.gui.session.run_controller import RunController
from workbench.gui.session.session import Session
from workbench.launch.service import ServiceReply
from workbench.runs import checkpoints
from workbench.runs.folder import RunFolder, given_name
from workbench.runs.service.answers import CheckpointDescription
from workbench.runs.service.requests import DescribeCheckpoint

CHECKPOINTS = "Checkpoints (*.pt)"
CONTINUE, SETTINGS_ONLY = "Continue training", "Load settings only"


class CheckpointController(QObject):
    """A checkpoint is read by the engine: only it has torch."""

    def __init__(
        self,
        session: Session,
        documents: DocumentController,
        runs: RunController,
        service: ServiceClient,
        preferences: Preferences,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._documents = documents
        self._runs = runs
        self._service = service
        self._preferences = preferences
        self._window = window
        self._requested: Path | None = None
        """The checkpoint whose description was requested."""
        self._copying: BackgroundJob | None = None
        documents.checkpoint_wanted.connect(self.request_description)
        service.replied.connect(self._apply_reply)

    # --- opening ---

    @Slot()
    def open(self) -> None:
        """Asks for a checkpoint and opens it."""
        run = self._session.folder
        folder = run.checkpoints if run is not None else self._preferences.runs_root
        path = ask.open_file(self._window, "Open a checkpoint", folder, CHECKPOINTS)
        if path is not None:
            self.request_description(path)

    @Slot(object)
    def request_description(self, path: Path) -> None:
        """Has the engine read a checkpoint; it is opened when the answer comes."""
        self._requested = path
        self._service.send(DescribeCheckpoint(path=str(path)))

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        if not isinstance(reply.request, DescribeCheckpoint) or self._requested is None:
            return
        path, self._requested = self._requested, None
        if isinstance(reply.answer, CheckpointDescription):
            self._open_described(path, reply.answer)
        elif not reply.cancelled:
            self._show_problems(f"{path.name} cannot be opened", ConfigError(reply.problems))

    def _open_described(self, path: Path, description: CheckpointDescription) -> None:
        run = RunFolder(path.resolve().parent.parent)
        if run.is_run():
            self._runs.show_run(run)
            return
        try:
            config = files.parse(description.config)
        except ConfigError as problems:
            self._show_problems(f"The settings in {path.name} cannot be used", problems)
            return
        saved = f"{path.name} was saved after epoch {description.epoch}, step {description.step:,}."
        details = "Continuing makes a new run that begins with a copy of this checkpoint."
        text = f"{saved} The original run was not found."
        answer = ask.choose(self._window, "Open a checkpoint", text, (CONTINUE, SETTINGS_ONLY), details)
        if answer and self._documents.confirm_discard():
            self._documents.document.open(config, path.stem, None)
        if answer == CONTINUE and self._runs.confirm_trust(config):
            self._session.adopt(path, config, path.stem, description.step)

    # --- saving ---

    @Slot()
    def save(self) -> None:
        """Has a run that is running save now. Of another, copies the newest checkpoint to a file of choice."""
        run = self._session.folder
        if self._session.state in ("running", "paused"):
            self._session.save()
        elif run is not None and (newest := checkpoints.latest(run.checkpoints)) is not None:
            start = Path.home() / f"{given_name(run)}.pt"
            target = ask.save_file(self._window, "Save the checkpoint", start, CHECKPOINTS)
            if target is not None:
                self._copy(newest.path, target)

    def close(self) -> None:
        """Waits for a checkpoint that is being copied."""
        self._end_copying()

    def _copy(self, source: Path, target: Path) -> None:
        self._end_copying()
        self._copying = BackgroundJob(partial(copy_file, source, target), f"{target} cannot be written", self)
        self._copying.refused.connect(self._show_failure)
        self._copying.finished.connect(self._copying_ended)
        self._copying.start()
        self._session.activity_changed.emit(f"Copying {source.name}…")

    @Slot()
    def _copying_ended(self) -> None:
        if self.sender() is self._copying:
            self._end_copying()

    def _end_copying(self) -> None:
        copying, self._copying = self._copying, None
        if copying is not None:
            copying.wait()
            copying.deleteLater()
            self._session.activity_changed.emit("")

    @Slot(str)
    def _show_failure(self, what: str) -> None:
        error.show_error(self._window, what)

    def _show_problems(self, what: str, problems: ConfigError) -> None:
        error.show_error(self._window, f"{what}.", details=str(problems))
