"""From a configuration to what trains: data, model, optimiser, loss, loader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from workbench.config.run import RunConfig
from workbench.config.schedule import Plan, Plateau
from workbench.engine import data, models, optimizers
from workbench.engine.checkpoint import format
from workbench.engine.data import balance
from workbench.engine.data.dataset import Progress, Source, silent
from workbench.engine.data.loader import Loader, build_loader, plan_steps
from workbench.engine.data.sampling import StepPlan
from workbench.engine.runtime import seeding
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.tasks import losses
from workbench.engine.training import compilation, precision
from workbench.engine.training.ema import Average
from workbench.engine.training.nonfinite import Guard
from workbench.engine.training.step import Stepper, layers, smallest_part


@dataclass
class Parts:
    """Everything a run consists of, on one process."""

    config: RunConfig
    device: torch.device
    world: World
    source: Source
    model: nn.Module
    """The bare model."""
    optimizer: torch.optim.Optimizer
    stepper: Stepper
    loader: Loader
    steps: StepPlan
    rates: Rates
    data: dict[str, Any]
    """What a checkpoint keeps of the data, to notice other data: see :func:`fingerprint`."""
    average: Average | None = None
    """The running average of the weights, where one is kept: it is what is validated."""
    imbalanced: bool = False
    """Whether classes are of such unequal size that accuracy alone misleads."""
    notes: tuple[str, ...] = ()
    """What building them has to say."""


class Rates:
    """The learning rate of every step. The plan is that of the configuration, even when a resumed run goes on beyond it."""

    def __init__(self, config: RunConfig, steps_per_epoch: int) -> None:
        self._schedule = config.schedule
        self._plan = Plan(config.training.epochs, steps_per_epoch)
        self.base = config.optimizer.lr
        """The full learning rate."""
        self.calm = 1.0
        """What the run itself has multiplied it by, because numbers went wrong."""
        self.plateau = PlateauState()

    def at(self, step: int) -> float:
        """The learning rate of optimiser step ``step``, counted from 0."""
        return self.base * self._schedule.factor(step, self._plan) * self.plateau.factor * self.calm

    def set_base(self, rate: float) -> None:
        """Takes another full learning rate from now on, and takes it at its word."""
        self.base, self.calm = rate, 1.0

    def epoch_done(self, value: float, higher_is_better: bool) -> bool:
        """Tells a plateau schedule the validation result. True when the learning rate falls."""
        if not isinstance(self._schedule, Plateau):
            return False
        return self.plateau.update(value if higher_is_better else -value, self._schedule)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"base": self.base, **vars(self.plateau)}

    def restore(self, state: dict[str, Any]) -> None:
        """Puts back what :meth:`state` gave."""
        self.base = state["base"]
        self.plateau = PlateauState(state["factor"], state["best"], state["bad"], state.get("cooling", 0))


@dataclass
class PlateauState:
    """What the plateau schedule remembers. ``best`` is the highest value so far, whatever its sign means."""

    factor: float = 1.0
    best: float = -float("inf")
    bad: int = 0
    cooling: int = 0
    """Epochs that are still not judged."""

    def update(self, value: float, schedule: Plateau) -> bool:
        """Takes in an epoch's value, higher being better. True when the factor falls. As torch's ReduceLROnPlateau."""
        scale = abs(self.best) if schedule.threshold_mode == "relative" else 1.0
        first = self.best == -float("inf")
        if value > (self.best if first else self.best + schedule.threshold * scale):
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.cooling:
            self.cooling, self.bad = self.cooling - 1, 0
        if self.bad <= schedule.patience:
            return False
        self.bad, self.cooling = 0, schedule.cooldown
        lower = max(self.factor * schedule.gamma, schedule.min_lr_factor)
        if self.factor - lower <= schedule.eps:
            return False
        self.factor = lower
        return True


def build(
    config: RunConfig,
    device: torch.device,
    world: World,
    progress: Progress = silent,
    restored: bool = False,
    learnt: Source | None = None,
) -> Parts:
    """Builds all parts on one process. ``restored``: a checkpoint's weights are put in afterwards, so none are looked for.

    ``learnt``: what these weights were trained on; see :func:`workbench.engine.data.load`.

    Raises RefusedError when the configuration cannot be met.
    """
    # One process after the other: the first may download what the others then find.
    source = world.in_turn(lambda: data.load(config.dataset, progress, learnt))
    return assemble(config, source, device, world, progress, restored)


def assemble(
    config: RunConfig,
    source: Source,
    device: torch.device,
    world: World,
    progress: Progress = silent,
    restored: bool = False,
) -> Parts:
    """Builds all parts around a source that is loaded already. Raises RefusedError."""
    training = config.training
    seeding.be_deterministic(training.deterministic)
    check(config, source)
    progress("building the model", None)
    model = make_model(config, source, device, restored, progress)
    # Every rank starts from the same weights; what is random in the steps (dropout) is each rank's own.
    seeding.seed_everything(training.seed, "steps", world.rank)
    optimizer = optimizers.build(config.optimizer, model, device)
    if config.optimizer.kind == "lbfgs" and world.size > 1:
        what = "LBFGS looks at each batch several times, which several processes cannot do in step"
        raise RefusedError(what, "choose one process, or another optimiser", "hardware.processes")
    counts = balance.counts(source)
    weights = (
        balance.class_weights(counts).to(device) if config.dataset.balance == "loss" and counts is not None else None
    )
    numbers = precision.build(config.hardware.precision, device)
    clip = None if training.clip_norm == "off" else training.clip_norm
    loss = losses.build(training, source.task, weights)
    stepper = Stepper(world.wrap(model, device, config.hardware.parallel), optimizer, loss, numbers, clip)
    stepper.layers = layers(model) if config.output.layer_norms else {}
    stepper.clip_value = None if training.clip_value == "off" else training.clip_value
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    stepper.guard = Guard(trained, optimizer, numbers.scaler, world.size == 1)
    stepper.smallest = smallest_part(model)
    average = Average(model, training.ema) if training.ema != "off" else None
    progress("moving the data to the device", None)
    loader = build_loader(config, source, device, world.local_size)
    steps = plan_steps(config, len(source.train), world.size)
    notes: tuple[str, ...] = ()
    if config.hardware.compile:
        seconds = compilation.compile_model(model, stepper, loader, steps, source.task, world, progress)
        notes = (f"the network was compiled in {seconds:.1f} s",)
    return Parts(
        config=config,
        device=device,
        world=world,
        source=source,
        model=model,
        optimizer=optimizer,
        stepper=stepper,
        loader=loader,
        steps=steps,
        rates=Rates(config, steps.steps),
        data=fingerprint(source, steps),
        average=average,
        notes=notes,
        imbalanced=counts is not None and (balance.imbalanced(counts) or config.dataset.balance != "none"),
    )


def fingerprint(source: Source, steps: StepPlan) -> dict[str, Any]:
    """How many samples there are, how many make a step, and a hash of what they are to be taken for."""
    splits = {"train": source.train, "val": source.val}
    sizes = {name: len(split) for name, split in splits.items()}
    hashed = format.checksum({name: split.targets for name, split in splits.items()})[:16]
    return {**sizes, "per_step": steps.per_step, "targets": hashed}


def make_model(
    config: RunConfig, source: Source, device: torch.device, restored: bool = False, progress: Progress = silent
) -> nn.Module:
    """The network of a configuration for a source, its weights drawn from the seed. Raises RefusedError."""
    seeding.seed_everything(config.training.seed, "weights")
    try:
        return models.build(config.model, source, restored, progress).to(device)
    except (RuntimeError, ValueError) as error:
        raise RefusedError(f"the network cannot be built: {error}", "change the architecture", "model") from error


def check(config: RunConfig, source: Source) -> None:
    """Raises RefusedError for what only the data can show to be wrong."""
    training = config.training
    if len(source.train) == 0:
        raise RefusedError("no sample is left for training", "make the validation share smaller", "dataset.validation")
    if training.drop_last and len(source.train) < training.batch_size * training.accumulation:
        what = f"the last batch is dropped, and {len(source.train)} samples do not fill one"
        raise RefusedError(what, "make the batch smaller", "training.batch_size")
    needs = isinstance(config.schedule, Plateau) or training.early_stopping != "off"
    if needs and len(source.val) == 0:
        what = "early stopping and the plateau schedule need validation samples"
        raise RefusedError(what, "give dataset.validation a share", "dataset.validation")
