"""When a run's state is saved, what is in it, and how it is put back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from workbench.engine import checkpoint, seeding
from workbench.engine.data.source import Task
from workbench.engine.failures import RefusedError
from workbench.runs.checkpoints import file_name
from workbench.runs.events import CheckpointSaved
from workbench.runs.folder import RunFolder

if TYPE_CHECKING:
    from workbench.engine.train import Run

BEST_SHARE = 20
"""A best epoch that is not due anyway is saved at once only when this many times the last save's duration has passed since;
until then its state waits in memory, so that a quick run does not spend its time on saving."""


class Saver:
    """Saves a run's state when it is due. Every process calls it at the same step; the leading one writes."""

    def __init__(self, folder: RunFolder, leads: bool) -> None:
        self._folder = folder
        self._leads = leads
        self._saved_at = time.monotonic()
        self._saved_step = -1
        self._tried_step = 0
        self._duration = 0.0
        self._best: tuple[dict[str, Any], dict[str, Any]] | None = None

    def epoch_done(self, run: Run, best: bool) -> None:
        """Saves after an epoch when that is due, or when the epoch is the best so far."""
        number, unit = run.parts.config.output.interval
        if unit == "epochs" and run.position.epoch % number == 0:
            self.save(run, "best" if best else "end of epoch", best)
        elif best:
            self._best = (capture(run), self._info(run, "best", True))
        if self._best is not None and time.monotonic() - self._saved_at > BEST_SHARE * self._duration:
            self._write_best(run)

    def between_steps(self, run: Run) -> None:
        """Saves at a step boundary when so many steps or minutes have passed."""
        number, unit = run.parts.config.output.interval
        # From the last try, not the last success: a disk that stays full is not asked again at every step.
        steps = unit == "steps" and run.position.step - self._tried_step >= number
        minutes = unit == "minutes" and time.monotonic() - self._saved_at >= 60 * number
        if run.world.share(steps or minutes):
            self.save(run, f"every {number} {unit}")

    def changed(self) -> None:
        """Tells that the state of this step is another than the one that may have been saved."""
        self._saved_step = -1

    def save(self, run: Run, why: str, best: bool = False) -> bool:
        """Saves now. False when the disk refused, which the run is told and survives."""
        if self._best is not None and not best:
            self._write_best(run)
        if self._saved_step == run.position.step and not best:
            return True
        state = capture(run)
        best = best or (run.position.batch == 0 and run.monitor.waited == 0 and run.position.epoch > 0)
        self._best = None
        return self._write(run, state, self._info(run, why, best))

    def _write_best(self, run: Run) -> None:
        if self._best is not None:
            (state, info), self._best = self._best, None
            self._write(run, state, info)

    def _write(self, run: Run, state: dict[str, Any], info: dict[str, Any]) -> bool:
        step = state["position"]["step"]
        self._saved_at, self._saved_step, self._tried_step = time.monotonic(), step, step
        if not self._leads:
            return True
        try:
            path = checkpoint.save(self._folder.checkpoints, state, info)
        except OSError as error:
            self._saved_step = -1
            if run.reporter is not None:
                text = f"the checkpoint of step {step} could not be saved: {error.strerror}. Make space; earlier ones are unharmed"
                run.reporter.note(text, "error")
            return False
        self._duration = time.monotonic() - self._saved_at
        checkpoint.prune(self._folder.checkpoints, run.parts.config.output.keep)
        if run.reporter is not None:
            position = state["position"]
            run.reporter.say(
                CheckpointSaved(
                    file=file_name(step),
                    epoch=position["epoch"],
                    step=step,
                    why=info["why"],
                    bytes=path.stat().st_size,
                    best=info["best"],
                )
            )
        return True

    def _info(self, run: Run, why: str, best: bool) -> dict[str, Any]:
        value = run.monitor.best if best else None
        return {"epoch": run.position.epoch, "why": why, "best": best, "value": value, "metrics": run.last}


def capture(run: Run) -> dict[str, Any]:
    """A run's whole state at a step boundary, copied to main memory: the content of a checkpoint."""
    from workbench.engine.train import state_of

    parts = run.parts
    source, scaler = parts.source, parts.stepper.precision.scaler
    return {
        "format": checkpoint.FORMAT,
        "config": parts.config.as_data(),
        "model": _copied(parts.model.state_dict()),
        "optimizer": _copied(parts.optimizer.state_dict()),
        "scaler": _copied(scaler.state_dict()) if scaler is not None else {},
        "random": run.world.gather(seeding.states(parts.device)),
        "versions": {"torch": str(torch.__version__), "device": str(parts.device), "processes": run.world.size},
        "classes": list(source.task.classes),
        "preprocessing": source.preprocessing,
        "task": {"kind": source.task.kind, "shape": list(source.shape), "outputs": source.task.outputs},
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
    parts.rates.restore(state["schedule"])
    position = dict(state["position"])
    position.pop("epochs")
    vars(run.position).update(position)
    kept = dict(state["metrics"])
    run.flow.sums[:] = kept.pop("sums")
    monitor = kept.pop("monitor")
    if monitor["name"] == run.monitor.name:
        run.monitor.best, run.monitor.waited = monitor["best"], monitor["waited"]
    run.last = kept
    words = f"continued at epoch {run.position.epoch + 1}, step {run.position.step}"
    return words + _restore_random(run, state)


def check_classes(task: Task, state: dict[str, Any]) -> None:
    """Raises RefusedError when the data's classes are not those that a checkpoint was trained on, in their order."""
    was, now = tuple(state["classes"]), task.classes
    if was != now:
        gone, new = ", ".join(sorted({*was} - {*now})), ", ".join(sorted({*now} - {*was}))
        changes = "; ".join(f"{word} {names}" for word, names in (("gone:", gone), ("new:", new)) if names)
        what = f"the data's classes are not those the checkpoint was trained on ({changes or 'another order'})"
        raise RefusedError(what, "put the data back as it was, or start a new run", "dataset")


def _restore_random(run: Run, state: dict[str, Any]) -> str:
    """Random states of every process; another number of processes draws anew from seed, step and rank, and that is said."""
    random, world = state["random"], run.world
    told = state["versions"]
    if len(random) != world.size:
        seeding.seed_everything(run.parts.config.training.seed, "resumed", run.position.step, world.rank)
        return f" with {world.size} processes instead of {len(random)}: results may differ in the last digits"
    seeding.restore(random[world.rank], run.parts.device)
    differs = [
        f"{name} {now} instead of {told[name]}"
        for name, now in (("torch", str(torch.__version__)), ("device", str(run.parts.device)))
        if told.get(name) != now
    ]
    return f" with {' and '.join(differs)}: results may differ in the last digits" if differs else ""


def _copied(value: Any) -> Any:
    """Nested state with every tensor copied to main memory."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in value]
    return value
