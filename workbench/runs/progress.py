"""Reduces events to what is shown of a run: curves, best epoch, time left, memory, log.

Pure: the same events give the same progress.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from workbench.runs.events import (
    FORMAT,
    AnyEvent,
    CheckpointSaved,
    CommandDone,
    DeviceMemory,
    Ended,
    Epoch,
    Memory,
    Note,
    Phase,
    Recovered,
    Scalars,
    Started,
    position_text,
)
from workbench.runs.series import PointSeries

State = Literal["new", "running", "paused", "completed", "stopped", "failed", "interrupted"]
"""``interrupted``: the run has no end, and nobody is running it."""
LOG_LINES = 5000


@dataclass(frozen=True)
class LogLine:
    """A line of the run's log: time in seconds since the epoch, level, text."""

    time: float
    level: str
    text: str


@dataclass(frozen=True)
class Best:
    """The best epoch so far, by the monitored metric."""

    epoch: int
    step: int
    metric: str
    value: float


class Curves:
    """Every curve of a run over the optimiser step, but for memory, which runs over the seconds since the run's start."""

    def __init__(self) -> None:
        self.loss = PointSeries()
        self.loss_min = PointSeries()
        self.loss_max = PointSeries()
        self.metric = PointSeries()
        self.lr = PointSeries()
        self.grad_norm = PointSeries()
        self.throughput = PointSeries()
        self.train: dict[str, PointSeries] = {}
        """Training results by metric, one point per epoch."""
        self.val: dict[str, PointSeries] = {}
        """Validation results by metric, one point per epoch."""
        self.layers: dict[str, PointSeries] = {}
        """Gradient norm of each layer, where the run keeps it."""

    def all(self) -> Iterable[PointSeries]:
        """Every series over the step."""
        single = (self.loss, self.loss_min, self.loss_max, self.metric, self.lr, self.grad_norm, self.throughput)
        return (*single, *self.train.values(), *self.val.values(), *self.layers.values())


