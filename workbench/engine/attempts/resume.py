"""A run continues exactly where its newest checkpoint left it: with the same state, bit for bit, or with a note of what differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import torch

from workbench.engine.checkpoint import format
from workbench.engine.data import fitted
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.state_types import CheckpointState, VersionsState
from workbench.engine.training.resumable_state import TrainState, fit_to_data
from workbench.runs.events import position_text

PROVEN = ("model", "optimizer", "scaler", "schedule", "random")
"""Parts of a checkpoint that a resumed run has to have bit for bit."""


@dataclass
class Continuation:
    """How an attempt continues from a checkpoint, as sentences. All empty for a new run."""

    text: str = ""
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def resume(state: TrainState, saved: CheckpointState) -> str:
    """Puts a checkpoint's state into a run that was just built. Gives where it continues, as a sentence. Every process calls it.

    Raises RefusedError when the checkpoint is of another model or of other classes.
    """
    parts = state.parts
    fitted.check_classes(parts.source.task, saved)
    fitting, data_change = fit_to_data(saved, parts.data_fingerprint)
    state.restore(fitting)
    differs = " and ".join(filter(None, (data_change, random_changes(parts.world, parts.device, saved))))
    where = f"at {position_text(state.position.epoch, state.position.step)}"
    if differs:
        return f"continued {where} with {differs}: results may differ in the last digits"
    different = differing_parts(state.capture(), saved)
    return f"continued exactly {where}" + (f", but not exactly: {', '.join(different)} differ" if different else "")


def differing_parts(state: CheckpointState, other: CheckpointState) -> list[str]:
    """The parts, compared by their hashes, in which two captured states are not the same bit for bit."""
    first, second = cast("dict[str, object]", state), cast("dict[str, object]", other)
    parts = [name for name in PROVEN if format.checksum({0: first[name]}) != format.checksum({0: second[name]})]
    # Another total of epochs is what was asked for, and how long the steps took is no part of what they came to.
    apart = {"epochs": 0, "seconds": 0.0}
    same = {**state["position"], **apart} == {**other["position"], **apart}
    return parts if same else [*parts, "position"]


def random_changes(world: World, device: torch.device, saved: CheckpointState) -> str:
    """Why random numbers do not continue as they would have; empty when they do.

    Every process calls it and is given the same: what any of them finds holds for all, so that none compares its state
    with others that do not.
    """
    processes = len(saved["random"])
    change = (
        _changed_since(saved["versions"], device)
        if processes == world.size
        else f"{world.size} processes instead of {processes}"
    )
    return next(filter(None, world.all_gather(change)), "")


def _changed_since(versions: VersionsState, device: torch.device) -> str:
    """Another version of torch, or another kind of device. Its number is no difference: every process has its own."""
    pairs = (
        ("torch", versions.get("torch"), str(torch.__version__)),
        ("device", str(versions.get("device", "")).partition(":")[0], device.type),
    )
    return " and ".join(f"{name} {now} instead of {was}" for name, was, now in pairs if was != now)
