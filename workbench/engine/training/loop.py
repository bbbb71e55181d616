"""The training loop: epochs, steps, validation.

Read :class:`Trainer` from top to bottom: an attempt is a loop over epochs, an epoch a loop over steps, and a step is one function
of ``step.py``. What else a run does is one file each: ``boundary.py`` (reports, commands and checkpoints between two steps),
``memory_recovery.py``, ``nonfinite.py``, ``lr_backoff.py``, ``ema.py``, ``early_stopping.py``, ``lr_control.py``. Everything that
a run is at a step boundary is in ``resumable_state.py``, so that a resumed run takes the same steps as one that was never
interrupted.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from workbench.engine.data.unreadable import UnreadableError
from workbench.engine.reporting.reporter import StepLog
from workbench.engine.runtime.failures import FailedError, Failure
from workbench.engine.training import monitor
from workbench.engine.training.boundary import Boundary, RunBoundary
from workbench.engine.training.build import Parts
from workbench.engine.training.control import Decision
from workbench.engine.training.evaluation import evaluate
from workbench.engine.training.linear_equations import linear_equations
from workbench.engine.training.lr_backoff import LRBackoff
from workbench.engine.training.memory_recovery import MemoryRecovery
from workbench.engine.training.nonfinite import NonFiniteError
from workbench.engine.training.resumable_state import TrainState
from workbench.runs.events import Epoch, position_text, significant
from workbench.runs.service.linear_equation import LinearEquation


@dataclass
class AttemptResult:
    """How an attempt ended."""

    status: Literal["completed", "paused", "stopped", "failed"]
    what: str = ""
    hint: str = ""
    details: str = ""
    epoch: int = 0
    step: int = 0
    refused: bool = False
    equations: tuple[LinearEquation, ...] = ()
    """What a linear regression has learned; empty for everything else."""


class Trainer:
    """Trains a run from its position on, on one process."""

    def __init__(self, parts: Parts, state: TrainState, log: StepLog, boundary: Boundary) -> None:
        self.parts = parts
        self.state = state
        self.log = log
        self.boundary = boundary
        self.memory_recovery = MemoryRecovery(parts, log.recorder, log.reporter)

    def train_epochs(self) -> Decision | None:
        """Trains to the last epoch, or until patience ends. A decision when the run is to be left.

        Raises NonFiniteError and FailedError, at the same step on every process.
        """
        self.parts.model.train()
        early_stopping = self.state.metrics.early_stopping
        while self.state.position.epoch < self.state.position.epochs:
            # Asked before an epoch: a run that was left where its patience had ended does not begin another.
            if early_stopping.should_stop:
                self._note(f"stopped early: {early_stopping.name} has not improved for {early_stopping.waited} epochs")
                break
            decision = self.train_epoch() or self.finish_epoch()
            if decision is not None:
                return decision
        return None

    def train_epoch(self) -> Decision | None:
        """The steps that are left of the epoch. A decision when the run is to be left at a step boundary."""
        parts, position, seed = self.parts, self.state.position, self.parts.config.training.seed
        self.boundary.begin_epoch()
        steps = parts.loader.steps(parts.plan, parts.world.rank, seed, position.epoch, position.batch)
        for microbatches in steps:
            lr = parts.lr_schedule.apply(parts.optimizer, self.state.planned_step)
            self.log.recorder.lr[position.step + 1] = lr
            due = self.boundary.is_due()
            self.memory_recovery.run_step(position.step + 1, microbatches, measure_norm=due)
            if parts.ema is not None:
                parts.ema.update()
            position.advance()
            if due and (decision := self.boundary.cross()) is not None:
                return decision
        self.boundary.end_steps()
        return None

    def finish_epoch(self) -> Decision | None:
        """Validates, reports the epoch, and moves on to the next. A decision when the run is to be left."""
        self.state.require_finite()
        results = {"train": self.parts.task.metrics(self.state.metrics.sums)}
        if len(self.parts.source.val):
            validated = self._validate()
            if validated is None:
                return self.boundary.leave_evaluation()
            results["val"] = validated
        return self.boundary.end_epoch(self._close_epoch(results))

    def report_equations(self, result: AttemptResult) -> AttemptResult:
        """Notes what a linear regression has learned, and adds it to the result."""
        equations = linear_equations(self.parts)
        for equation in equations:
            self._note(f"learned: {equation.text}")
        return replace(result, equations=equations)

    def _validate(self) -> dict[str, float] | None:
        """Metrics of the validation split; None when the run is to be left."""
        train_step = self.parts.train_step
        limit = train_step.evaluation_limit
        results = evaluate(self.parts, "val", self.boundary.wants_to_leave)
        if train_step.evaluation_limit != limit:
            fewer = train_step.evaluation_limit
            self._note(f"memory ran out in validation: from here on {fewer} samples at a time", "warning")
        return results

    def _close_epoch(self, results: dict[str, dict[str, float]]) -> bool:
        """Judges and reports the epoch, and moves on. True when it is the best so far."""
        state, position, schedule = self.state, self.state.position, self.parts.lr_schedule
        early_stopping = state.metrics.early_stopping
        state.metrics.last = {
            split: {name: significant(value) for name, value in metrics.items()} for split, metrics in results.items()
        }
        value = early_stopping.value_in(results)
        best = early_stopping.update(value)
        position.epoch, position.batch = position.epoch + 1, 0
        if self.log.reporter is not None:
            self.log.reporter.report(
                Epoch(
                    epoch=position.epoch,
                    step=position.step,
                    train=state.metrics.last["train"],
                    val=state.metrics.last.get("val", {}),
                    lr=significant(schedule.lr_at(max(state.planned_step - 1, 0))),
                    seconds=round(position.seconds, 4),
                    best=best,
                    skipped=state.recovery.skipped,
                )
            )
        position.seconds, state.recovery.skipped = 0.0, 0
        state.metrics.sums[:] = 0.0
        followed = schedule.follows or early_stopping.name
        if schedule.end_epoch(monitor.value_of(followed, results), monitor.is_higher_better(followed)):
            self._note(
                f"no improvement of {followed}: the learning rate is reduced to {schedule.lr_at(state.planned_step):.3g}"
            )
        return best

    def _note(self, text: str, level: str = "info") -> None:
        if self.log.reporter is not None:
            self.log.reporter.note(text, level)


def train(trainer: Trainer, boundary: RunBoundary, backoff: LRBackoff) -> AttemptResult:
    """Trains from the run's position to its end, until a command ends it, or until it cannot continue."""
    while True:
        try:
            backoff.save_beginning()
            decision = trainer.train_epochs() or boundary.save_until_safe("end")
            result = _leave(trainer.state, boundary, decision)
            return trainer.report_equations(result) if decision is None else result
        except NonFiniteError as error:
            nonfinite = error
        except UnreadableError as error:
            return _stop_without_samples(trainer.state, boundary, error.failure)
        except FailedError as error:
            return _failed(trainer.state, error.failure)
        failure = backoff.recover(nonfinite)
        if failure is not None:
            return _failed(trainer.state, failure)


