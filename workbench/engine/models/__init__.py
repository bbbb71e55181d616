"""The architectures behind ``config/model.py``: one file a family, one entry in ``BUILDERS``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from workbench.config.model import Model
from workbench.engine.models import cnn, linear, mlp
from workbench.engine.models.layers import initialise

BUILDERS: dict[str, Callable[[Any, tuple[int, ...], int], nn.Module]] = {
    "linear": linear.build,
    "mlp": mlp.build,
    "cnn": cnn.build,
}


def build(config: Model, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The network for samples of ``shape`` (without the batch axis) and ``outputs`` numbers a sample, its weights drawn."""
    model = BUILDERS[config.kind](config, shape, outputs)
    initialise(model, config.init, config.bias_init)
    return model
