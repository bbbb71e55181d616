"""The run that is shown and the run that is active: nothing else in the window starts and stops runs.

They are mostly the same one. While a run is active, another may be shown; what a person does then is done to the one
shown. A run is *active* while an engine is at work on it, or on its way: starting, running, paused or stopping.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal, Slot

from workbench.config.run import RunConfig
from workbench.gui.preferences import Preferences
from workbench.gui.session.background_job import BackgroundJob, adopt_checkpoint
from workbench.gui.session.engine_thread import EngineStart
from workbench.gui.session.run_watcher import RunWatcher, SessionState
from workbench.launch.process import Standby
from workbench.runs import branch as branches
from workbench.runs import comparison
from workbench.runs.attempt_options import PLAIN, AttemptOptions
from workbench.runs.checkpoints import CheckpointInfo
from workbench.runs.comparison import Member
from workbench.runs.folder import RunFolder, create, list_runs
from workbench.runs.progress import Progress


class Session(QObject):
    """``state``, ``folder`` and ``progress`` are those of the run shown."""

    state_changed = Signal(str)
    progressed = Signal()
    """The progress has new things: at most ten times a second."""
    shown_changed = Signal()
    runs_changed = Signal()
    """A run was made, started or ended: tables of runs are out of date."""
    failed = Signal(str)
    """Something that was asked for could not be done, in a sentence."""
    activity_changed = Signal(str)
    """What is being copied or made, for the status bar; empty when it is done."""
    stop_unanswered = Signal()
    """The run shown was asked to stop, and did not within three seconds."""

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._shown: RunWatcher | None = None
        self._background: RunWatcher | None = None
        """The active run, while another is shown."""
        self._job: BackgroundJob | None = None
        """Makes a run to be resumed: a branch, or the copy of a checkpoint from elsewhere."""
        self._standby: Standby | None = None
        self._keeps_standby = False

    @property
    def state(self) -> SessionState:
        """Of the run shown; idle when none is."""
        return self._shown.state if self._shown is not None else "idle"

    @property
    def folder(self) -> RunFolder | None:
        """The run shown."""
        return self._shown.folder if self._shown is not None else None

    @property
    def progress(self) -> Progress:
        """Of the run shown; an empty one when none is."""
        return self._shown.progress if self._shown is not None else Progress()

    @property
    def history_loaded(self) -> bool:
        """Whether the past of the run shown has been read."""
        return self._shown is None or self._shown.history_loaded

    @property
    def active_run(self) -> RunFolder | None:
        """The active run, shown or not; None when none is."""
        watcher = self._active_watcher()
        return watcher.folder if watcher is not None else None

    @property
    def active_config(self) -> RunConfig | None:
        """What the active run is trained with; None when none is active, or when its run file cannot be read."""
        watcher = self._active_watcher()
        return watcher.config if watcher is not None else None

    @property
    def shown_config(self) -> RunConfig | None:
        """What the run shown is trained with; None when none is shown, or when its run file cannot be read."""
        return self._shown.config if self._shown is not None else None

    @property
    def in_window(self) -> bool:
        """Whether the active run would end with the window."""
        watcher = self._active_watcher()
        return watcher is not None and watcher.in_window

    @property
    def shown_is_active(self) -> bool:
        """Whether the run shown is the active one."""
        return self._shown is not None and self._shown.active

    @property
    def can_resume(self) -> bool:
        """Whether the run shown can be resumed: nobody runs it. A completed one needs more epochs."""
        return self.resume_refusal() == ""

    def resume_refusal(self) -> str:
        """Why the run shown cannot be resumed; empty when it can."""
        if self._shown is None:
            return "No run is shown"
        if self._shown.active:
            return "The run is running"
        if self.active_run is not None:
            return f"{self.active_run.name} is running: stop it first"
        if self._job is not None:
            return "A new run is being made"
        if not self._shown.folder.is_run():
            return "The run’s folder is gone"
        return "An engine is still working on the run" if self._shown.folder.is_running() else ""

    # --- what can be done ---

    def start_standby(self) -> None:
        """Keeps an engine with torch loaded from now on, so that a run starts with the click."""
        self._keeps_standby = True
        self._renew_standby()

    def train(self, config: RunConfig, name: str, member: Member | None = None) -> None:
        """Makes a run, perhaps one of a comparison, and starts it. One at a time: only says so while another is active."""
        if self.active_run is not None:
            self.failed.emit(f"{self.active_run.name} is running: stop it first, or wait until it has ended.")
            return
        try:
            folder = create(config, name, self._preferences.runs_root)
            if member is not None:
                comparison.write(folder, member)
        except OSError as error:
            self.failed.emit(f"The run’s folder cannot be created: {error.strerror or error}.")
            return
        self._start(folder, PLAIN)

    def resume(self, folder: RunFolder, request: AttemptOptions = PLAIN) -> None:
        """Resumes a run from its newest checkpoint."""
        if self.active_run is not None:
            self.failed.emit(f"{self.active_run.name} is running: stop it first, or wait until it has ended.")
            return
        self._start(folder, request)

    def branch(self, checkpoint: CheckpointInfo, config: RunConfig, name: str) -> None:
        """Makes a run that continues from a checkpoint with other settings, and starts it when it is made.

        Raises ConfigError when nothing would be left to train.
        """
        branches.check(checkpoint, config)
        activity = "Making the new run: copying the checkpoint and its curves…"
        make = partial(branches.create_branch, checkpoint, config, name, self._preferences.runs_root)
        self._make_run(make, activity, "The new run cannot be made")

    def pause(self) -> None:
        """Pauses the run shown; its engine stays."""
        self._send_to_shown("pause")

    def release(self) -> None:
        """Has the run shown save and its engine end, so that the device's memory is free. :meth:`unpause` resumes it."""
        self._end_run(self._shown, release=True)

    def unpause(self) -> None:
        """Continues the run shown, with another engine when its own has ended."""
        if self._shown is not None and not self._shown.active:
            self.resume(self._shown.folder)
        else:
            self._send_to_shown("unpause")

    def save(self) -> None:
        """Has the run shown save a checkpoint now."""
        self._send_to_shown("save")

    def stop(self) -> None:
        """Has the run shown save and end."""
        self._end_run(self._shown)

    def stop_active_run(self) -> None:
        """Has the active run save and end, shown or not."""
        self._end_run(self._active_watcher())

    def extend_patience(self) -> None:
        """Gives a run that was asked to stop three seconds more."""
        if self._shown is not None and self._shown.state == "stopping":
            self._shown.extend_patience()

    def kill(self) -> None:
        """Ends the engine of the run shown at once. What it saved stays."""
        if self._shown is not None and self._shown.active:
            self._shown.kill()

    def show(self, folder: RunFolder) -> None:
        """Shows a run. The one shown before stays in the background while it is active, and comes back from there."""
        if self._shown is not None and self._shown.folder.path == folder.path:
            return
        if self._background is not None and self._background.folder.path == folder.path:
            self._swap(self._background)
            return
        self._swap(self._create_watcher(folder, None))

    def attach_active_run(self) -> bool:
        """Finds the newest active run, perhaps of an earlier window, and shows it. Whether there is one."""
        run = next((run for run in list_runs(self._preferences.runs_root) if run.is_running()), None)
        if run is not None:
            self.show(run)
        return run is not None

    def adopt(self, checkpoint: Path, config: RunConfig, name: str, step: int) -> None:
        """Makes a run of a checkpoint that came from elsewhere, and resumes it when it is made."""
        make = partial(adopt_checkpoint, checkpoint, config, name, step, self._preferences.runs_root)
        self._make_run(make, "Copying the checkpoint…", f"{checkpoint.name} cannot be copied")

    def close(self) -> None:
        """Stops following every run, and ends the engine on standby. Runs keep running."""
        self._end_job()
        self._keeps_standby = False
        for watcher in (self._shown, self._background):
            if watcher is not None:
                self._drop(watcher)
        self._shown = self._background = None
        if self._standby is not None:
            self._standby.close()
            self._standby = None

    # --- inside ---

    def _start(self, folder: RunFolder, request: AttemptOptions) -> None:
        standby, self._standby = self._standby, None
        inline = self._preferences.inline
        engine = EngineStart(request, None if inline else standby)
        if inline and standby is not None:
            standby.close()
        if self._shown is not None and self._shown.folder.path == folder.path:
            self._drop(self._shown)
            self._shown = None
        self._swap(self._create_watcher(folder, engine, inline=inline))
        self.runs_changed.emit()

    def _create_watcher(self, folder: RunFolder, start: EngineStart | None, *, inline: bool = False) -> RunWatcher:
        watcher = RunWatcher(folder, start, inline=inline, parent=self)
        watcher.opened.connect(self._on_opened)
        watcher.progressed.connect(self._on_progressed)
        watcher.state_changed.connect(self._on_state_changed)
        watcher.failed.connect(self.failed)
        watcher.engine_left.connect(self.runs_changed)
        watcher.stop_unanswered.connect(self._on_stop_unanswered)
        return watcher

    def _swap(self, watcher: RunWatcher) -> None:
        """Puts a run in front. The one that was there is followed further while it is active."""
        before, self._shown = self._shown, watcher
        if self._background is watcher:
            self._background = None
        if before is not None and before.active and self._background is None:
            self._background = before
        elif before is not None:
            self._drop(before)
        self.shown_changed.emit()
        self.state_changed.emit(watcher.state)

    def _drop(self, watcher: RunWatcher) -> None:
        watcher.blockSignals(True)
        watcher.close()
        watcher.deleteLater()

    def _active_watcher(self) -> RunWatcher | None:
        return next(
            (watcher for watcher in (self._shown, self._background) if watcher is not None and watcher.active), None
        )

    def _send_to_shown(self, name: Literal["pause", "unpause", "save"]) -> None:
        if self._shown is None or not self._shown.active:
            return
        try:
            self._shown.send_command(name)
        except OSError as error:
            self.failed.emit(f"The command cannot be sent to the run: {error.strerror or error}.")

    def _end_run(self, watcher: RunWatcher | None, *, release: bool = False) -> None:
        if watcher is None or not watcher.active:
            return
        try:
            watcher.stop(release=release)
        except OSError as error:
            self.failed.emit(f"The command cannot be sent to the run: {error.strerror or error}.")

    def _make_run(self, make: Callable[[], RunFolder], activity: str, failing: str) -> None:
        if self.active_run is not None:
            self.failed.emit(f"{self.active_run.name} is running: stop it first, or wait until it has ended.")
        elif self._job is None:
            self._job = BackgroundJob(make, failing, self)
            self._job.made.connect(self._on_made)
            self._job.refused.connect(self._on_not_made)
            self._job.start()
            self.activity_changed.emit(activity)
            self.runs_changed.emit()

    def _end_job(self) -> None:
        """Waits for a run that is being made, and deletes its thread."""
        job, self._job = self._job, None
        if job is not None:
            job.wait()
            job.deleteLater()
            self.activity_changed.emit("")

    def _renew_standby(self) -> None:
        """Not while a run is active: importing torch would take processor time from it."""
        if (
            not self._keeps_standby
            or self._preferences.inline
            or self.active_run is not None
            or self._standby is not None
        ):
            return
        standby = Standby()
        try:
            standby.start()
        except OSError as error:
            self.failed.emit(f"The engine on standby cannot be started: {error.strerror or error}.")
            return
        self._standby = standby

    @Slot(object)
    def _on_made(self, folder: RunFolder) -> None:
        if self.sender() is self._job:
            self._end_job()
            self.resume(folder)

    @Slot(str)
    def _on_not_made(self, why: str) -> None:
        if self.sender() is self._job:
            self._end_job()
            self.runs_changed.emit()
            self.failed.emit(why)

    @Slot()
    def _on_opened(self) -> None:
        if self.sender() is self._shown:
            self.shown_changed.emit()

    @Slot()
    def _on_progressed(self) -> None:
        if self.sender() is self._shown:
            self.progressed.emit()

    @Slot(str)
    def _on_state_changed(self, state: str) -> None:
        watcher = self.sender()
        if state == "ended":
            self._renew_standby()
        if watcher is self._shown:
            self.state_changed.emit(state)
        self.runs_changed.emit()
        if watcher is self._background and state == "ended":
            self._drop(self._background)
            self._background = None

    @Slot()
    def _on_stop_unanswered(self) -> None:
        if self.sender() is self._shown:
            self.stop_unanswered.emit()
