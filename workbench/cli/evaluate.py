"""Evaluates a checkpoint: asks the engine's service, keeps the result in the run's folder, and prints it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from workbench.cli import output
from workbench.cli.service import open_service
from workbench.config.problems import ConfigError, Problem
from workbench.launch.service import ServiceReply
from workbench.runs import checkpoints, evaluations, folder
from workbench.runs.service.evaluation import Evaluation
from workbench.runs.service.requests import AnyRequest, EvaluateCheckpoint

SPLITS = ("train", "val", "test")
_CLASSES_SHOWN = 20
"""A confusion table of more classes is too wide to be read in a terminal; the file has it."""


def evaluate_splits(target: str, splits: str, root: Path | None) -> list[Evaluation]:
    """Evaluates a run's best checkpoint (else its newest) or a checkpoint on each of the splits. Raises ConfigError."""
    wanted = [split.strip() for split in splits.split(",")]
    wrong = [split for split in wanted if split not in SPLITS]
    if wrong:
        raise ConfigError(Problem("--split", f"{split!r} is no split", "train, val or test") for split in wrong)
    checkpoint = find_checkpoint(target, root)
    with open_service() as request_reply:  # one engine for all: each would import torch anew
        return [_evaluate(request_reply, checkpoint, split) for split in dict.fromkeys(wanted)]


def print_evaluation(evaluation: Evaluation) -> None:
    """A result for a person, on standard output."""
    output.line(f"{evaluation.checkpoint} (epoch {evaluation.epoch}, step {evaluation.step}), {evaluation.split}:")
    if evaluation.note:
        output.error_line(evaluation.note)
    for equation in evaluation.equations or ():
        output.line(f"  learned: {equation.text}")
    for warning in evaluation.warnings:
        output.line(f"  warning: {warning}")
    for name, value in evaluation.metrics.items():
        output.line(f"  {name:<12} {output.number(value)}")
    if evaluation.per_class:
        output.line(f"  {'class':<20} precision  recall      f1  samples")
    for scores in evaluation.per_class or ():
        shares = f"{_share(scores.precision):>9} {_share(scores.recall):>7} {_share(scores.f1):>7}"
        output.line(f"  {scores.name:<20} {shares} {scores.samples:>8}")
    _print_confusion(evaluation.classes, evaluation.confusion or ())
    if evaluation.worst:
        output.line("  samples with the highest loss")
    for sample in evaluation.worst[:10]:
        loss = output.number(sample.loss)
        output.line(f"    {sample.what}: true {sample.label}, predicted {sample.prediction} (loss {loss})")


def find_checkpoint(target: str, root: Path | None) -> Path:
    """A checkpoint, or that of a run: its best, else its newest. Raises ConfigError."""
    path = Path(target).expanduser()
    if path.is_file() and path.name != "run.toml":
        return path.resolve()
    run = folder.find(target, root)
    if run is None:
        where = root or folder.default_root()
        what = f"there is no checkpoint and no run {target!r}"
        raise ConfigError([Problem("", what, f"workbench runs lists the runs in {where}")])
    info = checkpoints.best_else_latest(run.checkpoints)
    if info is None:
        raise ConfigError([Problem("", f"{run.name} has no checkpoint yet", "train it first")])
    return info.path.resolve()


def _evaluate(request_reply: Callable[[AnyRequest], ServiceReply], checkpoint: Path, split: str) -> Evaluation:
    reply = request_reply(EvaluateCheckpoint(checkpoint=str(checkpoint), split=split))
    evaluation = reply.require(Evaluation)
    try:
        return evaluations.keep_evaluation(evaluation)
    except OSError as error:
        output.error_line(f"the evaluation could not be saved in its run: {error.strerror}")
        return evaluations.with_run(evaluation)


def _print_confusion(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> None:
    if not confusion or len(classes) > _CLASSES_SHOWN:
        return
    width = max(len(name) for name in classes)
    cell = max(5, *(len(str(count)) + 1 for row in confusion for count in row))
    output.line("  confusion: a row for each true class, a column for each predicted class")
    for name, row in zip(classes, confusion, strict=True):
        output.line(f"    {name:<{width}} " + "".join(f"{count:>{cell}}" for count in row))


def _share(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"
