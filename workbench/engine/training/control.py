"""Commands to a run: files in its folder, signals to its process. Rank 0 decides, and every rank does the same."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from workbench.config import files
from workbench.config.fields import settings
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.engine.reporting.reporter import Reporter
from workbench.runs.commands import Command, Inbox
from workbench.runs.events import CommandDone

POLL_SECONDS = 0.1
LEAVES = "pausing: the state is saved, then the engine exits and frees the device's memory"
PAUSING = "pausing: the state is saved first"


@dataclass
class Decision:
    """What to do at this step boundary."""

    stop: bool = False
    pause: bool = False
    release: bool = False
    """With ``pause``: leave, so that the device's memory is free."""
    disk_full: bool = False
    """The disk refused a checkpoint: rest until it takes one."""
    save: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    """Live settings by path."""

    def __bool__(self) -> bool:
        return self.stop or self.pause or self.save or self.disk_full or bool(self.values)

    @property
    def leaves(self) -> bool:
        """Whether the run is to be left."""
        return self.stop or (self.pause and self.release)


class StopBeforeStartError(Exception):
    """A stop was requested before the first step."""


class Control:
    """Reads commands at most ten times a second, on the main process, and takes SIGTERM and SIGINT for *stop*."""

    def __init__(self, inbox: Inbox, reporter: Reporter, config: RunConfig) -> None:
        self._inbox = inbox
        self._reporter = reporter
        self._config = config
        self._interrupted = threading.Event()
        self._previous: dict[int, Any] = {}
        self._last = 0.0
        self._pending = Decision()
        self._pause_ids: list[str] = []
        """Pauses that were answered once, and are to be answered again when they are done."""

    def listen(self) -> None:
        """Handles signals from now on. Only a process's main thread can."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._previous[number] = signal.signal(number, self._on_signal)

    def close(self) -> None:
        """Stops handling signals."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def poll(self) -> Decision:
        """What came since the last call. Commands are acknowledged here, but for *pause*, *unpause* and *stop*, when done."""
        self.read_commands()
        decision, self._pending = self._pending, Decision()
        return decision

    def wants_to_leave(self) -> bool:
        """Whether a stop or a pause waits; keeps it for :meth:`poll`. Cheap enough to call after every batch of an evaluation."""
        self.read_commands()
        return self._pending.stop or self._pending.pause

    def raise_if_stopped(self) -> None:
        """Raises StopBeforeStartError when a stop waits: for the time before the first step, when there is nothing to save."""
        self.read_commands()
        if self._pending.stop:
            raise StopBeforeStartError

    def wait_for_unpause(self, settled: Callable[[], bool] | None = None) -> Decision:
        """Waits while the run is paused. Gives a decision to stop or to release, or one to continue; each with new settings.

        ``settled``, where the run paused for a reason of its own, gives whether the reason is gone.
        """
        values: dict[str, Any] = {}
        while True:
            # A signal ends the wait at once; a command is a file, which has to be polled.
            self._interrupted.wait(POLL_SECONDS)
            self._last = 0.0
            waiting = self._commands()
            while waiting:
                command = waiting.pop(0)
                values |= self._pop_values()
                if command.name == "unpause":
                    self.acknowledge("unpause", "the run continues", command.id)
                    # Commands after it are for the run that continues.
                    for later in waiting:
                        self._apply(later)
                    return Decision(values=values)
                if command.name == "pause" and command.values.get("release"):
                    self.acknowledge("pause", LEAVES, command.id, done=False)
                    return Decision(pause=True, release=True, values=values)
                if command.name == "pause":
                    self.acknowledge("pause", "the run is paused already", command.id)
                    continue
                if command.name == "save" and settled is None:
                    self.acknowledge("save", "this state was saved when the run paused", command.id)
                    continue
                self._apply(command)
            decision = self.poll()
            values |= decision.values
            if decision.stop:
                return Decision(stop=True, values=values)
            if settled is not None and settled():
                self.acknowledge("unpause", "the run continues")
                return Decision(values=values)

    def read_commands(self) -> None:
        """Reads new commands, when the last time was long enough ago."""
        if self._interrupted.is_set():
            self._interrupted.clear()
            self._pending.stop = True
        if time.monotonic() - self._last < POLL_SECONDS:
            return
        for command in self._commands():
            self._apply(command)

    def acknowledge(
        self, name: str, text: str, command_id: str = "", accepted: bool = True, *, done: bool = True
    ) -> None:
        """Reports the outcome of a command; ``done`` is False for one that is still being carried out."""
        self._reporter.report(CommandDone(id=command_id, name=name, text=text, accepted=accepted, done=done))

    def acknowledge_pause(self, text: str) -> None:
        """Reports that the run is paused now: to every command that requested it, or without one."""
        pause_ids, self._pause_ids = self._pause_ids or [""], []
        for command_id in pause_ids:
            self.acknowledge("pause", text, command_id)

    def _pop_values(self) -> dict[str, Any]:
        values, self._pending.values = self._pending.values, {}
        return values

    def _commands(self) -> list[Command]:
        self._last = time.monotonic()
        return self._inbox.poll()

    def _apply(self, command: Command) -> None:
        match command.name:
            case "stop":
                self._pending.stop = True
                self.acknowledge("stop", "stopping: the state is saved first", command.id)
            case "pause":
                self._pending.pause = True
                release = bool(command.values.get("release"))
                self._pending.release = release or self._pending.release
                if not release:
                    self._pause_ids.append(command.id)
                self.acknowledge("pause", LEAVES if release else PAUSING, command.id, done=False)
            case "save":
                self._pending.save = True
                self.acknowledge("save", "saving now", command.id)
            case "set":
                self._set(command)
            case "unpause" if self._pending.pause:
                # Taken back before it was done.
                self._pending.pause = self._pending.release = False
                pause_ids, self._pause_ids = self._pause_ids, []
                for pause_id in pause_ids:
                    self.acknowledge("pause", "not paused: the run continues", pause_id, accepted=False)
                self.acknowledge("unpause", "the run continues", command.id)
            case "unpause":
                self.acknowledge("unpause", "the run is not paused", command.id, accepted=False)
            case _:
                text = f"the engine is of another version and does not know the command {command.name!r}"
                self.acknowledge(command.name, text, command.id, accepted=False)

    def _set(self, command: Command) -> None:
        live = {
            f"{name}.{setting.name}"
            for name in type(self._config).model_fields
            for setting in settings(type(getattr(self._config, name)))
            if setting.live
        }
        refused = sorted(set(command.values) - live)
        try:
            files.change(self._config, command.values)
        except ConfigError as error:
            self.acknowledge("set", str(error), command.id, accepted=False)
            return
        if refused:
            text = f"{', '.join(refused)} cannot be changed while a run is running"
            self.acknowledge("set", text, command.id, accepted=False)
            return
        self._pending.values |= command.values
        text = ", ".join(f"{path} = {value}" for path, value in command.values.items())
        self.acknowledge("set", f"set {text}", command.id)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._interrupted.set()
