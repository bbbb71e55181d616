"""The table of all runs, read from their summaries; and how the settings of several runs differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.config.fields import kind_of
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig, variants
from workbench.runs.branch import Parent, parent_of
from workbench.runs.events import read_events
from workbench.runs.folder import RunFolder, list_runs, number, read_json
from workbench.runs.progress import Progress, State


@dataclass(frozen=True)
class Row:
    """One run in the table. ``value`` is the best of ``metric``; ``changed`` holds the settings that differ from the defaults."""

    run: RunFolder
    state: State
    epochs: int
    total_epochs: int
    seconds: float
    metric: str
    value: float | None
    changed: tuple[tuple[str, object], ...]
    parent: Parent | None = None
    """Of a branch: what it continues from."""

    @property
    def can_resume(self) -> bool:
        """Whether the run stopped short of its end with nobody running it now."""
        return self.state in ("stopped", "interrupted", "failed") or (
            self.state == "paused" and not self.run.is_running()
        )


def rows(root: Path | None = None) -> list[Row]:
    """All runs below ``root``, the newest first."""
    return [row(run) for run in list_runs(root)]


def row(run: RunFolder) -> Row:
    """One run's row. A broken run file or summary leaves its columns empty."""
    summary = read_json(run.summary_file)
    best = summary.get("best")
    best = best if isinstance(best, dict) else {}
    value = best.get("value")
    try:
        changed = tuple(differences(run.config().as_data(), RunConfig().as_data()).items())
    except ConfigError:
        changed = ()
    return Row(
        run=run,
        state=state(run, summary),
        epochs=int(number(summary, "epochs")),
        total_epochs=int(number(summary, "total_epochs")),
        seconds=float(number(summary, "seconds")),
        metric=str(best.get("metric", "")),
        value=float(value) if isinstance(value, (int, float)) else None,
        changed=changed,
        parent=parent_of(run),
    )


def state(run: RunFolder, summary: Mapping[str, Any] | None = None) -> State:
    """What state a run is in: from its summary if that has its end, from its events and its lock otherwise."""
    summary = read_json(run.summary_file) if summary is None else summary
    status = summary.get("status", "new")
    attempts = run.attempts()
    if run.is_running():
        return "paused" if status == "paused" else "running"
    if status in ("completed", "stopped", "failed", "paused") and number(summary, "attempt") >= attempts:
        return status  # type: ignore[no-any-return]
    if not attempts:
        return "new"
    state = load(run).state
    return "interrupted" if state == "new" else state  # its engine died before it could say that it started


def load(run: RunFolder) -> Progress:
    """A run's whole progress, reduced from all its events."""
    progress = Progress()
    progress.apply_all(read_events(run.events_file))
    progress.settle(run.is_running())
    return progress


def differences(data: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, object]:
    """Settings by path whose value in ``data`` is not that in ``base``. Of another kind, only what is not its default counts."""
    differing: dict[str, object] = {}
    for section, part in data.items():
        other = base.get(section, {})
        if part.get("kind") != other.get("kind"):
            differing[f"{section}.kind"] = part.get("kind")
            other = _defaults(section, part.get("kind"))
        differing |= {
            f"{section}.{name}": value for name, value in part.items() if name != "kind" and other.get(name) != value
        }
    return differing


def _defaults(section: str, kind: object) -> dict[str, Any]:
    variant = next(variant for variant in variants(section) if kind_of(variant) == kind)
    return variant().model_dump(mode="json")
