"""The first attempt of a branch: its parent's state put into a run with other settings, as far as it fits."""

from __future__ import annotations

from typing import Any

from workbench.engine.checkpoint.saver import begin_epoch_anew, check_classes, restore_random
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training.loop import Run
from workbench.runs.branch import Parent

FREE = ("lr", "weight_decay", "implementation")
"""Settings of an optimiser that its state does not depend on."""
ORDER = ("batch_size", "accumulation", "drop_last", "seed")
"""Settings of the training that decide which samples are in which batch."""


def begins(run: Run, state: dict[str, Any], parent: Parent | None) -> bool:
    """Whether a checkpoint is the parent's with settings other than the run's, rather than one of the run's own."""
    if parent is None or state["position"]["step"] != parent.step:
        return False
    return bool(state["config"] != run.parts.config.as_data())


def take_over(run: Run, state: dict[str, Any], parent: Parent) -> tuple[str, list[str]]:
    """Puts a parent's state into a run that was just built. Gives where it goes on, and what begins anew, in words.

    Raises RefusedError when the weights are of another model.
    """
    parts = run.parts
    check_classes(parts.source.task, state)
    try:
        parts.model.load_state_dict(state["model"])
    except (RuntimeError, ValueError, KeyError) as error:
        what = f"the weights of {parent.run or parent.checkpoint} do not fit this model: {error}"
        raise RefusedError(what, "keep the parent's model settings, or start a new run", "model") from error
    notes = [_optimizer(run, state)]
    scaler = parts.stepper.precision.scaler
    if scaler is not None and state["scaler"]:
        scaler.load_state_dict(state["scaler"])
    if parts.average is not None:
        parts.average.restore(state.get("ema", {}))
    _rates(run, state)
    _recovery(run, state)
    notes.append(_position(run, state))
    _monitor(run, state)
    differs = restore_random(run, state)
    notes.append(f"random numbers go on with {differs}" if differs else "")
    return str(parent), [note for note in notes if note]


def _section(run: Run, state: dict[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A section now and at the parent, as plain data."""
    return run.parts.config.as_data()[name], state["config"].get(name, {})


def _optimizer(run: Run, state: dict[str, Any]) -> str:
    """The optimiser's memory with the run's own settings, where it means the same. Says so where it begins anew."""
    now, was = _section(run, state, "optimizer")
    if now.get("kind") != was.get("kind"):
        return f"the optimiser begins anew: {now.get('kind')} instead of {was.get('kind')}"
    changed = [name for name in now if now[name] != was.get(name) and name not in FREE]
    shape = [name for name in changed if not _same_shape(now[name], was.get(name))]
    own = run.parts.optimizer.state_dict()
    kept = state["optimizer"]
    if not shape and [len(group["params"]) for group in own["param_groups"]] == [
        len(group["params"]) for group in kept["param_groups"]
    ]:
        try:
            run.parts.optimizer.load_state_dict({"state": kept["state"], "param_groups": own["param_groups"]})
        except (RuntimeError, ValueError, KeyError):
            return "the optimiser begins anew: the parent's does not fit"
        return ""
    return f"the optimiser begins anew: {' and '.join(shape) or 'its groups'} changed"


def _same_shape(value: object, before: object) -> bool:
    """Whether a changed setting leaves what the optimiser remembers as it is: another number, and none of them zero."""
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) and bool(one) for one in (value, before))


def _rates(run: Run, state: dict[str, Any]) -> None:
    """The learning rate as it was set while the parent went, unless the branch has one of its own."""
    rates, kept = run.parts.rates, state["schedule"]
    own = rates.state()
    now, was = _section(run, state, "optimizer")
    if now["lr"] == was.get("lr"):
        own["base"] = kept["base"]
    plan, before = _section(run, state, "schedule")
    if plan == before:
        own = {**kept, "base": own["base"]}
    rates.restore(own)


def _recovery(run: Run, state: dict[str, Any]) -> None:
    """What the parent had learnt of memory, and of numbers where the branch has no setting of its own for it."""
    learnt, stepper = state.get("recovery", {}), run.parts.stepper
    stepper.limit = learnt.get("limit", stepper.limit)
    now, was = _section(run, state, "optimizer")
    if now["lr"] == was.get("lr"):
        run.parts.rates.calm = learnt.get("calm", 1.0)
    training, before = _section(run, state, "training")
    if training["clip_norm"] == before.get("clip_norm"):
        stepper.clip_norm = learnt.get("clip_norm", stepper.clip_norm)


def _position(run: Run, state: dict[str, Any]) -> str:
    """Where the parent was. An epoch whose batches are others now begins anew, which is said."""
    position = {**state["position"]}
    position.pop("epochs")
    vars(run.position).update(position)
    kept = dict(state["metrics"])
    sums = kept.pop("sums")
    kept.pop("monitor")
    run.last = kept
    data, before = _section(run, state, "dataset")
    now, was = _section(run, state, "training")
    same = data == before and all(now.get(name) == was.get(name) for name in ORDER)
    same = same and state.get("data") in (None, run.parts.data)
    if same and state["versions"].get("processes") == run.world.size:
        run.flow.sums[: len(sums)] = sums
        return ""
    middle = run.position.batch > 0
    begin_epoch_anew(run)
    return f"epoch {run.position.epoch + 1} begins anew: its batches are others" if middle else ""


def _monitor(run: Run, state: dict[str, Any]) -> None:
    """The best value so far, where it was measured on the same samples."""
    monitor = state["metrics"]["monitor"]
    data, before = _section(run, state, "dataset")
    if monitor["name"] == run.monitor.name and data == before:
        run.monitor.best, run.monitor.waited = monitor["best"], monitor["waited"]
