"""What the menus do with runs: show, train, pause, resume, and what closing the window means for them."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.gui.dialogs import ask, error
from workbench.gui.document.controller import DocumentController
from workbench.gui.document.trusted_files import TrustedFiles
from workbench.gui.preferences import Preferences
from workbench.gui.session.run_queue import QueuedRun, RunQueue
from workbench.gui.session.session import Session
from workbench.runs.folder import RunFolder, given_name

KEEP_RUNNING, STOP = "Keep it running", "Stop it"
END_NOW, WAIT = "End it now", "Wait longer"


class RunController(QObject):
    """Between the menus and the session. Asks before anything is done that a person may not expect."""

    runs_folder_changed = Signal(object)
    close_wanted = Signal()
    """The window may close now: the run that was in the way has ended."""

    def __init__(
        self,
        session: Session,
        documents: DocumentController,
        queue: RunQueue,
        trusted_files: TrustedFiles,
        preferences: Preferences,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._documents = documents
        self._queue = queue
        self._trusted_files = trusted_files
        self._preferences = preferences
        self._window = window
        self._closing: Literal["", "asked", "agreed"] = ""
        documents.run_wanted.connect(self.show_run)
        session.failed.connect(self._show_failure)
        session.stop_unanswered.connect(self._ask_to_kill)
        session.state_changed.connect(self._close_when_ended)

    # --- showing ---

    @Slot(object)
    def show_run(self, run: RunFolder) -> None:
        """Shows a run; its settings too, unless others are being edited."""
        self._session.show(run)
        self._documents.remember(run.path)
        if not self._documents.document.modified:
            self._documents.open_settings_of(run)

    @Slot()
    def show_run_settings(self) -> None:
        """Opens the settings of the run shown."""
        run = self._session.folder
        if run is not None:
            self._documents.open_settings_of(run)

    # --- training ---

    @Slot()
    def train(self) -> None:
        """Starts a run with the settings as they stand."""
        document = self._documents.document
        if document.config is not None and self.confirm_trust(document.config):
            self._session.train(document.config, document.name)

    @Slot()
    def queue(self) -> None:
        """Has a run with the settings as they stand follow the one that is running."""
        document = self._documents.document
        if document.config is not None and self._trusted_files.confirm(document.config.as_data()):
            self._queue.add(QueuedRun(document.config, document.name))

    @Slot()
    def pause(self) -> None:
        """Pauses the run shown, or continues it: with another engine where its own has left."""
        run = self._session.folder
        if self._session.state == "running":
            self._session.pause()
        elif run is not None and (self._session.shown_is_active or self._confirm_resume(run)):
            self._session.unpause()

    @Slot(object)
    def resume_run(self, run: RunFolder) -> None:
        """Shows a run and resumes it."""
        self._session.show(run)
        if self._confirm_resume(run):
            self._session.resume(run)

    def confirm_trust(self, config: RunConfig) -> bool:
        """Whether every Python file of the user's own that a run executes is trusted; asks about those that are not."""
        return self._session.active_run is not None or self._trusted_files.confirm(config.as_data())

    def _confirm_resume(self, run: RunFolder) -> bool:
        try:
            return self.confirm_trust(run.config())
        except ConfigError:
            return True  # the engine says what is wrong with the run's settings

    @Slot()
    def _ask_to_kill(self) -> None:
        text = "The run has not stopped within three seconds."
        details = "It may be saving a large checkpoint. Ended now, it can be resumed later from the checkpoint before."
        settled = self._session.state_changed
        answer = ask.choose(self._window, "Stop", text, (WAIT, END_NOW), details, unless=settled)
        if answer == END_NOW:
            self._session.kill()
        else:
            self._session.extend_patience()

    @Slot(str)
    def _show_failure(self, what: str) -> None:
        error.show_error(self._window, what)

    # --- preferences ---

    @Slot()
    def choose_runs_folder(self) -> None:
        """Asks where runs are kept. Runs that are there already stay where they are."""
        folder = ask.open_folder(self._window, "Folder of runs", self._preferences.runs_root)
        if folder is not None:
            self._preferences.runs_folder = str(folder)
            self._preferences.use_runs(folder)
            self.runs_folder_changed.emit(folder)

    @Slot()
    def toggle_run_in_window(self) -> None:
        """Whether the next run is computed in this process."""
        self._preferences.run_in_window = not self._preferences.run_in_window

    # --- closing ---

    def confirm_close(self) -> bool:
        """Whether the window may close now. It may close later of itself, when a run has to be stopped first."""
        if self._closing == "agreed":
            return True
        if not self._documents.confirm_discard():
            return False
        run = self._session.active_run
        if run is None or self._closing == "asked":
            return run is None
        text, details, choices = _closing_question(run, self._session.in_window)
        answer = ask.choose(self._window, "A run is running", text, choices, details)
        if answer == STOP:
            self._closing = "asked"
            self._session.stop_active_run()
        return answer == KEEP_RUNNING

    def close_without_asking(self) -> None:
        """From now on nothing is in the way of closing: the terminal has said so."""
        self._closing = "agreed"

    @Slot()
    def _close_when_ended(self) -> None:
        if self._closing == "asked" and self._session.active_run is None:
            self._closing = "agreed"
            self.close_wanted.emit()


def _closing_question(run: RunFolder, in_window: bool) -> tuple[str, str, tuple[str, ...]]:
    """Text, details and choices of the question that is asked when the window closes on a run."""
    text = f"{given_name(run)} is running."
    if in_window:
        return text, "It is computed in this window and ends with it. Its checkpoint is saved first.", (STOP,)
    details = (
        f"It can keep running without the window, which shows it again at the next start. Its folder is {run.path}"
    )
    return text, details, (KEEP_RUNNING, STOP)
