"""One trunk, several heads."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from workbench.config.model import Heads
from workbench.engine.data.dataset import TaskSpec
from workbench.engine.models.layers import activation, each, norm


class SeveralHeads(nn.Module):
    """A shared trunk and a dictionary of heads; their outputs stand side by side."""

    def __init__(self, config: Heads, shape: tuple[int, ...], task: TaskSpec) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        width = math.prod(shape)
        for units, share in zip(config.trunk, each(config.dropout, len(config.trunk)), strict=True):
            layers += [nn.Linear(width, units), *norm(config.norm, units, 1, config.norm_groups)]
            layers += [activation(config.activation, config.inplace), *([nn.Dropout(share)] if share > 0 else [])]
            width = units
        self.trunk = nn.Sequential(*layers)
        heads: dict[str, nn.Module] = {}
        if task.has_classes:
            heads["classification"] = nn.Linear(width, len(task.classes))
        if task.has_numbers:
            heads["regression"] = nn.Linear(width, max(len(task.targets), 1))
        self.heads = nn.ModuleDict(heads)

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, classes + numbers)."""
        shared = self.trunk(inputs)
        return torch.cat([head(shared) for head in self.heads.values()], dim=1)


def build(config: Heads, shape: tuple[int, ...], task: TaskSpec) -> nn.Module:
    """The network for a task of classes, numbers, or both."""
    return SeveralHeads(config, shape, task)
