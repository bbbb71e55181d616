"""Finders: the learning rate, the batch size and the number of loader workers that suit a configuration, by trying."""

from __future__ import annotations

import math
import time
from typing import Any

import torch

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import build, data, memory, seeding
from workbench.engine.data import loading
from workbench.engine.data.source import Source
from workbench.engine.distributed import World
from workbench.engine.failures import RefusedError
from workbench.engine.meters import Recorder

FIRST_RATE, LAST_RATE = 1e-7, 10.0
RATE_STEPS = 120
MEMORY_OF_LOSS = 0.95
"""Of the running mean of the loss, as Smith (2017) and fastai smooth it."""
DIVERGED = 4.0
"""The sweep ends where the smoothed loss is this many times its best."""
TRIAL_SECONDS = 1.5
WORKERS = (0, 1, 2, 4, 8)


def learning_rate(config: RunConfig, device: torch.device) -> dict[str, Any]:
    """Loss against learning rate on an exponential sweep (Smith, 2017), and a suggestion: where the loss falls steepest."""
    source = data.load(config.dataset)
    parts = build.assemble(config, source, device, World())
    # The sweep ends where the loss runs away: it has to see it.
    parts.stepper.release()
    recorder = Recorder(source.task)
    rates: list[float] = []
    losses: list[float] = []
    mean, best = 0.0, float("inf")
    step = epoch = 0
    try:
        while step < RATE_STEPS:
            for passes in parts.loader.steps(parts.steps, 0, config.training.seed, epoch, 0):
                rate = FIRST_RATE * (LAST_RATE / FIRST_RATE) ** (step / (RATE_STEPS - 1))
                for group in parts.optimizer.param_groups:
                    group["lr"] = rate * group["factor"]
                parts.stepper.train(step + 1, passes, recorder)
                _, table = recorder.take()
                loss = float(table[0, 1] / max(table[0, 0], 1))
                mean = MEMORY_OF_LOSS * mean + (1 - MEMORY_OF_LOSS) * loss
                smooth = mean / (1 - MEMORY_OF_LOSS ** (step + 1))
                if not math.isfinite(smooth) or (step > 10 and smooth > DIVERGED * best):
                    step = RATE_STEPS
                    break
                best = min(best, smooth)
                rates.append(rate)
                losses.append(smooth)
                step += 1
                if step >= RATE_STEPS:
                    break
            epoch += 1
    finally:
        parts.loader.close()
    return {
        "points": [{"lr": r, "loss": v} for r, v in zip(rates, losses, strict=True)],
        "suggestion": steepest(rates, losses),
    }


def steepest(rates: list[float], losses: list[float]) -> float:
    """The rate at which the loss falls fastest per decade, before its lowest point. Raises RefusedError when it never falls."""
    lowest = min(range(len(losses)), key=lambda place: losses[place], default=0)
    # The running mean has to settle, and around the lowest point the curve is flat.
    slopes = {place: losses[place + 2] - losses[place - 2] for place in range(5, max(lowest - 1, 5))}
    if not slopes or min(slopes.values()) >= 0:
        raise RefusedError(
            "the loss never falls, whatever the learning rate", "look at the data and the architecture", "optimizer.lr"
        )
    found = rates[min(slopes, key=lambda place: slopes[place])]
    return float(f"{found:.2g}")


def batch_trial(config: RunConfig, device: torch.device) -> dict[str, Any]:
    """Throughput and memory at the configuration's batch size. ``fits`` is False where memory ran out."""
    source = data.load(config.dataset)
    trial: dict[str, Any] = {
        "batch_size": config.training.batch_size,
        "fits": True,
        "samples_per_second": 0.0,
        "memory": 0,
    }
    try:
        trial["samples_per_second"] = throughput(config, source, device)
    except (torch.OutOfMemoryError, MemoryError):
        trial["fits"] = False
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        trial["fits"] = False
    trial["memory"] = memory.sample(device).reserved
    return trial


def worker_trial(config: RunConfig, device: torch.device) -> dict[str, Any]:
    """Throughput with the configuration's loader workers. Raises RefusedError where data is resident and has none."""
    source = data.load(config.dataset)
    if loading.resident(config, source, device):
        what = "the samples are resident: they lie in memory whole, and no worker reads them"
        raise RefusedError(what, "nothing has to be set; choose streamed to measure it all the same", "dataset.loading")
    return {"workers": config.dataset.workers, "samples_per_second": throughput(config, source, device)}


def throughput(config: RunConfig, source: Source, device: torch.device) -> float:
    """Training samples per second over about ``TRIAL_SECONDS``, after a few steps to warm up."""
    parts = build.assemble(config, source, device, World())
    recorder = Recorder(source.task)
    samples = step = epoch = 0
    began = 0.0
    try:
        while True:
            for passes in parts.loader.steps(parts.steps, 0, config.training.seed, epoch, 0):
                if step == 3:
                    recorder.take()
                    began, samples = time.perf_counter(), 0
                parts.stepper.train(step + 1, passes, recorder)
                samples += sum(len(targets) for _, targets, _ in passes)
                step += 1
                if step > 4 and step % 4 == 0:
                    recorder.take()
                    if time.perf_counter() - began > TRIAL_SECONDS:
                        return round(samples / (time.perf_counter() - began), 1)
            epoch += 1
    finally:
        parts.loader.close()


def prepared(params: dict[str, Any]) -> RunConfig:
    """The configuration of a trial, its random streams begun anew."""
    config = files.parse(params["config"])
    seeding.seed_everything(config.training.seed, "finder")
    return config
