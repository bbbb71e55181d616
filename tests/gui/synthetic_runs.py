"""Runs that never were: real events of a training whose loss falls with noise, folded as those of an engine are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests import run_events
from workbench.runs.events import (
    AnyEvent,
    CheckpointSaved,
    DeviceMemory,
    Ended,
    Epoch,
    Memory,
    Note,
    Scalars,
    Started,
)
from workbench.runs.progress import Progress

BEGIN = 1_700_000_000.0
GIB = 2**30


def started(**changes: object) -> Started:
    """The first event of a run of 30 epochs of 23 steps."""
    return run_events.started(**{"time": BEGIN, "epochs": 30, "device": "CPU, 2 threads", **changes})


def memory(time: float, *, name: str = "CPU", total: int = 16 * GIB) -> Memory:
    """One look at the memory of a device."""
    grown = int(0.6 * GIB * (1 - np.exp(-time / 20)))
    device = DeviceMemory(name=name, allocated=grown, reserved=grown, used=5 * GIB + grown, total=total)
    return Memory(time=BEGIN + time, devices=(device,), ram=640 * 2**20, ram_total=16 * GIB)


def training(epochs: int = 20, seed: int = 0, pace: float = 1.0, **changes: object) -> Iterator[AnyEvent]:
    """All events of a run up to so many epochs; a larger ``pace`` learns faster."""
    random = np.random.default_rng(seed)
    first = started(**changes)
    yield first
    per_epoch = first.steps_per_epoch
    best = 0.0
    for epoch in range(epochs):
        steps = np.arange(epoch * per_epoch, (epoch + 1) * per_epoch) + 1
        loss = (
            2.3 * np.exp(-steps * pace / 90)
            + 0.05
            + 0.06 * random.random(per_epoch)
            + 0.2 * random.random() / (epoch + 1)
        )
        accuracy = np.clip(1 - loss / 2.6 + 0.02 * random.standard_normal(per_epoch), 0, 1)
        time = BEGIN + 3.0 * (epoch + 1)
        rate = 1e-3 * (1 + np.cos(np.pi * steps / (first.epochs * per_epoch))) / 2
        yield Scalars(
            time=time,
            epoch=epoch,
            step=tuple(steps.tolist()),
            loss=tuple(loss.tolist()),
            metric=tuple(accuracy.tolist()),
            lr=tuple(rate.tolist()),
            samples_per_second=float(18_400 + 900 * random.standard_normal()),
        )
        value = float(min(0.985, accuracy.mean() + 0.01) - (0.0004 * max(0, epoch - 14)))
        yield Epoch(
            time=time,
            epoch=epoch + 1,
            step=int(steps[-1]),
            train={"loss": float(loss.mean()), "accuracy": float(accuracy.mean()), "samples": 1437.0},
            val={"loss": float(loss.mean() + 0.03 + 0.002 * epoch), "accuracy": value, "samples": 360.0},
            lr=float(rate[-1]),
            seconds=0.8,
            best=value > best,
        )
        if value > best:
            yield CheckpointSaved(
                time=time, file=f"step-{steps[-1]:08d}.pt", epoch=epoch + 1, step=int(steps[-1]), why="best", bytes=1
            )
        best = max(best, value)
        yield memory(3.0 * epoch)
    yield Note(time=BEGIN + 3.0 * epochs, level="warning", text="3 pictures could not be read and were left out")


def progress(epochs: int = 20, seed: int = 0, pace: float = 1.0, **changes: object) -> Progress:
    """A run up to so many epochs."""
    result = Progress()
    result.apply_all(training(epochs, seed, pace, **changes))
    return result


def steps(first: int, losses: list[float], **more: object) -> Scalars:
    """A flush of these losses from step ``first`` on."""
    numbers = tuple(range(first, first + len(losses)))
    return Scalars.model_validate({"time": BEGIN + first, "epoch": 0, "step": numbers, "loss": tuple(losses), **more})


def ended(**changes: object) -> Ended:
    """The last event."""
    return Ended.model_validate({"time": BEGIN + 100, "status": "completed", **changes})
