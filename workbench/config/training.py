"""How long a model is trained, and in what batches."""

from __future__ import annotations

from typing import Literal

from workbench.config.fields import Section, setting


class Training(Section):
    """Epochs, batches, seeds and when to stop."""

    epochs: int = setting(20, title="Epochs", help="Number of passes over the training samples.", ge=1, le=1_000_000)
    batch_size: int = setting(
        64,
        title="Batch size",
        help="Samples per step and process. The effective batch size is this times accumulation times the number of processes.",
        unit="samples",
        ge=1,
        le=10_000_000,
    )
    accumulation: int = setting(
        1,
        title="Gradient accumulation",
        help="Batches whose gradients are accumulated for one optimizer step: a larger effective batch size in the same memory.",
        unit="batches",
        ge=1,
        le=10_000,
        advanced=True,
    )
    loss: Literal["auto", "cross-entropy", "bce", "focal", "mse", "l1", "huber"] = setting(
        "auto",
        title="Loss",
        help="Auto uses cross-entropy for classification and mean squared error for regression. BCE compares each class with "
        "all others.",
        labels={"bce": "BCE", "mse": "MSE", "l1": "L1"},
        advanced=True,
    )
    label_smoothing: float = setting(
        0.0,
        title="Label smoothing",
        help="Fraction of each label that is distributed evenly over all classes.",
        ge=0.0,
        lt=1.0,
        advanced=True,
    )
    focal_gamma: float = setting(
        2.0,
        title="Focal gamma",
        help="How strongly the focal loss down-weights samples that are already classified well.",
        ge=0.0,
        le=10.0,
        advanced=True,
    )
    huber_delta: float = setting(
        1.0,
        title="Huber delta",
        help="Errors above this value count linearly instead of quadratically.",
        gt=0.0,
        le=1e6,
        advanced=True,
    )
    ema: Literal["off"] | float = setting(
        "off",
        title="Weight averaging (EMA)",
        help="Evaluate and save an exponential moving average of the weights with this decay, for example 0.999.",
        gt=0.0,
        lt=1.0,
        advanced=True,
    )
    clip_value: Literal["off"] | float = setting(
        "off",
        title="Clip gradients by value",
        help="Limit each gradient element to plus or minus this value.",
        gt=0.0,
        advanced=True,
    )
    clip_norm: Literal["off"] | float = setting(
        "off",
        title="Clip gradients by norm",
        help="Scale gradients down if their norm over all parameters exceeds this value.",
        gt=0.0,
        advanced=True,
    )
    on_nonfinite: Literal["stop", "lower_lr", "clip"] = setting(
        "stop",
        title="On non-finite loss",
        help="What to do if a loss or gradient is NaN or infinite: stop the run, or return to the last checkpoint and reduce the "
        "learning rate or the gradient norm limit tenfold, at most three times.",
        labels={"stop": "stop", "lower_lr": "reduce the learning rate", "clip": "clip gradients"},
        advanced=True,
    )
    drop_last: bool = setting(
        False,
        title="Drop last batch",
        help="Drop the last batch of an epoch if it is not full.",
        advanced=True,
    )
    monitor: str = setting(
        "auto",
        title="Monitored metric",
        help="What makes an epoch the best, ends the run early, and lowers the learning rate of a plateau schedule: for example "
        "val.loss, val.balanced_accuracy, val.f1, val.mae, or val.recall[cat] of the class cat. Auto judges classification by "
        "accuracy and everything else by the loss; a plateau schedule then follows the validation loss.",
        advanced=True,
    )
    early_stopping: Literal["off"] | int = setting(
        "off",
        title="Early stopping",
        help="Stop the run if the monitored metric has not improved for this many epochs.",
        unit="epochs",
        ge=1,
        le=100_000,
        advanced=True,
    )
    seed: int = setting(
        0,
        title="Seed",
        help="Seed for initial weights, batch order and dropout, so that a run can be reproduced.",
        ge=0,
        le=2**53,
        advanced=True,
    )
    deterministic: bool = setting(
        False,
        title="Deterministic",
        help="Use only deterministic algorithms, which give identical results every time; slower on a GPU.",
        advanced=True,
    )
