"""Which layer first: a step whose numbers are not finite is computed once more, with an ear at every module and parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.engine.data.loader import Microbatch
from workbench.engine.training.nonfinite import NonFiniteError

if TYPE_CHECKING:
    from workbench.engine.training.loop import Run

HIDDEN = "what did not show when the step was computed once more"


def where(run: Run, error: NonFiniteError) -> str:
    """The first thing that is not finite in a step, in words. Every process looks at its own samples; one answer is given."""
    found = _weights(run.parts.model)
    if not found and not error.taken:
        found = _in_step(run, error.step)
    several = run.world.size > 1
    told = [
        f"{text} (process {rank})" if several else text for rank, text in enumerate(run.world.all_gather(found)) if text
    ]
    return told[0] if told else HIDDEN


def _weights(model: nn.Module) -> str:
    for name, parameter in model.named_parameters():
        if not _finite(parameter):
            return f"the weights {name}, moved too far by the step before"
    return ""


def _in_step(run: Run, step: int) -> str:
    """Computes the passes of ``step``, which lies in the epoch that is going, without moving anything."""
    parts, position = run.parts, run.position
    batch = position.batch - (position.step - (step - 1))
    seed = parts.config.training.seed
    run.recovery.beginning.keep()
    try:
        passes = next(iter(parts.loader.steps(parts.steps, parts.world.rank, seed, position.epoch, batch)))
        return first(parts.model, parts.stepper.portions(passes), lambda x, y: _loss(run, x, y))
    finally:
        parts.stepper.forget()
        run.recovery.beginning.put_back()


def _loss(run: Run, inputs: Tensor, targets: Tensor) -> Tensor:
    stepper = run.parts.stepper
    with stepper.precision.forward():
        return stepper.loss(run.parts.model(inputs), targets)


def first(model: nn.Module, passes: list[Microbatch], loss_of: Callable[[Tensor, Tensor], Tensor]) -> str:
    """The first module whose output, or parameter whose gradient, is not finite; empty where all are."""
    for inputs, targets, factor in passes:
        for name, values in (("the inputs", inputs), ("the targets", targets)):
            bad = _bad_samples(values)
            if bad:
                return f"{name} of {bad} of the step's samples"
        found: list[str] = []
        ears = [one.register_forward_hook(_ear(name, found)) for name, one in model.named_modules()]
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                hear = _gradient_ear(name, found)
                ears.append(parameter.register_post_accumulate_grad_hook(hear))  # type: ignore[no-untyped-call]
        try:
            loss = loss_of(inputs, targets)
            if not found and factor > 0 and not _finite(loss):
                found.append("the loss")
            if not found:
                (loss * factor).backward()  # type: ignore[no-untyped-call]
        finally:
            for ear in ears:
                ear.remove()
        if found:
            return found[0]
    return ""


def _ear(name: str, found: list[str]) -> Callable[[nn.Module, Any, Any], None]:
    def hear(module: nn.Module, _inputs: Any, output: Any) -> None:
        if not found and not all(_finite(one) for one in _tensors(output)):
            found.append(f"the output of {_named(name, module)}")

    return hear


def _gradient_ear(name: str, found: list[str]) -> Callable[[Tensor], None]:
    def hear(parameter: Tensor) -> None:
        if not found and parameter.grad is not None and not _finite(parameter.grad):
            found.append(f"the gradient of {name}")

    return hear


def _named(name: str, module: nn.Module) -> str:
    return f"layer {name} ({type(module).__name__})" if name else f"the model ({type(module).__name__})"


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [one for part in value for one in _tensors(part)] if isinstance(value, (list, tuple)) else []


def _finite(values: Tensor) -> bool:
    return not values.is_floating_point() or bool(torch.isfinite(values).all())


def _bad_samples(values: Tensor) -> int:
    """Samples of a batch, (b, ...), that hold a number that is not finite."""
    if not values.is_floating_point() or values.dim() == 0:
        return 0
    return int((~torch.isfinite(values.reshape(len(values), -1)).all(dim=1)).sum())
