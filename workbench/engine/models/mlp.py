"""Multi-layer perceptron."""

from __future__ import annotations

import math

from torch import nn

from workbench.config.model import MLP
from workbench.engine.models.layers import activation, each, norm


def build(config: MLP, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Hidden layers of linear, norm, activation and dropout, then a linear output."""
    layers: list[nn.Module] = [nn.Flatten()] if len(shape) > 1 else []
    width = math.prod(shape)
    for units, share in zip(config.hidden, each(config.dropout, len(config.hidden)), strict=True):
        layers += [
            nn.Linear(width, units),
            *norm(config.norm, units, 1, config.norm_groups),
            activation(config.activation, config.inplace),
        ]
        layers += [nn.Dropout(share)] if share > 0 else []
        width = units
    return nn.Sequential(*layers, nn.Linear(width, outputs))
