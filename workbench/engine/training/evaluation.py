"""Evaluation: metrics over a split, and for a closer look what the task shows of it and the samples with the highest loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.engine.data.dataset import Progress, Source, Split, no_progress
from workbench.engine.reporting.metrics import total_losses
from workbench.engine.runtime.failures import RefusedError, memory_ran_out
from workbench.engine.tasks import class_figures
from workbench.engine.tasks.samples import describe
from workbench.engine.training.build import Parts

WORST = 32
"""Samples listed as the worst."""
FORECAST_STEPS = 600
"""Steps of a forecast that are shown: the newest."""


def evaluate(
    parts: Parts,
    split: str,
    wants_to_leave: Callable[[], bool] = lambda: False,
    outputs: list[tuple[Tensor, Tensor]] | None = None,
    progress: Progress = no_progress,
) -> dict[str, float] | None:
    """Metrics of a split over all processes, every sample counted once. None when ``wants_to_leave`` broke it off.

    Each process takes every world-th sample, and the sums are added up once at the end: no process waits within.
    ``outputs`` is filled with outputs (float32) and labels, in main memory, batch by batch.
    """
    task, world, model = parts.task, parts.world, parts.model
    world.broadcast_buffers(model)
    losses: list[Tensor] = []
    predictions: list[Tensor] = []
    labels: list[Tensor] = []
    samples = parts.source.split(split)
    measured, whole = 0, len(range(world.rank, len(samples) if samples is not None else 0, world.size))
    model.eval()
    if parts.ema is not None:
        parts.ema.swap()
    try:
        for batch in parts.loader.evaluation(split, world.rank, world.size):
            for output, loss, targets in _forward(parts, *batch):
                losses.append(loss)
                predictions.append(task.predict(output))
                labels.append(targets)
                if outputs is not None:
                    outputs.append((output.float().cpu(), targets.cpu()))
            if world.size == 1 and wants_to_leave():
                return None
            measured += len(batch[1])
            progress("measuring", measured / whole)
    finally:
        if parts.ema is not None:
            parts.ema.swap()
        model.train()
    sums = np.zeros(task.columns)
    if losses:
        rows = task.sums(predictions, labels)
        means = torch.stack(losses).to(device="cpu", dtype=torch.float64).numpy()
        rows[:, 1] = total_losses(means, rows[:, 0])
        sums = rows.sum(axis=0)
    metrics = task.metrics(world.all_reduce_sum(sums))
    if parts.class_metrics and metrics:
        classes = task.spec.classes
        counts = world.all_reduce_sum(class_figures.class_counts(len(classes), predictions, labels))
        metrics |= {name: class_figures.metric(name, classes, counts) for name in parts.class_metrics}
    return metrics


def _forward(parts: Parts, inputs: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Output, mean loss and targets of a batch: at once, or where memory runs out in parts of half as many samples.

    Each process does so for itself: in an evaluation none waits for another.
    """
    train_step, done = parts.train_step, 0
    while done < len(inputs):
        size = min(train_step.evaluation_limit or len(inputs), len(inputs) - done)
        part = slice(done, done + size)
        result = None
        try:
            result = train_step.evaluate(inputs[part], targets[part])
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not memory_ran_out(error):
                raise
        if result is not None:
            yield *result, targets[part]
            done += size
            continue
        # Here, behind the handler, the traceback is gone, and with it the tensors that its frames held.
        train_step.evaluation_limit = (size + 1) // 2
        if parts.device.type == "cuda":
            torch.cuda.empty_cache()


def evaluate_in_detail(parts: Parts, split: str, progress: Progress = no_progress) -> dict[str, Any]:
    """Everything ``workbench evaluate`` shows of a split: metrics, what the task shows, the samples with the highest loss."""
    task = parts.task
    batches: list[tuple[Tensor, Tensor]] = []
    metrics = evaluate(parts, split, outputs=batches, progress=progress) or {}
    if parts.loader.unreadable.of(split):
        # Outputs and samples would no longer belong together.
        what = "samples became unreadable while they were evaluated"
        raise RefusedError(what, "evaluate again: samples that cannot be read are then left out", "dataset.path")
    outputs, labels = (torch.cat(column) for column in zip(*batches, strict=True))
    samples = parts.source.split(split)
    sample_losses = task.sample_losses(outputs, labels)
    predictions = task.predict(outputs)
    hardest = sample_losses.argsort(descending=True).tolist()
    worst = hardest[:WORST]
    described = (
        {} if samples is None else {sample["index"]: sample for sample in describe(parts.source, samples, worst)}
    )
    return {
        "split": split,
        "task": task.kind,
        "metrics": metrics,
        "classes": list(task.spec.classes),
        "samples": len(labels),
        **task.evaluation(predictions, labels, hardest, samples),
        **_forecast(parts.source, samples, predictions, labels),
        "worst": [
            {
                **described.get(index, {"index": index, "what": str(index)}),
                "loss": float(sample_losses[index]),
                "truth": task.text_of(labels[index]),
                "guess": task.text_of(predictions[index]),
            }
            for index in worst
        ],
    }


def _forecast(source: Source, samples: Split | None, predictions: Tensor, labels: Tensor) -> dict[str, Any]:
    """Of windows of a series the next value as it was and as it was predicted, and the mean errors of both this forecast and the
    naive one, which repeats the last value known; over all steps ahead, in the series' own unit."""
    if source.preprocessing.get("kind") != "series" or samples is None:
        return {}
    names = [column["name"] for column in source.preprocessing["columns"]]
    last = samples.read(range(len(samples)))[:, -1, names.index(source.preprocessing["target"])]
    true, forecast, naive = (source.task.in_own_units(values) for values in (labels, predictions, last[:, None]))
    shown = [values[-FORECAST_STEPS:, 0].tolist() for values in (true, forecast, naive)]
    errors = [float((values - true).abs().mean()) for values in (forecast, naive)]
    return {
        "forecast": {
            "target": source.preprocessing["target"],
            "first": samples.name(max(len(samples) - FORECAST_STEPS, 0)),
            "true": shown[0],
            "guess": shown[1],
            "naive": shown[2],
            "mae": errors[0],
            "naive_mae": errors[1],
        }
    }
