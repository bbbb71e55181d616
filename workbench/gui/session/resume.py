"""Going on with the run shown: as it was, with more epochs, or with changed settings as a branch of its own."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.gui.dialogs import ask, error
from workbench.gui.document.document import Document
from workbench.gui.document.trusted_files import OwnFiles
from workbench.gui.session.session import Session
from workbench.runs import branch, checkpoints
from workbench.runs.attempt_options import Request
from workbench.runs.checkpoints import CheckpointInfo
from workbench.runs.folder import RunFolder, given_name

MOST_EPOCHS = 1_000_000
AS_BRANCH, AS_IT_WAS = "Go on as a branch", "Go on as it was"
SHOWN_CHANGES = 8
REPLAYED = 100
"""Steps that are taken again for proof."""


class Resuming(QObject):
    """What *Resume* means for the run shown and the settings as they stand."""

    def __init__(self, document: Document, session: Session, own_files: OwnFiles, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._session = session
        self._own_files = own_files
        self._window = window

    def changes(self) -> tuple[branch.Change, ...]:
        """What of the settings is not as in the run shown; empty where they cannot go on from its checkpoint."""
        now, was = self._document.config, self._session.shown_config
        if now is None or was is None or now.model.kind != was.model.kind or now.dataset.kind != was.dataset.kind:
            return ()
        return branch.changes(now, was)

    @Slot()
    def resume(self) -> None:
        """Goes on with the run shown. Asks where the settings were changed, and how far when it is complete."""
        self._resume(0)

    @Slot()
    def replay(self) -> None:
        """The same, with steps before the checkpoint taken again first. A branch has none of its own that could prove it."""
        self._resume(REPLAYED)

    def _resume(self, replayed: int) -> None:
        run = self._session.folder
        if run is None:
            return
        newest = checkpoints.latest(run.checkpoints)
        changes = self.changes()
        if changes and newest is not None and self._document.config is not None:
            answer = self._ask(run, changes, (AS_IT_WAS,) if replayed else (AS_BRANCH, AS_IT_WAS))
            if answer == AS_BRANCH and self._own_files.ask(self._document.config.as_data()):
                self._branch(run, newest, self._document.config)
            if answer != AS_IT_WAS:
                return
        self._go_on(run, replayed)

    def _ask(self, run: RunFolder, changes: tuple[branch.Change, ...], choices: tuple[str, ...]) -> str:
        text = f"The settings are not those of {given_name(run)}."
        shown = [str(change) for change in changes[:SHOWN_CHANGES]]
        more = [f"and {len(changes) - SHOWN_CHANGES} more"] if len(changes) > SHOWN_CHANGES else []
        about = "A branch is a new run that begins with the newest checkpoint of this one."
        if AS_BRANCH not in choices:
            about = "Only with its own settings can the run prove that it goes on exactly."
        return ask.choose(self._window, "Resume", text, choices, "\n".join((*shown, *more, about)))

    def _branch(self, run: RunFolder, checkpoint: CheckpointInfo, config: RunConfig) -> None:
        try:
            self._session.branch(checkpoint, config, given_name(run))
        except ConfigError as problems:
            error.tell(self._window, f"{given_name(run)} cannot go on with these settings.", details=str(problems))

    def _go_on(self, run: RunFolder, replayed: int) -> None:
        was, progress = self._session.shown_config, self._session.progress
        # Where the run's settings cannot be read, the engine says what is wrong with them.
        if was is not None and not self._own_files.ask(was.as_data()):
            return
        if progress.state != "completed":
            self._session.resume(run, Request(replay=replayed))
            return
        done = progress.epoch
        text = f"{given_name(run)} has completed {done:,} epochs. Train it to a total of:"
        epochs = ask.number(self._window, "More epochs", text, 2 * done, done + 1, MOST_EPOCHS)
        if epochs is not None:
            self._session.resume(run, Request(epochs, replayed))
