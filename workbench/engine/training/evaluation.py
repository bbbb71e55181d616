"""Evaluation: metrics over a split, and for a closer look confusion, per-class figures and the worst samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.engine.data.dataset import Progress, Source, Split, TaskSpec, no_progress
from workbench.engine.reporting.metrics import COLUMNS, guess, metrics, pass_sums, total_losses
from workbench.engine.runtime.failures import memory_ran_out
from workbench.engine.tasks.samples import describe
from workbench.engine.training.build import Parts

SHOWN_PAIRS = 2000
WORST = 32
"""Samples listed as the worst."""
CELL = 24
"""Samples listed of a cell of the confusion matrix."""
MOST_CELLS = 4000
FORECAST = 600
"""Steps of a forecast that are shown: the newest."""
BINS = 40


def evaluate(
    parts: Parts,
    split: str,
    leave: Callable[[], bool] = lambda: False,
    kept: list[tuple[Tensor, Tensor]] | None = None,
    progress: Progress = no_progress,
) -> dict[str, float] | None:
    """Metrics of a split over all processes, every sample counted once. None when ``leave`` asked to break off.

    Each process takes every world-th sample, and the sums are added up once at the end: no process waits within.
    ``kept`` takes outputs (float32) and truths, in main memory, pass by pass.
    """
    task, world, model = parts.source.task, parts.world, parts.model
    world.broadcast_buffers(model)
    losses: list[Tensor] = []
    guesses: list[Tensor] = []
    truths: list[Tensor] = []
    samples = parts.source.split(split)
    measured, whole = 0, len(range(world.rank, len(samples) if samples is not None else 0, world.size))
    model.eval()
    if parts.average is not None:
        parts.average.swap()
    try:
        for batch in parts.loader.evaluation(split, world.rank, world.size):
            for output, loss, targets in _passes(parts, *batch):
                losses.append(loss)
                guesses.append(guess(task, output))
                truths.append(targets)
                if kept is not None:
                    kept.append((output.float().cpu(), targets.cpu()))
            if world.size == 1 and leave():
                return None
            measured += len(batch[1])
            progress("measuring", measured / whole)
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
    found = metrics(task, world.all_reduce_sum(sums))
    if parts.imbalanced and found:
        found["balanced_accuracy"] = _balanced(task, guesses, truths, parts)
    return found


def _passes(parts: Parts, inputs: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Output, mean loss and targets of a batch: at once, or where memory runs out in passes of half as many samples.

    Each process does so for itself: in an evaluation none waits for another.
    """
    stepper, done = parts.stepper, 0
    while done < len(inputs):
        size = min(stepper.evaluation_limit or len(inputs), len(inputs) - done)
        part = slice(done, done + size)
        found = None
        try:
            found = stepper.evaluate(inputs[part], targets[part])
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not memory_ran_out(error):
                raise
        if found is not None:
            yield *found, targets[part]
            done += size
            continue
        # Here, behind the handler, the traceback is gone, and with it the tensors that its frames held.
        stepper.evaluation_limit = (size + 1) // 2
        if parts.device.type == "cuda":
            torch.cuda.empty_cache()


def _balanced(task: TaskSpec, guesses: list[Tensor], truths: list[Tensor], parts: Parts) -> float:
    """The mean over the classes of the share of each that was guessed right; classes without samples are left out."""
    count = len(task.classes)
    found = np.zeros((2, count))
    if guesses:
        guessed, truth = torch.cat(guesses).cpu(), torch.cat(truths).cpu()
        known = truth >= 0
        found[0] = torch.bincount(truth[known], minlength=count).numpy()
        found[1] = torch.bincount(truth[known & (guessed == truth)], minlength=count).numpy()
    whole, right = parts.world.all_reduce_sum(found)
    return float((right[whole > 0] / whole[whole > 0]).mean()) if (whole > 0).any() else 0.0


def closer_look(parts: Parts, split: str, progress: Progress = no_progress) -> dict[str, Any]:
    """Everything ``workbench evaluate`` tells of a split: metrics, confusion, per-class figures, worst samples."""
    task = parts.source.task
    kept: list[tuple[Tensor, Tensor]] = []
    found = evaluate(parts, split, kept=kept, progress=progress) or {}
    outputs, truths = (torch.cat(column) for column in zip(*kept, strict=True))
    samples = parts.source.split(split)
    each = _losses(task, outputs, truths)
    guessed = guess(task, outputs)
    order = each.argsort(descending=True).tolist()
    worst = order[:WORST]
    seen = {} if samples is None else {one["index"]: one for one in describe(parts.source, samples, worst)}
    return {
        "split": split,
        "task": task.kind,
        "metrics": found,
        "classes": list(task.classes),
        "samples": len(truths),
        **_details(task, guessed, truths, samples),
        **({"cells": _cells(task, guessed, truths, order)} if task.has_classes else {}),
        **_forecast(parts.source, samples, guessed, truths),
        "worst": [
            {
                **seen.get(index, {"index": index, "what": str(index)}),
                "loss": float(each[index]),
                "truth": _value(task, truths[index]),
                "guess": _value(task, guessed[index]),
            }
            for index in worst
        ],
    }