class Progress:
    """What is known of a run from its events. Feed it with :meth:`apply`, in order."""

    def __init__(self) -> None:
        self.state: State = "new"
        self.pausing = False
        """Whether the run was told to pause and is still saving its state."""
        self.started: Started | None = None
        self.ended: Ended | None = None
        self.initial_weights = ""
        """A hash of the weights before the first step of all."""
        self.first_batches = ""
        """A hash of the first epoch's batches."""
        self.attempt = 0
        self.phase = ""
        self.phase_share: float | None = None
        self.step = 0
        self.epoch = 0
        self.samples_per_second = 0.0
        self.curves = Curves()
        self.epochs: list[Epoch] = []
        self.best: Best | None = None
        self.memory: tuple[DeviceMemory, ...] = ()
        self.memory_curves: dict[str, tuple[PointSeries, PointSeries]] = {}
        """Per device: memory allocated by the run, and used by everyone, in bytes over seconds since the start."""
        self.ram = 0
        self.ram_total = 0
        self.checkpoints: list[CheckpointSaved] = []
        self.recoveries: list[Recovered] = []
        """Where the run recovered by itself: marks on its curves."""
        self.log: list[LogLine] = []
        self.seconds = 0.0
        """Time spent in attempts, in seconds."""
        self._begin = 0.0
        self._attempt_begin = 0.0
        self._before = 0.0
        self._pace_start: tuple[float, int] | None = None
        self._last_time = 0.0

    def apply(self, event: AnyEvent) -> None:
        """Applies the next event."""
        self.attempt = max(self.attempt, event.attempt)
        if self._attempt_begin:
            self.seconds = self._before + max(0.0, event.time - self._attempt_begin)
        match event:
            case Started():
                self._start(event)
            case Phase():
                self.phase, self.phase_share = event.text, event.share
            case Scalars():
                self._scalars(event)
            case Epoch():
                self._epoch(event)
            case Memory():
                self._memory(event)
            case CheckpointSaved():
                self.checkpoints.append(event)
                text = f"checkpoint saved at {position_text(event.epoch, event.step)}: {event.why}"
                self._log(event.time, "info", text)
            case CommandDone():
                self._command(event)
            case Note():
                self._log(event.time, event.level, event.text)
            case Recovered():
                self._recover(event)
            case Ended():
                self._end(event)

    def apply_all(self, events: Iterable[AnyEvent]) -> None:
        """Applies several events."""
        for event in events:
            self.apply(event)

    @property
    def total_steps(self) -> int:
        """Optimiser steps that the run will have made at its end; 0 before it began."""
        if self.started is None:
            return 0
        return self.started.total_steps or self.started.epochs * self.started.steps_per_epoch

    @property
    def share(self) -> float:
        """How much of the run is done, from 0 to 1."""
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time left in seconds at the pace of this attempt; None before there is a pace."""
        last = self.curves.loss.x[-1] if len(self.curves.loss) else 0
        if self._pace_start is None or self.state != "running" or last <= self._pace_start[1]:
            return None
        began, step = self._pace_start
        return (self._last_time - began) / (last - step) * max(0, self.total_steps - last)

    def settle(self, is_running: bool) -> None:
        """Tells whether an attempt is really running: a run with no end that nobody is running was interrupted."""
        if not is_running and self.state in ("running", "paused") and self.ended is None:
            self.state = "interrupted"

    def summary(self) -> dict[str, Any]:
        """The run in a few numbers, as ``summary.json`` and ``workbench train --json`` give it."""
        last = self.epochs[-1] if self.epochs else None
        busy = sum(epoch.seconds for epoch in self.epochs)
        samples = sum(epoch.train.get("samples", 0.0) for epoch in self.epochs)
        return {
            "status": self.state,
            "attempt": self.attempt,
            "epochs": self.epoch,
            "steps": self.step,
            "total_epochs": self.started.epochs if self.started else 0,
            "seconds": round(self.seconds, 3),
            "samples_per_second": round(samples / busy, 1) if busy > 0 else 0.0,
            "train": dict(last.train) if last else {},
            "val": dict(last.val) if last else {},
            "best": self._best_summary(),
            "initial_weights": self.initial_weights,
            "first_batches": self.first_batches,
        }

    def _best_summary(self) -> dict[str, Any] | None:
        if self.best is None:
            return None
        file = next((c.file for c in reversed(self.checkpoints) if c.step == self.best.step), None)
        best = {"epoch": self.best.epoch, "metric": self.best.metric, "value": self.best.value}
        return {**best, "checkpoint": f"checkpoints/{file}" if file else None}

    def _start(self, event: Started) -> None:
        self._begin = self._begin or event.time
        self._before, self._attempt_begin = self.seconds, event.time
        self.started, self.ended, self.state, self.pausing = event, None, "running", False
        self.initial_weights = event.initial_weights or self.initial_weights
        self.first_batches = event.first_batches or self.first_batches
        self.phase, self.phase_share, self._pace_start = "", None, None
        self._rewind(event.from_step)
        self.recoveries = [recovery for recovery in self.recoveries if recovery.from_step <= event.from_step]
        self._log(event.time, "info", event.continued or f"started on {event.device}, {event.precision}")
        if event.format > FORMAT:
            text = "This run is written by a newer version of the program: what this version does not know is not shown"
            self._log(event.time, "warning", text)

    def _rewind(self, step: int) -> None:
        """Drops what is beyond ``step``: it is no longer part of the run."""
        self.step = step
        for series in self.curves.all():
            series.drop_beyond(step)
        self.epochs = [epoch for epoch in self.epochs if epoch.step <= step]
        self.epoch = self.epochs[-1].epoch if self.epochs else 0
        if self.best is None or self.best.step > step:
            self.best = None
            for epoch in self.epochs:
                self._update_best(epoch)

    def _recover(self, event: Recovered) -> None:
        self._rewind(event.from_step)
        self._pace_start = None
        self.recoveries.append(event)
        self._log(event.time, "warning", event.text)

    def _scalars(self, event: Scalars) -> None:
        if not event.step:
            return
        if self._pace_start is None:
            self._pace_start = (event.time, event.step[-1])
        self._last_time = event.time
        self.step, self.phase, self.phase_share = event.step[-1], "", None
        curves = self.curves
        curves.loss.extend(event.step, event.loss)
        for series, values in ((curves.loss_min, event.loss_min), (curves.loss_max, event.loss_max)):
            series.extend(event.step, values or event.loss)
        if event.metric:
            curves.metric.extend(event.step, event.metric)
        if event.lr:
            curves.lr.extend(event.step, event.lr)
        curves.grad_norm.extend(event.grad_step, event.grad_norm)
        for name, values in event.layer_norms.items():
            curves.layers.setdefault(name, PointSeries()).extend(event.layer_step, values)
        if event.samples_per_second > 0:
            self.samples_per_second = event.samples_per_second
            curves.throughput.append(event.step[-1], event.samples_per_second)

    def _epoch(self, event: Epoch) -> None:
        self.epochs.append(event)
        self.epoch, self.step = event.epoch, event.step
        self.phase, self.phase_share = "", None
        for results, curves in ((event.train, self.curves.train), (event.val, self.curves.val)):
            for metric, value in results.items():
                curves.setdefault(metric, PointSeries()).append(event.step, value)
        self._update_best(event)
        if event.skipped:
            text = f"epoch {event.epoch}: fp16 skipped {event.skipped} steps because their gradients overflowed"
            self._log(event.time, "info", text)

    def _update_best(self, event: Epoch) -> None:
        if event.best and self.started is not None:
            part, _, metric = self.started.monitor.partition(" ")
            results = event.val if part == "val" else event.train
            if metric not in results and event.attempt == 0:
                return  # a branch may monitor something that its parent did not measure
            value = results.get(metric, math.nan)
            self.best = Best(event.epoch, event.step, self.started.monitor, value)

    def _memory(self, event: Memory) -> None:
        self.memory, self.ram, self.ram_total = event.devices, event.ram, event.ram_total
        since = event.time - self._begin if self._begin else 0.0
        for device in event.devices:
            run, everyone = self.memory_curves.setdefault(device.name, (PointSeries(), PointSeries()))
            run.append(since, device.allocated)
            everyone.append(since, device.used)

    def _command(self, event: CommandDone) -> None:
        if event.accepted and event.name in ("pause", "unpause"):
            self.pausing = not event.done
            if event.done:
                self.state = "paused" if event.name == "pause" else "running"
                self._pace_start = None
        elif event.name == "pause":
            self.pausing = False
        self._log(event.time, "info" if event.accepted else "warning", event.text or f"{event.name}: done")

    def _end(self, event: Ended) -> None:
        self.ended, self.state, self.pausing = event, event.status, False
        self.phase, self.phase_share = "", None
        self.step = max(self.step, event.step)
        self._attempt_begin = 0.0
        text = ". ".join(part for part in (event.what or event.status, event.hint) if part)
        self._log(event.time, "error" if event.status == "failed" else "info", text)

    def _log(self, time: float, level: str, text: str) -> None:
        self.log.append(LogLine(time, level, text))
        del self.log[:-LOG_LINES]
