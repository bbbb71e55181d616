"""The run that is shown and the run that goes: alone in the window, this starts and stops runs.

They are mostly the same one. While a run goes, another may be shown; what a person does then is done to the one shown.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal, Slot

from workbench.config.run import RunConfig
from workbench.gui.preferences import Preferences
from workbench.gui.session.background_job import Making, adopted
from workbench.gui.session.engine_thread import Job
from workbench.gui.session.run_watcher import SessionState, Watch
from workbench.launch.process import Standby
from workbench.runs import branch as branches
from workbench.runs import comparison
from workbench.runs.attempt_options import PLAIN, Request
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
    """A run was made, began or ended: tables of runs are out of date."""
    failed = Signal(str)
    """Something that was asked for could not be done, in a sentence."""
    making = Signal(str)
    """What is being made, in words; empty when it is done."""
    stop_unanswered = Signal()
    """The run shown was told to stop, and did not within three seconds."""

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._shown: Watch | None = None
        self._live: Watch | None = None
        """The run that goes in the background while another is shown."""
        self._making: Making | None = None
        """What becomes a run to go on with: a branch, or the copy of a checkpoint from elsewhere."""
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
    def known(self) -> bool:
        """Whether the past of the run shown has been read."""
        return self._shown is None or self._shown.known

    @property
    def going(self) -> RunFolder | None:
        """The run that goes, shown or not."""
        live = self._going_watch()
        return live.folder if live is not None else None

    @property
    def going_config(self) -> RunConfig | None:
        """What the run that goes is trained with; None when none goes, or when its run file cannot be read."""
        live = self._going_watch()
        return live.config if live is not None else None

    @property
    def shown_config(self) -> RunConfig | None:
        """What the run shown is trained with; None when none is shown, or when its run file cannot be read."""
        return self._shown.config if self._shown is not None else None

    @property
    def in_window(self) -> bool:
        """Whether the run that goes would die with the window."""
        live = self._going_watch()
        return live is not None and live.in_window

    @property
    def shown_goes(self) -> bool:
        """Whether the run shown is the one that goes."""
        return self._shown is not None and self._shown.goes

    @property
    def can_resume(self) -> bool:
        """Whether the run shown can go on: nobody runs it. A complete one needs more epochs."""
        return self.resume_refusal() == ""

    def resume_refusal(self) -> str:
        """Why the run shown cannot go on; empty when it can."""
        if self._shown is None:
            return "No run is shown"
        if self._shown.goes:
            return "The run is going"
        if self.going is not None:
            return f"{self.going.name} is going: stop it first"
        if self._making is not None:
            return "A run is being made to go on with"
        if not self._shown.folder.is_run():
            return "The run's folder is gone"
        return "An engine is still at work on the run" if self._shown.folder.going() else ""

    # --- what can be done ---

    def start_standby(self) -> None:
        """Keeps an engine with torch loaded from now on, so that a run begins with the click."""
        self._keeps_standby = True
        self._renew_standby()

    def train(self, config: RunConfig, name: str, member: Member | None = None) -> None:
        """Makes a run, perhaps one of a comparison, and starts it. One at a time: only says so while another goes."""
        if self.going is not None:
            self.failed.emit(f"{self.going.name} is going: stop it first, or let it end.")
            return
        try:
            folder = create(config, name, self._preferences.runs_root)
            if member is not None:
                comparison.write(folder, member)
        except OSError as error:
            self.failed.emit(f"The run's folder cannot be made: {error.strerror or error}.")
            return
        self._start(folder, PLAIN)

    def resume(self, folder: RunFolder, request: Request = PLAIN) -> None:
        """Goes on with a run from its newest checkpoint."""
        if self.going is not None:
            self.failed.emit(f"{self.going.name} is going: stop it first, or let it end.")
            return
        self._start(folder, request)

    def branch(self, checkpoint: CheckpointInfo, config: RunConfig, name: str) -> None:
        """Makes a run that goes on from a checkpoint with other settings, and starts it when it is made.

        Raises ConfigError when nothing would be left to train.
        """
        branches.check(checkpoint, config)
        words = "Making the branch: copying the checkpoint and the curves before it…"
        make = partial(branches.make, checkpoint, config, name, self._preferences.runs_root)
        self._make(make, words, "The branch cannot be made")

    def pause(self) -> None:
        """Lets the run shown rest; its engine stays."""
        self._tell_shown("pause")

    def release(self) -> None:
        """Has the run shown save and its engine leave, so that the device's memory is free. :meth:`unpause` goes on with it."""
        self._leave(self._shown, release=True)

    def unpause(self) -> None:
        """Lets the run shown go on, with another engine when its own has left."""
        if self._shown is not None and not self._shown.goes:
            self.resume(self._shown.folder)
        else:
            self._tell_shown("unpause")

    def save(self) -> None:
        """Has the run shown save a checkpoint now."""
        self._tell_shown("save")

    def stop(self) -> None:
        """Has the run shown save and end."""
        self._leave(self._shown)

    def stop_going(self) -> None:
        """Has the run that goes save and end, shown or not."""
        self._leave(self._going_watch())

    def wait_again(self) -> None:
        """Gives a run that was told to stop three seconds more."""
        if self._shown is not None and self._shown.state == "stopping":
            self._shown.wait_again()

    def kill(self) -> None:
        """Ends the engine of the run shown at once. What it saved stays."""
        if self._shown is not None and self._shown.goes:
            self._shown.kill()

    def show(self, folder: RunFolder) -> None:
        """Shows a run. One that goes in the background comes back; one that went stays in the background."""
        if self._shown is not None and self._shown.folder.path == folder.path:
            return
        if self._live is not None and self._live.folder.path == folder.path:
            self._swap(self._live)
            return
        self._swap(self._watch(folder, None))

    def attach_going(self) -> bool:
        """Finds the newest run that goes, perhaps since an earlier window, and shows it. Whether there is one."""
        found = next((run for run in list_runs(self._preferences.runs_root) if run.going()), None)
        if found is not None:
            self.show(found)
        return found is not None

    def adopt(self, checkpoint: Path, config: RunConfig, name: str, step: int) -> None:
        """Makes a run of a checkpoint that came from elsewhere, and goes on with it when it is made."""
        make = partial(adopted, checkpoint, config, name, step, self._preferences.runs_root)
        self._make(make, "Copying the checkpoint…", f"{checkpoint.name} cannot be copied")

    def close(self) -> None:
        """Stops following every run, and lets the engine on standby leave. Runs go on."""
        self._end_making()
        self._keeps_standby = False
        for watch in (self._shown, self._live):
            if watch is not None:
                self._drop(watch)
        self._shown = self._live = None
        if self._standby is not None:
            self._standby.close()
            self._standby = None

    # --- inside ---

    def _start(self, folder: RunFolder, request: Request) -> None:
        standby, self._standby = self._standby, None
        inline = self._preferences.inline
        job = Job(request, None if inline else standby)
        if inline and standby is not None:
            standby.close()
        if self._shown is not None and self._shown.folder.path == folder.path:
            self._drop(self._shown)
            self._shown = None
        self._swap(self._watch(folder, job, inline=inline))
        self.runs_changed.emit()

    def _watch(self, folder: RunFolder, job: Job | None, *, inline: bool = False) -> Watch:
        watch = Watch(folder, job, inline=inline, parent=self)
        watch.opened.connect(self._on_opened)
        watch.progressed.connect(self._on_progressed)
        watch.state_changed.connect(self._on_state_changed)
        watch.failed.connect(self.failed)
        watch.left.connect(self.runs_changed)
        watch.stop_unanswered.connect(self._on_stop_unanswered)
        return watch

    def _swap(self, watch: Watch) -> None:
        """Puts a run in front. The one that was there is followed further while it goes."""
        before, self._shown = self._shown, watch
        if self._live is watch:
            self._live = None
        if before is not None and before.goes and self._live is None:
            self._live = before
        elif before is not None:
            self._drop(before)
        self.shown_changed.emit()
        self.state_changed.emit(watch.state)

    def _drop(self, watch: Watch) -> None:
        watch.blockSignals(True)
        watch.close()
        watch.deleteLater()

    def _going_watch(self) -> Watch | None:
        return next((watch for watch in (self._shown, self._live) if watch is not None and watch.goes), None)

    def _tell_shown(self, name: Literal["pause", "unpause", "save"]) -> None:
        if self._shown is None or not self._shown.goes:
            return
        try:
            self._shown.tell(name)
        except OSError as error:
            self.failed.emit(f"The run cannot be told: {error.strerror or error}.")

    def _leave(self, watch: Watch | None, *, release: bool = False) -> None:
        if watch is None or not watch.goes:
            return
        try:
            watch.stop(release=release)
        except OSError as error:
            self.failed.emit(f"The run cannot be told: {error.strerror or error}.")

    def _make(self, make: Callable[[], RunFolder], words: str, failing: str) -> None:
        if self.going is not None:
            self.failed.emit(f"{self.going.name} is going: stop it first, or let it end.")
        elif self._making is None:
            self._making = Making(make, failing, self)
            self._making.made.connect(self._on_made)
            self._making.refused.connect(self._on_not_made)
            self._making.start()
            self.making.emit(words)
            self.runs_changed.emit()

    def _end_making(self) -> None:
        """Waits for a run that is being made, and lets its thread go."""
        making, self._making = self._making, None
        if making is not None:
            making.wait()
            making.deleteLater()
            self.making.emit("")

    def _renew_standby(self) -> None:
        """Not while a run goes: importing torch would take processor time from it."""
        if not self._keeps_standby or self._preferences.inline or self.going is not None or self._standby is not None:
            return
        standby = Standby()
        try:
            standby.start()
        except OSError as error:
            self.failed.emit(f"No engine can be started: {error.strerror or error}.")
            return
        self._standby = standby

    @Slot(object)
    def _on_made(self, folder: RunFolder) -> None:
        if self.sender() is self._making:
            self._end_making()
            self.resume(folder)

    @Slot(str)
    def _on_not_made(self, why: str) -> None:
        if self.sender() is self._making:
            self._end_making()
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
        watch = self.sender()
        if state == "ended":
            self._renew_standby()
        if watch is self._shown:
            self.state_changed.emit(state)
        self.runs_changed.emit()
        if watch is self._live and state == "ended":
            self._drop(self._live)
            self._live = None

    @Slot()
    def _on_stop_unanswered(self) -> None:
        if self.sender() is self._shown:
            self.stop_unanswered.emit()
