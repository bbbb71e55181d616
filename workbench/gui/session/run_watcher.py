"""One run as the window sees it: its progress, folded in the window's thread, and the state that follows from it."""

from __future__ import annotations

import contextlib
import functools
import math
from typing import Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.gui.session.engine_thread import EngineThread, InlineThread, Job
from workbench.gui.session.redraw_rate import Pace
from workbench.runs.attempt_options import PLAIN
from workbench.runs.commands import Command, Name, send
from workbench.runs.events import Ended, Started
from workbench.runs.folder import RunFolder
from workbench.runs.progress import Progress

SessionState = Literal["idle", "starting", "running", "paused", "stopping", "ended"]
STOP_PATIENCE_MS = 3000
"""A stop is answered within this time, or the person is asked whether to end the engine at once."""


class Watch(QObject):
    """Follows one run, and tells it what to do. ``state`` is ``idle`` for a run that was made and not started."""

    opened = Signal()
    """What the run had said before is known."""
    progressed = Signal()
    """There is something new to show. It comes as often as the window can show it without slowing the engine."""
    state_changed = Signal(str)
    failed = Signal(str)
    """The engine could not be started, in a sentence."""
    left = Signal()
    """Its engine is gone: the run may be gone on with."""
    stop_unanswered = Signal()

    def __init__(
        self, folder: RunFolder, job: Job | None = None, *, inline: bool = False, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.folder = folder
        self.progress = Progress()
        self.known = False
        """Whether what the run had said before has been read."""
        self.state: SessionState = "idle" if job is None and not inline else "starting"
        self._starting = self.state == "starting"
        self._own = self._starting
        """Whether the attempt that is about to begin is ours: one that was begun elsewhere has its number already."""
        self._stopping = False
        self._next_attempt = folder.attempts() + 1
        self._inline = InlineThread(folder, job.request if job else PLAIN, self) if inline else None
        self._thread = EngineThread(folder, None if inline else job, self)
        self._thread.opened.connect(self._take_history)
        self._thread.news.connect(self._take_news)
        self._thread.lost.connect(self._engine_left)
        self._thread.left.connect(self._engine_left)
        self._thread.failed.connect(self._not_started)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(STOP_PATIENCE_MS)
        self._patience.timeout.connect(self._out_of_patience)
        self._pace = Pace()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._show)
        self._thread.start()
        if self._inline is not None:
            self._inline.finished.connect(self._engine_left)
            self._inline.start()

    @property
    def goes(self) -> bool:
        """Whether an engine is at work on it, or on its way."""
        return self.state in ("starting", "running", "paused", "stopping")

    @property
    def in_window(self) -> bool:
        """Whether it is computed in this process, and would die with the window."""
        return self._inline is not None and self._inline.isRunning()

    @functools.cached_property
    def config(self) -> RunConfig | None:
        """What it is trained with; None when the run file cannot be read."""
        try:
            return self.folder.config()
        except ConfigError:
            return None

    def tell(self, name: Name, values: dict[str, Any] | None = None) -> None:
        """Sends a command to the attempt that goes, or to the one that is about to begin. Raises OSError."""
        known = max(self.progress.attempt, self.folder.attempts())
        attempt = self._next_attempt if self._own and self._starting else known
        send(self.folder.commands, Command(name, attempt=attempt, values=values or {}))

    def stop(self, *, release: bool = False) -> None:
        """Asks the run to save and end. ``stop_unanswered`` follows when it does not within three seconds.

        ``release``: it is paused then, and may go on with another engine.
        """
        self.tell(*(("pause", {"release": True}) if release else ("stop", None)))
        self._stopping = True
        self._patience.start()
        self._derive()

    def wait_again(self) -> None:
        """Gives the run three seconds more."""
        self._patience.start()

    def kill(self) -> None:
        """Ends the engine at once. The window does not wait for it."""
        self._thread.kill()

    def close(self) -> None:
        """Stops following, and waits for the thread. The engine goes on; a run in this process is stopped first."""
        if self.in_window:
            with contextlib.suppress(OSError):
                self.tell("stop")
        self._patience.stop()
        self._later.stop()
        self._thread.ask_to_end()
        self._thread.wait()
        if self._inline is not None:
            self._inline.wait()

    @Slot(object)
    def _take_history(self, progress: Progress) -> None:
        self.progress, self.known = progress, True
        self._next_attempt = max(self._next_attempt, progress.attempt + 1)
        self._starting = self._starting or self._loads_elsewhere()
        self._derive()
        self.opened.emit()

    @Slot()
    def _take_news(self) -> None:
        events = self._thread.take()
        self.progress.apply_all(events)
        turn = any(isinstance(event, Started | Ended) for event in events)
        self._starting = self._starting and not turn
        self._derive()
        pause = self._pace.wait()
        if turn or (events and pause == 0.0):
            self._show()
        elif events and not self._later.isActive():
            self._later.start(math.ceil(1000 * pause))

    @Slot()
    def _show(self) -> None:
        self._later.stop()
        self._pace.shown()
        self.progressed.emit()

    @Slot()
    def _engine_left(self) -> None:
        self._take_news()
        self._starting = False
        self.progress.settle(going=False)
        self._derive()
        self._show()
        self.left.emit()

    @Slot(str)
    def _not_started(self, why: str) -> None:
        self._own, self._starting = False, self._loads_elsewhere()
        self.progress.settle(self.folder.going())
        self._derive()
        self.failed.emit(why)

    def _loads_elsewhere(self) -> bool:
        """Whether somebody's engine is at work, and has not said so yet."""
        return self.progress.state == "new" and self.folder.going()

    @Slot()
    def _out_of_patience(self) -> None:
        if self.state == "stopping":
            self.stop_unanswered.emit()

    def _derive(self) -> None:
        state = self._state()
        if state in ("ended", "idle"):
            self._stopping = False
            self._patience.stop()
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)

    def _state(self) -> SessionState:
        going = self.progress.state == "running" or (self.progress.state == "paused" and self.progress.ended is None)
        if self._stopping and (self._starting or going):
            return "stopping"
        if self._starting:
            return "starting"
        if going:
            return "paused" if self.progress.state == "paused" else "running"
        return "idle" if self.progress.state == "new" else "ended"
