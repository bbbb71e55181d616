"""The proof that a run goes on exactly: steps before its newest checkpoint, taken again from the checkpoint before them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.engine.checkpoint import format
from workbench.engine.checkpoint.saver import Saver, capture, differing, restore
from workbench.engine.reporting.metrics import add_rows
from workbench.engine.reporting.reporter import StepLog
from workbench.engine.runtime.failures import FailedError, RefusedError
from workbench.engine.training.control import Control, Decision
from workbench.engine.training.loop import Position, Run, finish_epoch, train_epoch
from workbench.engine.training.nonfinite import NonFiniteError
from workbench.runs.checkpoints import list_checkpoints
from workbench.runs.events import significant
from workbench.runs.folder import RunFolder
from workbench.runs.series import Series

LOSS_TOLERANCE = 6e-6
"""Relative: what a run tells of its losses has six significant digits, half a unit of the last of which is lost."""


class _Losses(StepLog):
    """Keeps the loss of every step, and tells nobody."""

    def __init__(self, run: Run) -> None:
        super().__init__(None, run.world, run.parts.source.task, run.parts.device)
        self._run = run
        self.found: dict[int, float] = {}

    def due(self) -> bool:
        """Every step is a boundary: the last of them can be any."""
        return True

    def flush(self) -> None:
        """Adds the steps up over all processes. Every process calls it at the same step."""
        steps, table = self.recorder.take()
        if steps:
            table = self._run.world.all_reduce_sum(table)
            add_rows(self.sums, table)
            self.found.update(zip(steps, (table[:, 1] / np.maximum(table[:, 0], 1.0)).tolist(), strict=True))
        self.recorder.take_norms()
        self.recorder.rates.clear()
        self.recorder.layers.clear()


class _Unsaved(Saver):
    """Steps that are taken again are saved already."""

    def epoch_done(self, run: Run, best: bool) -> None:
        """Saves nothing."""

    def between_steps(self, run: Run) -> None:
        """Saves nothing."""


class _Ear(Control):
    """Hears that the steps are done, and whether somebody wants the run to leave: what that was stays for the run itself."""

    def __init__(self, control: Control, position: Position, end: dict[str, Any]) -> None:
        self._control, self._position, self._end = control, position, end

    def poll(self) -> Decision:
        """*Stop*, at the end or when something waits for the run."""
        return Decision(stop=self.done() or self.wants_to_leave())

    def wants_to_leave(self) -> bool:
        """Whether a stop or a pause waits for the run."""
        return self._control.wants_to_leave()

    def done(self) -> bool:
        """Whether the steps are where they are to end, or beyond."""
        here, end = self._position, self._end
        return here.step > end["step"] or (here.epoch, here.batch, here.step) == (
            end["epoch"],
            end["batch"],
            end["step"],
        )


@dataclass(frozen=True)
class Proof:
    """What taking steps again has shown."""

    text: str
    holds: bool


def replay(run: Run, folder: RunFolder, state: dict[str, Any], steps: int) -> Proof:
    """Takes the last ``steps`` steps before ``state`` again, or some more, from the newest checkpoint that lies so far back.

    Compares their losses with those that the run has told, and the state at the end. Every process calls it; the run is left as
    the steps leave it, to be restored from ``state``.
    """
    end = state["position"]
    before = _before(run, end["step"], steps)
    if before is None:
        return Proof("nothing was replayed: no checkpoint of this run lies before this one (output.keep)", False)
    began = before["position"]["step"]
    words = _changed_between(before, state, run.world.size)
    if words:
        return Proof(f"the steps from {began} to {end['step']} cannot be replayed: {words}", False)
    if run.reporter is not None:
        run.reporter.phase(f"replaying steps {began + 1:,} to {end['step']:,}")
    flow = _Losses(run)
    unsaved = _Unsaved(folder, False, 1)
    again = Run(run.parts, flow, unsaved, end["epoch"] + 1, replace(run.monitor))
    again.every = 1
    if run.control is not None:
        again.control = _Ear(run.control, again.position, end)
    restore(again, before)
    trouble = _take(again)
    parts = run.parts
    reached = (again.position.epoch, again.position.batch, again.position.step)
    differs = differing(capture(again), state)
    if parts.stepper.guard is not None:
        parts.stepper.guard.forget()
    count = end["step"] - began
    if trouble:
        return Proof(f"the replay of {count} steps from step {began} ended early: {trouble}", False)
    if reached != (end["epoch"], end["batch"], end["step"]):
        return Proof(
            f"the replay of {count} steps from step {began} was broken off at step {again.position.step}", False
        )
    # Only the leading process says what it found, and only it has the curve.
    told = run.reporter.progress.curves.loss if run.reporter is not None else Series()
    other = _first_other(flow.found, told, began, end["step"])
    if not differs and not other:
        return Proof(f"{count} steps from step {began} were replayed: the same losses, the same state", True)
    found = [other, f"{', '.join(differs)} differ at the end" if differs else ""]
    return Proof(f"{count} steps from step {began} were replayed, and {' and '.join(filter(None, found))}", False)


def _before(run: Run, end: int, steps: int) -> dict[str, Any] | None:
    """The newest sound checkpoint of the run itself that lies ``steps`` back; else its oldest. The leading process chooses."""
    earlier = [info for info in list_checkpoints(run.saver.folder) if info.step < end]
    far = [info for info in earlier if info.step <= end - steps]
    for info in run.world.broadcast([*reversed(far), *[info for info in earlier if info not in far]]):
        try:
            state = format.load(info.path)
        except RefusedError:
            continue
        if state["config"] == run.parts.config.as_data():
            return state
    return None


def _changed_between(before: dict[str, Any], state: dict[str, Any], processes: int) -> str:
    """What makes the steps between two checkpoints others than those that would be taken now; empty when nothing does."""
    if len(before["random"]) != processes:
        return f"they were taken by {len(before['random'])} processes, and now there are {processes}"
    if before.get("data") != state.get("data"):
        return "the data or the size of a step were changed in between"
    if before["schedule"]["base"] != state["schedule"]["base"]:
        return "the learning rate was changed by hand in between"
    was, now = ({**one.get("recovery", {}), "skipped": 0} for one in (before, state))
    return "the run recovered in between, from memory that ran out or from numbers that were not finite" * (was != now)


def _take(run: Run) -> str:
    """Steps on to the end. What was in the way; empty when nothing was."""
    run.parts.model.train()
    try:
        while (train_epoch(run) or finish_epoch(run)) is None:
            continue
    except NonFiniteError as error:
        run.parts.stepper.forget()
        return f"the numbers of step {error.step} are not finite"
    except FailedError as error:
        return error.failure.what
    return ""


def _first_other(found: dict[int, float], told: Series, began: int, end: int) -> str:
    """The first point of the curve that the steps taken again do not come to, in words. A point is the mean of its steps."""
    start = began
    for step, loss in zip(told.x.tolist(), told.y.tolist(), strict=True):
        if not began < step <= end:
            continue
        again = float(np.mean([found.get(one, float("nan")) for one in range(start + 1, int(step) + 1)]))
        if not math.isclose(again, loss, rel_tol=LOSS_TOLERANCE, abs_tol=1e-12):
            return f"the loss of step {int(step)} is {significant(again):g} instead of {significant(loss):g}"
        start = int(step)
    return ""
