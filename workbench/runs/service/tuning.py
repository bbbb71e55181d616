"""What is measured while settings are tuned: points as they come, and the answers."""

from __future__ import annotations

from typing import Literal

from workbench.runs.service.base import ServiceData

SWEEP_STEPS = 120
"""Steps, and so points, that a sweep over learning rates has at most: fifteen to each power of ten."""


class LearningRatePoint(ServiceData):
    """The smoothed loss at a learning rate."""

    kind: Literal["lr"] = "lr"
    lr: float
    loss: float


class LearningRateSweep(ServiceData):
    """The answer to SweepLearningRate. ``suggestion`` is None, and ``note`` says why, where the loss never falls."""

    kind: Literal["lr sweep"] = "lr sweep"
    suggestion: float | None
    note: str = ""


class BatchSizeTrial(ServiceData):
    """The answer to TryBatchSize; memory in bytes. ``fits`` is False where memory ran out."""

    kind: Literal["batch size"] = "batch size"
    batch_size: int
    fits: bool
    samples_per_second: float
    memory: int
    train_samples: int | None = None
    """Samples that the dataset has for training: no batch holds more."""


class WorkersTrial(ServiceData):
    """The answer to TryWorkers."""

    kind: Literal["workers"] = "workers"
    workers: int
    samples_per_second: float


class MemoryEstimate(ServiceData):
    """The answer to PlanMemory, in bytes. ``largest_batch`` is 0 where not even one sample fits."""

    kind: Literal["memory"] = "memory"
    needs: int
    there: int
    fits: bool
    batch_size: int
    largest_batch: int
    parts: dict[str, int]
    """Program, data, weights, gradients, optimizer, activations."""


TuningPoint = LearningRatePoint | BatchSizeTrial | WorkersTrial | MemoryEstimate
"""What a search shows as it comes."""
