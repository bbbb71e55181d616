"""An engine without torch: it writes real events into a real run folder, holds its lock, and answers commands."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path

from tests import run_events
from workbench.launch.process import Standby
from workbench.runs.attempt_options import PLAIN, AttemptOptions
from workbench.runs.commands import Command, Inbox
from workbench.runs.events import (
    AnyEvent,
    CheckpointSaved,
    CommandDone,
    DeviceMemory,
    Ended,
    EventWriter,
    Memory,
    Scalars,
    Status,
)
from workbench.runs.folder import RunBusyError, RunFolder, locked, write_engine

STEPS = 23
"""Steps of an epoch."""
OTHER_PROCESS = 999_999_999
"""No process has this number: nothing is harmed should it be killed."""


class Engine:
    """The engine of one attempt. It does nothing by itself but answer commands (unless ``deaf``) when it is polled."""

    def __init__(self, folder: RunFolder, epochs: int = 3) -> None:
        self.folder = folder
        self.pid = OTHER_PROCESS
        self.epochs = epochs
        self.deaf = False
        self.killed = False
        self.heard: list[Command] = []
        self.epoch = 0
        self._status: int | None = None
        self._held = ExitStack()
        self._held.enter_context(locked(folder))
        attempt = folder.attempts() + 1
        write_engine(folder, attempt, self.pid)
        self._writer = EventWriter(folder.events_file, attempt)
        self._inbox = Inbox(folder.commands, attempt)

    def say(self, event: AnyEvent) -> None:
        self._writer.write(event)

    def begin(self, from_step: int = 0) -> None:
        """Says ``started``."""
        self.epoch = from_step // STEPS
        self.say(run_events.started(from_step=from_step, epochs=self.epochs, steps_per_epoch=STEPS, pid=self.pid))

    def train_epoch(self) -> None:
        """Says an epoch: its steps, memory, and its results."""
        first = self.epoch * STEPS
        steps = tuple(range(first + 1, first + STEPS + 1))
        loss = tuple(2.3 * math.exp(-step / 40) + 0.05 * math.sin(step) for step in steps)
        accuracy = tuple(1 - value / 2.5 for value in loss)
        rate = (1e-3,) * STEPS
        self.say(
            Scalars(epoch=self.epoch, step=steps, loss=loss, metric=accuracy, lr=rate, samples_per_second=18_400.0)
        )
        cpu = DeviceMemory(name="CPU", allocated=3 * 10**8, reserved=3 * 10**8, used=6 * 10**9, total=16 * 10**9)
        self.say(Memory(devices=(cpu,), ram=6 * 10**8, ram_total=16 * 10**9))
        self.epoch += 1
        train, val = (loss[-1], accuracy[-1]), (loss[-1] * 1.1, accuracy[-1] * 0.98)
        self.say(run_events.epoch(self.epoch, steps[-1], train, val, lr=1e-3))

    def checkpoint(self, why: str = "end of epoch") -> Path:
        """Saves something that bears a checkpoint's name, and says so."""
        step = self.epoch * STEPS
        path = self.folder.checkpoints / f"step-{step:08d}.pt"
        path.write_bytes(b"not a model")
        self.say(CheckpointSaved(file=path.name, epoch=self.epoch, step=step, why=why, bytes=11, best=True))
        return path

    def end(self, status: Status = "completed", what: str = "", hint: str = "") -> None:
        """Says the end and leaves."""
        self.say(Ended(status=status, what=what, hint=hint, epoch=self.epoch, step=self.epoch * STEPS))
        self.leave(1 if status == "failed" else 0)

    def train(self) -> Path:
        """A whole run, from ``started`` to the end."""
        self.begin()
        while self.epoch < self.epochs:
            self.train_epoch()
        path = self.checkpoint()
        self.end()
        return path

    def leave(self, status: int) -> None:
        """Is gone, with or without having said the end."""
        if self._status is None:
            self._writer.close()
            self._held.close()
            self._status = status

    @property
    def alive(self) -> bool:
        return self._status is None

    # --- what the window does with an engine ---

    def poll(self) -> int | None:
        if self._status is None and not self.deaf:
            for command in self._inbox.poll():
                self._answer(command)
        return self._status

    def kill(self) -> None:
        self.killed = True
        if self.alive:
            self.end("failed", "The engine was ended from outside before it could finish", "Resume goes on")

    def _answer(self, command: Command) -> None:
        self.heard.append(command)
        leaves = bool(command.values.get("release"))
        if command.name in ("stop", "save") or leaves:
            self.checkpoint(command.name)
        self.say(CommandDone(id=command.id, name=command.name))
        if command.name == "stop" or leaves:
            self.end("paused" if leaves else "stopped")


class ScriptedStandby(Standby):
    """An engine on standby that is no process."""

    def __init__(self) -> None:
        super().__init__()
        self.started = self.closed = False

    def start(self) -> None:
        self.started = True

    def close(self) -> None:
        self.closed = True


class Engines:
    """Stands where ``launch.process`` starts and finds engines."""

    def __init__(self) -> None:
        self.all: list[Engine] = []
        self.standbys: list[ScriptedStandby] = []
        self.taken: list[Standby | None] = []
        self.told: list[AttemptOptions] = []

    @property
    def last(self) -> Engine:
        return self.all[-1]

    def start(self, folder: RunFolder, request: AttemptOptions = PLAIN, *, standby: Standby | None = None) -> Engine:
        if folder.is_running():
            raise RunBusyError(f"{folder.name} is running already")
        self.taken.append(standby)
        self.told.append(request)
        self.all.append(Engine(folder, request.epochs or 3))
        return self.last

    def attach(self, folder: RunFolder) -> Engine | None:
        return next((one for one in self.all if one.folder.path == folder.path and one.alive), None)

    def standby(self) -> ScriptedStandby:
        self.standbys.append(ScriptedStandby())
        return self.standbys[-1]

    def close(self) -> None:
        for engine in self.all:
            engine.leave(0)
