"""How long and in what portions a model is trained."""

from __future__ import annotations

from typing import Literal

from workbench.config.fields import Section, setting


class Training(Section):
    """Epochs, batches, seeds and when to stop."""

    epochs: int = setting(20, title="Epochs", help="Passes over the training samples.", ge=1, le=1_000_000)
    batch_size: int = setting(
        64,
        title="Batch size",
        help="Samples per step and process. The effective batch is this times the accumulation times the processes.",
        unit="samples",
        ge=1,
        le=10_000_000,
    )
    accumulation: int = setting(
        1,
        title="Accumulation",
        help="Batches whose gradients are added up before one optimiser step: a larger effective batch in the same memory.",
        unit="batches",
        ge=1,
        le=10_000,
        advanced=True,
    )
    loss: Literal["auto", "cross-entropy", "bce", "focal", "mse", "l1", "huber"] = setting(
        "auto",
        title="Loss",
        help="Auto takes cross entropy for classes and the mean squared error for numbers. BCE sets each class against all others.",
        labels={"bce": "BCE", "mse": "MSE", "l1": "L1"},
        advanced=True,
    )
    label_smoothing: float = setting(
        0.0,
        title="Label smoothing",
        help="Share of each class label that is spread over all classes.",
        ge=0.0,
        lt=1.0,
        advanced=True,
    )
    focal_gamma: float = setting(
        2.0,
        title="Focal gamma",
        help="How strongly the focal loss turns away from what is known well.",
        ge=0.0,
        le=10.0,
        advanced=True,
    )
    huber_delta: float = setting(
        1.0, title="Huber delta", help="Errors above this count linearly.", gt=0.0, le=1e6, advanced=True
    )
    ema: Literal["off"] | float = setting(
        "off",
        title="Average of weights",
        help="Validate and keep a running average of the weights with this memory, such as 0.999.",
        gt=0.0,
        lt=1.0,
        advanced=True,
    )
    clip_value: Literal["off"] | float = setting(
        "off",
        title="Clip gradient value",
        help="Cut every single gradient at plus and minus this.",
        gt=0.0,
        advanced=True,
    )
    clip_norm: Literal["off"] | float = setting(
        "off",
        title="Clip gradient norm",
        help="Scale gradients down when their norm over all parameters exceeds this.",
        gt=0.0,
        advanced=True,
    )
    on_nonfinite: Literal["stop", "lower_lr", "clip"] = setting(
        "stop",
        title="Not a number",
        help="What to do when a loss or gradient is not finite: end the run, or go back to the last checkpoint and lower the "
        "learning rate or clip the gradient norm tenfold, at most three times.",
        labels={"lower_lr": "lower the learning rate", "clip": "clip gradients"},
        advanced=True,
    )
    drop_last: bool = setting(
        False,
        title="Drop last batch",
        help="Leave out an epoch's last batch when it is not full.",
        advanced=True,
    )
    early_stopping: Literal["off"] | int = setting(
        "off",
        title="Early stopping",
        help="End the run when the validation result has not improved for this many epochs.",
        unit="epochs",
        ge=1,
        le=100_000,
        advanced=True,
    )
    seed: int = setting(
        0,
        title="Seed",
        help="Number that fixes initial weights, batch order and dropout, so that a run can be repeated.",
        ge=0,
        le=2**53,
        advanced=True,
    )
    deterministic: bool = setting(
        False,
        title="Deterministic",
        help="Use only algorithms that give the same bits every time; slower on a GPU.",
        advanced=True,
    )
