"""The checkpoints of a run as a list, read from the small JSON beside each file: no torch is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from workbench.runs.folder import number, read_json

_NAME = re.compile(r"step-(\d+)\.pt")


@dataclass(frozen=True)
class CheckpointInfo:
    """What the JSON beside a checkpoint says. ``value`` is that of the monitored metric, where an epoch was completed."""

    path: Path
    step: int
    epoch: int = 0
    why: str = ""
    time: float = 0.0
    value: float | None = None
    best: bool = False
    """Whether it was the best of its run when it was saved."""
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    """``train`` and ``val``: metric to value."""


def file_name(step: int) -> str:
    """The name of the checkpoint after ``step`` optimiser steps."""
    return f"step-{step:08d}.pt"


def list_checkpoints(folder: Path) -> list[CheckpointInfo]:
    """The checkpoints in a folder, the newest last. One whose JSON was lost is still listed, by the step in its name."""
    if not folder.is_dir():
        return []
    checkpoints = [_info(path, int(match[1])) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return sorted(checkpoints, key=lambda info: info.step)


def find(path: Path) -> CheckpointInfo | None:
    """What is known of a checkpoint file, by its name or by the JSON beside it; None when neither has its step."""
    match = _NAME.fullmatch(path.name)
    if not path.is_file() or (match is None and "step" not in read_json(path.with_suffix(".json"))):
        return None
    return _info(path, int(match[1]) if match else int(number(read_json(path.with_suffix(".json")), "step")))


def latest(folder: Path) -> CheckpointInfo | None:
    """The checkpoint from which a run is resumed."""
    return next(reversed(list_checkpoints(folder)), None)


def best(folder: Path) -> CheckpointInfo | None:
    """The best checkpoint: the newest of those that were the best when they were saved."""
    return next((info for info in reversed(list_checkpoints(folder)) if info.best), None)


def best_else_latest(folder: Path) -> CheckpointInfo | None:
    """The checkpoint that a run is evaluated, used and exported by: its best, else its newest."""
    return best(folder) or latest(folder)


def _info(path: Path, step: int) -> CheckpointInfo:
    data = read_json(path.with_suffix(".json"))
    value, metrics = data.get("value"), data.get("metrics")
    return CheckpointInfo(
        path=path,
        step=step,
        epoch=int(number(data, "epoch")),
        why=str(data.get("why", "")),
        time=float(number(data, "time")),
        value=float(value) if isinstance(value, (int, float)) else None,
        best=bool(data.get("best", False)),
        metrics={key: part for key, part in metrics.items() if isinstance(part, dict)}
        if isinstance(metrics, dict)
        else {},
    )
