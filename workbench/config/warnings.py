"""What of a configuration is allowed and rarely meant. Nothing here keeps a run from being started."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.config.fields import settings, title_of
from workbench.config.optimizer import FAR_ABOVE, LBFGS, USUAL_LR
from workbench.config.problems import Problem
from workbench.config.run import RunConfig


def warnings(config: RunConfig, train_samples: int = 0) -> tuple[Problem, ...]:
    """Each with the setting that it is about. ``train_samples``: how many there are; 0 where that is not known."""
    return (*_learning_rate(config), *_batch_size(config, train_samples))


def _learning_rate(config: RunConfig) -> Iterator[Problem]:
    optimizer = config.optimizer
    low, high = USUAL_LR[optimizer.kind]
    if optimizer.lr > FAR_ABOVE * high:
        default = next(setting.default for setting in settings(type(optimizer)) if setting.name == "lr")
        what = (
            f"{optimizer.lr:g} is far above the usual learning rates of {title_of(type(optimizer))} ({low:g} to {high:g}): "
            "the loss may diverge"
        )
        yield Problem("optimizer.lr", what, f"try {default:g}")


def _batch_size(config: RunConfig, train_samples: int) -> Iterator[Problem]:
    size = config.training.batch_size
    # LBFGS is meant for the whole data at once.
    if 0 < train_samples < size and not isinstance(config.optimizer, LBFGS):
        what = (
            f"the batch size {size:,} is above the number of training samples, {train_samples:,}: an epoch is one step"
        )
        yield Problem("training.batch_size", what, "choose a smaller one for more steps per epoch")
