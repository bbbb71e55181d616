"""Trials of tuning: each is the only request of its process, so that no trial sees the memory of another."""

from __future__ import annotations

from collections.abc import Callable

import torch

from workbench.config.run import RunConfig
from workbench.engine.runtime import devices, seeding
from workbench.engine.service.tuning import batch_size, lr_sweep, memory_plan, workers
from workbench.runs.service.requests import PlanMemory, SweepLearningRate, TryBatchSize, TryWorkers
from workbench.runs.service.tuning import (
    BatchSizeTrial,
    LearningRatePoint,
    LearningRateSweep,
    MemoryEstimate,
    WorkersTrial,
)


def sweep_learning_rate(
    request: SweepLearningRate, report_point: Callable[[LearningRatePoint], None]
) -> LearningRateSweep:
    """Loss against learning rate, with every point as it is measured."""
    return lr_sweep.sweep(request.config, _prepare(request.config), report_point)


def try_batch_size(request: TryBatchSize) -> BatchSizeTrial:
    """Throughput and memory at the configuration's batch size."""
    return batch_size.trial(request.config, _prepare(request.config))


def try_workers(request: TryWorkers) -> WorkersTrial:
    """Throughput with the configuration's loader workers."""
    return workers.trial(request.config, _prepare(request.config))


def plan_memory(request: PlanMemory) -> MemoryEstimate:
    """The memory that a run will need."""
    return memory_plan.plan(request.config, _prepare(request.config))


def _prepare(config: RunConfig) -> torch.device:
    """Begins the random streams anew, with the threads that a run would have. Gives the device of the trial."""
    threads = config.hardware.threads
    torch.set_num_threads(threads if threads != "auto" else devices.available_cpus())
    seeding.seed_everything(config.training.seed, "finder")
    return torch.device(devices.choose(config.hardware))
