"""The learning rate that suits a configuration, determined by raising it step by step until the training diverges."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch

from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.batches import Microbatch
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.runtime.distributed import World
from workbench.engine.training import build
from workbench.runs.service.tuning import SWEEP_STEPS, LearningRatePoint, LearningRateSweep

FIRST_RATE, LAST_RATE = 1e-7, 10.0
MEMORY = 0.95
"""Of the running mean of the loss, as Smith (2017) and fastai smooth it."""
DIVERGED = 4.0
"""The sweep ends where the smoothed loss is this many times its best."""
SETTLED = 10
"""Steps until the running mean says something."""
NEVER_FALLS = "the loss never falls, whatever the learning rate: check the data and the architecture"


def sweep(
    config: RunConfig, device: torch.device, report_point: Callable[[LearningRatePoint], None]
) -> LearningRateSweep:
    """Loss against learning rate on an exponential sweep (Smith, 2017, arXiv:1506.01186), and a suggestion.

    Trains a fresh model for at most ``SWEEP_STEPS`` steps; ``report_point`` is given every point as it comes.
    ``suggestion`` is None, and ``note`` says why, where the loss never falls. Raises RefusedError.
    """
    source = data.load(config.dataset)
    parts = build.assemble(config, source, device, World())
    # The sweep ends where the loss runs away: it has to see it.
    parts.train_step.disable_guard()
    recorder = StepRecorder(parts.task)
    points: list[LearningRatePoint] = []
    mean, best = 0.0, math.inf
    try:
        for step, microbatches in enumerate(_microbatches(parts), start=1):
            rate = FIRST_RATE * (LAST_RATE / FIRST_RATE) ** ((step - 1) / (SWEEP_STEPS - 1))
            for group in parts.optimizer.param_groups:
                group["lr"] = rate * group["factor"]
            parts.train_step.run(step, microbatches, recorder)
            _, table = recorder.read()
            mean = MEMORY * mean + (1 - MEMORY) * float(table[0, 1] / max(table[0, 0], 1))
            smooth = mean / (1 - MEMORY**step)
            if not math.isfinite(smooth) or (step > SETTLED and smooth > DIVERGED * best):
                break
            best = min(best, smooth)
            points.append(LearningRatePoint(lr=rate, loss=smooth))
            report_point(points[-1])
            if step == SWEEP_STEPS:
                break
    finally:
        parts.loader.close()
    suggestion = steepest([point.lr for point in points], [point.loss for point in points])
    return LearningRateSweep(suggestion=suggestion, note="" if suggestion is not None else NEVER_FALLS)


def steepest(rates: list[float], losses: list[float]) -> float | None:
    """The rate at which the loss falls fastest per decade, before its lowest point; None when it never falls."""
    lowest = min(range(len(losses)), key=lambda index: losses[index], default=0)
    # The running mean has to settle, and around the lowest point the curve is flat.
    slopes = {index: losses[index + 2] - losses[index - 2] for index in range(5, max(lowest - 1, 5))}
    if not slopes or min(slopes.values()) >= 0:
        return None
    return float(f"{rates[min(slopes, key=lambda index: slopes[index])]:.2g}")


def _microbatches(parts: build.Parts) -> Iterator[list[Microbatch]]:
    """The microbatches of one step after the other, epoch after epoch, without end."""
    epoch = 0
    while True:
        yield from parts.loader.steps(parts.plan, 0, parts.config.training.seed, epoch, 0)
        epoch += 1
