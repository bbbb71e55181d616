"""Stands in for an engine: says what a real one says, at once and without torch. What it plays is told by FAKE_ENGINE."""

import json
import math
import os
import signal
import sys
import threading
from pathlib import Path

from tests import run_events
from workbench.runs import history
from workbench.runs.checkpoints import file_name
from workbench.runs.commands import Command, Inbox
from workbench.runs.events import (
    AnyEvent,
    CheckpointSaved,
    CommandDone,
    Ended,
    EventWriter,
    Note,
    Phase,
    Scalars,
    Status,
)
from workbench.runs.folder import RunFolder, locked, write_engine, write_whole

STEPS = 10
"""Optimiser steps of an epoch."""


class Play:
    """One attempt: its events, and what becomes of its commands."""

    def __init__(self, folder: RunFolder, epochs: int) -> None:
        self.folder = folder
        self.epochs = epochs
        self.progress = history.load(folder)
        self.attempt = max(self.progress.attempt, folder.attempts()) + 1
        self.writer = EventWriter(folder.events_file, self.attempt)
        self.inbox = Inbox(folder.commands, self.attempt)
        write_engine(folder, self.attempt, os.getpid())

    def say(self, event: AnyEvent) -> None:
        self.writer.write(event)
        self.progress.apply(event)

    def start(self) -> None:
        self.say(Phase(text="reading digits"))
        counts = {
            "epochs": self.epochs,
            "steps_per_epoch": STEPS,
            "train_samples": 80,
            "val_samples": 20,
            "batch_size": 8,
        }
        self.say(run_events.started(from_step=self.progress.epoch * STEPS, pid=os.getpid(), **counts))

    def epoch(self, number: int, loss: float = 0.5) -> None:
        step = number * STEPS
        self.say(Scalars(epoch=number - 1, step=(step - 1, step), loss=(loss, loss), samples_per_second=1000.0))
        val = (loss, round(0.8 + number / 100, 6))
        self.say(run_events.epoch(number, step, (loss, 0.9), val, (80.0, 20.0), seconds=0.08))
        self.save(number, "best")

    def save(self, number: int, why: str) -> None:
        path = self.folder.checkpoints / file_name(number * STEPS)
        path.write_bytes(b"not read by anybody")
        write_whole(path.with_suffix(".json"), json.dumps({"epoch": number, "best": why == "best"}))
        self.say(CheckpointSaved(file=path.name, epoch=number, step=number * STEPS, why=why, bytes=19))

    def end(self, status: Status, what: str = "", hint: str = "") -> None:
        self.say(
            Ended(status=status, what=what or status, hint=hint, epoch=self.progress.epoch, step=self.progress.step)
        )
        write_whole(self.folder.summary_file, json.dumps(self.progress.summary()))

    def listen(self) -> None:
        """Answers commands until one of them ends the attempt."""
        self.say(Note(text="listening"))
        while True:
            for command in self.inbox.poll():
                if self.answer(command):
                    return
            threading.Event().wait(0.02)

    def answer(self, command: Command) -> bool:
        paused = self.progress.state == "paused"
        accepted = command.name != "unpause" or paused
        text = f"{command.name} heard" if accepted else "the run is not paused"
        if command.name == "pause" and not command.values.get("release"):
            self.say(CommandDone(id=command.id, name="pause", done=False, text="pausing"))
            self.save(max(self.progress.epoch, 1), "pause")
        self.say(CommandDone(id=command.id, name=command.name, accepted=accepted, text=text))
        leaves = command.name == "stop" or bool(command.values.get("release"))
        if leaves or command.name == "save":
            self.save(max(self.progress.epoch, 1), command.name)
        if leaves:
            self.end("stopped" if command.name == "stop" else "paused")
        return leaves


def play(folder: RunFolder, epochs: int, kind: str) -> int:
    with locked(folder):
        attempt = Play(folder, epochs)
        if kind == "refuse":
            attempt.end("failed", "dataset.path: there is no folder /nowhere", "choose another one")
            return 2
        attempt.start()
        attempt.epoch(attempt.progress.epoch + 1, math.nan if kind == "nan" else 0.5)
        if kind == "fail":
            attempt.end("failed", "The loss is not a number", "lower the learning rate")
            return 1
        if kind == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "deaf":
            threading.Event().wait(600)  # it is killed long before
        if kind == "listen":
            attempt.listen()
            return 0
        while attempt.progress.epoch < epochs:
            attempt.epoch(attempt.progress.epoch + 1)
        attempt.end("completed", f"completed: {epochs} epochs")
    return 0


def main() -> int:
    folder = RunFolder(Path(sys.argv[3]))  # the engine's own command line: -m workbench.engine FOLDER [--epochs N]
    epochs = int(sys.argv[5]) if len(sys.argv) > 5 else folder.config().training.epochs
    return play(folder, epochs, os.environ.get("FAKE_ENGINE", "complete"))


if __name__ == "__main__":
    sys.exit(main())
