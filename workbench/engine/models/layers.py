"""Pieces that several architectures share: normalization, activation, how weights start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import nn

_ACTIVATIONS: dict[str, Callable[[bool], nn.Module]] = {
    "relu": lambda inplace: nn.ReLU(inplace),
    "leaky-relu": lambda inplace: nn.LeakyReLU(0.01, inplace),
    "elu": lambda inplace: nn.ELU(1.0, inplace),
    "gelu": lambda inplace: nn.GELU(),
    "silu": lambda inplace: nn.SiLU(inplace),
    "tanh": lambda inplace: nn.Tanh(),
    "sigmoid": lambda inplace: nn.Sigmoid(),
}
_WEIGHTS: dict[str, Callable[[torch.Tensor], object]] = {
    "xavier-uniform": nn.init.xavier_uniform_,
    "xavier-normal": nn.init.xavier_normal_,
    "kaiming-uniform": lambda weight: nn.init.kaiming_uniform_(weight, nonlinearity="relu"),
    "kaiming-normal": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
    "normal": lambda weight: nn.init.normal_(weight, std=0.02),
    "orthogonal": nn.init.orthogonal_,
    "zeros": nn.init.zeros_,
}


def activation(name: str, inplace: bool) -> nn.Module:
    """The activation of that name, in place where torch can."""
    return _ACTIVATIONS[name](inplace)


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
                _WEIGHTS[weights](parameter)
            if bias != "default" and name.startswith("bias"):
                nn.init.constant_(parameter, bias)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            with torch.no_grad():
                module.weight[module.padding_idx].zero_()
