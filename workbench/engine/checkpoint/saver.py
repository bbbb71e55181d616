"""When a run's state is saved. Every process calls the saver at the same step; the main one has the file written."""

from __future__ import annotations

import time
from typing import Protocol

import torch

from workbench.config.output import Output
from workbench.engine.checkpoint.async_writer import AsyncWriter
from workbench.engine.reporting.reporter import Reporter
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.state_types import CheckpointInfoFields, CheckpointState
from workbench.runs.checkpoints import file_name
from workbench.runs.events import CheckpointSaved
from workbench.runs.folder import RunFolder

BEST_SHARE = 20
"""A best epoch that is not due anyway is saved at once only when this many times the last save's duration has passed since;
until then its state waits in memory, so that a quick run does not spend its time on saving."""
RETRY_SECONDS = 1.0
REQUESTED = "requested"
"""Why a checkpoint was saved that somebody requested."""


class RunPosition(Protocol):
    """Where a run stands."""

    epoch: int
    batch: int
    step: int


class Saveable(Protocol):
    """A run at a step boundary; see :class:`workbench.engine.training.resumable_state.TrainState`."""

    @property
    def position(self) -> RunPosition:
        """Where it stands."""
        ...

    @property
    def at_best_epoch(self) -> bool:
        """Whether it stands at the end of its best epoch so far."""
        ...

    def capture(self) -> CheckpointState:
        """The content of a checkpoint, copied to main memory."""
        ...

    def describe(self, why: str, best: bool) -> CheckpointInfoFields:
        """What is written beside it."""
        ...

    def require_finite(self) -> None:
        """Raises where the weights are not finite."""
        ...


class Saver:
    """Saves a run's state when it is due."""

    def __init__(self, folder: RunFolder, world: World, reporter: Reporter | None, output: Output) -> None:
        self.folder = folder.checkpoints
        self._world = world
        self._reporter = reporter
        self._interval, self._unit = output.interval
        self._writer = AsyncWriter(folder.checkpoints, output.keep)
        self._saved_at = time.monotonic()
        self._saved_step = -1
        self._duration = 0.0
        self._best: tuple[CheckpointState, CheckpointInfoFields] | None = None
        """The state of the best epoch, and what is written beside it, while both wait in memory."""
        self.refused = False
        """Whether the disk refused the last checkpoint: the run pauses until there is space."""

    def save_epoch(self, run: Saveable, best: bool) -> None:
        """Saves after an epoch when that is due, or when the epoch is the best so far."""
        self._report_written()
        if self._unit == "epochs" and run.position.epoch % self._interval == 0:
            self._start_save(run, "best" if best else "end of epoch", best)
        elif best:
            run.require_finite()
            self._best = (run.capture(), run.describe("best", True))
        # How long the last one took is known to the main process alone.
        if self._best is not None and self._world.broadcast(self._best_is_due()):
            self._write_best()

    def is_due_at(self, step: int) -> bool:
        """Whether ``step`` is one of those that are saved whatever the clock says; every process knows."""
        return self._unit == "steps" and step % self._interval == 0

    def save_step(self, run: Saveable) -> None:
        """Saves at a step boundary when so many steps or minutes have passed."""
        self._report_written()
        minutes = self._unit == "minutes" and time.monotonic() - self._saved_at >= 60 * self._interval
        if self._world.broadcast(minutes or self.is_due_at(run.position.step)):
            self._start_save(run, f"every {self._interval} {self._unit}")

    def mark_changed(self) -> None:
        """The state of this step is another than the one that may have been saved."""
        self._saved_step = -1

    def save(self, run: Saveable, why: str) -> bool:
        """Saves now, and returns when the file is safe. False when the disk refused, which is reported."""
        started = self._start_save(run, why)
        self._wait()
        if why == REQUESTED and not started and not self.refused and self._reporter is not None:
            self._reporter.note(f"the state of step {run.position.step} is already saved")
        return not self.refused

    def flush(self) -> None:
        """Writes the best state where it waits in memory, and returns when everything is safe."""
        self._write_best()
        self._wait()

    def close(self) -> None:
        """The same for whatever reason the run ends, and without a word to other processes: they may have ended already."""
        if self._best is not None and self._world.is_main:
            self._writer.submit(*self._best)
        self._best = None
        self._writer.wait()
        self._report_written()

    def has_space(self) -> bool:
        """Whether the disk may take the checkpoint that it refused. It is not tried again at once: the reason may be another."""
        return time.monotonic() - self._saved_at > RETRY_SECONDS and self._writer.has_space()

    def _start_save(self, run: Saveable, why: str, best: bool = False) -> bool:
        """Has the state written. False when this step's is written already."""
        if self._best is not None and not best:
            self._write_best()
        # Only the main process learns the outcome of the write, so it alone knows: the others would leave it alone with the
        # collectives that a second try takes.
        if self._world.broadcast(self._saved_step == run.position.step and not best):
            return False
        run.require_finite()
        state = run.capture()
        self._best = None
        self._write(state, run.describe(why, best or run.at_best_epoch))
        return True

    def _best_is_due(self) -> bool:
        return time.monotonic() - self._saved_at > BEST_SHARE * self._duration

    def _write_best(self) -> None:
        if self._best is not None:
            (state, info), self._best = self._best, None
            self._write(state, info)

    def _write(self, state: CheckpointState, info: CheckpointInfoFields) -> None:
        self._wait()
        self._saved_at, self._saved_step = time.monotonic(), state["position"]["step"]
        if self._world.is_main:
            self._writer.submit(state, info)

    def _wait(self) -> None:
        """Waits for what is being written, however long the disk takes, and reports the outcome."""
        self._world.broadcast_when_done(self._writer.wait)
        self._report_written()

    def _report_written(self) -> None:
        """Reports the checkpoints that were finished since the last time."""
        for result in self._writer.results():
            position, info = result.state["position"], result.info
            self.refused = result.error is not None
            if self.refused:
                self._saved_step = -1
            if self._reporter is None:
                continue
            if result.error is not None:
                reason = result.error.strerror or str(result.error)
                text = f"the checkpoint of step {position['step']} could not be saved: {reason}. Earlier checkpoints are intact"
                self._reporter.note(text, "error")
                continue
            self._duration = result.seconds
            saved = CheckpointSaved(
                file=file_name(position["step"]),
                epoch=position["epoch"],
                step=position["step"],
                why=info["why"],
                bytes=result.bytes,
                best=info["best"],
            )
            self._reporter.report(saved)


def deployed_weights(state: CheckpointState) -> dict[str, torch.Tensor]:
    """The weights a checkpoint's model is used with: the running averages where they were kept, else the weights."""
    return {**state["model"], **state.get("ema", {})}
