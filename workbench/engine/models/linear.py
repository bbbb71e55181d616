"""One linear layer."""

from __future__ import annotations

import math

from torch import nn

from workbench.config.model import Linear


def build(config: Linear, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Flattens a sample and maps it onto the outputs."""
    layer = nn.Linear(math.prod(shape), outputs)
    return nn.Sequential(nn.Flatten(), layer) if len(shape) > 1 else nn.Sequential(layer)
