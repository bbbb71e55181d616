"""A generated script is looked at before it is given away: its parts have to do what the run's own parts do, to the last bit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from workbench.config.run import RunConfig
from workbench.config.schedule import Plan
from workbench.engine import optimizers
from workbench.engine.data import augment, balance, loader
from workbench.engine.data.dataset import Source, Split, TensorSplit
from workbench.engine.data.sampling import StepPlan, epoch_order
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.runtime.seeding import derive_seed
from workbench.engine.tasks import task_of
from workbench.engine.training import build

SAMPLES = 8
"""Samples that go through both networks."""
RATES = 500
"""Steps at which both learning rates are looked at."""
_CPU = torch.device("cpu")


def prove(code: str, config: RunConfig, source: Source) -> None:
    """Runs the script's functions, all but its training, beside the run's own. Raises RefusedError where they differ."""
    script: dict[str, Any] = {"__name__": __name__}  # where dataclasses look for the meaning of annotations
    with torch.random.fork_rng(devices=[]):
        exec(compile(code, "script", "exec"), script)
        _data(script, source)
        _order(script, config, source)
        _augment(script, config, source)
        _schedule(script, config, source)
        _network(script, config, source)


def _differs(what: str, setting: str) -> RefusedError:
    return RefusedError(f"a script would not do what the run did: {what}", "choose another format", setting)


def _data(script: dict[str, Any], source: Source) -> None:
    try:
        samples = script["load_data"](script["DATA"])
    # Files are read by other means than the run's: what they stumble over is theirs.
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _differs(f"it cannot read the samples ({first})", "dataset") from error
    wanted = (*_whole(source.train), *_whole(source.val))
    for name, mine, own in zip(("training", "training", "validation", "validation"), samples, wanted, strict=True):
        if len(own) == len(mine) == 0:
            continue
        if mine.dtype != own.dtype or not torch.equal(mine, own):
            raise _differs(f"it reads other samples for {name}", "dataset")
    raw = source.train.read(range(min(SAMPLES, len(source.train))))
    if not torch.equal(script["scale"](raw), source.scaling.on(_CPU, raw.dim())(raw)):
        raise _differs("it scales samples otherwise", "dataset")


def _whole(split: Split) -> tuple[Tensor, Tensor]:
    if len(split) == 0:
        return torch.empty(0), torch.empty(0)
    return split.inputs if isinstance(split, TensorSplit) else split.read(range(len(split))), split.targets


def _order(script: dict[str, Any], config: RunConfig, source: Source) -> None:
    targets, seed = source.train.targets, config.training.seed
    weights = balance.sample_weights(source) if config.dataset.balance == "sampler" else None
    for epoch in (0, 1):
        if not torch.equal(script["order_of"](targets, epoch), epoch_order(len(targets), seed, epoch, weights)):
            raise _differs("it takes the samples in another order", "dataset.balance")


def _augment(script: dict[str, Any], config: RunConfig, source: Source) -> None:
    own = augment.build(config, source)
    if own is None:
        return
    raw = source.train.read(range(min(SAMPLES, len(source.train))))
    plan = StepPlan(len(raw), len(raw))
    numbers = own.draw(plan, 0, 0, plan.step(0))
    if not torch.equal(script["augment"](raw, numbers), own.apply(raw, numbers, script["scale"])):
        raise _differs("it changes images otherwise", "dataset.augment_flip")


def _schedule(script: dict[str, Any], config: RunConfig, source: Source) -> None:
    each = loader.plan_steps(config, len(source.train), 1).steps
    plan = Plan(config.training.epochs, each)
    for step in range(0, plan.steps + each, max(1, plan.steps // RATES)):
        if script["factor_at"](step, each) != config.schedule.factor(step, plan):
            raise _differs(f"its learning rate is another at step {step + 1}", "schedule.kind")


def _network(script: dict[str, Any], config: RunConfig, source: Source) -> None:
    own = build.build_model(config, source, _CPU, restored=True)
    torch.manual_seed(derive_seed(config.training.seed, "weights"))
    mine: nn.Module = script["build_model"]()
    begun, wanted = mine.state_dict(), own.state_dict()
    if begun.keys() != wanted.keys() or not all(torch.equal(begun[name], wanted[name]) for name in wanted):
        raise _differs("its network begins with other weights", "model")
    own_groups = _groups(optimizers.build(config.optimizer, own, _CPU), own)
    if _groups(script["build_optimizer"](mine), mine) != own_groups:
        raise _differs("its optimizer is set otherwise", "optimizer")
    count = min(SAMPLES, len(source.train))
    targets = source.train.targets[:count]
    inputs = script["scale"](source.train.read(range(count)))
    weights = balance.class_counts(source) if config.dataset.balance == "loss" else None
    shares = balance.class_weights(weights) if weights is not None else None
    loss = task_of(source.task).build_loss(config.training, shares)
    for training in (True, False) if count > 1 else (False,):
        first, second = (_outputs(model.train(training), inputs) for model in (mine, own))
        if not torch.equal(first, second):
            raise _differs("its network computes otherwise", "model")
        if not torch.equal(script["loss_of"](first, targets), loss(second, targets)):
            raise _differs("its loss is another", "training.loss")


def _groups(optimizer: torch.optim.Optimizer, model: nn.Module) -> list[dict[str, Any]]:
    """The settings of its groups, with the names of their parameters. Rates are set anew at every step."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [
        {
            "factor": 1.0,
            **{key: value for key, value in group.items() if key not in ("params", "lr")},
            "names": [names[id(parameter)] for parameter in group["params"]],
            "class": type(optimizer).__name__,
        }
        for group in optimizer.param_groups
    ]


def _outputs(model: nn.Module, inputs: Tensor) -> Tensor:
    torch.manual_seed(0)
    with torch.no_grad():
        outputs: Tensor = model(inputs)
    return outputs
