"""How much memory a run will take: measured by one real step in a process of its own, before the run starts."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.dataset import Source
from workbench.engine.reporting import memory
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import memory_ran_out
from workbench.engine.training import build
from workbench.runs.service.tuning import MemoryEstimate

USABLE = 0.9
"""Of the memory that is there, this share can be planned with: allocators leave gaps."""
SMALLEST_STEP = 8
"""Batches are offered in multiples of it; below, in ones."""


def plan(config: RunConfig, device: torch.device) -> MemoryEstimate:
    """``needs`` and ``there`` in bytes, ``fits``, ``batch_size``, ``largest_batch`` (0 where not even one sample fits) and the
    ``parts``: program, data, weights, gradients, optimizer, activations. Raises RefusedError.
    """
    source = data.load(config.dataset)
    # No batch holds more samples than there are.
    wanted = size = min(config.training.batch_size, len(source.train))
    while True:
        parts = _measured(config, source, device, size)
        if parts is not None:
            break
        if size == 1:
            return MemoryEstimate(
                needs=0, there=_there(device), fits=False, batch_size=wanted, largest_batch=0, parts={}
            )
        size = max(1, size // 2)
    there = _there(device)
    each = parts["activations"] / size
    fixed = sum(parts.values()) - parts["activations"]
    needs = round(fixed + each * wanted)
    parts["activations"] = round(each * wanted)
    most = int((USABLE * there - fixed) / max(each, 1.0))
    largest = min(most // SMALLEST_STEP * SMALLEST_STEP if most >= SMALLEST_STEP else max(most, 0), len(source.train))
    fits = needs <= USABLE * there and size == wanted
    return MemoryEstimate(needs=needs, there=there, fits=fits, batch_size=wanted, largest_batch=largest, parts=parts)


def _measured(config: RunConfig, source: Source, device: torch.device, size: int) -> dict[str, int] | None:
    """Bytes by part of one step with so many samples; None where memory ran out."""
    config = files.change(config, {"training.batch_size": size, "training.accumulation": 1, "hardware.compile": False})
    program = memory.process_memory() if device.type == "cpu" else 0
    parts: build.Parts | None = None
    try:
        parts = build.assemble(config, source, device, World())
        return {"program": program, **_step(parts, device)}
    except (RuntimeError, MemoryError) as error:
        if not memory_ran_out(error):
            raise
        return None
    finally:
        if parts is not None:
            parts.loader.close()


def _step(parts: build.Parts, device: torch.device) -> dict[str, int]:
    model = parts.model
    weights = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
    gradients = sum(parameter.nbytes for parameter in model.parameters() if parameter.requires_grad)
    held = torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        microbatches = next(iter(parts.loader.steps(parts.plan, 0, 0, 0, 0)))
        given = [tensor for microbatch in microbatches for tensor in microbatch[:2]]
        own |= {tensor.untyped_storage().data_ptr() for tensor in given}
        parts.train_step.run(1, microbatches, StepRecorder(parts.task))
    optimizer = sum(value.nbytes for state in parts.optimizer.state.values() for value in _tensors(state))
    activations = sum(tensor.nbytes for tensor in given) + sum(
        size for pointer, size in saved.items() if pointer not in own
    )
    if device.type == "cuda":
        # What was really taken at the worst moment, with what kernels need for themselves.
        activations = max(activations, torch.cuda.max_memory_allocated(device) - held - gradients - optimizer)
    return {
        "data": max(0, held - weights) if device.type == "cuda" else _resident(parts),
        "weights": weights,
        "gradients": gradients,
        "optimizer": optimizer,
        "activations": activations,
    }


def _tensors(state: dict[str, object]) -> list[Tensor]:
    return [value for value in state.values() if isinstance(value, Tensor)]


def _resident(parts: build.Parts) -> int:
    """Bytes of the samples that lie in memory whole."""
    if parts.loader.kind != "resident":
        return 0
    splits = (
        split for name in ("train", "val", "test") if (split := parts.source.split(name)) is not None and len(split)
    )
    return sum(split.read([0])[0].nbytes * len(split) for split in splits)


def _there(device: torch.device) -> int:
    """Bytes that a run can have: what nobody else uses."""
    sample = memory.sample(device)
    return max(0, sample.total - sample.used + sample.allocated)
