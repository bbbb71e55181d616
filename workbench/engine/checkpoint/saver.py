"""When a run's state is saved, what is in it, and how it is put back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from workbench.engine.checkpoint import format
from workbench.engine.checkpoint.async_writer import Writer
from workbench.engine.data import fitted
from workbench.engine.data.dataset import Task
from workbench.engine.runtime import seeding
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training import recovery
from workbench.runs.checkpoints import file_name
from workbench.runs.events import CheckpointSaved, position_text
from workbench.runs.folder import RunFolder

if TYPE_CHECKING:
    from workbench.engine.training.loop import Run

BEST_SHARE = 20
"""A best epoch that is not due anyway is saved at once only when this many times the last save's duration has passed since;
until then its state waits in memory, so that a quick run does not spend its time on saving."""

RETRY_SECONDS = 1.0
ASKED = "asked for"
PROVEN = ("model", "optimizer", "scaler", "schedule", "random")
"""Parts of a checkpoint that a resumed run has to have bit for bit."""


class Saver:
    """Saves a run's state when it is due. Every process calls it at the same step; the leading one has it written."""

    def __init__(self, folder: RunFolder, leads: bool, keep: int) -> None:
        self.folder = folder.checkpoints
        self._leads = leads
        self._writer = Writer(folder.checkpoints, keep)
        self._saved_at = time.monotonic()
        self._saved_step = -1
        self._duration = 0.0
        self._best: tuple[dict[str, Any], dict[str, Any]] | None = None
        self.refused = False
        """Whether the disk refused the last checkpoint: the run is to rest until there is space."""

    def epoch_done(self, run: Run, best: bool) -> None:
        """Saves after an epoch when that is due, or when the epoch is the best so far."""
        self._tell(run)
        number, unit = run.parts.config.output.interval
        if unit == "epochs" and run.position.epoch % number == 0:
            self._begin(run, "best" if best else "end of epoch", best)
        elif best:
            recovery.require_finite(run)
            self._best = (capture(run), self._info(run, "best", True))
        # How long the last one took is known to the leading process alone.
        if self._best is not None and run.world.share(self._best_is_due()):
            self._write_best(run)

    def between_steps(self, run: Run) -> None:
        """Saves at a step boundary: every so many steps exactly, or when so many minutes have passed."""
        self._tell(run)
        number, unit = run.parts.config.output.interval
        steps = unit == "steps" and run.position.step % number == 0
        minutes = unit == "minutes" and time.monotonic() - self._saved_at >= 60 * number
        if run.world.share(steps or minutes):
            self._begin(run, f"every {number} {unit}")

    def changed(self) -> None:
        """Tells that the state of this step is another than the one that may have been saved."""
        self._saved_step = -1

    def save(self, run: Run, why: str) -> bool:
        """Saves now, and returns when the file is safe. False when the disk refused, which the run is told and survives."""
        began = self._begin(run, why)
        self._wait(run)
        if why == ASKED and not began and not self.refused and run.reporter is not None:
            run.reporter.note(f"the state of step {run.position.step} is saved already")
        return not self.refused

    def secure(self, run: Run) -> None:
        """Writes the best state where it waits in memory, and returns when everything is safe."""
        self._write_best(run)
        self._wait(run)

    def finish(self, run: Run) -> None:
        """The same for whatever reason the run ends, and without a word to other processes: they may have ended already."""
        if self._best is not None and self._leads:
            self._writer.submit(*self._best)
        self._best = None
        self._writer.wait()
        self._tell(run)

    def has_space(self) -> bool:
        """Whether the disk may take the checkpoint that it refused. It is not asked again at once: the reason may be another."""
        return time.monotonic() - self._saved_at > RETRY_SECONDS and self._writer.has_space()

    def _begin(self, run: Run, why: str, best: bool = False) -> bool:
        """Has the state written. False when this step's is written already."""
        if self._best is not None and not best:
            self._write_best(run)
        # Only the leading process learns what became of its file, so it alone knows: the others would leave it alone with the
        # collectives that a second try takes.
        if run.world.share(self._saved_step == run.position.step and not best):
            return False
        recovery.require_finite(run)
        state = capture(run)
        best = best or (run.position.batch == 0 and run.monitor.waited == 0 and run.position.epoch > 0)
        self._best = None
        self._write(run, state, self._info(run, why, best))
        return True

    def _best_is_due(self) -> bool:
        return time.monotonic() - self._saved_at > BEST_SHARE * self._duration

    def _write_best(self, run: Run) -> None:
        if self._best is not None:
            (state, info), self._best = self._best, None
            self._write(run, state, info)

    def _write(self, run: Run, state: dict[str, Any], info: dict[str, Any]) -> None:
        self._wait(run)
        step = state["position"]["step"]
        self._saved_at, self._saved_step = time.monotonic(), step
        if self._leads:
            self._writer.submit(state, info)

    def _wait(self, run: Run) -> None:
        """Waits for what is being written, however long the disk takes, and tells what became of it."""
        run.world.share_late(self._writer.wait)
        self._tell(run)

    def _tell(self, run: Run) -> None:
        """Tells of the checkpoints that were finished since the last time."""
        for outcome in self._writer.outcomes():
            position, info = outcome.state["position"], outcome.info
            self.refused = outcome.error is not None
            if self.refused:
                self._saved_step = -1
            if run.reporter is None:
                continue
            if outcome.error is not None:
                reason = outcome.error.strerror or str(outcome.error)
                text = (
                    f"the checkpoint of step {position['step']} could not be saved: {reason}. Earlier ones are unharmed"
                )
                run.reporter.note(text, "error")
                continue
            self._duration = outcome.seconds
            saved = CheckpointSaved(
                file=file_name(position["step"]),
                epoch=position["epoch"],
                step=position["step"],
                why=info["why"],
                bytes=outcome.bytes,
                best=info["best"],
            )
            run.reporter.say(saved)

    def _info(self, run: Run, why: str, best: bool) -> dict[str, Any]:
        value = run.monitor.best if best else None
        return {"epoch": run.position.epoch, "why": why, "best": best, "value": value, "metrics": run.last}


