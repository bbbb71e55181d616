"""The runs of one comparison know each other: a small file in each folder has its group and its own values.

``compare.json`` has ``group`` (the same in all of them), ``place`` (its index there), ``label`` and ``values`` (the settings
that differ, by path).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from workbench.config.migrations import migrate_values
from workbench.runs import history
from workbench.runs.folder import RunFolder, list_runs, number, read_json, write_whole
from workbench.runs.progress import State

LONGEST_NAME = 80


@dataclass(frozen=True)
class Member:
    """A run's part in a comparison."""

    group: str
    label: str
    values: Mapping[str, Any] = field(default_factory=dict)
    place: int = 0


@dataclass(frozen=True)
class Result:
    """A run of a comparison in a few numbers. ``final`` and ``best`` are of ``metric``, which starts with its split."""

    run: RunFolder
    label: str
    state: State
    epochs: int
    seconds: float
    metric: str
    final_loss: float | None
    final: float | None
    best: float | None
    best_epoch: int | None
    initial_weights: str
    first_batches: str


def new_group(name: str) -> str:
    """A unique name for a comparison."""
    return f"{name}-{uuid4().hex[:8]}"


def run_name(name: str, values: Mapping[str, Any]) -> str:
    """What a run of a comparison is called: the comparison's name and the run's own values."""
    return "-".join([name, *(str(value) for value in values.values())])[:LONGEST_NAME]


def write(run: RunFolder, member: Member) -> None:
    """Writes a run's part in its comparison. Raises OSError."""
    data = {"group": member.group, "label": member.label, "values": dict(member.values), "place": member.place}
    write_whole(_file(run), json.dumps(data))


def read(run: RunFolder) -> Member | None:
    """The run's part in its comparison; None when it belongs to none."""
    data = read_json(_file(run))
    group, label, values = data.get("group"), data.get("label"), data.get("values")
    if not isinstance(group, str) or not isinstance(label, str) or not group:
        return None
    return Member(group, label, migrate_values(values) if isinstance(values, dict) else {}, int(number(data, "place")))


def members(root: Path, group: str) -> list[RunFolder]:
    """The runs of a comparison below ``root``, in their order."""
    numbered = [
        (member.place, run) for run in list_runs(root) if (member := read(run)) is not None if member.group == group
    ]
    return [run for _, run in sorted(numbered, key=lambda pair: (pair[0], pair[1].name))]


def result(run: RunFolder) -> Result:
    """A run in a few numbers, from its files. What is not known yet is None."""
    summary = read_json(run.summary_file)
    return summarised(run, read(run), summary, history.state(run, summary))


def summarised(run: RunFolder, member: Member | None, summary: Mapping[str, Any], state: State) -> Result:
    """The same from a summary that is known already."""
    best = _table(summary, "best")
    metric = str(best.get("metric", ""))
    split, _, name = metric.partition(" ")
    last = _table(summary, split) if split in ("train", "val") else {}
    return Result(
        run=run,
        label=member.label if member is not None else run.name,
        state=state,
        epochs=int(number(summary, "epochs")),
        seconds=float(number(summary, "seconds")),
        metric=metric,
        final_loss=_number(_table(summary, "train").get("loss")),
        final=_number(last.get(name)),
        best=_number(best.get("value")),
        best_epoch=int(best["epoch"]) if isinstance(best.get("epoch"), int) else None,
        initial_weights=str(summary.get("initial_weights") or ""),
        first_batches=str(summary.get("first_batches") or ""),
    )


def _file(run: RunFolder) -> Path:
    return run.path / "compare.json"


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name)
    return table if isinstance(table, dict) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
