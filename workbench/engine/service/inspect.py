"""The tensors of one training batch: what they are, how their values lie, and a slice to look inside."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training.build import Parts

BINS = 32
SIDE = 48
"""Rows and columns of a slice that are told at most."""
Named = dict[tuple[str, str], Tensor]


def inspect(parts: Parts) -> dict[str, Any]:
    """Every tensor of the first batch of an epoch, after one forward and one backward pass; nothing is trained.

    ``tensors``: one row each, in the groups batch, parameters, gradients, buffers. ``layers``: the L2 norm of the gradient of
    each layer, in the order of the model, and that of its weights beside it.
    """
    tensors, loss = collect(parts)
    return {
        "loss": float(loss),
        "device": str(parts.device),
        "tensors": [
            {"group": group, "name": name, **facts(tensor, _wants_gradient(parts, group, name))}
            for (group, name), tensor in tensors.items()
        ],
        "layers": layer_norms(parts.model),
    }


def collect(parts: Parts) -> tuple[Named, Tensor]:
    """The tensors by group and name, and the loss, a scalar."""
    seed = parts.config.training.seed
    first = next(iter(parts.loader.steps(parts.plan, parts.world.rank, seed, 0, 0)))
    inputs, targets, _ = first[0]
    parts.model.train()
    with parts.train_step.precision.autocast():
        outputs = parts.model(inputs)
        loss = parts.train_step.loss(outputs, targets)
    loss.backward()  # type: ignore[no-untyped-call]
    found: Named = {("batch", "inputs"): inputs, ("batch", "targets"): targets, ("batch", "outputs"): outputs.detach()}
    found |= {("parameters", name): parameter.detach() for name, parameter in parts.model.named_parameters()}
    for name, parameter in parts.model.named_parameters():
        if parameter.grad is not None:
            found["gradients", name] = parameter.grad
    found |= {("buffers", name): buffer for name, buffer in parts.model.named_buffers()}
    return found, loss.detach()


def _wants_gradient(parts: Parts, group: str, name: str) -> bool:
    if group == "parameters":
        return parts.model.get_parameter(name).requires_grad
    return group == "batch" and name == "outputs"


def facts(tensor: Tensor, requires_grad: bool) -> dict[str, Any]:
    """Form and values of a tensor. Least, largest, mean, standard deviation (of the values, not of a population that they
    are drawn from) and histogram are of the finite values; ``not_finite`` counts the others."""
    values = tensor.detach().to(torch.float64 if tensor.device.type != "mps" else torch.float32).flatten()
    finite = values[torch.isfinite(values)]
    told: dict[str, Any] = {
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "device": str(tensor.device),
        "contiguous": tensor.is_contiguous(),
        "strides": list(tensor.stride()),
        "elements": tensor.numel(),
        "bytes": tensor.nbytes,
        "requires_grad": requires_grad,
        "not_finite": values.numel() - finite.numel(),
        "min": None,
        "max": None,
        "mean": None,
        "std": None,
        "histogram": None,
    }
    if finite.numel():
        low, high = float(finite.min()), float(finite.max())
        told |= {"min": low, "max": high, "mean": float(finite.mean()), "std": float(finite.std(correction=0))}
        told["histogram"] = histogram(finite, low, high)
    return told


def histogram(values: Tensor, low: float, high: float) -> dict[str, Any]:
    """Counts in ``BINS`` bins of equal width from ``low`` to ``high``. A single value stands in the middle of bins around it."""
    if high <= low:
        room = max(abs(low) * 0.5, 0.5)
        low, high = low - room, high + room
    counts = torch.histc(values.cpu(), bins=BINS, min=low, max=high)
    return {"low": low, "high": high, "counts": counts.to(torch.int64).tolist()}


def layer_norms(model: nn.Module) -> list[dict[str, Any]]:
    """For each layer that has parameters of its own: the L2 norm of their gradients, None where they have none (frozen), and
    that of the parameters."""
    rows = []
    for name, module in model.named_modules():
        own = list(module.parameters(recurse=False))
        if own:
            grads = [parameter.grad for parameter in own if parameter.grad is not None]
            rows.append(
                {
                    "name": name or type(module).__name__,
                    "type": type(module).__name__,
                    "gradient": _norm(grads) if grads else None,
                    "weights": _norm([parameter.detach() for parameter in own]),
                }
            )
    return rows


def _norm(tensors: list[Tensor]) -> float:
    return math.sqrt(sum(float(tensor.to(torch.float32).pow(2).sum()) for tensor in tensors))


def look(parts: Parts, group: str, name: str, index: list[int]) -> dict[str, Any]:
    """A slice of a tensor, its last two axes at ``index`` of the others: ``values`` as rows of at most ``SIDE`` by ``SIDE``.

    ``index`` is cut to the axes that there are, and each part to the axis's length. Raises RefusedError.
    """
    tensors, _ = collect(parts)
    tensor = tensors.get((group, name))
    if tensor is None:
        raise RefusedError(f"there is no tensor {name} among the {group} any more", "look again")
    leading = tensor.shape[:-2]
    chosen = [min(max(place, 0), size - 1) for place, size in zip([*index, *[0] * len(leading)], leading, strict=False)]
    part = tensor[tuple(chosen)] if chosen else tensor
    while part.dim() < 2:
        part = part[None]
    return {
        "group": group,
        "name": name,
        "shape": list(tensor.shape),
        "index": chosen,
        "rows": part.shape[0],
        "columns": part.shape[1],
        "values": part[:SIDE, :SIDE].detach().to(torch.float32).cpu().tolist(),
        "whole": part.is_floating_point() is False,
    }