def capture(run: Run) -> dict[str, Any]:
    """A run's whole state at a step boundary, copied to main memory: the content of a checkpoint."""
    from workbench.engine.training.loop import state_of

    parts = run.parts
    source, scaler = parts.source, parts.stepper.precision.scaler
    return {
        "format": format.FORMAT,
        "config": parts.config.as_data(),
        "model": _copied(parts.model.state_dict()),
        "optimizer": _copied(parts.optimizer.state_dict()),
        "ema": _copied(parts.average.state()) if parts.average is not None else {},
        "scaler": _copied(scaler.state_dict()) if scaler is not None else {},
        "random": run.world.gather(seeding.states(parts.device)),
        "versions": {"torch": str(torch.__version__), "device": str(parts.device), "processes": run.world.size},
        "classes": list(source.task.classes),
        "preprocessing": source.preprocessing,
        "data": parts.data,
        "task": fitted.told(source),
        **state_of(run),
    }


def restore(run: Run, state: dict[str, Any]) -> str:
    """Puts a checkpoint's state into a run that was just built. Gives in words where it goes on.

    Raises RefusedError when the checkpoint is of another model.
    """
    parts = run.parts
    check_classes(parts.source.task, state)
    try:
        parts.model.load_state_dict(state["model"])
        parts.optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError, KeyError) as error:
        raise RefusedError(f"the checkpoint is of another model: {error}", "open it with its own settings") from error
    if parts.stepper.precision.scaler is not None and state["scaler"]:
        parts.stepper.precision.scaler.load_state_dict(state["scaler"])
    if parts.average is not None:
        parts.average.restore(state.get("ema", {}))
    # A group whose factor a checkpoint does not know gets the whole learning rate.
    for group in parts.optimizer.param_groups:
        group.setdefault("factor", 1.0)
    parts.rates.restore(state["schedule"])
    position = dict(state["position"])
    position.pop("epochs")
    vars(run.position).update(position)
    kept = dict(state["metrics"])
    sums = kept.pop("sums")
    run.flow.sums[: len(sums)] = sums
    monitor = kept.pop("monitor")
    if monitor["name"] == run.monitor.name:
        run.monitor.best, run.monitor.waited = monitor["best"], monitor["waited"]
    run.last = kept
    recovery.restore(run, state.get("recovery", {}))
    differs = " and ".join(filter(None, (_fit_data(run, state), restore_random(run, state))))
    where = f"at {position_text(run.position.epoch, run.position.step)}"
    if differs:
        return f"continued {where} with {differs}: results may differ in the last digits"
    return f"continued exactly {where}" + _proof(run, state)


