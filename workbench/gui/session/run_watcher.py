"""One run as the window sees it: its progress, folded in the window's thread, and the state that follows from it."""

from __future__ import annotations

import contextlib
import functools
import math
from typing import Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.gui.session.engine_thread import EngineStart, EngineThread, InlineThread
from workbench.gui.session.redraw_rate import RedrawRate
from workbench.runs.attempt_options import PLAIN
from workbench.runs.commands import Command, Name, send
from workbench.runs.events import Ended, Started
from workbench.runs.folder import RunFolder
from workbench.runs.progress import Progress

SessionState = Literal["idle", "starting", "running", "paused", "stopping", "ended"]
STOP_PATIENCE_MS = 3000
"""A stop is answered within this time, or the person is asked whether to end the engine at once."""


class RunWatcher(QObject):
    """Follows one run, and sends it commands. ``state`` is ``idle`` for a run that was made and not started."""

    opened = Signal()
    """The run's history has been read."""
    progressed = Signal()
    """There is something new to show. It comes as often as the window can show it without slowing the engine."""
    state_changed = Signal(str)
    failed = Signal(str)
    """The engine could not be started, in a sentence."""
    engine_left = Signal()
    """Its engine has ended: the run may be resumed."""
    stop_unanswered = Signal()

    def __init__(
        self,
        folder: RunFolder,
        start: EngineStart | None = None,
        *,
        inline: bool = False,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.folder = folder
        self.progress = Progress()
        self.history_loaded = False
        """Whether what the run had said before has been read."""
        self.state: SessionState = "idle" if start is None and not inline else "starting"
        self._starting = self.state == "starting"
        self._starts_here = self._starting
        """Whether the attempt that is about to begin is ours: one that was started elsewhere has its number already."""
        self._stopping = False
        self._next_attempt = folder.attempts() + 1
        self._inline = InlineThread(folder, start.request if start else PLAIN, self) if inline else None
        self._thread = EngineThread(folder, None if inline else start, self)
        self._thread.opened.connect(self._apply_history)
        self._thread.events_ready.connect(self._apply_events)
        self._thread.engine_lost.connect(self._on_engine_left)
        self._thread.engine_exited.connect(self._on_engine_left)
        self._thread.failed.connect(self._on_not_started)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(STOP_PATIENCE_MS)
        self._patience.timeout.connect(self._out_of_patience)
        self._redraw_rate = RedrawRate()
        self._redraw_timer = QTimer(self)
        self._redraw_timer.setSingleShot(True)
        self._redraw_timer.timeout.connect(self._redraw)
        self._thread.start()
        if self._inline is not None:
            self._inline.finished.connect(self._on_engine_left)
            self._inline.start()

    @property
    def active(self) -> bool:
        """Whether an engine is at work on it, or on its way."""
        return self.state in ("starting", "running", "paused", "stopping")

    @property
    def in_window(self) -> bool:
        """Whether it is computed in this process, and would end with the window."""
        return self._inline is not None and self._inline.isRunning()

    @functools.cached_property
    def config(self) -> RunConfig | None:
        """What it is trained with; None when the run file cannot be read."""
        try:
            return self.folder.config()
        except ConfigError:
            return None

    def send_command(self, name: Name, values: dict[str, Any] | None = None) -> None:
        """Sends a command to the attempt that is running, or to the one that is about to begin. Raises OSError."""
        running = max(self.progress.attempt, self.folder.attempts())
        attempt = self._next_attempt if self._starts_here and self._starting else running
        send(self.folder.commands, Command(name, attempt=attempt, values=values or {}))

    def stop(self, *, release: bool = False) -> None:
        """Asks the run to save and end. ``stop_unanswered`` follows when it does not within three seconds.

        ``release``: it is paused then, and can be continued with another engine.
        """
        self.send_command(*(("pause", {"release": True}) if release else ("stop", None)))
        self._stopping = True
        self._patience.start()
        self._update_state()

    def extend_patience(self) -> None:
        """Gives the run three seconds more."""
        self._patience.start()

    def kill(self) -> None:
        """Ends the engine at once. The window does not wait for it."""
        self._thread.kill()

    def close(self) -> None:
        """Stops following, and waits for the thread. The engine keeps running; a run in this process is stopped first."""
        if self.in_window:
            with contextlib.suppress(OSError):
                self.send_command("stop")
        self._patience.stop()
        self._redraw_timer.stop()
        self._thread.request_end()
        self._thread.wait()
        if self._inline is not None:
            self._inline.wait()

    @Slot(object)
    def _apply_history(self, progress: Progress) -> None:
        self.progress, self.history_loaded = progress, True
        self._next_attempt = max(self._next_attempt, progress.attempt + 1)
        self._starting = self._starting or self._is_loading_elsewhere()
        self._update_state()
        self.opened.emit()

    @Slot()
    def _apply_events(self) -> None:
        events = self._thread.drain_events()
        self.progress.apply_all(events)
        turning_point = any(isinstance(event, Started | Ended) for event in events)
        self._starting = self._starting and not turning_point
        self._update_state()
        pause = self._redraw_rate.seconds_left()
        if turning_point or (events and pause == 0.0):
            self._redraw()
        elif events and not self._redraw_timer.isActive():
            self._redraw_timer.start(math.ceil(1000 * pause))

    @Slot()
    def _redraw(self) -> None:
        self._redraw_timer.stop()
        self._redraw_rate.mark_drawn()
        self.progressed.emit()

    @Slot()
    def _on_engine_left(self) -> None:
        self._apply_events()
        self._starting = False
        self.progress.settle(is_running=False)
        self._update_state()
        self._redraw()
        self.engine_left.emit()

    @Slot(str)
    def _on_not_started(self, why: str) -> None:
        self._starts_here, self._starting = False, self._is_loading_elsewhere()
        self.progress.settle(self.folder.is_running())
        self._update_state()
        self.failed.emit(why)

    def _is_loading_elsewhere(self) -> bool:
        """Whether an engine that was started elsewhere is at work, and has not said so yet."""
        return self.progress.state == "new" and self.folder.is_running()

    @Slot()
    def _out_of_patience(self) -> None:
        if self.state == "stopping":
            self.stop_unanswered.emit()

    def _update_state(self) -> None:
        state = self._derive_state()
        if state in ("ended", "idle"):
            self._stopping = False
            self._patience.stop()
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)

    def _derive_state(self) -> SessionState:
        running = self.progress.state == "running" or (self.progress.state == "paused" and self.progress.ended is None)
        if self._stopping and (self._starting or running):
            return "stopping"
        if self._starting:
            return "starting"
        if running:
            return "paused" if self.progress.state == "paused" else "running"
        return "idle" if self.progress.state == "new" else "ended"