def _leave(state: TrainState, boundary: RunBoundary, decision: Decision | None) -> AttemptResult:
    """How the attempt ends: complete, or saved where a command ended it."""
    position = state.position
    if decision is None:
        what = f"completed: {position.epoch} epoch{'s' if position.epoch != 1 else ''}"
        return AttemptResult("completed", what, epoch=position.epoch, step=position.step)
    status: Literal["stopped", "paused"] = "stopped" if decision.stop else "paused"
    saved = boundary.save_before_leaving(decision)
    hint = "Resume the run to continue from here" if saved else "Free disk space: this state could not be saved"
    what = f"{status} at {position_text(position.epoch, position.step)}"
    return AttemptResult(status, what, hint, epoch=position.epoch, step=position.step)


def _stop_without_samples(state: TrainState, boundary: RunBoundary, failure: Failure) -> AttemptResult:
    """Saves a run whose samples can no longer be read at the step that it took last. Of several processes only this one knows."""
    if state.parts.world.size == 1:
        with suppress(NonFiniteError):
            boundary.end_steps()
            boundary.save_before_leaving(Decision(stop=True))
    return _failed(state, failure)


def _failed(state: TrainState, failure: Failure) -> AttemptResult:
    position = state.position
    return AttemptResult("failed", failure.what, failure.hint, failure.details, position.epoch, position.step)
