"""How many samples a process needs at once: batch normalization has nothing to normalize by where there is one value a channel."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from workbench.engine.data.dataset import Source
from workbench.engine.data.sampling import StepPlan
from workbench.engine.runtime.failures import RefusedError

_LEAST = 2
_ANYTHING = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def fit(plan: StepPlan, model: nn.Module, source: Source) -> StepPlan:
    """The plan, its last batch joined to the one before where that would be too small. Every other plan stays as it is.

    Raises RefusedError where no batch is large enough.
    """
    fitted = replace(plan, smallest=_LEAST)
    if not (fitted.joins_last or fitted.is_too_small) or not _needs_several(model, source):
        return plan
    if fitted.is_too_small:
        raise _too_small(plan)
    return fitted


def note(plan: StepPlan) -> str:
    """What was done about the last batch, for a person; empty where nothing was."""
    if not plan.joins_last:
        return ""
    size, several = plan.last_batch, plan.world > 1
    shared = f", shared out over {plan.world} processes," if several else ""
    samples = f"{size} sample{'' if size == 1 else 's'}"
    return (
        f"the last batch of an epoch would have {samples}{shared} and batch normalization needs {_LEAST}"
        f"{' in each process' if several else ''}: it is joined to the batch before"
    )


def _too_small(plan: StepPlan) -> RefusedError:
    needs = f"batch normalization needs at least {_LEAST} samples at a time"
    if plan.batch < _LEAST:
        hint = f"choose a batch size of at least {_LEAST}, or another normalization"
        return RefusedError(f"{needs}, and the batch size is {plan.batch}", hint, "training.batch_size")
    if plan.world > 1:
        what = (
            f"{needs} in each process, and {plan.samples} training samples are shared out over {plan.world} processes"
        )
        return RefusedError(what, "choose fewer processes, or another normalization", "hardware.processes")
    what = f"{needs}, and there is only {plan.samples} training sample"
    return RefusedError(what, "choose a smaller validation split, or another normalization", "dataset.validation")


def _needs_several(model: nn.Module, source: Source) -> bool:
    """Whether the model normalizes by batch somewhere where one sample gives one value a channel.

    A sample that is nothing but zeros goes through it as in an evaluation, which changes nothing: its shapes are looked at.
    """
    mode = model.training
    model.train()
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training]
    values: list[int] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        shape = inputs[0].shape
        values.append(math.prod(shape) // max(shape[1], 1))

    handles = [norm.register_forward_pre_hook(keep) for norm in norms]
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    dtype = torch.int64 if source.vocabulary else torch.float32
    try:
        model.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            model(torch.zeros(1, *source.shape, device=device, dtype=dtype))
    except _ANYTHING:
        # A model that takes no zeros says nothing by it. One that takes no sample alone was seen up to there.
        pass
    finally:
        for handle in handles:
            handle.remove()
        model.train(mode)
    return min(values, default=_LEAST) < _LEAST
