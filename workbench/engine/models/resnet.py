"""Residual network for small images."""

from __future__ import annotations

from torch import Tensor, nn

from workbench.config.model import ResNet
from workbench.engine.models.layers import activation, norm


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which is a 1 x 1 convolution where shapes differ."""

    def __init__(self, config: ResNet, before: int, after: int, stride: int) -> None:
        super().__init__()
        bias = config.norm == "none"
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding=1, bias=bias),
            *norm(config.norm, after, 2, config.norm_groups),
            activation(config.activation, config.inplace),
            nn.Conv2d(after, after, 3, padding=1, bias=bias),
            *norm(config.norm, after, 2, config.norm_groups),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=bias), *norm(config.norm, after, 2, config.norm_groups)
            )
        self.activation = activation(config.activation, False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, before, h, w) to (b, after, h / stride, w / stride)."""
        outputs: Tensor = self.activation(self.body(inputs) + self.shortcut(inputs))
        return outputs


def build(config: ResNet, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """A 3 x 3 stem, stages of blocks, the mean over the image, a linear output. ``shape`` is (channels, height, width)."""
    width = config.width
    stem = nn.Sequential(
        nn.Conv2d(shape[0], width, 3, padding=1, bias=config.norm == "none"),
        *norm(config.norm, width, 2, config.norm_groups),
        activation(config.activation, config.inplace),
    )
    stages = []
    for index, count in enumerate(config.blocks):
        after = config.width * 2**index
        blocks = [
            Block(config, width if number == 0 else after, after, 2 if index and number == 0 else 1)
            for number in range(count)
        ]
        stages.append(nn.Sequential(*blocks))
        width = after
    drop = [nn.Dropout(config.dropout[0])] if config.dropout and config.dropout[0] > 0 else []
    return nn.Sequential(stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *drop, nn.Linear(width, outputs))
