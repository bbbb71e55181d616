"""The training loop: epochs, steps, validation, pause, stop, save.

Read :func:`train` first: an attempt is a loop over epochs, an epoch a loop over steps, and at a step boundary the run may be told
to save, pause or stop. Everything that a run is at such a boundary is in :class:`Run`, and everything in it goes into a checkpoint,
so that a resumed run takes the same steps as one that was never interrupted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.engine.checkpoint.saver import ASKED, Saver
from workbench.engine.reporting.metrics import metrics
from workbench.engine.reporting.reporter import Flow, Reporter
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import FailedError
from workbench.engine.training import recovery
from workbench.engine.training.build import Parts
from workbench.engine.training.control import Control, Decision
from workbench.engine.training.evaluation import evaluate
from workbench.engine.training.nonfinite import NonFiniteError
from workbench.runs.events import Epoch, position_text, significant

EXCHANGES_PER_SECOND = 10
REST_UNTIL_SPACE = "paused: the disk is full. The run continues by itself when there is space"
STEPS_TO_TIME = 10
"""Steps after which several processes agree on how many steps lie between two exchanges."""


@dataclass
class Position:
    """How far a run is: epochs completed, steps done in the epoch that is going, steps done in all."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    """Seconds of training in the epoch that is going."""


@dataclass
class Monitor:
    """What makes an epoch the best, the best so far, and how many epochs have passed since."""

    name: str
    higher_is_better: bool
    best: float | None = None
    waited: int = 0

    def update(self, value: float) -> bool:
        """Takes in an epoch's value. True when it is the best so far; not-a-number never is."""
        if value != value or (
            self.best is not None and not (value > self.best if self.higher_is_better else value < self.best)
        ):
            self.waited += 1
            return False
        self.best, self.waited = value, 0
        return True


@dataclass
class Outcome:
    """How an attempt ended."""

    status: Literal["completed", "paused", "stopped", "failed"]
    what: str = ""
    hint: str = ""
    details: str = ""
    epoch: int = 0
    step: int = 0
    refused: bool = False


@dataclass
class Run:
    """A run that is going, on one process. ``control`` is there on the leading process only."""

    parts: Parts
    flow: Flow
    saver: Saver
    epochs: int
    monitor: Monitor
    control: Control | None = None
    position: Position = field(default_factory=Position)
    last: dict[str, dict[str, float]] = field(default_factory=dict)
    """``train`` and ``val`` metrics of the last complete epoch."""
    every: int = 0
    """Steps between two exchanges of several processes; 0 until they have agreed on it."""
    recovery: recovery.Recovery = field(init=False)
    """What the run has changed of itself so that it can go on."""

    save_steps: int = field(init=False)
    """Steps between two checkpoints; 0 where they are not counted in steps."""

    def __post_init__(self) -> None:
        number, unit = self.parts.config.output.interval
        self.save_steps = number if unit == "steps" else 0
        self.recovery = recovery.Recovery(recovery.Beginning(self.parts))

    @property
    def planned(self) -> int:
        """How far the schedule's plan is: whole epochs as they are cut now, and the batches of this one.

        Not the steps made: a run that goes on with other batches, data or processes has epochs of another length behind it.
        """
        return self.position.epoch * self.parts.steps.steps + self.position.batch

    @property
    def world(self) -> World:
        """The processes of the run."""
        return self.parts.world

    @property
    def reporter(self) -> Reporter | None:
        """There on the leading process only."""
        return self.flow.reporter


def train(run: Run) -> Outcome:
    """Goes on from the run's position to its end, until it is told to leave, or until it can go on no further."""
    while True:
        try:
            recovery.begin(run)
            return _train(run)
        except NonFiniteError as error:
            wrong = error
        except FailedError as error:
            return _failed(run, error)
        failure = recovery.settle(run, wrong)
        if failure is not None:
            return _failed(run, FailedError(failure.what, failure.hint, failure.details))


def _train(run: Run) -> Outcome:
    run.parts.model.train()
    position = run.position
    # Asked before an epoch: a run that was left where its patience had ended does not begin another.
    while position.epoch < run.epochs and not _stop_early(run):
        run.flow.epoch = position.epoch
        decision = train_epoch(run) or finish_epoch(run)
        if decision is not None:
            return _left(run, decision)
    decision = _until_saved(run, "end")
    if decision is not None:
        return _left(run, decision)
    return _outcome(run, "completed", f"completed: {position.epoch} epochs")


