"""Evaluation: metrics over a split, and for a closer look confusion, per-class figures and the worst samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.engine.build import Parts
from workbench.engine.data.source import Split, Task
from workbench.engine.meters import COLUMNS, guess, metrics, pass_sums, total_losses

SHOWN_PAIRS = 2000
LISTED = 1000
"""Samples listed for the cells of the confusion: as many wrong ones, and as many right ones."""
WORST = 32
"""Samples listed as the worst."""


def evaluate(parts: Parts, split: str, leave: Callable[[], bool] = lambda: False) -> dict[str, float] | None:
    """Metrics of a split over all processes, every sample counted once. None when ``leave`` asked to break off.

    Each process takes every world-th sample, and the sums are added up once at the end: no process waits within.
    """
    task, world, model = parts.source.task, parts.world, parts.model
    world.agree_on_buffers(model)
    losses: list[Tensor] = []
    guesses: list[Tensor] = []
    truths: list[Tensor] = []
    model.eval()
    if parts.average is not None:
        parts.average.swap()
    try:
        for inputs, targets in parts.loader.evaluation(split, world.rank, world.size):
            output, loss = parts.stepper.evaluate(inputs, targets)
            losses.append(loss)
            guesses.append(guess(task, output))
            truths.append(targets)
            if world.size == 1 and leave():
                return None
    finally:
        if parts.average is not None:
            parts.average.swap()
        model.train()
    sums = np.zeros(COLUMNS)
    if losses:
        rows = pass_sums(task, guesses, truths)
        means = torch.stack(losses).to(device="cpu", dtype=torch.float64).numpy()
        rows[:, 1] = total_losses(means, rows[:, 0])
        sums = rows.sum(axis=0)
    found = metrics(task, world.total(sums))
    if parts.imbalanced and found:
        found["balanced_accuracy"] = _balanced(task, guesses, truths, parts)
    return found


def _balanced(task: Task, guesses: list[Tensor], truths: list[Tensor], parts: Parts) -> float:
    """The mean over the classes of the share of each that was guessed right; classes without samples are left out."""
    count = len(task.classes)
    found = np.zeros((2, count))
    if guesses:
        guessed, truth = torch.cat(guesses).cpu(), torch.cat(truths).cpu()
        known = truth >= 0
        found[0] = torch.bincount(truth[known], minlength=count).numpy()
        found[1] = torch.bincount(truth[known & (guessed == truth)], minlength=count).numpy()
    whole, right = parts.world.total(found)
    return float((right[whole > 0] / whole[whole > 0]).mean()) if (whole > 0).any() else 0.0


def closer_look(parts: Parts, split: str) -> dict[str, Any]:
    """Everything ``workbench evaluate`` tells of a split: metrics, confusion, per-class figures, worst samples."""
    task = parts.source.task
    found = evaluate(parts, split) or {}
    outputs, truths = _outputs(parts, split)
    samples = parts.source.split(split)
    each = _losses(task, outputs, truths)
    guessed = guess(task, outputs)
    worst = each.argsort(descending=True)[:WORST].tolist()
    return {
        "split": split,
        "task": task.kind,
        "metrics": found,
        "classes": list(task.classes),
        **_details(task, guessed, truths, samples),
        "samples": _named(task, samples, truths, guessed, each),
        "worst": [
            {
                "index": index,
                "what": samples.name(index) if samples is not None else str(index),
                "loss": float(each[index]),
                "truth": _value(task, truths[index]),
                "guess": _value(task, guessed[index]),
            }
            for index in worst
        ],
    }


def _named(task: Task, samples: Split | None, truths: Tensor, guessed: Tensor, each: Tensor) -> list[dict[str, Any]]:
    """Samples of classes that were guessed wrong, and of the others some: what a cell of the confusion opens."""
    if task.kind != "classification" or samples is None:
        return []
    wrong = torch.nonzero((truths != guessed) & (truths >= 0)).flatten()[:LISTED].tolist()
    right = torch.nonzero(truths == guessed).flatten()[:LISTED].tolist()
    return [
        {
            "what": samples.name(index),
            "loss": float(each[index]),
            "truth": _value(task, truths[index]),
            "guess": _value(task, guessed[index]),
        }
        for index in (*wrong, *right)
    ]


def _losses(task: Task, outputs: Tensor, truths: Tensor) -> Tensor:
    """What each sample adds to the loss, by the plain loss of its kind of task: shape (n,)."""
    if task.kind == "regression":
        return ((outputs - truths) ** 2).mean(dim=1)
    if task.kind == "classification":
        return torch.nn.functional.cross_entropy(outputs, truths, reduction="none")
    classes = len(task.classes)
    kinds = torch.nn.functional.cross_entropy(outputs[:, :classes], truths[:, 0].long(), reduction="none")
    return kinds + ((outputs[:, classes:] - truths[:, 1:]) ** 2).mean(dim=1)


def _details(task: Task, guessed: Tensor, truths: Tensor, samples: Split | None) -> dict[str, Any]:
    """Confusion and figures by class; predicted against true for numbers, at most ``SHOWN_PAIRS`` of them, in their order."""
    if task.kind == "classification":
        return _per_class(task, guessed, truths)
    found = _per_class(task, guessed[:, 0].long(), truths[:, 0].long()) if task.kind == "multi-task" else {}
    first = 1 if task.kind == "multi-task" else 0
    step = max(1, -(-len(truths) // SHOWN_PAIRS))
    pairs = [(part[::step, first].double() * task.std + task.mean).tolist() for part in (truths, guessed)]
    names = [samples.name(index) for index in range(0, len(truths), step)] if samples is not None else []
    return {
        **found,
        "pairs": {
            "target": task.targets[0] if task.targets else "",
            "true": pairs[0],
            "guess": pairs[1],
            "names": names,
        },
    }


def _outputs(parts: Parts, split: str) -> tuple[Tensor, Tensor]:
    parts.model.eval()
    if parts.average is not None:
        parts.average.swap()
    pairs = [(parts.stepper.evaluate(x, y)[0].float().cpu(), y.cpu()) for x, y in parts.loader.evaluation(split, 0, 1)]
    if parts.average is not None:
        parts.average.swap()
    parts.model.train()
    return torch.cat([output for output, _ in pairs]), torch.cat([truth for _, truth in pairs])


def _per_class(task: Task, guesses: Tensor, truths: Tensor) -> dict[str, Any]:
    """Confusion (row: truth, column: guess) and precision, recall and F1 of every class."""
    count = len(task.classes)
    known = truths >= 0
    confusion = torch.bincount(truths[known] * count + guesses[known], minlength=count * count).view(count, count)
    right = confusion.diag().double()
    precision = right / confusion.sum(0).clamp(min=1)
    recall = right / confusion.sum(1).clamp(min=1)
    f1 = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
    rows = zip(task.classes, precision.tolist(), recall.tolist(), f1.tolist(), confusion.sum(1).tolist(), strict=True)
    names = ("name", "precision", "recall", "f1", "samples")
    return {"confusion": confusion.tolist(), "per_class": [dict(zip(names, row, strict=True)) for row in rows]}


def _value(task: Task, value: Tensor) -> str:
    if task.kind == "classification":
        place = int(value)
        return task.classes[place] if 0 <= place < len(task.classes) else "unreadable"
    if task.kind == "multi-task":
        numbers = ", ".join(f"{number * task.std + task.mean:.6g}" for number in value[1:].tolist())
        return f"{task.classes[int(value[0])]}, {numbers}"
    return ", ".join(f"{number * task.std + task.mean:.6g}" for number in value.flatten().tolist())
