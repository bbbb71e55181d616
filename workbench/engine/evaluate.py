"""Evaluation: metrics over a split, and for a closer look confusion, per-class figures and the worst samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.engine.build import Parts
from workbench.engine.data.source import Task
from workbench.engine.meters import COLUMNS, guess, metrics, pass_sums, total_losses

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
    try:
        for inputs, targets in parts.loader.evaluation(split, world.rank, world.size):
            output, loss = parts.stepper.evaluate(inputs, targets)
            losses.append(loss)
            guesses.append(guess(task, output))
            truths.append(targets)
            if world.size == 1 and leave():
                return None
    finally:
        model.train()
    sums = np.zeros(COLUMNS)
    if losses:
        rows = pass_sums(task, guesses, truths)
        means = torch.stack(losses).to(device="cpu", dtype=torch.float64).numpy()
        rows[:, 1] = total_losses(means, rows[:, 0])
        sums = rows.sum(axis=0)
    return metrics(task, world.total(sums))


def closer_look(parts: Parts, split: str) -> dict[str, Any]:
    """Everything ``workbench evaluate`` tells of a split: metrics, confusion, per-class figures, worst samples."""
    task = parts.source.task
    found = evaluate(parts, split) or {}
    outputs, truths = _outputs(parts, split)
    samples = parts.source.split(split)
    if task.kind == "classification":
        each = torch.nn.functional.cross_entropy(outputs, truths, reduction="none")
    else:
        each = ((outputs - truths) ** 2).mean(dim=1)
    worst = each.argsort(descending=True)[:WORST].tolist()
    return {
        "split": split,
        "task": task.kind,
        "metrics": found,
        "classes": list(task.classes),
        **(_per_class(task, outputs.argmax(1), truths) if task.kind == "classification" else {}),
        "worst": [
            {
                "index": index,
                "what": samples.name(index) if samples is not None else str(index),
                "loss": float(each[index]),
                "truth": _value(task, truths[index]),
                "guess": _value(task, outputs[index].argmax() if task.kind == "classification" else outputs[index]),
            }
            for index in worst
        ],
    }


def _outputs(parts: Parts, split: str) -> tuple[Tensor, Tensor]:
    parts.model.eval()
    pairs = [(parts.stepper.evaluate(x, y)[0].float().cpu(), y.cpu()) for x, y in parts.loader.evaluation(split, 0, 1)]
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
    return ", ".join(f"{number * task.std + task.mean:.6g}" for number in value.flatten().tolist())