def begin_epoch_anew(run: Run) -> None:
    """Goes back to the first batch of the epoch, where its batches are no longer those that it began with."""
    run.position.batch, run.position.seconds = 0, 0.0
    run.flow.sums[:] = 0.0


def _fit_data(run: Run, state: dict[str, Any]) -> str:
    """Says in words how data and steps are others than the checkpoint's; then an epoch that had begun begins anew."""
    was, now = state.get("data"), run.parts.data
    if was is None or was == now:
        return ""
    middle = run.position.batch > 0
    begin_epoch_anew(run)
    names = {"train": "training samples", "val": "validation samples", "per_step": "samples a step"}
    words = [f"{now[key]:,} {name} instead of {was[key]:,}" for key, name in names.items() if now[key] != was[key]]
    anew = [f"epoch {run.position.epoch + 1} begun anew"] if middle else []
    return " and ".join([*(words or ["data other than before"]), *anew])


def _proof(run: Run, state: dict[str, Any]) -> str:
    """Says which parts are not what the checkpoint holds. Empty when all are the same."""
    parts = differing(capture(run), state)
    return f", but not exactly: {', '.join(parts)} differ" if parts else ""


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The parts, compared by their hashes, in which two states are not the same bit for bit."""
    parts = [name for name in PROVEN if format.checksum({0: one[name]}) != format.checksum({0: other[name]})]
    # Another total of epochs is what was asked for, and how long the steps took is no part of what they came to.
    apart = {"epochs": 0, "seconds": 0.0}
    same = {**one["position"], **apart} == {**other["position"], **apart}
    return parts if same else [*parts, "position"]


def weights_of(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The weights a checkpoint's model is used with: the running averages where they were kept, else the weights."""
    return {**state["model"], **state.get("ema", {})}


def check_classes(task: Task, state: dict[str, Any]) -> None:
    """Raises RefusedError when the data's classes are not those that a checkpoint was trained on, in their order."""
    was, now = tuple(state["classes"]), task.classes
    if was != now:
        gone, new = ", ".join(sorted({*was} - {*now})), ", ".join(sorted({*now} - {*was}))
        changes = "; ".join(f"{word} {names}" for word, names in (("gone:", gone), ("new:", new)) if names)
        what = f"the data's classes are not those the checkpoint was trained on ({changes or 'another order'})"
        raise RefusedError(what, "put the data back as it was, or start a new run", "dataset")


def restore_random(run: Run, state: dict[str, Any]) -> str:
    """Random states of every process; another number of processes draws anew from seed, step and rank.

    Gives in words what is not as it was; empty when everything is. Every process calls it and is given the same: what any of
    them finds holds for all, so that none goes on to compare its state with others that do not.
    """
    random, world = state["random"], run.world
    if len(random) == world.size:
        seeding.restore(random[world.rank], run.parts.device)
        differs = _changed_since(state["versions"], run.parts.device)
    else:
        seeding.seed_everything(run.parts.config.training.seed, "resumed", run.position.step, world.rank)
        differs = f"{world.size} processes instead of {len(random)}"
    return next(filter(None, world.gather(differs)), "")


def _changed_since(told: dict[str, Any], device: torch.device) -> str:
    """Another version of torch, or another kind of device. Its number is no difference: every process has its own."""
    pairs = (
        ("torch", told.get("torch"), str(torch.__version__)),
        ("device", str(told.get("device", "")).partition(":")[0], device.type),
    )
    return " and ".join(f"{name} {now} instead of {was}" for name, was, now in pairs if was != now)


def _copied(value: Any) -> Any:
    """Nested state with every tensor copied to main memory."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in value]
    return value
