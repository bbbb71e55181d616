"""Convolutional network in VGG style."""

from __future__ import annotations

from torch import nn

from workbench.config.model import CNN
from workbench.engine.models.layers import activation, each, norm


def build(config: CNN, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Blocks of 3 x 3 convolutions with norm and activation, each halved by max pooling, then a fully connected head.

    ``shape`` is (channels, height, width).
    """
    channels, height, width = shape
    layers: list[nn.Module] = []
    for filters, share in zip(config.channels, each(config.dropout, len(config.channels)), strict=True):
        for _ in range(config.convolutions):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), *norm(config.norm, filters, 2, config.norm_groups)]
            layers += [activation(config.activation, config.inplace)]
            channels = filters
        layers += [nn.MaxPool2d(2), *([nn.Dropout2d(share)] if share > 0 else [])]
        height, width = height // 2, width // 2
    layers += [nn.Flatten()]
    features = channels * height * width
    for units, share in zip(config.head, each(config.head_dropout, len(config.head)), strict=True):
        layers += [nn.Linear(features, units), activation(config.activation, config.inplace)]
        layers += [nn.Dropout(share)] if share > 0 else []
        features = units
    return nn.Sequential(*layers, nn.Linear(features, outputs))