def train_epoch(run: Run) -> Decision | None:
    """The steps that are left of the epoch. A decision when the run is to be left at a step boundary."""
    parts, position, flow = run.parts, run.position, run.flow
    steps, seed = parts.steps, parts.config.training.seed
    began = time.monotonic()
    flow.restart_clock()
    for passes in parts.loader.steps(steps, parts.world.rank, seed, position.epoch, position.batch):
        rate = parts.rates.at(run.planned)
        for group in parts.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        flow.recorder.rates[position.step + 1] = rate
        due = _due(run, began)
        recovery.take(run, position.step + 1, passes, due)
        if parts.average is not None:
            parts.average.update()
        position.step += 1
        position.batch += 1
        if due:
            decision, began = _at_boundary(run, began)
            if decision is not None:
                return decision
    recovery.look(run)
    flow.flush()
    position.seconds += time.monotonic() - began
    return None


def finish_epoch(run: Run) -> Decision | None:
    """Validates, reports the epoch, moves on to the next and saves. A decision when the run is to be left."""
    parts, position = run.parts, run.position
    recovery.require_finite(run)
    results = {"train": metrics(parts.source.task, run.flow.sums)}
    if len(parts.source.val):
        control, limit = run.control, parts.stepper.evaluation_limit
        found = evaluate(parts, "val", control.wants_to_leave if control is not None else lambda: False)
        if found is None and control is not None:
            return _obey(run, control.poll())
        results["val"] = found or {}
        fewer = parts.stepper.evaluation_limit
        if fewer != limit and run.reporter is not None:
            run.reporter.note(f"memory ran out in validation: from here on {fewer} samples at a time", "warning")
    run.last = {name: {key: significant(value) for key, value in part.items()} for name, part in results.items()}
    part, _, name = run.monitor.name.partition(" ")
    value = results[part].get(name, float("nan"))
    best = run.monitor.update(value)
    position.epoch, position.batch = position.epoch + 1, 0
    if run.reporter is not None:
        run.reporter.say(
            Epoch(
                epoch=position.epoch,
                step=position.step,
                train=run.last["train"],
                val=run.last.get("val", {}),
                lr=significant(parts.rates.at(max(run.planned - 1, 0))),
                seconds=round(position.seconds, 4),
                best=best,
                skipped=run.recovery.skipped,
            )
        )
    position.seconds, run.recovery.skipped = 0.0, 0
    run.flow.sums[:] = 0.0
    if parts.rates.epoch_done(value, run.monitor.higher_is_better) and run.reporter is not None:
        run.reporter.note(f"no improvement: the learning rate falls to {parts.rates.at(run.planned):.3g}")
    run.saver.epoch_done(run, best)
    if run.reporter is not None:
        run.reporter.summarise()
    if position.epoch >= run.epochs:
        return None
    # An epoch may be shorter than the time between two reports: the run listens here too.
    return _obey(run, _listen(run))


def _listen(run: Run) -> Decision:
    """What every process is to do now. A disk that refused a checkpoint lets the run rest until somebody made space."""
    decision = run.control.poll() if run.control is not None else Decision()
    decision.full = run.saver.refused
    shared: Decision = run.world.share(decision)
    return shared


def _due(run: Run, began: float) -> bool:
    """Whether the end of this step is a boundary, the same on every process: to report and listen there, or to save."""
    save = run.save_steps > 0 and (run.position.step + 1) % run.save_steps == 0
    return _due_to_report(run, began) or save


def _due_to_report(run: Run, began: float) -> bool:
    """Whether to report and to listen after this step: by time when alone, every k-th step when several must agree."""
    if run.world.size == 1:
        return run.flow.due()
    if run.every:
        return (run.position.step + 1) % run.every == 0
    done = run.position.batch + 1
    if done % STEPS_TO_TIME == 0:
        pace = (time.monotonic() - began) / STEPS_TO_TIME
        run.every = int(run.world.share(max(1, round(1 / (EXCHANGES_PER_SECOND * max(pace, 1e-6))))))
        return True
    return False


