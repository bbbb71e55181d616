"""The optimizers behind ``config/optimizer.py``: one entry each."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from workbench.config import optimizer as kinds
from workbench.config.fields import settings
from workbench.engine.optimizers.eager import eager
from workbench.engine.optimizers.muon import MuonWithAdamW, matrices
from workbench.engine.runtime.failures import RefusedError

Parameters = list[dict[str, Any]]
Builder = Callable[[Parameters, Any, dict[str, Any]], torch.optim.Optimizer]
_SHARED = {setting.name for setting in settings(kinds.OptimizerSection)}
"""Settings of every optimizer: :func:`build` and :func:`groups` see to them."""
_ARGUMENTS = {"decoupled": "decoupled_weight_decay", "initial_accumulator": "initial_accumulator_value"}
"""Settings that torch calls otherwise."""


def _sgd(parameters: Parameters, c: kinds.SGD, how: dict[str, Any]) -> torch.optim.Optimizer:
    return eager(torch.optim.SGD)(
        parameters,
        lr=c.lr,
        momentum=c.momentum,
        nesterov=c.nesterov and c.momentum > 0,
        weight_decay=c.weight_decay,
        dampening=c.dampening,
        maximize=c.maximize,
        **how,
    )


def _by_name(kind: type[torch.optim.Optimizer], fused: bool = False) -> Builder:
    """For an optimizer of torch whose arguments are the settings: under their own names, or those in ``_ARGUMENTS``.

    ``fused``: whether it takes that argument.
    """

    def build_optimizer(
        parameters: Parameters, c: kinds.OptimizerSection, how: dict[str, Any]
    ) -> torch.optim.Optimizer:
        arguments = {
            setting.name: getattr(c, setting.name) for setting in settings(type(c)) if setting.name not in _SHARED
        }
        if "beta1" in arguments:
            arguments["betas"] = (arguments.pop("beta1"), arguments.pop("beta2"))
        arguments = {_ARGUMENTS.get(name, name): value for name, value in arguments.items()}
        return eager(kind)(parameters, **arguments, **(how if fused else {"foreach": how["foreach"]}))

    return build_optimizer


def _adafactor(parameters: Parameters, c: kinds.Adafactor, how: dict[str, Any]) -> torch.optim.Optimizer:
    return eager(torch.optim.Adafactor)(
        parameters,
        lr=c.lr,
        beta2_decay=c.beta2_decay,
        eps=(None if c.eps1 == "auto" else c.eps1, c.eps2),
        d=c.clip,
        weight_decay=c.weight_decay,
        maximize=c.maximize,
        foreach=how["foreach"],
    )


def _muon(parameters: Parameters, c: kinds.Muon, how: dict[str, Any]) -> torch.optim.Optimizer:
    return eager(MuonWithAdamW)(parameters, c, how)


def _lbfgs(parameters: Parameters, c: kinds.LBFGS, how: dict[str, Any]) -> torch.optim.Optimizer:
    if len(parameters) > 1:
        what = "LBFGS supports only one learning rate for all parameters"
        raise RefusedError(what, "remove the parameter groups, or choose another optimizer", "optimizer.groups")
    return eager(torch.optim.LBFGS)(
        parameters,
        lr=c.lr,
        max_iter=c.iterations,
        max_eval=None if c.evaluations == "auto" else c.evaluations,
        tolerance_grad=c.tolerance_grad,
        tolerance_change=c.tolerance_change,
        history_size=c.history,
        line_search_fn=None if c.line_search == "none" else c.line_search,
    )


BUILDERS: dict[str, Builder] = {
    "sgd": _sgd,
    "adam": _by_name(torch.optim.Adam, fused=True),
    "adamw": _by_name(torch.optim.AdamW, fused=True),
    "adagrad": _by_name(torch.optim.Adagrad, fused=True),
    "rmsprop": _by_name(torch.optim.RMSprop),
    "nadam": _by_name(torch.optim.NAdam),
    "radam": _by_name(torch.optim.RAdam),
    "adadelta": _by_name(torch.optim.Adadelta),
    "adamax": _by_name(torch.optim.Adamax),
    "adafactor": _adafactor,
    "muon": _muon,
    "lbfgs": _lbfgs,
}
_FUSED = {"cuda": ("sgd", "adam", "adamw"), "cpu": ("sgd", "adam", "adamw", "adagrad"), "mps": ("sgd", "adam", "adamw")}
"""Where torch has one kernel for the whole step."""


def build(config: kinds.Optimizer, model: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """The optimizer of a configuration over the parameters that are trained, in groups by their learning rate and decay.

    Each group carries its ``factor``: the share of the learning rate that it gets. Raises RefusedError.
    """
    wanted = config.implementation
    fused = config.kind in _FUSED.get(device.type, ())
    how: dict[str, Any] = {"foreach": None, "fused": None}
    if wanted == "fused" or (wanted == "auto" and fused):
        how = {"foreach": False, "fused": fused}
    elif wanted in ("loop", "foreach"):
        how = {"foreach": wanted == "foreach", "fused": False}
    return BUILDERS[config.kind](groups(config, model), config, how)


def groups(config: kinds.Optimizer, model: nn.Module) -> list[dict[str, Any]]:
    """Parameters that are trained, by factor and decay, in the order in which the model has them. Raises RefusedError."""
    patterns = [_pattern(text) for text in config.groups]
    own: Callable[[], dict[str, float]] = getattr(model, "lr_factors", dict)
    prefixes = sorted(own().items(), key=lambda pair: -len(pair[0]))
    # LBFGS has no weight decay to keep from anything.
    plain = set() if config.decay_norms or isinstance(config, kinds.LBFGS) else _without_decay(model)
    wide = matrices(model) if isinstance(config, kinds.Muon) else set()
    used: set[str] = set()
    members: dict[tuple[float, bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        factor = next((value for prefix, value in prefixes if name.startswith(prefix)), 1.0)
        for pattern, value in patterns:
            if fnmatch.fnmatchcase(name, pattern):
                factor *= value
                used.add(pattern)
        if isinstance(config, kinds.Muon) and name not in wide:
            factor *= config.adamw_lr_scale
        members.setdefault((factor, name in plain, name in wide), []).append(parameter)
    idle = [pattern for pattern, _ in patterns if pattern not in used]
    if idle:
        names = ", ".join(list(dict(model.named_parameters()))[:6])
        raise RefusedError(
            f"no parameter is named {' or '.join(idle)}", f"use names such as {names}, …", "optimizer.groups"
        )
    if not members:
        raise RefusedError("no parameter can be trained: all of them are frozen", "unfreeze some layers", "model")
    return [
        {
            "params": parameters,
            "factor": factor,
            "lr": config.lr * factor,
            **({"weight_decay": 0.0} if bare else {}),
            **({"matrices": square} if isinstance(config, kinds.Muon) else {}),
        }
        for (factor, bare, square), parameters in members.items()
    ]


def _pattern(text: str) -> tuple[str, float]:
    pattern, _, factor = text.rpartition("=")
    try:
        value = float(factor)
    except ValueError:
        value = -1.0
    if not pattern.strip() or not 0 <= value < float("inf"):
        raise RefusedError(
            f"{text!r} is not of the form pattern=factor", "write for example head.*=10", "optimizer.groups"
        )
    return pattern.strip(), value


def _without_decay(model: nn.Module) -> set[str]:
    """Names of biases and of normalization layers' parameters: all that have one dimension or none."""
    return {name for name, parameter in model.named_parameters() if parameter.dim() <= 1}
