"""Branches: a run that goes on from another one's checkpoint with other settings, and says whose it is.

A branch holds what it begins with: a copy of the checkpoint, the parent's curves up to it (as attempt 0 of its events), and
``parent.json``. It stays whole when the parent is moved or deleted.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig
from workbench.runs.checkpoints import CheckpointInfo, file_name
from workbench.runs.events import AnyEvent, Epoch, EventWriter, Recovered, Scalars, Started, read_events
from workbench.runs.folder import RunFolder, create, number, read_json, write_whole

SHOWN_CHANGES = 4


@dataclass(frozen=True)
class Change:
    """A setting of a branch that its parent has otherwise, as plain data; None where one of them has no such setting."""

    path: str
    value: object
    before: object

    def __str__(self) -> str:
        section, _, name = self.path.partition(".")
        word = section if name == "kind" else name
        return f"{word} {_word(self.value)} instead of {_word(self.before)}"


@dataclass(frozen=True)
class Parent:
    """Where a branch begins. ``run`` is the parent's name, empty for a checkpoint that lay in no run."""

    run: str
    path: str
    """The parent's folder, or the checkpoint itself where it lay in none."""
    checkpoint: str
    """The name of the checkpoint's file."""
    epoch: int
    """Epochs completed there."""
    step: int
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        """``continues RUN from epoch 3, step 140, with lr 0.01 instead of 0.001``."""
        shown = ", ".join(str(change) for change in self.changes[:SHOWN_CHANGES])
        more = len(self.changes) - SHOWN_CHANGES
        rest = f" and {more} more changed settings" if more > 0 else ""
        what = f", with {shown}{rest}" if shown else ""
        return f"continues {self.run or self.checkpoint} from epoch {self.epoch}, step {self.step}{what}"


def parent_of(run: RunFolder) -> Parent | None:
    """What a branch begins from; None for a run that is no branch, or whose note of it cannot be read."""
    data = read_json(run.parent_file)
    if not data:
        return None
    changes = data.get("changes")
    return Parent(
        run=str(data.get("run", "")),
        path=str(data.get("path", "")),
        checkpoint=str(data.get("checkpoint", "")),
        epoch=int(number(data, "epoch")),
        step=int(number(data, "step")),
        changes=tuple(_changes_in(changes if isinstance(changes, list) else [])),
    )


def check(checkpoint: CheckpointInfo, config: RunConfig) -> None:
    """Raises ConfigError when nothing would be left to train."""
    if checkpoint.epoch >= config.training.epochs:
        what = f"{checkpoint.epoch} epochs are done already at the checkpoint"
        hint = f"give a total of more than {checkpoint.epoch}"
        raise ConfigError([Problem("training.epochs", what, hint)])


def make(checkpoint: CheckpointInfo, config: RunConfig, name: str, root: Path | None = None) -> RunFolder:
    """Makes a run that goes on from a checkpoint with settings of its own. It appears whole or not at all.

    Raises ConfigError when nothing would be left to train, OSError when the disk refuses.
    """
    check(checkpoint, config)
    source = RunFolder(checkpoint.path.resolve().parent.parent)
    parent = _parent(source, checkpoint, config)

    def fill(folder: RunFolder) -> None:
        _copy(checkpoint.path, folder.checkpoints / file_name(checkpoint.step))
        if source.is_run():
            keeps_best = not any(change.path.startswith("dataset.") for change in parent.changes)
            _write_past(folder, _past(read_events(source.events_file), checkpoint), keeps_best)
        write_whole(folder.parent_file, json.dumps(asdict(parent), indent=1))

    return create(config, name, root, fill)


def changes(config: RunConfig, before: RunConfig) -> tuple[Change, ...]:
    """The settings in which a configuration is not as another one. Of another kind: the kind, and what both kinds have."""
    return tuple(_compare(config.as_data(), before.as_data()))


def _compare(data: dict[str, Any], before: dict[str, Any]) -> Iterator[Change]:
    for section, part in data.items():
        was = before.get(section, {})
        same = part.get("kind") == was.get("kind")
        names = part.keys() | was.keys() if same else part.keys() & was.keys()
        for name in (name for name in (*part, *was) if name in names):
            names.discard(name)
            if part.get(name) != was.get(name):
                yield Change(f"{section}.{name}", part.get(name), was.get(name))


def _parent(source: RunFolder, checkpoint: CheckpointInfo, config: RunConfig) -> Parent:
    known: tuple[Change, ...] = ()
    if source.is_run():
        try:
            known = changes(config, source.config())
        except ConfigError:
            known = ()  # a damaged run file: what was changed is not known, the checkpoint is as good as before
    return Parent(
        run=source.name if source.is_run() else "",
        path=str(source.path if source.is_run() else checkpoint.path.resolve()),
        checkpoint=checkpoint.path.name,
        epoch=checkpoint.epoch,
        step=checkpoint.step,
        changes=known,
    )


def _copy(source: Path, target: Path) -> None:
    beside = source.with_suffix(".json")
    if beside.is_file():
        shutil.copyfile(beside, target.with_suffix(".json"))
    shutil.copyfile(source, target)


def _past(events: Iterable[AnyEvent], checkpoint: CheckpointInfo) -> list[Scalars | Epoch]:
    """The points and epochs that count at the checkpoint: what later attempts took back is left out."""
    kept: list[Scalars | Epoch] = []
    for event in events:
        if isinstance(event, Started | Recovered):
            kept = [part for one in kept if (part := _until(one, event.from_step)) is not None]
        elif isinstance(event, Scalars | Epoch):
            kept.append(event)
    kept = [part for one in kept if (part := _until(one, checkpoint.step)) is not None]
    # A state saved after an epoch's last step, before its validation, is not that epoch's end yet.
    return [one for one in kept if isinstance(one, Scalars) or not checkpoint.epoch or one.epoch <= checkpoint.epoch]


def _until(event: Scalars | Epoch, step: int) -> Scalars | Epoch | None:
    """What an event says of the steps up to that one; None when that is nothing."""
    if isinstance(event, Epoch):
        return event if event.step <= step else None
    count = sum(one <= step for one in event.step)
    norms = sum(one <= step for one in event.grad_step)
    layers = sum(one <= step for one in event.layer_step)
    if not count:
        return None
    if count == len(event.step):
        return event
    columns = ("step", "loss", "loss_min", "loss_max", "metric", "lr")
    cut: dict[str, Any] = {name: getattr(event, name)[:count] for name in columns}
    cut |= {"grad_step": event.grad_step[:norms], "grad_norm": event.grad_norm[:norms]}
    cut |= {"layer_step": event.layer_step[:layers]}
    cut |= {"layer_norms": {name: values[:layers] for name, values in event.layer_norms.items()}}
    return event.model_copy(update=cut)


def _write_past(folder: RunFolder, events: Iterable[Scalars | Epoch], keeps_best: bool) -> None:
    writer = EventWriter(folder.events_file, 0)
    try:
        for event in events:
            best = isinstance(event, Epoch) and event.best and not keeps_best
            if not writer.write(event.model_copy(update={"best": False}) if best else event):
                raise OSError(f"{folder.events_file} cannot be written")
    finally:
        writer.close()


def _changes_in(found: list[object]) -> Iterator[Change]:
    for one in found:
        if isinstance(one, dict) and isinstance(one.get("path"), str):
            yield Change(one["path"], one.get("value"), one.get("before"))


def _word(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)
