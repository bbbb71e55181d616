"""Everything that makes a run continue exactly: one list of stateful parts, one capture, one restore.

Resume, branch, the return after numbers that were not finite, and the proof of a resume all use these two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import torch

from workbench.engine.checkpoint import format
from workbench.engine.data import fitted
from workbench.engine.reporting.metrics import Sums
from workbench.engine.reporting.reporter import StepLog
from workbench.engine.runtime import seeding
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.runtime.state_types import (
    CheckpointInfoFields,
    CheckpointState,
    MetricsState,
    PositionState,
    RandomState,
)
from workbench.engine.tasks.task import Task
from workbench.engine.training.build import Parts
from workbench.engine.training.early_stopping import EarlyStopping
from workbench.engine.training.nonfinite import NonFiniteError, weights_are_finite
from workbench.engine.training.recovery import Recovery

SUMS_FORMAT = 2
"""Of the sums that a checkpoint keeps. 1, without a number, has the targets of a regression in one."""


class Stateful(Protocol):
    """A part of a run with state of its own."""

    def state_dict(self) -> Any:
        """Its state as plain data and tensors."""
        ...

    def load_state_dict(self, state: Any, /) -> Any:
        """Puts back what :meth:`state_dict` gave."""
        ...


@dataclass
class Position:
    """How far a run is: epochs completed, steps done in the current epoch, steps done in all."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    """Seconds of training in the current epoch."""
    epochs: int = 0
    """The epochs after which the run is complete. Whoever starts an attempt decides it: it is saved, and not restored."""

    def advance(self) -> None:
        """Counts a step."""
        self.step += 1
        self.batch += 1

    def rewind_to(self, step: int) -> None:
        """Takes back steps of the current epoch that were not taken after all."""
        self.batch -= self.step - step
        self.step = step

    def state_dict(self) -> PositionState:
        """What a checkpoint keeps."""
        return cast("PositionState", dict(vars(self)))

    def load_state_dict(self, state: PositionState) -> None:
        """Puts back what :meth:`state_dict` gave."""
        vars(self).update({**state, "epochs": self.epochs})


class RunningMetrics:
    """Sums over the current epoch, the metrics of the last complete one, and the best."""

    def __init__(self, sums: Sums, task: Task, early_stopping: EarlyStopping) -> None:
        self.sums = sums
        """Over all processes, (columns,); see the task."""
        self._task = task
        self.early_stopping = early_stopping
        self.last: dict[str, dict[str, float]] = {}
        """``train`` and ``val`` metrics of the last complete epoch."""

    def state_dict(self) -> MetricsState:
        """What a checkpoint keeps."""
        last = cast("MetricsState", self.last)
        monitor = self.early_stopping.state_dict()
        return {**last, "sums": self.sums.tolist(), "sums_format": SUMS_FORMAT, "monitor": monitor}

    def load_state_dict(self, state: MetricsState) -> None:
        """Puts back what :meth:`state_dict` gave. Version 0.1 kept other sums."""
        self.last = {split: state[split] for split in ("train", "val") if split in state}
        sums = np.array(state["sums"], dtype=np.float64)
        if not sums[0]:
            self.sums[:] = 0.0
        else:
            self.sums[:] = sums if state.get("sums_format") == SUMS_FORMAT else self._task.from_former_sums(sums)
        self.early_stopping.load_state_dict(state["monitor"])


class RandomStates:
    """The random streams of every process, in the order of their ranks. Every process calls both."""

    def __init__(self, world: World, device: torch.device, seed: int, position: Position) -> None:
        self._world = world
        self._device = device
        self._seed = seed
        self._position = position

    def state_dict(self) -> list[RandomState]:
        """The streams of all."""
        return self._world.all_gather(seeding.random_states(self._device))

    def load_state_dict(self, state: list[RandomState]) -> None:
        """Puts back what :meth:`state_dict` gave; another number of processes starts new streams from seed, step and rank."""
        if len(state) == self._world.size:
            seeding.restore_random_states(state[self._world.rank], self._device)
        else:
            seeding.seed_everything(self._seed, "resumed", self._position.step, self._world.rank)


class TrainState:
    """The state of a run at a step boundary, by the names that its parts have in a checkpoint."""

    def __init__(self, parts: Parts, log: StepLog, early_stopping: EarlyStopping, epochs: int) -> None:
        self.parts = parts
        self.position = Position(epochs=epochs)
        self.metrics = RunningMetrics(log.sums, parts.task, early_stopping)
        self.recovery = Recovery(parts.train_step, parts.lr_schedule)
        random = RandomStates(parts.world, parts.device, parts.config.training.seed, self.position)
        # In the order in which they are restored: averages begin at the weights, random streams come last.
        self.stateful: dict[str, Stateful | None] = {
            "model": parts.model,
            "optimizer": parts.optimizer,
            "ema": parts.ema,
            "scaler": parts.train_step.precision,
            "schedule": parts.lr_schedule,
            "position": self.position,
            "metrics": self.metrics,
            "recovery": self.recovery,
            "random": random,
        }

    def capture(self) -> CheckpointState:
        """The whole state, copied to main memory: the content of a checkpoint. Every process calls it."""
        parts, source = self.parts, self.parts.source
        state = {
            "format": format.FORMAT,
            "config": parts.config.as_data(),
            "versions": {"torch": str(torch.__version__), "device": str(parts.device), "processes": parts.world.size},
            "classes": list(source.task.classes),
            "preprocessing": source.preprocessing,
            "data": parts.data_fingerprint,
            "task": fitted.to_state(source),
            **{name: _copy(part.state_dict()) if part is not None else {} for name, part in self.stateful.items()},
        }
        return cast("CheckpointState", state)

    def restore(self, saved: CheckpointState) -> None:
        """Puts back what :meth:`capture` gave. Every process calls it. Raises RefusedError for a state of another model."""
        for name, part in self.stateful.items():
            if part is None:
                continue
            try:
                part.load_state_dict(cast("dict[str, object]", saved).get(name, {}))
            except (RuntimeError, ValueError, KeyError) as error:
                what = f"the checkpoint does not fit this run ({name}): {error}"
                raise RefusedError(what, "open it with its own settings") from error

    @property
    def planned_step(self) -> int:
        """How far the schedule's plan is: whole epochs as they are cut now, and the batches of this one.

        Not the steps made: a run that continues with other batches, data or processes has epochs of another length behind it.
        """
        return self.position.epoch * self.parts.plan.steps + self.position.batch

    @property
    def at_best_epoch(self) -> bool:
        """Whether the run stands at the end of its best epoch so far."""
        return self.position.batch == 0 and self.position.epoch > 0 and self.metrics.early_stopping.waited == 0

    def describe(self, why: str, best: bool) -> CheckpointInfoFields:
        """What is written beside a checkpoint of this state."""
        value = self.metrics.early_stopping.best if best else None
        return {"epoch": self.position.epoch, "why": why, "best": best, "value": value, "metrics": self.metrics.last}

    def require_finite(self) -> None:
        """Raises NonFiniteError where the weights are not finite: such a state is neither judged nor saved."""
        if not weights_are_finite(self.parts.model):
            raise NonFiniteError(self.position.step, taken=True)

    def check_device(self) -> None:
        """Reads what the device did by itself since the last time. Raises NonFiniteError."""
        guard = self.parts.train_step.guard
        if guard is not None:
            self.recovery.skipped += guard.read_scaler_skips()
            guard.check_device(self.position.step)


def restart_epoch(saved: CheckpointState) -> CheckpointState:
    """A captured state at the first batch of its epoch, whose batches are no longer those that it began with."""
    position: PositionState = {**saved["position"], "batch": 0, "seconds": 0.0}
    return {
        **saved,
        "position": position,
        "metrics": {**saved["metrics"], "sums": [0.0] * len(saved["metrics"]["sums"])},
    }


def fit_to_data(saved: CheckpointState, data_now: dict[str, Any]) -> tuple[CheckpointState, str]:
    """A captured state for the data as they are now, and a text of how they and the steps differ; then the epoch starts over."""
    was = saved.get("data")
    # Files of another stamp may hold the same samples: that is told, and the epoch continues.
    if was is None or {**was, "stamp": ""} == {**data_now, "stamp": ""}:
        return saved, ""
    names = {"train": "training samples", "val": "validation samples", "per_step": "samples a step"}
    changes = [
        f"{data_now[key]:,} {name} instead of {was[key]:,}" for key, name in names.items() if data_now[key] != was[key]
    ]
    restarted = [f"epoch {saved['position']['epoch'] + 1} started over"] if saved["position"]["batch"] > 0 else []
    return restart_epoch(saved), " and ".join([*(changes or ["data other than before"]), *restarted])


def changed_files(saved: CheckpointState, stamp: str) -> str:
    """A warning where files of the data changed since a checkpoint; empty where they did not, or where it is not known."""
    before = (saved.get("data") or {}).get("stamp", "")
    if not before or not stamp or before == stamp:
        return ""
    return (
        "files of the data changed since the checkpoint was saved (other sizes or times of change): results may differ"
    )


def _copy(value: Any) -> Any:
    """Nested state with every tensor copied to main memory."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy(item) for item in value]
    return value
