"""How a generated script learns: its loss, its optimizer and its learning rate."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from workbench.config.fields import title_of
from workbench.config.monitor import AUTO
from workbench.config.run import RunConfig
from workbench.config.schedule import Plan
from workbench.engine import optimizers
from workbench.engine.data import balance
from workbench.engine.data.dataset import Source
from workbench.engine.export.lifting.lift import Piece
from workbench.engine.export.script.template import filled
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.tasks import task_of
from workbench.engine.training import monitor

_WEIGHTED = """
CLASS_WEIGHTS = torch.tensor($weights)  # rare classes count more


def loss_of(output: Tensor, target: Tensor) -> Tensor:
    \"\"\"The mean over a batch of the samples' losses, each times the weight of its class.\"\"\"
    return build_loss($arguments, CLASS_WEIGHTS.to(output.device))(output, target)
"""


def loss(config: RunConfig, source: Source) -> Piece:
    """``loss_of(output, target)``."""
    factory = task_of(source.task).loss_factory(config.training)
    uses, arguments = {"build_loss": factory.func}, ", ".join(map(repr, factory.args))
    counts = balance.class_counts(source) if config.dataset.balance == "loss" else None
    if counts is None:
        code = f"loss_of = build_loss({arguments}, None)  # what is made small"
        return Piece(code, uses=uses)
    code = filled(_WEIGHTED, weights=balance.class_weights(counts).tolist(), arguments=arguments)
    return Piece(code, uses=uses)


_OPTIMIZER = """
LEARNING_RATE = $rate


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    \"\"\"The optimizer over all that is trained.\"\"\"
    trained = $trained
    return torch.optim.$name(trained, lr=LEARNING_RATE$arguments)
"""


def optimizer(config: RunConfig, model: nn.Module) -> Piece:
    """``build_optimizer(model)``. Raises RefusedError for one that is not PyTorch's own."""
    section = config.optimizer
    built = optimizers.build(section, model, torch.device("cpu"))
    kind = type(built)
    if not kind.__module__.startswith("torch.optim") or isinstance(built, torch.optim.LBFGS):
        what = f"a script has no counterpart yet of the optimizer {title_of(type(section))}"
        raise RefusedError(what, "choose another optimizer in a new run, or another format", "optimizer.kind")
    defaults = inspect.signature(kind.__init__).parameters
    arguments = [
        f", {name}={_written(kind, name, value)}"
        for name, value in built.defaults.items()
        if name in defaults and name != "lr" and value != defaults[name].default
    ]
    alike = len(built.param_groups) == 1 and built.param_groups[0]["factor"] == 1.0 and section.decay_norms
    code = filled(
        _OPTIMIZER,
        rate=repr(section.lr),
        trained="[weights for weights in model.parameters() if weights.requires_grad]"
        if alike
        else "groups(Settings(), model)",
        name=kind.__name__,
        arguments="".join(arguments),
    )
    return Piece(code, uses={"groups": optimizers.groups, "Settings": type(section)})


def _written(kind: type[torch.optim.Optimizer], name: str, value: Any) -> str:
    """An argument as text. Of Adagrad torch has one kernel for the whole step on the CPU only."""
    on_cpu_only = kind is torch.optim.Adagrad and name == "fused" and value
    return "next(model.parameters()).is_cpu" if on_cpu_only else repr(value)


_SCHEDULE = """
def factor_at(step: int, epoch_steps: int) -> float:
    \"\"\"What the learning rate is multiplied with at a step, counted from 0. Beyond the last epoch the last value holds.\"\"\"
    return Schedule().factor(step, Plan(EPOCHS, epoch_steps))
"""


def schedule(config: RunConfig) -> Piece:
    """``factor_at(step, epoch_steps)``."""
    return Piece(filled(_SCHEDULE), uses={"Schedule": type(config.schedule), "Plan": Plan})


def judged(config: RunConfig, source: Source) -> str:
    """What an epoch is judged by, the higher the better, as an expression. Raises RefusedError."""
    return _value(monitor.monitored(config, task_of(source.task), len(source.val) > 0), config, source)


def followed(config: RunConfig, source: Source) -> str:
    """What a plateau schedule follows, the higher the better, as an expression. Raises RefusedError."""
    name = monitor.followed_by_plateau(config) or monitor.monitored(config, task_of(source.task), len(source.val) > 0)
    return _value(name, config, source)


def _value(name: str, config: RunConfig, source: Source) -> str:
    measured = {"train loss": "-loss"}
    if len(source.val):
        measured["val loss"] = "-val_loss"
        measured |= {"val accuracy": "val_metric"} if source.task.has_classes else {"val mae": "-val_metric"}
    if name not in measured:
        what = f"a script has no counterpart yet of epochs that are judged by {name}"
        hint = "choose neither early stopping nor a plateau in a new run, or choose another format"
        path = "dataset.balance" if config.training.monitor == AUTO else "training.monitor"
        raise RefusedError(what, hint, path)
    return measured[name]
