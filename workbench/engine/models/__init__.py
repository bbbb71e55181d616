"""The architectures behind ``config/model``: one file a family, one entry in ``BUILDERS``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from workbench.config.model import Model
from workbench.engine.data.dataset import Progress, Source, silent
from workbench.engine.models import cnn, heads, linear, mlp, pretrained, recurrent, resnet, transformer, user_model
from workbench.engine.models.layers import initialise

BUILDERS: dict[str, Callable[[Any, Source], nn.Module]] = {
    "linear": lambda config, source: linear.build(config, source.shape, source.task.outputs),
    "mlp": lambda config, source: mlp.build(config, source.shape, source.task.outputs),
    "cnn": lambda config, source: cnn.build(config, source.shape, source.task.outputs),
    "resnet": lambda config, source: resnet.build(config, source.shape, source.task.outputs),
    "lstm": lambda config, source: recurrent.build(config, source.shape, source.task.outputs, source.vocabulary),
    "gru": lambda config, source: recurrent.build(config, source.shape, source.task.outputs, source.vocabulary),
    "transformer": lambda config, source: transformer.build(
        config, source.shape, source.task.outputs, source.vocabulary
    ),
    "heads": lambda config, source: heads.build(config, source.shape, source.task),
    "torchvision": lambda config, source: pretrained.build(config, source.shape, source.task.outputs, unscaled(source)),
    "python": lambda config, source: user_model.build(config, source.shape, source.task.outputs, source.vocabulary),
}


def build(config: Model, source: Source, restored: bool = False, progress: Progress = silent) -> nn.Module:
    """The network of a configuration for the samples of a source, its weights drawn, or loaded where they are published ones.

    ``restored``: a checkpoint's weights are put into it afterwards, so none are looked for. Raises RefusedError, ValueError.
    """
    model = BUILDERS[config.kind](config, source)
    initialise(model, config.init, config.bias_init)
    if isinstance(model, pretrained.Pretrained) and not restored:
        model.load_published(progress)
    return model


def unscaled(source: Source) -> tuple[torch.Tensor, torch.Tensor]:
    """What a scaled picture is multiplied with, and what is added, to lie in [0, 1]."""
    white = float(source.preprocessing.get("white", 255))
    factor, offset = (
        torch.tensor(values).view(1, -1, 1, 1) for values in (source.scaling.factor, source.scaling.offset)
    )
    return 1 / (factor * white), -offset / (factor * white)
