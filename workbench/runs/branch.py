"""Branches: a run that continues from another run's checkpoint with other settings, and records which.

A branch holds what it starts with: a copy of the checkpoint, the parent's curves up to it (as attempt 0 of its events), and
``parent.json``. It does not depend on the parent's folder, which may be moved or deleted.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.config.migrations import migrate_path, migrate_value
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig, title_at
from workbench.runs.checkpoints import CheckpointInfo, file_name
from workbench.runs.events import (
    AnyEvent,
    Epoch,
    EventWriter,
    Recovered,
    Scalars,
    Started,
    position_text,
    read_events,
)
from workbench.runs.folder import RunFolder, create, number, read_json, write_whole

SHOWN_CHANGES = 4


@dataclass(frozen=True)
class Change:
    """A setting in which a branch differs from its parent, as plain data; None where one of them has no such setting."""

    path: str
    value: object
    before: object

    def __str__(self) -> str:
        return f"{title_at(self.path)} {_value_text(self.before)} → {_value_text(self.value)}"


@dataclass(frozen=True)
class Parent:
    """Where a branch starts. ``run`` is the parent's name, empty for a checkpoint outside any run."""

    run: str
    path: str
    """The parent's folder, or the checkpoint itself where it was outside any run."""
    checkpoint: str
    """The name of the checkpoint's file."""
    epoch: int
    """Epochs completed there."""
    step: int
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        """``continues RUN from step 140 (3 epochs completed), with Learning rate 0.001 → 0.01``."""
        shown = ", ".join(str(change) for change in self.changes[:SHOWN_CHANGES])
        more = len(self.changes) - SHOWN_CHANGES
        further = f" and {more} more changed settings" if more > 0 else ""
        what = f", with {shown}{further}" if shown else ""
        return f"continues {self.run or self.checkpoint} from {position_text(self.epoch, self.step)}{what}"


def parent_of(run: RunFolder) -> Parent | None:
    """What a branch starts from; None for a run that is no branch, or whose ``parent.json`` cannot be read."""
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
        completed = "1 epoch is" if checkpoint.epoch == 1 else f"{checkpoint.epoch} epochs are"
        what = f"{completed} completed at the checkpoint"
        hint = f"set a total of more than {checkpoint.epoch}"
        raise ConfigError([Problem("training.epochs", what, hint)])


def create_branch(checkpoint: CheckpointInfo, config: RunConfig, name: str, root: Path | None = None) -> RunFolder:
    """Makes a run that continues from a checkpoint with its own settings. It appears whole or not at all.

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
    """The settings in which a configuration differs from another. Of another kind: the kind, and what both kinds have."""
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
    changed: tuple[Change, ...] = ()
    if source.is_run():
        try:
            changed = changes(config, source.config())
        except ConfigError:
            changed = ()  # a damaged run file: what was changed is not known, the checkpoint can still be used
    return Parent(
        run=source.name if source.is_run() else "",
        path=str(source.path if source.is_run() else checkpoint.path.resolve()),
        checkpoint=checkpoint.path.name,
        epoch=checkpoint.epoch,
        step=checkpoint.step,
        changes=changed,
    )


def _copy(source: Path, target: Path) -> None:
    beside = source.with_suffix(".json")
    if beside.is_file():
        shutil.copyfile(beside, target.with_suffix(".json"))
    shutil.copyfile(source, target)


def _past(events: Iterable[AnyEvent], checkpoint: CheckpointInfo) -> list[Scalars | Epoch]:
    """The points and epochs that count at the checkpoint: what later attempts took back is left out."""
    past: list[Scalars | Epoch] = []
    for event in events:
        if isinstance(event, Started | Recovered):
            past = [part for earlier in past if (part := _until(earlier, event.from_step)) is not None]
        elif isinstance(event, Scalars | Epoch):
            past.append(event)
    past = [part for earlier in past if (part := _until(earlier, checkpoint.step)) is not None]
    # A state saved after an epoch's last step, before its validation, is not that epoch's end yet.
    last = checkpoint.epoch
    return [event for event in past if isinstance(event, Scalars) or not last or event.epoch <= last]


def _until(event: Scalars | Epoch, step: int) -> Scalars | Epoch | None:
    """What an event says of the steps up to that one; None when that is nothing."""
    if isinstance(event, Epoch):
        return event if event.step <= step else None
    count = sum(number <= step for number in event.step)
    norms = sum(number <= step for number in event.grad_step)
    layers = sum(number <= step for number in event.layer_step)
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


def _changes_in(entries: list[object]) -> Iterator[Change]:
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("path"), str):
            path = migrate_path(entry["path"])
            yield Change(path, migrate_value(path, entry.get("value")), migrate_value(path, entry.get("before")))


def _value_text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)
