"""From a configuration to what trains: data, model, optimizer, loss, loader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from workbench.config.run import RunConfig
from workbench.config.schedule import Plateau
from workbench.engine import data, models, optimizers
from workbench.engine.checkpoint import format
from workbench.engine.data import balance
from workbench.engine.data.batches import Loader
from workbench.engine.data.dataset import Progress, Source, no_progress
from workbench.engine.data.loader import build_loader, plan_steps
from workbench.engine.data.report import require_answers
from workbench.engine.data.sampling import StepPlan
from workbench.engine.runtime import seeding
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.tasks import task_of
from workbench.engine.tasks.task import Task
from workbench.engine.training import compilation, monitor, precision, smallest_batch
from workbench.engine.training.closure_step import ClosureStep
from workbench.engine.training.ema import EMA
from workbench.engine.training.lr_control import LRSchedule
from workbench.engine.training.nonfinite import NonFiniteGuard
from workbench.engine.training.step import TrainStep, trained_layers


@dataclass
class Parts:
    """Everything a run consists of, on one process."""

    config: RunConfig
    device: torch.device
    world: World
    source: Source
    task: Task
    model: nn.Module
    """The bare model."""
    optimizer: torch.optim.Optimizer
    train_step: TrainStep
    loader: Loader
    plan: StepPlan
    """How an epoch is cut into steps."""
    lr_schedule: LRSchedule
    data_fingerprint: dict[str, Any]
    """What a checkpoint keeps of the data, to notice other data: see :func:`fingerprint`."""
    ema: EMA | None = None
    """The moving average of the weights, where one is kept: it is what is validated."""
    class_metrics: tuple[str, ...] = ()
    """Metrics by class that a validation measures: where accuracy alone misleads, and where they are monitored."""
    notes: tuple[str, ...] = ()
    """Notes from building them, for a person."""


def build(
    config: RunConfig,
    device: torch.device,
    world: World,
    progress: Progress = no_progress,
    restored: bool = False,
    learned: Source | None = None,
) -> Parts:
    """Builds all parts on one process. ``restored``: a checkpoint's weights are put in afterwards, so none are loaded here.

    ``learned``: what these weights were trained on; see :func:`workbench.engine.data.load`.

    Raises RefusedError when the configuration cannot be met.
    """
    # One process after the other: the first may download what the others then find.
    source = world.main_first(lambda: data.load(config.dataset, progress, learned))
    return assemble(config, source, device, world, progress, restored)


def assemble(
    config: RunConfig,
    source: Source,
    device: torch.device,
    world: World,
    progress: Progress = no_progress,
    restored: bool = False,
) -> Parts:
    """Builds all parts around a source that is loaded already. Raises RefusedError."""
    training = config.training
    seeding.set_deterministic(training.deterministic)
    check(config, source)
    progress("building the model", None)
    model = build_model(config, source, device, restored, progress)
    # Every rank starts from the same weights; what is random in the steps (dropout) is each rank's own.
    seeding.seed_everything(training.seed, "steps", world.rank)
    optimizer = optimizers.build(config.optimizer, model, device)
    if config.optimizer.kind == "lbfgs" and world.size > 1:
        what = "LBFGS evaluates each batch several times, which several processes cannot do together"
        raise RefusedError(what, "choose one process, or another optimizer", "hardware.processes")
    task = task_of(source.task)
    counts = balance.class_counts(source)
    weights = (
        balance.class_weights(counts).to(device) if config.dataset.balance == "loss" and counts is not None else None
    )
    imbalanced = counts is not None and (balance.is_imbalanced(counts) or config.dataset.balance != "none")
    numbers = precision.build(config.hardware.precision, device)
    clip = None if training.clip_norm == "off" else training.clip_norm
    loss = task.build_loss(training, weights)
    kind = ClosureStep if isinstance(optimizer, torch.optim.LBFGS) else TrainStep
    train_step = kind(world.wrap(model, device, config.hardware.parallel), optimizer, loss, numbers, clip)
    train_step.layers = trained_layers(model) if config.output.layer_norms else {}
    train_step.clip_value = None if training.clip_value == "off" else training.clip_value
    train_step.guard = NonFiniteGuard(train_step.parameters, optimizer, numbers.scaler, world.size == 1)
    ema = EMA(model, training.ema) if training.ema != "off" else None
    plan = smallest_batch.fit(plan_steps(config, len(source.train), world.size), model, source)
    progress("moving the data to the device", None)
    loader = build_loader(config, source, device, world.local_size)
    notes = [smallest_batch.note(plan)] if plan.joins_last else []
    if config.hardware.compile:
        seconds = compilation.compile_model(model, train_step, loader, plan, task, world, progress)
        notes.append(f"the network was compiled in {seconds:.1f} s")
    return Parts(
        config=config,
        device=device,
        world=world,
        source=source,
        task=task,
        model=model,
        optimizer=optimizer,
        train_step=train_step,
        loader=loader,
        plan=plan,
        lr_schedule=LRSchedule(config, plan.steps),
        data_fingerprint=fingerprint(source, plan),
        ema=ema,
        notes=tuple(notes),
        class_metrics=monitor.class_metrics(config, task, len(source.val) > 0, imbalanced),
    )


def fingerprint(source: Source, plan: StepPlan) -> dict[str, Any]:
    """How many samples there are, how many make a step, a hash of what they are to be taken for, and the stamp of their files."""
    splits = {"train": source.train, "val": source.val}
    sizes = {name: len(split) for name, split in splits.items()}
    hashed = format.checksum({name: split.targets for name, split in splits.items()})[:16]
    return {**sizes, "per_step": plan.per_step, "targets": hashed, "stamp": source.stamp}


def build_model(
    config: RunConfig, source: Source, device: torch.device, restored: bool = False, progress: Progress = no_progress
) -> nn.Module:
    """The network of a configuration for a source, its weights drawn from the seed. Raises RefusedError."""
    seeding.seed_everything(config.training.seed, "weights")
    try:
        return models.build(config.model, source, restored, progress).to(device)
    except (RuntimeError, ValueError) as error:
        raise RefusedError(f"the network cannot be built: {error}", "change the architecture", "model") from error


def check(config: RunConfig, source: Source) -> None:
    """Raises RefusedError for what only the data can show to be wrong, ConfigError for questions that are open."""
    if source.report is not None:
        require_answers(source.report)
    training = config.training
    if len(source.train) == 0:
        raise RefusedError("no sample is left for training", "choose a smaller validation split", "dataset.validation")
    if training.drop_last and len(source.train) < training.batch_size * training.accumulation:
        what = f"the last batch is dropped (drop_last), and {len(source.train)} samples do not fill one batch"
        raise RefusedError(what, "choose a smaller batch size", "training.batch_size")
    monitor.monitored(config, task_of(source.task), len(source.val) > 0)
    needs = isinstance(config.schedule, Plateau) or training.early_stopping != "off"
    if needs and len(source.val) == 0:
        what = "early stopping and the plateau schedule need validation samples"
        raise RefusedError(what, "choose a validation split above 0", "dataset.validation")
