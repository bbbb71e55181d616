"""The optimisers behind ``config/optimizer.py``: one entry each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from workbench.config import optimizer as kinds

Parameters = Iterable[nn.Parameter]


def _sgd(parameters: Parameters, c: kinds.SGD, how: dict[str, Any]) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameters,
        lr=c.lr,
        momentum=c.momentum,
        nesterov=c.nesterov and c.momentum > 0,
        weight_decay=c.weight_decay,
        **how,
    )


def _adam(parameters: Parameters, c: kinds.Adam, how: dict[str, Any]) -> torch.optim.Optimizer:
    return torch.optim.Adam(
        parameters, lr=c.lr, betas=(c.beta1, c.beta2), eps=c.eps, weight_decay=c.weight_decay, amsgrad=c.amsgrad, **how
    )


def _adamw(parameters: Parameters, c: kinds.AdamW, how: dict[str, Any]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        parameters, lr=c.lr, betas=(c.beta1, c.beta2), eps=c.eps, weight_decay=c.weight_decay, amsgrad=c.amsgrad, **how
    )


def _adagrad(parameters: Parameters, c: kinds.Adagrad, how: dict[str, Any]) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(
        parameters,
        lr=c.lr,
        lr_decay=c.lr_decay,
        weight_decay=c.weight_decay,
        initial_accumulator_value=c.initial_accumulator,
        eps=c.eps,
        **how,
    )


def _rmsprop(parameters: Parameters, c: kinds.RMSprop, how: dict[str, Any]) -> torch.optim.Optimizer:
    how = {key: value for key, value in how.items() if key != "fused"}
    return torch.optim.RMSprop(
        parameters,
        lr=c.lr,
        alpha=c.alpha,
        eps=c.eps,
        weight_decay=c.weight_decay,
        momentum=c.momentum,
        centered=c.centered,
        **how,
    )


BUILDERS: dict[str, Callable[[Parameters, Any, dict[str, Any]], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": _adam,
    "adamw": _adamw,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
}
_FUSED = {"cuda": ("sgd", "adam", "adamw"), "cpu": ("sgd", "adam", "adamw", "adagrad"), "mps": ("sgd", "adam", "adamw")}
"""Where torch has one kernel for the whole step."""


def build(config: kinds.Optimizer, parameters: Parameters, device: torch.device) -> torch.optim.Optimizer:
    """The optimiser of a configuration over the parameters that are trained."""
    wanted = config.implementation
    fused = config.kind in _FUSED.get(device.type, ())
    how: dict[str, Any] = {"foreach": None, "fused": None}
    if wanted == "fused" or (wanted == "auto" and fused):
        how = {"foreach": False, "fused": fused}
    elif wanted in ("loop", "foreach"):
        how = {"foreach": wanted == "foreach", "fused": False}
    return BUILDERS[config.kind]([p for p in parameters if p.requires_grad], config, how)
