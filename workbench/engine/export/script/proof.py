"""A generated script is looked at before it is given away: its parts have to do what the run's own parts do, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
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
    script = ModuleType(__name__)  # the name is where dataclasses look for the meaning of annotations
    with torch.random.fork_rng(devices=[]):
        exec(compile(code, "script", "exec"), vars(script))
        for part in (_data, _order, _augment, _schedule, _network):
            for same, what, setting in part(script, config, source):
                if not same:
                    raise RefusedError(
                        f"a script would not do what the run did: {what}", "choose another format", setting
                    )


Compared = Iterator[tuple[bool, str, str]]
"""Whether the script does the same, what it does where it does not, and the setting that this depends on."""


def _data(script: ModuleType, config: RunConfig, source: Source) -> Compared:
    try:
        samples = script.load_data(script.DATA)
    except Exception as error:  # noqa: BLE001 - files are read by other means than the run's, which stumble over their own
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        yield False, f"it cannot read the samples ({first})", "dataset"
        return
    wanted = (*_whole(source.train), *_whole(source.val))
    for name, mine, own in zip(("training", "training", "validation", "validation"), samples, wanted, strict=True):
        same = len(own) == len(mine) == 0 or (mine.dtype == own.dtype and torch.equal(mine, own))
        yield same, f"it reads other samples for {name}", "dataset"
    raw = _first(source)
    same = torch.equal(script.scale(raw), source.scaling.on(_CPU, raw.dim())(raw))
    yield same, "it scales samples otherwise", "dataset"


def _whole(split: Split) -> tuple[Tensor, Tensor]:
    if len(split) == 0:
        return torch.empty(0), torch.empty(0)
    return split.inputs if isinstance(split, TensorSplit) else split.read(range(len(split))), split.targets


def _first(source: Source) -> Tensor:
    return source.train.read(range(min(SAMPLES, len(source.train))))


def _order(script: ModuleType, config: RunConfig, source: Source) -> Compared:
    targets, seed = source.train.targets, config.training.seed
    weights = balance.sample_weights(source) if config.dataset.balance == "sampler" else None
    for epoch in (0, 1):
        same = torch.equal(script.order_of(targets, epoch), epoch_order(len(targets), seed, epoch, weights))
        yield same, "it takes the samples in another order", "dataset.balance"


def _augment(script: ModuleType, config: RunConfig, source: Source) -> Compared:
    own = augment.build(config, source)
    if own is not None:
        raw = _first(source)
        plan = StepPlan(len(raw), len(raw))
        numbers = own.draw(plan, 0, 0, plan.step(0))
        same = torch.equal(script.augment(raw, numbers), own.apply(raw, numbers, script.scale))
        yield same, "it changes images otherwise", "dataset.augment_flip"


def _schedule(script: ModuleType, config: RunConfig, source: Source) -> Compared:
    each = loader.plan_steps(config, len(source.train), 1).steps
    plan = Plan(config.training.epochs, each)
    for step in range(0, plan.steps + each, max(1, plan.steps // RATES)):
        same = script.factor_at(step, each) == config.schedule.factor(step, plan)
        yield same, f"its learning rate is another at step {step + 1}", "schedule.kind"


def _network(script: ModuleType, config: RunConfig, source: Source) -> Compared:
    own = build.build_model(config, source, _CPU, restored=True)
    torch.manual_seed(derive_seed(config.training.seed, "weights"))
    mine: nn.Module = script.build_model()
    begun, wanted = mine.state_dict(), own.state_dict()
    same = begun.keys() == wanted.keys() and all(torch.equal(begun[name], wanted[name]) for name in wanted)
    yield same, "its network begins with other weights", "model"
    groups = _groups(optimizers.build(config.optimizer, own, _CPU), own)
    yield _groups(script.build_optimizer(mine), mine) == groups, "its optimizer is set otherwise", "optimizer"
    inputs = script.scale(_first(source))
    targets = source.train.targets[: len(inputs)]
    counts = balance.class_counts(source) if config.dataset.balance == "loss" else None
    loss = task_of(source.task).build_loss(config.training, None if counts is None else balance.class_weights(counts))
    for training in (True, False) if len(inputs) > 1 else (False,):
        first, second = (_outputs(model.train(training), inputs) for model in (mine, own))
        yield torch.equal(first, second), "its network computes otherwise", "model"
        yield (
            torch.equal(script.loss_of(first, targets), loss(second, targets)),
            "its loss is another",
            "training.loss",
        )


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
