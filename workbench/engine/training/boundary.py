"""Between two steps: a run reports, listens to commands, obeys them, and saves. Every process is here at the same step."""

from __future__ import annotations

import time
from typing import Protocol

from workbench.engine.checkpoint.saver import REQUESTED, Saver
from workbench.engine.reporting.reporter import StepLog
from workbench.engine.training.control import Control, Decision
from workbench.engine.training.resumable_state import TrainState

EXCHANGES_PER_SECOND = 10
REST_UNTIL_SPACE = "paused: the disk is full. The run continues by itself when there is space"
TIMED_STEPS = 10
"""Steps after which several processes agree on how many steps lie between two exchanges."""


class Boundary(Protocol):
    """What the training loop does between two steps and after an epoch. A decision, where one is given, is to leave the loop."""

    def begin_epoch(self) -> None:
        """The steps of an epoch, or what is left of them, are about to be taken."""
        ...

    def is_due(self) -> bool:
        """Whether to stop by after the step that is about to be taken."""
        ...

    def cross(self) -> Decision | None:
        """Between two steps, where that was due."""
        ...

    def end_steps(self) -> None:
        """The last step of the epoch was taken."""
        ...

    def wants_to_leave(self) -> bool:
        """Whether an evaluation is to be broken off."""
        ...

    def leave_evaluation(self) -> Decision | None:
        """An evaluation was broken off."""
        ...

    def end_epoch(self, best: bool) -> Decision | None:
        """An epoch is complete, validated and reported. ``best``: it is the best so far."""
        ...


class RunBoundary:
    """The boundary of a run: reports, commands, checkpoints. ``control`` is there on the main process only."""

    def __init__(self, state: TrainState, log: StepLog, saver: Saver, control: Control | None) -> None:
        self._state = state
        self._log = log
        self._saver = saver
        self._control = control
        self._world = state.parts.world
        self._exchange_every = 0
        """Steps between two exchanges of several processes; 0 until they have agreed on it."""
        self._timed_from = time.monotonic()

    def begin_epoch(self) -> None:
        """See :class:`Boundary`."""
        self._log.epoch = self._state.position.epoch
        self._log.restart_clock()
        self._timed_from = time.monotonic()

    def is_due(self) -> bool:
        """By time when alone, every k-th step when several must agree, and at every step that is to be saved."""
        position = self._state.position
        is_saved = self._saver.is_due_at(position.step + 1)
        if self._world.size == 1:
            return is_saved or self._log.is_due()
        if self._exchange_every:
            return is_saved or (position.step + 1) % self._exchange_every == 0
        if (position.batch + 1) % TIMED_STEPS == 0:
            seconds = max((time.monotonic() - self._timed_from) / TIMED_STEPS, 1e-6)
            self._exchange_every = int(self._world.broadcast(max(1, round(1 / (EXCHANGES_PER_SECOND * seconds)))))
            return True
        return is_saved

    def cross(self) -> Decision | None:
        """Reports, listens and obeys, and saves where that is due."""
        self.end_steps()
        decision = self._obey(self._listen())
        if decision is None:
            self._saver.save_step(self._state)
        self._log.restart_clock()
        self._timed_from = time.monotonic()
        return decision

    def end_steps(self) -> None:
        """Reports the steps. Raises NonFiniteError for what the device left out by itself."""
        self._state.check_device()
        self._state.position.seconds += self._log.flush()

    def wants_to_leave(self) -> bool:
        """Whether a stop or a pause waits."""
        return self._control is not None and self._control.wants_to_leave()

    def leave_evaluation(self) -> Decision | None:
        """Obeys what the evaluation was broken off for."""
        return self._obey(self._control.poll()) if self._control is not None else None

    def end_epoch(self, best: bool) -> Decision | None:
        """Saves where that is due. An epoch may be shorter than the time between two reports: the run listens here too."""
        self._saver.save_epoch(self._state, best)
        self._summarize()
        position = self._state.position
        return self._obey(self._listen()) if position.epoch < position.epochs else None

    def save_until_safe(self, why: str) -> Decision | None:
        """Saves, and rests while the disk refuses. Gives a decision to leave, or None to continue."""
        while not self._world.broadcast(self._saver.save(self._state, why)):
            decision = self._rest()
            if decision is not None:
                return decision
        return None

    def save_before_leaving(self, decision: Decision) -> bool:
        """Saves a run that is left. False when the disk refused."""
        return self._saver.save(self._state, "stop" if decision.stop else "pause")

    def _listen(self) -> Decision:
        """What every process is to do now. A disk that refused a checkpoint lets the run pause until there is space."""
        decision = self._control.poll() if self._control is not None else Decision()
        decision.disk_full = self._saver.refused
        shared: Decision = self._world.broadcast(decision)
        return shared

    def _obey(self, decision: Decision) -> Decision | None:
        """Does what a decision says. Gives it back when the run is to be left."""
        if not decision:
            return None
        self._apply_settings(decision)
        if decision.leaves:
            return decision
        if decision.save:
            self._saver.save(self._state, REQUESTED)
        if decision.disk_full and not decision.pause:
            return self.save_until_safe("after a full disk")
        if decision.pause:
            self._saver.save(self._state, "pause")
            return self._rest()
        return None

    def _apply_settings(self, decision: Decision) -> None:
        """Applies new values of live settings; a state of this step that was saved already is then no longer the newest."""
        if decision.values:
            self._state.parts.lr_schedule.set_base_lr(decision.values["optimizer.lr"])
            self._saver.mark_changed()

    def _rest(self) -> Decision | None:
        """Waits while the run is paused. Gives a decision to leave, or None to continue."""
        if self._control is not None:
            self._control.acknowledge_pause(REST_UNTIL_SPACE if self._saver.refused else "paused, checkpoint saved")
        self._summarize()
        # A person may take days to come back, or a disk to be cleared: longer than any rank waits for a collective.
        decision: Decision = self._world.broadcast_when_done(self._wait_for_unpause)
        self._apply_settings(decision)
        # The table of runs reads the summary: it is not to call a run paused that trains for hours until its epoch ends.
        self._summarize()
        return decision if decision.leaves else None

    def _wait_for_unpause(self) -> Decision:
        """Waits on the main process until a command, or space on the disk, ends the pause."""
        if self._control is None:
            return Decision()
        return self._control.wait_for_unpause(self._saver.has_space if self._saver.refused else None)

    def _summarize(self) -> None:
        if self._log.reporter is not None:
            self._log.reporter.summarize()
