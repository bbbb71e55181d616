"""What becomes of a run whose numbers are not finite: it ends, or goes back to its last good checkpoint and continues with a
lower learning rate or with clipped gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.engine.checkpoint import format
from workbench.engine.checkpoint.saver import Saver
from workbench.engine.reporting.reporter import StepLog
from workbench.engine.runtime.failures import Failure, RefusedError
from workbench.engine.runtime.state_types import CheckpointState
from workbench.engine.training.memory_recovery import StepBackup
from workbench.engine.training.nonfinite import NonFiniteError
from workbench.engine.training.nonfinite_report import first_nonfinite
from workbench.engine.training.resumable_state import TrainState, fit_to_data
from workbench.runs.checkpoints import list_checkpoints
from workbench.runs.events import Recovered

MAX_RETURNS = 3
"""Times that a run goes back to a checkpoint by itself because of numbers."""
BACKOFF = 0.1
"""What the learning rate, or the largest norm of the gradient, is multiplied by at each return."""
FIRST_CLIP_NORM = 1.0
"""The largest norm of the gradient after the first return of a run that did not clip."""


class LRBackoff:
    """Decides for a run, on every process at the same step."""

    def __init__(self, state: TrainState, saver: Saver, log: StepLog, backup: StepBackup) -> None:
        self._state = state
        self._saver = saver
        self._log = log
        self._backup = backup
        self._mode = state.parts.config.training.on_nonfinite

    def save_beginning(self) -> None:
        """Saves a run's beginning, where it may have to go back to it."""
        if self._mode != "stop" and self._state.position.step == 0:
            self._saver.save(self._state, "beginning")

    def recover(self, error: NonFiniteError) -> Failure | None:
        """Goes back to the last good checkpoint and gives None, or gives the failure that the run ends with."""
        parts, position = self._state.parts, self._state.position
        parts.train_step.zero_grad()
        self._log.recorder.discard_from(error.step)
        # Reported before the cause is searched for: the steps before this one are part of the run.
        self._log.flush()
        cause = first_nonfinite(parts, position, self._backup, error)
        what = f"step {error.step} has numbers that are not finite: first {cause}. " + (
            "The weights of this step are not saved" if error.taken else "It was not taken"
        )
        if not error.taken:
            # What the device has left out was counted.
            position.rewind_to(error.step - 1)
        self._saver.flush()
        good = self._last_good_state()
        if self._mode == "stop" or self._state.recovery.returns >= MAX_RETURNS or good is None:
            details = f"step {error.step}, epoch {position.epoch + 1}, {parts.world.size} processes"
            return Failure(what, self._hint(good), details)
        self._go_back(error.step, what, good)
        return None

    def _hint(self, good: CheckpointState | None) -> str:
        back = f"Go back to the last good checkpoint (step {good['position']['step']})" if good else "Start again"
        change = "with a lower learning rate (optimizer.lr) or with clipping (training.clip_norm)"
        if self._mode == "stop":
            return f"{back} {change}; training.on_nonfinite = lower_lr or clip does so by itself"
        if self._state.recovery.returns:
            returns = self._state.recovery.returns
            return f"The run went back {returns} times by itself. {back} {change}, or check the data"
        return f"No checkpoint is there to go back to. {back} {change}"

    def _last_good_state(self) -> CheckpointState | None:
        """The newest sound checkpoint whose weights are finite. The main process has written what it had to."""
        self._state.parts.world.broadcast(None)
        for info in reversed(list_checkpoints(self._saver.folder)):
            try:
                saved = format.load(info.path)
            except RefusedError:
                continue
            if all(bool(torch.isfinite(value).all()) for value in saved["model"].values() if _has_fractions(value)):
                return saved
        return None

    def _go_back(self, step: int, what: str, good: CheckpointState) -> None:
        """Puts the run back to a checkpoint, with a lower learning rate or a smaller norm, and saves that there."""
        state = self._state
        train_step, schedule = state.parts.train_step, state.parts.lr_schedule
        # What was set in the run or learned by it since that checkpoint stays.
        learned = state.recovery.state_dict()
        learned["returns"] += 1
        learned["skipped"] = good["recovery"]["skipped"] if "recovery" in good else 0
        fitted, _ = fit_to_data(good, state.parts.data_fingerprint)
        state.restore({**fitted, "recovery": learned, "schedule": {**good["schedule"], "base": schedule.base_lr}})
        if self._mode == "lower_lr":
            schedule.lr_backoff *= BACKOFF
            how = f"a learning rate of {schedule.lr_at(state.planned_step):.3g}"
        else:
            clip_norm = train_step.clip_norm
            train_step.clip_norm = FIRST_CLIP_NORM if clip_norm is None else clip_norm * BACKOFF
            how = f"gradients clipped to a norm of {train_step.clip_norm:.3g}"
        if train_step.guard is not None:
            train_step.guard.reset()
        done = state.position.step
        returns = f"{state.recovery.returns} of {MAX_RETURNS} returns"
        text = f"{what}. The run goes back to step {done}, with {how} ({returns})"
        if self._log.reporter is not None:
            self._log.reporter.report(Recovered(why="numbers", step=step, from_step=done, text=text))
        self._log.restart_clock()
        self._saver.mark_changed()
        self._saver.save(state, "went back")


def _has_fractions(value: object) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()
