"""Resuming the run shown: as it was, with more epochs, or with changed settings as a new run."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.gui.dialogs import ask, error
from workbench.gui.document.document import Document
from workbench.gui.document.setting_text import change_text
from workbench.gui.document.trusted_files import TrustedFiles
from workbench.gui.session.session import Session
from workbench.runs import branch, checkpoints
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.checkpoints import CheckpointInfo
from workbench.runs.folder import RunFolder, given_name

MOST_EPOCHS = 1_000_000
AS_NEW_RUN, AS_IT_WAS = "Continue as a new run", "Resume with the original settings"
SHOWN_CHANGES = 8
REPLAYED = 100
"""Steps that are repeated for proof."""


class ResumeController(QObject):
    """What *Resume* means for the run shown and the settings as they stand."""

    def __init__(self, document: Document, session: Session, trusted_files: TrustedFiles, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._session = session
        self._trusted_files = trusted_files
        self._window = window

    def changes(self) -> tuple[branch.Change, ...]:
        """Which settings differ from those of the run shown; empty where they cannot use its checkpoint."""
        now, was = self._document.config, self._session.shown_config
        if now is None or was is None or now.model.kind != was.model.kind or now.dataset.kind != was.dataset.kind:
            return ()
        return branch.changes(now, was)

    @Slot()
    def resume(self) -> None:
        """Resumes the run shown. Asks where the settings were changed, and how far when it is completed."""
        self._resume(0)

    @Slot()
    def replay(self) -> None:
        """The same, with steps before the checkpoint repeated first. A branch has none of its own that could prove it."""
        self._resume(REPLAYED)

    def _resume(self, replayed: int) -> None:
        run = self._session.folder
        if run is None:
            return
        newest = checkpoints.latest(run.checkpoints)
        changes = self.changes()
        if changes and newest is not None and self._document.config is not None:
            answer = self._choose(run, changes, (AS_IT_WAS,) if replayed else (AS_NEW_RUN, AS_IT_WAS))
            if answer == AS_NEW_RUN and self._trusted_files.confirm(self._document.config.as_data()):
                self._branch(run, newest, self._document.config)
            if answer != AS_IT_WAS:
                return
        self._resume_run(run, replayed)

    def _choose(self, run: RunFolder, changes: tuple[branch.Change, ...], choices: tuple[str, ...]) -> str:
        text = f"The settings differ from those of {given_name(run)}."
        shown = [change_text(change) for change in changes[:SHOWN_CHANGES]]
        more = [f"and {len(changes) - SHOWN_CHANGES} more"] if len(changes) > SHOWN_CHANGES else []
        about = "The new run starts from the newest checkpoint of this one."
        if AS_NEW_RUN not in choices:
            about = "Only with its original settings can the run prove that it resumes exactly."
        return ask.choose(self._window, "Resume", text, choices, "\n".join((*shown, *more, about)))

    def _branch(self, run: RunFolder, checkpoint: CheckpointInfo, config: RunConfig) -> None:
        try:
            self._session.branch(checkpoint, config, given_name(run))
        except ConfigError as problems:
            what = f"{given_name(run)} cannot be continued with these settings."
            error.show_error(self._window, what, details=str(problems))

    def _resume_run(self, run: RunFolder, replayed: int) -> None:
        was, progress = self._session.shown_config, self._session.progress
        # Where the run's settings cannot be read, the engine says what is wrong with them.
        if was is not None and not self._trusted_files.confirm(was.as_data()):
            return
        if progress.state != "completed":
            self._session.resume(run, AttemptOptions(replay=replayed))
            return
        done = progress.epoch
        epochs_done = f"{done:,} epoch{'' if done == 1 else 's'}"
        text = f"{given_name(run)} has completed {epochs_done}. Train it to a total of:"
        epochs = ask.number(self._window, "More epochs", text, 2 * done, done + 1, MOST_EPOCHS)
        if epochs is not None:
            self._session.resume(run, AttemptOptions(epochs, replayed))
