"""How a generated script learns: its loss and its optimiser."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from workbench.config.fields import title_of
from workbench.config.run import RunConfig
from workbench.engine import optimizers
from workbench.engine.data import balance
from workbench.engine.data.dataset import Source
from workbench.engine.export.script.piece import Piece, filled
from workbench.engine.runtime.failures import RefusedError

_FOCAL = """
shares = smoothed(output, target)
logs = functional.log_softmax(output, dim=1)
terms = -shares * (1 - logs.exp()) ** $gamma * logs
$weigh
return terms.sum() / len(target)
"""
_BCE = """
shares = smoothed(output, target)
terms = functional.binary_cross_entropy_with_logits(output, shares, reduction="none")
$weigh
return terms.sum() / len(target)
"""
_SMOOTHED = """
def smoothed(output: Tensor, target: Tensor) -> Tensor:
    \"\"\"The classes as shares, a part of each spread over all.\"\"\"
    shares = functional.one_hot(target, output.shape[1])
    return shares * (1 - $smoothing) + $smoothing / output.shape[1]
"""
_MULTI = """
kinds = functional.cross_entropy(output[:, :$classes], target[:, 0].long(), $weights, label_smoothing=$smoothing)
return kinds + functional.mse_loss(output[:, $classes:], target[:, 1:])
"""
_LOSS = """
$weights_line


def loss_of(output: Tensor, target: Tensor) -> Tensor:
    \"\"\"What is made small: the mean over a batch.\"\"\"
    $body
"""
_NUMBERS = {
    "auto": "return functional.mse_loss(output, target)",
    "mse": "return functional.mse_loss(output, target)",
    "l1": "return functional.l1_loss(output, target)",
}


def loss(config: RunConfig, source: Source) -> Piece:
    """``loss_of(output, target)``."""
    training, kind = config.training, source.task.kind
    counts = balance.class_counts(source) if config.dataset.balance == "loss" else None
    weights, line = "None", ""
    if counts is not None:
        weights = "CLASS_WEIGHTS.to(output.device)"
        line = f"CLASS_WEIGHTS = torch.tensor({balance.class_weights(counts).tolist()})  # rare classes count more\n"
    facts = {"weights": weights, "smoothing": training.label_smoothing, "gamma": training.focal_gamma}
    after = ""
    if kind == "multi-task":
        body = filled(_MULTI, classes=len(source.task.classes), **facts)
    elif kind == "regression":
        huber = f"return functional.huber_loss(output, target, delta={training.huber_delta})"
        body = huber if training.loss == "huber" else _NUMBERS[training.loss]
    elif training.loss in ("focal", "bce"):
        of_class = weights if training.loss == "focal" else f"{weights}[target][:, None]"
        weigh = f"terms = terms * {of_class}" if counts is not None else ""
        body = filled(_FOCAL if training.loss == "focal" else _BCE, weigh=weigh, **facts)
        after = "\n\n\n" + filled(_SMOOTHED, **facts)
    else:
        told = f", {weights}" if counts is not None else ""
        told += f", label_smoothing={training.label_smoothing}" if training.label_smoothing else ""
        body = f"return functional.cross_entropy(output, target{told})"
    return Piece(filled(_LOSS, weights_line=line, body=body).strip("\n") + after)


_OPTIMIZER = """
LEARNING_RATE = $rate


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    \"\"\"The optimiser over all that is trained.\"\"\"
    $groups
    return torch.optim.$name($first, lr=LEARNING_RATE$arguments)
"""
_ONE_GROUP = """
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
"""
_GROUPS = """
groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
for name, parameter in model.named_parameters():
    if parameter.requires_grad:
        decayed = $decayed
        groups.setdefault((factor_of(name), decayed), []).append(parameter)
trained = [
    {"params": parameters, "factor": factor} | ({} if decayed else {"weight_decay": 0.0})
    for (factor, decayed), parameters in groups.items()
]
"""
_FACTORS = """
def factor_of(name: str) -> float:
    \"\"\"The share of the learning rate that a parameter gets, by its name.\"\"\"
    factor = 1.0
    $stages
    $patterns
    return factor
"""
_STAGES = """
for prefix, share in STAGES.items():
    if name.startswith(prefix):
        factor = share
        break
"""
_PATTERNS = """
for pattern, share in GROUPS:
    if fnmatch.fnmatchcase(name, pattern):
        factor *= share
"""


def optimizer(config: RunConfig, model: nn.Module) -> Piece:
    """``build_optimizer(model)``. Raises RefusedError for one that is not PyTorch's own."""
    made = optimizers.build(config.optimizer, model, torch.device("cpu"))
    kind = type(made)
    if not kind.__module__.startswith("torch.optim") or isinstance(made, torch.optim.LBFGS):
        what = f"a script has no counterpart yet of the optimiser {title_of(type(config.optimizer))}"
        raise RefusedError(what, "choose another optimiser in a new run, or another format", "optimizer.kind")
    settings = inspect.signature(kind.__init__).parameters
    told = [
        f"{name}={_written(kind, name, value)}"
        for name, value in made.defaults.items()
        if name in settings and name != "lr" and value != settings[name].default
    ]
    own = dict(sorted(_prefixes(model).items(), key=lambda pair: -len(pair[0])))
    stages = own if set(own.values()) - {1.0} else {}
    pairs = (text.rpartition("=") for text in config.optimizer.groups)
    patterns = [(pattern.strip(), float(value)) for pattern, _, value in pairs]
    alone = not stages and not patterns and config.optimizer.decay_norms
    lists = f"STAGES = {stages!r}\n" if stages else ""
    lists += f"GROUPS = {patterns!r}\n" if patterns else ""
    decayed = "True" if config.optimizer.decay_norms else "parameter.dim() > 1  # no biases, no norms"
    code = lists + filled(
        _OPTIMIZER,
        rate=repr(config.optimizer.lr),
        groups=filled(_ONE_GROUP) if alone else filled(_GROUPS, decayed=decayed),
        name=kind.__name__,
        first="trained",
        arguments="".join(f", {text}" for text in told),
    )
    if not alone:
        code += "\n\n\n" + filled(
            _FACTORS, stages=filled(_STAGES) if stages else "", patterns=filled(_PATTERNS) if patterns else ""
        )
    return Piece(code, ("import fnmatch",) if patterns else ())


def _written(kind: type[torch.optim.Optimizer], name: str, value: Any) -> str:
    """An argument as text. Of Adagrad torch has one kernel for the whole step on the CPU only."""
    on_cpu_only = kind is torch.optim.Adagrad and name == "fused" and value
    return "next(model.parameters()).is_cpu" if on_cpu_only else repr(value)


def _prefixes(model: nn.Module) -> dict[str, float]:
    found = getattr(model, "lr_factors", None)
    return dict(found()) if callable(found) else {}
