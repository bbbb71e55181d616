"""Events of runs that never were: the one place that knows what a run has to say of itself."""

from __future__ import annotations

from typing import Any

from workbench.runs.events import Epoch, Started

_STARTED: dict[str, Any] = {
    "epochs": 3,
    "steps_per_epoch": 23,
    "task": "classification",
    "metric": "accuracy",
    "monitor": "val accuracy",
    "higher_is_better": True,
    "train_samples": 1438,
    "val_samples": 359,
    "classes": tuple("0123456789"),
    "parameters": 61_706,
    "device": "CPU",
    "precision": "fp32",
    "processes": 1,
    "loading": "resident",
    "batch_size": 64,
    "pid": 1,
    "host": "here",
    "torch": "2.11.0",
    "initial_weights": "0123456789abcdef",
    "first_batches": "fedcba9876543210",
}


def started(**changes: object) -> Started:
    """The first event of an attempt: digits, classified on the CPU."""
    return Started.model_validate(_STARTED | changes)


def epoch(
    number: int,
    step: int,
    train: tuple[float, float],
    val: tuple[float, float],
    samples: tuple[float, float] = (1438.0, 359.0),
    **changes: object,
) -> Epoch:
    """The results of epoch ``number``, which ends with ``step``: loss, accuracy, samples of both splits. It is the best so far."""
    results = {
        split: {"loss": loss, "accuracy": accuracy, "samples": count}
        for split, (loss, accuracy), count in zip(("train", "val"), (train, val), samples, strict=True)
    }
    return Epoch.model_validate({"epoch": number, "step": step, "seconds": 0.1, "best": True, **results, **changes})