def _losses(task: TaskSpec, outputs: Tensor, truths: Tensor) -> Tensor:
    """What each sample adds to the loss, by the plain loss of its kind of task: shape (n,)."""
    if task.kind == "regression":
        return ((outputs - truths) ** 2).mean(dim=1)
    if task.kind == "classification":
        return torch.nn.functional.cross_entropy(outputs, truths, reduction="none")
    classes = len(task.classes)
    kinds = torch.nn.functional.cross_entropy(outputs[:, :classes], truths[:, 0].long(), reduction="none")
    return kinds + ((outputs[:, classes:] - truths[:, 1:]) ** 2).mean(dim=1)


def _details(task: TaskSpec, guessed: Tensor, truths: Tensor, samples: Split | None) -> dict[str, Any]:
    """Confusion and figures by class; predicted against true for numbers, at most ``SHOWN_PAIRS`` of them, in their order."""
    if task.kind == "classification":
        return _per_class(task, guessed, truths)
    found = _per_class(task, guessed[:, 0].long(), truths[:, 0].long()) if task.kind == "multi-task" else {}
    first = 1 if task.kind == "multi-task" else 0
    step = max(1, -(-len(truths) // SHOWN_PAIRS))
    true, guesses = (task.in_own_units(part[::step, first:]).T.tolist() for part in (truths, guessed))
    names = [samples.name(index) for index in range(0, len(truths), step)] if samples is not None else []
    return {
        **found,
        "residuals": _residuals(task, guessed[:, first:], truths[:, first:]),
        "pairs": {
            "names": names,
            "targets": [
                {"target": _target(task, place), "true": values, "guess": guesses[place]}
                for place, values in enumerate(true)
            ],
        },
    }


def _target(task: TaskSpec, place: int) -> str:
    return task.targets[place] if place < len(task.targets) else ""


def _residuals(task: TaskSpec, guessed: Tensor, truths: Tensor) -> list[dict[str, Any]]:
    """For each target how guess minus truth lies, in the target's own unit: mean, standard deviation, root of the mean
    square, and a histogram."""
    rows = []
    guesses, true = task.in_own_units(guessed), task.in_own_units(truths)
    for place in range(truths.shape[1]):
        off = guesses[:, place] - true[:, place]
        counts, edges = np.histogram(off.numpy(), bins=BINS)
        rows.append(
            {
                "target": _target(task, place),
                "mean": float(off.mean()),
                "std": float(off.std(correction=0)),
                "rmse": float(off.square().mean().sqrt()),
                "mae": float(off.abs().mean()),
                "low": float(edges[0]),
                "high": float(edges[-1]),
                "counts": counts.tolist(),
            }
        )
    return rows


def _cells(task: TaskSpec, guessed: Tensor, truths: Tensor, order: list[int]) -> list[list[Any]]:
    """For cells of the confusion matrix [truth, guess, samples], the samples with the highest loss first. Where there are too
    many cells, those with the highest loss in them are told."""
    first = task.kind == "multi-task"
    truth, guess_ = (part[:, 0].long().tolist() if first else part.tolist() for part in (truths, guessed))
    cells: dict[tuple[int, int], list[int]] = {}
    for index in order:
        if truth[index] >= 0:
            found = cells.setdefault((truth[index], guess_[index]), [])
            if len(found) < CELL:
                found.append(index)
    return [[*place, found] for place, found in list(cells.items())[:MOST_CELLS]]


def _forecast(source: Source, samples: Split | None, guessed: Tensor, truths: Tensor) -> dict[str, Any]:
    """Of windows of a series the next value as it was and as it was guessed, and the mean errors of both this forecast and the
    naive one, which repeats the last value known; over all steps ahead, in the series' own unit."""
    if source.preprocessing.get("kind") != "series" or samples is None:
        return {}
    names = [column["name"] for column in source.preprocessing["columns"]]
    last = samples.read(range(len(samples)))[:, -1, names.index(source.preprocessing["target"])]
    true, guess_, naive = (source.task.in_own_units(values) for values in (truths, guessed, last[:, None]))
    own = [values[-FORECAST:, 0].tolist() for values in (true, guess_, naive)]
    errors = [float((values - true).abs().mean()) for values in (guess_, naive)]
    return {
        "forecast": {
            "target": source.preprocessing["target"],
            "first": samples.name(max(len(samples) - FORECAST, 0)),
            "true": own[0],
            "guess": own[1],
            "naive": own[2],
            "mae": errors[0],
            "naive_mae": errors[1],
        }
    }


def _per_class(task: TaskSpec, guesses: Tensor, truths: Tensor) -> dict[str, Any]:
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


def _value(task: TaskSpec, value: Tensor) -> str:
    if task.kind == "classification":
        place = int(value)
        return task.classes[place] if 0 <= place < len(task.classes) else "unreadable"
    if task.kind == "multi-task":
        numbers = ", ".join(f"{number:.6g}" for number in task.in_own_units(value[1:]).tolist())
        return f"{task.classes[int(value[0])]}, {numbers}"
    return ", ".join(f"{number:.6g}" for number in task.in_own_units(value.flatten()).tolist())
