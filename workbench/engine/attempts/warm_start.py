"""The first attempt of a branch: its parent's state put into a run with other settings, as far as it fits.

What fits is decided on plain data: the parent's state and the run's own become one state, which is restored like any other.
"""

from __future__ import annotations

from workbench.config.monitor import AUTO
from workbench.engine.attempts.resume import Continuation, random_changes
from workbench.engine.data import fitted
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.runtime.state_types import (
    CheckpointState,
    MetricsState,
    OptimizerState,
    PositionState,
    RecoveryState,
    ScheduleState,
    Section,
)
from workbench.engine.training.resumable_state import TrainState, restart_epoch
from workbench.runs.branch import Parent

FREE = ("lr", "weight_decay", "implementation")
"""Settings of an optimizer that its state does not depend on."""
ORDER = ("batch_size", "accumulation", "drop_last", "seed")
"""Settings of the training that decide which samples are in which batch."""


def is_warm_start(config: dict[str, Section], saved: CheckpointState, parent: Parent | None) -> bool:
    """Whether a checkpoint is the parent's with settings other than the run's (``config``), rather than one of its own."""
    return parent is not None and saved["position"]["step"] == parent.step and saved["config"] != config


def warm_start(state: TrainState, saved: CheckpointState, parent: Parent) -> Continuation:
    """Puts a parent's state into a run that was just built. Gives where it continues, and what starts over, as sentences.

    Raises RefusedError when the weights are of another model.
    """
    parts = state.parts
    fitted.check_classes(parts.source.task, saved)
    own = state.capture()
    optimizer, optimizer_note = _optimizer(own, saved)
    position, metrics, epoch_note = _position(own, saved)
    inherited: CheckpointState = {
        **own,
        "position": position,
        "metrics": metrics,
        "model": saved["model"],
        "optimizer": optimizer,
        "ema": saved.get("ema", {}),
        "scaler": saved["scaler"],
        "schedule": _schedule(own, saved),
        "recovery": _recovery(own, saved),
        "random": saved["random"],
    }
    try:
        state.restore(inherited)
    except RefusedError as error:
        what = f"the weights of {parent.run or parent.checkpoint} do not fit this model: {error}"
        raise RefusedError(what, "keep the parent's model settings, or start a new run", "model") from error
    change = random_changes(parts.world, parts.device, saved)
    random_note = f"random numbers continue with {change}" if change else ""
    return Continuation(str(parent), [note for note in (optimizer_note, epoch_note, random_note) if note])


def _sections(own: CheckpointState, saved: CheckpointState, name: str) -> tuple[Section, Section]:
    """A section of the configuration now and at the parent."""
    return own["config"][name], saved["config"].get(name, {})


def _optimizer(own: CheckpointState, saved: CheckpointState) -> tuple[OptimizerState, str]:
    """The optimizer's memory with the run's own settings, where it means the same. Says so where it starts over."""
    now, was = _sections(own, saved, "optimizer")
    if now.get("kind") != was.get("kind"):
        return own["optimizer"], f"the optimizer starts over: {now.get('kind')} instead of {was.get('kind')}"
    changed = [name for name in now if now[name] != was.get(name) and name not in FREE]
    reshaped = [name for name in changed if not _is_other_number(now[name], was.get(name))]
    groups, groups_before = (
        [len(group["params"]) for group in state["optimizer"]["param_groups"]] for state in (own, saved)
    )
    if not reshaped and groups == groups_before:
        return {"state": saved["optimizer"]["state"], "param_groups": own["optimizer"]["param_groups"]}, ""
    return own["optimizer"], f"the optimizer starts over: {' and '.join(reshaped) or 'its groups'} changed"


def _is_other_number(value: object, before: object) -> bool:
    """Whether a changed setting leaves what the optimizer remembers as it is: another number, and neither of them zero."""
    return all(isinstance(item, (int, float)) and not isinstance(item, bool) and bool(item) for item in (value, before))


def _schedule(own: CheckpointState, saved: CheckpointState) -> ScheduleState:
    """The learning rate as it was set while the parent trained, unless the branch has one of its own."""
    now, was = _sections(own, saved, "optimizer")
    base = saved["schedule"]["base"] if now["lr"] == was.get("lr") else own["schedule"]["base"]
    plan, plan_before = _sections(own, saved, "schedule")
    training, training_before = _sections(own, saved, "training")
    if plan != plan_before:
        return {**own["schedule"], "base": base}
    if training["monitor"] != training_before.get("monitor", AUTO):
        # What the parent's best value was measured by is not what the branch follows.
        return {**own["schedule"], "base": base, "factor": saved["schedule"]["factor"]}
    return {**saved["schedule"], "base": base}


def _recovery(own: CheckpointState, saved: CheckpointState) -> RecoveryState:
    """What the parent had learned of memory, and of numbers where the branch has no setting of its own for it."""
    learned: RecoveryState = {**own["recovery"], **saved.get("recovery", own["recovery"])}
    recovery: RecoveryState = {**own["recovery"], "limit": learned["limit"]}
    now, was = _sections(own, saved, "optimizer")
    if now["lr"] == was.get("lr"):
        recovery["calm"] = learned["calm"]
    training, training_before = _sections(own, saved, "training")
    if training["clip_norm"] == training_before.get("clip_norm"):
        recovery["clip_norm"] = learned["clip_norm"]
    return recovery


def _position(own: CheckpointState, saved: CheckpointState) -> tuple[PositionState, MetricsState, str]:
    """Position and metrics of the parent. An epoch whose batches are others now starts over, which is noted.

    The best value so far stays where it was measured on the same samples.
    """
    data, data_before = _sections(own, saved, "dataset")
    training, training_before = _sections(own, saved, "training")
    same = data == data_before and all(training.get(name) == training_before.get(name) for name in ORDER)
    same = same and saved.get("data") in (None, own["data"])
    same = same and saved["versions"].get("processes") == own["versions"]["processes"]
    fitted = saved if same else restart_epoch(saved)
    metrics: MetricsState = {**fitted["metrics"]}
    if data != data_before:
        metrics["monitor"] = own["metrics"]["monitor"]
    restarted = not same and saved["position"]["batch"] > 0
    note = f"epoch {saved['position']['epoch'] + 1} starts over: its batches are others" if restarted else ""
    return fitted["position"], metrics, note