def _at_boundary(run: Run, began: float) -> tuple[Decision | None, float]:
    """Reports, listens and obeys between two steps. Gives a decision to leave, and when the clock of training goes on."""
    recovery.look(run)
    run.flow.flush()
    run.position.seconds += time.monotonic() - began
    decision = _obey(run, _listen(run))
    if decision is None:
        run.saver.between_steps(run)
    run.flow.restart_clock()
    return decision, time.monotonic()


def _obey(run: Run, decision: Decision) -> Decision | None:
    """Does what a decision says. Gives it back when the run is to be left."""
    if not decision:
        return None
    _set(run, decision)
    if decision.stop or (decision.pause and decision.release):
        return decision
    if decision.save:
        run.saver.save(run, ASKED)
    if decision.full and not decision.pause:
        return _until_saved(run, "after a full disk")
    return _pause(run) if decision.pause else None


def _set(run: Run, decision: Decision) -> None:
    """Takes in new values of live settings; a state of this step that was saved already is then no longer the newest."""
    if decision.values:
        run.parts.rates.set_base(decision.values["optimizer.lr"])
        run.saver.changed()


def _pause(run: Run) -> Decision | None:
    """Saves and waits at a step boundary. Gives a decision to leave, or None to go on."""
    run.saver.save(run, "pause")
    return _rest(run)


def _until_saved(run: Run, why: str) -> Decision | None:
    """Saves, and rests while the disk refuses. Gives a decision to leave, or None to go on."""
    while not run.world.share(run.saver.save(run, why)):
        decision = _rest(run)
        if decision is not None:
            return decision
    return None


def _rest(run: Run) -> Decision | None:
    """Waits while the run is paused. Gives a decision to leave, or None to go on."""
    if run.control is not None:
        run.control.acknowledge_pause(REST_UNTIL_SPACE if run.saver.refused else "paused, checkpoint saved")
    if run.reporter is not None:
        run.reporter.summarise()
    # A person may take days to come back, or a disk to be cleared: longer than any rank waits for a collective.
    decision: Decision = run.world.share_late(lambda: _rested(run))
    _set(run, decision)
    if run.reporter is not None:
        # The table of runs reads the summary: it is not to call a run paused that goes on for hours until its epoch ends.
        run.reporter.summarise()
    return decision if decision.stop or decision.release else None


def _rested(run: Run) -> Decision:
    """Waits on the leading process until somebody, or space on the disk, ends the rest."""
    if run.control is None:
        return Decision()
    return run.control.wait_for_unpause(run.saver.has_space if run.saver.refused else None)


def _left(run: Run, decision: Decision) -> Outcome:
    saved = run.saver.save(run, "stop" if decision.stop else "pause")
    where = f"at {position_text(run.position.epoch, run.position.step)}"
    hint = "Resume continues from here" if saved else "Free disk space: this state could not be saved"
    return _outcome(
        run, "stopped" if decision.stop else "paused", f"{'stopped' if decision.stop else 'paused'} {where}", hint
    )


def _stop_early(run: Run) -> bool:
    patience = run.parts.config.training.early_stopping
    if patience == "off" or run.monitor.waited < patience:
        return False
    if run.reporter is not None:
        run.reporter.note(f"stopped early: {run.monitor.name} has not improved for {run.monitor.waited} epochs")
    return True


def _failed(run: Run, error: FailedError) -> Outcome:
    failure = error.failure
    return _outcome(run, "failed", failure.what, failure.hint, failure.details)


def _outcome(
    run: Run, status: Literal["completed", "paused", "stopped", "failed"], what: str, hint: str = "", details: str = ""
) -> Outcome:
    return Outcome(status, what, hint, details, epoch=run.position.epoch, step=run.position.step)


def state_of(run: Run) -> dict[str, Any]:
    """What makes a run go on as if it had never been interrupted, but for model, optimiser and random states."""
    return {
        "position": {**vars(run.position), "epochs": run.epochs},
        "schedule": run.parts.rates.state(),
        "recovery": recovery.state_of(run),
        "metrics": {
            **run.last,
            "sums": run.flow.sums.tolist(),
            "monitor": {"name": run.monitor.name, "best": run.monitor.best, "waited": run.monitor.waited},
        },
    }
