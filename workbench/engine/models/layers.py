"""Pieces that several architectures share: normalization, activation, how weights start."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn


def activation(name: str, inplace: bool) -> nn.Module:
    """The activation of that name, in place where torch can."""
    if name == "relu":
        return nn.ReLU(inplace)
    if name == "leaky-relu":
        return nn.LeakyReLU(0.01, inplace)
    if name == "elu":
        return nn.ELU(1.0, inplace)
    if name == "gelu":
        return nn.GELU()
    if name == "silu":
        return nn.SiLU(inplace)
    return nn.Tanh() if name == "tanh" else nn.Sigmoid()


def norm(
    name: str, features: int, dimensions: Literal[1, 2], groups: Literal["auto"] | int = "auto"
) -> list[nn.Module]:
    """The normalization of that name over ``features`` units (1) or channels (2); an empty list for none.

    Over channels, *layer* is group normalization with one group; *group* takes ``groups``, by default as many of four
    channels or more as divide them evenly, at most 32 (Wu and He, 2018).
    """
    if name == "none":
        return []
    if name == "batch":
        return [nn.BatchNorm1d(features) if dimensions == 1 else nn.BatchNorm2d(features)]
    if name == "layer":
        return [nn.LayerNorm(features) if dimensions == 1 else nn.GroupNorm(1, features)]
    if name == "instance":
        return [nn.InstanceNorm2d(features, affine=True)]
    if groups != "auto":
        return [nn.GroupNorm(int(groups), features)]
    fitting = max(count for count in range(1, 33) if features % count == 0 and (features // count >= 4 or count == 1))
    return [nn.GroupNorm(fitting, features)]


def each(values: tuple[float, ...], layers: int) -> tuple[float, ...]:
    """One value per layer, from one for all or one for each."""
    return values if len(values) == layers else (values[0] if values else 0.0,) * layers


def init_weights(model: nn.Module, weights: str, bias: Literal["default"] | float) -> None:
    """Draws the weights of every layer that computes with a matrix, and sets their biases, unless they stay PyTorch's own.

    Recurrent layers too: each of their matrices by itself; and embeddings, whose row of padding stays 0. What is frozen keeps
    its weights.
    """
    for module in model.modules():
        if not isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.LSTM, nn.GRU, nn.Embedding)):
            continue
        for name, parameter in module.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            if weights != "default" and name.startswith("weight"):
                _draw(weights, parameter)
            if bias != "default" and name.startswith("bias"):
                nn.init.constant_(parameter, bias)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            with torch.no_grad():
                module.weight[module.padding_idx].zero_()


def _draw(name: str, weight: Tensor) -> None:
    """Draws a matrix from the distribution of that name."""
    if name == "xavier-uniform":
        nn.init.xavier_uniform_(weight)
    elif name == "xavier-normal":
        nn.init.xavier_normal_(weight)
    elif name == "kaiming-uniform":
        nn.init.kaiming_uniform_(weight, nonlinearity="relu")
    elif name == "kaiming-normal":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    elif name == "normal":
        nn.init.normal_(weight, std=0.02)
    elif name == "orthogonal":
        nn.init.orthogonal_(weight)
    else:
        nn.init.zeros_(weight)
