"""The proof that a run continues exactly: steps before its newest checkpoint, taken again from the checkpoint before them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.engine.attempts.resume import differing_parts
from workbench.engine.checkpoint import format
from workbench.engine.reporting.metrics import Sums
from workbench.engine.reporting.reporter import Reporter, StepLog
from workbench.engine.runtime.failures import FailedError, RefusedError
from workbench.engine.runtime.state_types import CheckpointState, PositionState
from workbench.engine.training.control import Control, Decision
from workbench.engine.training.loop import Trainer
from workbench.engine.training.nonfinite import NonFiniteError
from workbench.engine.training.resumable_state import TrainState
from workbench.runs.checkpoints import list_checkpoints
from workbench.runs.events import significant
from workbench.runs.folder import RunFolder
from workbench.runs.series import PointSeries

LOSS_TOLERANCE = 6e-6
"""Relative: what a run reports of its losses has six significant digits, half a unit of the last of which is lost."""


@dataclass(frozen=True)
class Proof:
    """What replaying steps has shown."""

    text: str
    holds: bool


@dataclass
class _Losses:
    """The mean loss of every step, over all processes."""

    by_step: dict[int, float] = field(default_factory=dict)

    def add(self, steps: list[int], table: Sums) -> None:
        """Records the steps of a flush."""
        means = (table[:, 1] / np.maximum(table[:, 0], 1.0)).tolist()
        self.by_step.update(zip(steps, means, strict=True))


class _ReplayBoundary:
    """Every step is a boundary, the last of them can be any. Nothing is saved or reported: it is all there already.

    Ends where the steps are to end, and when somebody wants the run to leave: what that was stays for the run itself.
    """

    def __init__(self, state: TrainState, log: StepLog, control: Control | None, end: PositionState) -> None:
        self._position, self._log, self._control, self._end = state.position, log, control, end
        self._state = state

    def begin_epoch(self) -> None:
        self._log.restart_clock()

    def is_due(self) -> bool:
        return True

    def cross(self) -> Decision | None:
        self.end_steps()
        leaves = self._state.parts.world.broadcast(self.is_at_end() or self.wants_to_leave())
        return Decision(stop=True) if leaves else None

    def end_steps(self) -> None:
        self._state.check_device()
        self._log.flush()

    def wants_to_leave(self) -> bool:
        return self._control is not None and self._control.wants_to_leave()

    def leave_evaluation(self) -> Decision | None:
        return Decision(stop=True)

    def end_epoch(self, best: bool) -> Decision | None:
        return self.cross()

    def is_at_end(self) -> bool:
        """Whether the steps are where they are to end, or beyond."""
        return self._position.step > self._end["step"] or _coordinates(self._position.state_dict()) == _coordinates(
            self._end
        )


def replay(
    state: TrainState,
    folder: RunFolder,
    saved: CheckpointState,
    steps: int,
    reporter: Reporter | None,
    control: Control | None,
) -> Proof:
    """Takes the last ``steps`` steps before ``saved`` again, or some more, from the newest checkpoint that lies so far back.

    Compares their losses with those that the run has reported, and the state at the end. Every process calls it; the run's parts
    are left as the steps leave them, to be restored from ``saved``.
    """
    end = saved["position"]
    before = _checkpoint_before(state, folder, end["step"], steps)
    if before is None:
        return Proof("nothing was replayed: no checkpoint of this run lies before this one (output.keep)", False)
    first = before["position"]["step"]
    change = _changed_between(before, saved, state.parts.world.size)
    if change:
        return Proof(f"the steps from {first} to {end['step']} cannot be replayed: {change}", False)
    if reporter is not None:
        reporter.phase(f"replaying steps {first + 1:,} to {end['step']:,}")
    losses = _Losses()
    parts = state.parts
    log = StepLog(None, parts.world, parts.task, parts.device)
    log.observers.append(losses.add)
    again = TrainState(parts, log, replace(state.metrics.early_stopping), end["epoch"] + 1)
    again.restore(before)
    trouble = _run_steps(Trainer(parts, again, log, _ReplayBoundary(again, log, control, end)))
    differing = differing_parts(again.capture(), saved)
    if parts.train_step.guard is not None:
        parts.train_step.guard.reset()
    what = f"{end['step'] - first} steps from step {first}"
    if trouble:
        return Proof(f"the replay of {what} ended early: {trouble}", False)
    if _coordinates(again.position.state_dict()) != _coordinates(end):
        return Proof(f"the replay of {what} was interrupted at step {again.position.step}", False)
    # Only the main process reports the result, and only it has the curve.
    curve = reporter.progress.curves.loss if reporter is not None else PointSeries()
    difference = _first_other_loss(losses.by_step, curve, first, end["step"])
    if not differing and not difference:
        return Proof(f"{what} were replayed: the same losses, the same state", True)
    differences = [difference, f"{', '.join(differing)} differ at the end" if differing else ""]
    return Proof(f"{what} were replayed, and {' and '.join(filter(None, differences))}", False)


def _coordinates(position: PositionState) -> tuple[int, int, int]:
    return position["epoch"], position["batch"], position["step"]


def _checkpoint_before(state: TrainState, folder: RunFolder, end: int, steps: int) -> CheckpointState | None:
    """The newest sound checkpoint of the run itself that lies ``steps`` back; else its oldest. The main process chooses."""
    earlier = [info for info in list_checkpoints(folder.checkpoints) if info.step < end]
    far = [info for info in earlier if info.step <= end - steps]
    candidates = [*reversed(far), *[info for info in earlier if info not in far]]
    for info in state.parts.world.broadcast(candidates):
        try:
            saved = format.load(info.path)
        except RefusedError:
            continue
        if saved["config"] == state.parts.config.as_data():
            return saved
    return None


def _changed_between(before: CheckpointState, saved: CheckpointState, processes: int) -> str:
    """What makes the steps between two checkpoints others than those that would be taken now; empty when nothing does."""
    if len(before["random"]) != processes:
        return f"they were taken by {len(before['random'])} processes, and now there are {processes}"
    if before.get("data") != saved.get("data"):
        return "the data or the size of a step were changed in between"
    if before["schedule"]["base"] != saved["schedule"]["base"]:
        return "the learning rate was changed by hand in between"
    was, now = ({**state.get("recovery", {}), "skipped": 0} for state in (before, saved))
    return "the run recovered in between, from memory that ran out or from numbers that were not finite" * (was != now)


def _run_steps(trainer: Trainer) -> str:
    """Steps on to the end. What was in the way; empty when nothing was."""
    trainer.parts.model.train()
    try:
        while (trainer.train_epoch() or trainer.finish_epoch()) is None:
            continue
    except NonFiniteError as error:
        trainer.parts.train_step.zero_grad()
        return f"the numbers of step {error.step} are not finite"
    except FailedError as error:
        return error.failure.what
    return ""


def _first_other_loss(losses: dict[int, float], curve: PointSeries, first: int, end: int) -> str:
    """The first point of the curve that the replayed steps do not reproduce, as a sentence. A point is the mean of its steps."""
    start = first
    for step, loss in zip(curve.x.tolist(), curve.y.tolist(), strict=True):
        if not first < step <= end:
            continue
        again = float(np.mean([losses.get(number, float("nan")) for number in range(start + 1, int(step) + 1)]))
        if not math.isclose(again, loss, rel_tol=LOSS_TOLERANCE, abs_tol=1e-12):
            return f"the loss of step {int(step)} is {significant(again):g} instead of {significant(loss):g}"
        start = int(step)
    return ""
