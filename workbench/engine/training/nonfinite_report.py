"""Which layer first: a step whose numbers are not finite is computed once more, with a hook at every module and parameter."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from workbench.engine.data.batches import Microbatch
from workbench.engine.training.build import Parts
from workbench.engine.training.memory_recovery import StepBackup
from workbench.engine.training.nonfinite import NonFiniteError
from workbench.engine.training.resumable_state import Position

HIDDEN = "what did not show when the step was computed once more"


def first_nonfinite(parts: Parts, position: Position, backup: StepBackup, error: NonFiniteError) -> str:
    """The first thing that is not finite in a step, as text. Every process examines its own samples; one answer is given."""
    cause = _in_weights(parts.model)
    if not cause and not error.taken:
        cause = _in_step(parts, position, backup, error.step)
    several = parts.world.size > 1
    causes = [
        f"{text} (process {rank})" if several else text
        for rank, text in enumerate(parts.world.all_gather(cause))
        if text
    ]
    return causes[0] if causes else HIDDEN


def _in_weights(model: nn.Module) -> str:
    for name, parameter in model.named_parameters():
        if not _is_finite(parameter):
            return f"the weights {name}, moved too far by the step before"
    return ""


def _in_step(parts: Parts, position: Position, backup: StepBackup, step: int) -> str:
    """Computes the microbatches of ``step``, which lies in the current epoch, without moving anything."""
    train_step = parts.train_step
    batch = position.batch - (position.step - (step - 1))
    seed = parts.config.training.seed

    def loss_of(inputs: Tensor, targets: Tensor) -> Tensor:
        with train_step.precision.autocast():
            return train_step.loss(parts.model(inputs), targets)

    backup.save()
    try:
        microbatches = next(iter(parts.loader.steps(parts.plan, parts.world.rank, seed, position.epoch, batch)))
        return first_in(parts.model, train_step.split(microbatches), loss_of)
    finally:
        train_step.zero_grad()
        backup.restore()


def first_in(model: nn.Module, microbatches: list[Microbatch], loss_of: Callable[[Tensor, Tensor], Tensor]) -> str:
    """The first module whose output, or parameter whose gradient, is not finite; empty where all are."""
    for inputs, targets, weight in microbatches:
        for name, values in (("the inputs", inputs), ("the targets", targets)):
            count = _count_nonfinite_samples(values)
            if count:
                return f"{name} of {count} of the step's samples"
        causes: list[str] = []
        hooks = [module.register_forward_hook(_output_hook(name, causes)) for name, module in model.named_modules()]
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                hook = _gradient_hook(name, causes)
                hooks.append(parameter.register_post_accumulate_grad_hook(hook))  # type: ignore[no-untyped-call]
        try:
            loss = loss_of(inputs, targets)
            if not causes and weight > 0 and not _is_finite(loss):
                causes.append("the loss")
            if not causes:
                (loss * weight).backward()  # type: ignore[no-untyped-call]
        finally:
            for handle in hooks:
                handle.remove()
        if causes:
            return causes[0]
    return ""


def _output_hook(name: str, causes: list[str]) -> Callable[[nn.Module, object, object], None]:
    def hook(module: nn.Module, _inputs: object, output: object) -> None:
        if not causes and not all(_is_finite(tensor) for tensor in _tensors(output)):
            causes.append(f"the output of {_named(name, module)}")

    return hook


def _gradient_hook(name: str, causes: list[str]) -> Callable[[Tensor], None]:
    def hook(parameter: Tensor) -> None:
        if not causes and parameter.grad is not None and not _is_finite(parameter.grad):
            causes.append(f"the gradient of {name}")

    return hook


def _named(name: str, module: nn.Module) -> str:
    return f"layer {name} ({type(module).__name__})" if name else f"the model ({type(module).__name__})"


def _tensors(value: object) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for part in value for tensor in _tensors(part)] if isinstance(value, (list, tuple)) else []


def _is_finite(values: Tensor) -> bool:
    return not values.is_floating_point() or bool(torch.isfinite(values).all())


def _count_nonfinite_samples(values: Tensor) -> int:
    """Samples of a batch, (b, ...), that hold a number that is not finite."""
    if not values.is_floating_point() or values.dim() == 0:
        return 0
    return int((~torch.isfinite(values.reshape(len(values), -1)).all(dim=1)).sum())
