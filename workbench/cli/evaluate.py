"""Measures a checkpoint: asks the lab engine, keeps the result in the run's folder, and prints it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.cli import output
from workbench.cli.service import asking
from workbench.config.problems import ConfigError, Problem
from workbench.launch.service import Answer
from workbench.runs import checkpoints, folder
from workbench.runs.folder import RunFolder, write_whole

SPLITS = ("train", "val", "test")
_CLASSES_SHOWN = 20
"""A confusion table of more classes is too wide to be read in a terminal; the file has it."""


def evaluated(target: str, splits: str, root: Path | None) -> list[dict[str, Any]]:
    """The results of a run's best checkpoint (else its newest) or of a checkpoint, one for each split. Raises ConfigError."""
    wanted = [split.strip() for split in splits.split(",")]
    wrong = [split for split in wanted if split not in SPLITS]
    if wrong:
        raise ConfigError(Problem("--split", f"{split!r} is no split", "train, val or test") for split in wrong)
    checkpoint = chosen_checkpoint(target, root)
    with asking() as ask:  # one engine for all: each would import torch anew
        return [_evaluate(ask, checkpoint, split) for split in dict.fromkeys(wanted)]


def print_evaluation(found: dict[str, Any]) -> None:
    """A result in words, on standard output."""
    output.line(f"{found['checkpoint']} (epoch {found['epoch']}, step {found['step']}), {found['split']}:")
    for name, value in found["metrics"].items():
        output.line(f"  {name:<12} {output.number(value)}")
    if found.get("per_class"):
        output.line(f"  {'class':<20} precision  recall      f1  samples")
    for one in found.get("per_class") or ():
        shares = f"{_share(one['precision']):>9} {_share(one['recall']):>7} {_share(one['f1']):>7}"
        output.line(f"  {one['name']:<20} {shares} {one['samples']:>8.0f}")
    _print_confusion(found.get("classes") or [], found.get("confusion") or [])
    if found.get("worst"):
        output.line("  worst samples")
    for one in (found.get("worst") or [])[:10]:
        output.line(f"    {one['what']}: {one['truth']}, taken for {one['guess']} (loss {output.number(one['loss'])})")


def chosen_checkpoint(target: str, root: Path | None) -> Path:
    """A checkpoint, or that of a run: its best, else its newest. Raises ConfigError."""
    path = Path(target).expanduser()
    if path.is_file() and path.name != "run.toml":
        return path.resolve()
    run = folder.find(target, root)
    if run is None:
        where = root or folder.default_root()
        what = f"there is no checkpoint and no run {target!r}"
        raise ConfigError([Problem("", what, f"workbench runs lists the runs in {where}")])
    found = checkpoints.best(run.checkpoints) or checkpoints.latest(run.checkpoints)
    if found is None:
        raise ConfigError([Problem("", f"{run.name} has no checkpoint yet", "train it first")])
    return found.path.resolve()


def _evaluate(ask: Callable[[str, dict[str, Any]], Answer], checkpoint: Path, split: str) -> dict[str, Any]:
    answer = ask("evaluate", {"checkpoint": str(checkpoint), "split": split})
    if not answer.ok:
        raise ConfigError(answer.problems)
    found = {**answer.result, "checkpoint": str(checkpoint), "split": split}
    run = RunFolder(checkpoint.parent.parent)
    if checkpoint.parent == run.checkpoints and run.is_run():
        found["run"] = str(run.path)
        found["file"] = str(_keep(run, checkpoint, found))
    return found


def _keep(run: RunFolder, checkpoint: Path, found: dict[str, Any]) -> Path | None:
    path = run.evaluation / f"{checkpoint.stem}-{found['split']}.json"
    try:
        run.evaluation.mkdir(exist_ok=True)
        write_whole(path, json.dumps(json.loads(output.as_json(found)), indent=1, ensure_ascii=False))
    except OSError as error:
        output.error_line(f"{path} could not be written: {error.strerror}")
        return None
    return path


def _print_confusion(classes: list[str], confusion: list[list[int]]) -> None:
    if not confusion or len(classes) > _CLASSES_SHOWN:
        return
    width = max(len(name) for name in classes)
    cell = max(5, *(len(str(count)) + 1 for row in confusion for count in row))
    output.line("  confusion: a row for each true class, a column for each class it was taken for")
    for name, row in zip(classes, confusion, strict=True):
        output.line(f"    {name:<{width}} " + "".join(f"{count:>{cell}}" for count in row))


def _share(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.3f}"
