"""The tensors of one training batch: what they are, how their values lie, and a slice of one of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training.build import Parts
from workbench.runs.service.inspection import BatchInspection, LayerNorms, TensorFacts, TensorSlice, ValueHistogram

BINS = 32
SIDE = 48
"""Rows and columns of a slice at most."""
Named = dict[tuple[str, str], Tensor]


def inspect(parts: Parts) -> BatchInspection:
    """Every tensor of the first batch of an epoch, after one forward and one backward pass; nothing is trained.

    Tensors come in the groups batch, parameters, gradients, buffers; layers in the order of the model.
    """
    tensors, loss = collect(parts)
    return BatchInspection(
        loss=float(loss),
        device=str(parts.device),
        tensors=tuple(
            facts(tensor, _wants_gradient(parts, group, name), group, name) for (group, name), tensor in tensors.items()
        ),
        layers=layer_norms(parts.model),
    )


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
    tensors: Named = {
        ("batch", "inputs"): inputs,
        ("batch", "targets"): targets,
        ("batch", "outputs"): outputs.detach(),
    }
    tensors |= {("parameters", name): parameter.detach() for name, parameter in parts.model.named_parameters()}
    for name, parameter in parts.model.named_parameters():
        if parameter.grad is not None:
            tensors["gradients", name] = parameter.grad
    tensors |= {("buffers", name): buffer for name, buffer in parts.model.named_buffers()}
    return tensors, loss.detach()


def _wants_gradient(parts: Parts, group: str, name: str) -> bool:
    if group == "parameters":
        return parts.model.get_parameter(name).requires_grad
    return group == "batch" and name == "outputs"


def facts(tensor: Tensor, requires_grad: bool, group: str = "", name: str = "") -> TensorFacts:
    """Form and values of a tensor. Least, largest, mean, standard deviation (of the values, not of a population that they
    are drawn from) and histogram are of the finite values; ``not_finite`` counts the others."""
    values = tensor.detach().to(torch.float64 if tensor.device.type != "mps" else torch.float32).flatten()
    finite = values[torch.isfinite(values)]
    some = finite.numel() > 0
    low, high = (float(finite.min()), float(finite.max())) if some else (None, None)
    return TensorFacts(
        group=group,
        name=name,
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        device=str(tensor.device),
        contiguous=tensor.is_contiguous(),
        strides=tuple(tensor.stride()),
        elements=tensor.numel(),
        bytes=tensor.nbytes,
        requires_grad=requires_grad,
        not_finite=values.numel() - finite.numel(),
        min=low,
        max=high,
        mean=float(finite.mean()) if some else None,
        std=float(finite.std(correction=0)) if some else None,
        histogram=histogram(finite, low, high) if low is not None and high is not None else None,
    )


def histogram(values: Tensor, low: float, high: float) -> ValueHistogram:
    """Counts in ``BINS`` bins of equal width from ``low`` to ``high``. A single value stands in the middle of bins around it."""
    if high <= low:
        room = max(abs(low) * 0.5, 0.5)
        low, high = low - room, high + room
    counts = torch.histc(values.cpu(), bins=BINS, min=low, max=high)
    return ValueHistogram(low=low, high=high, counts=tuple(counts.to(torch.int64).tolist()))


def layer_norms(model: nn.Module) -> tuple[LayerNorms, ...]:
    """For each layer that has parameters of its own: the L2 norm of their gradients, None where they have none (frozen), and
    that of the parameters."""
    rows = []
    for name, module in model.named_modules():
        own = list(module.parameters(recurse=False))
        if own:
            grads = [parameter.grad for parameter in own if parameter.grad is not None]
            rows.append(
                LayerNorms(
                    name=name or type(module).__name__,
                    type=type(module).__name__,
                    gradient=_norm(grads) if grads else None,
                    weights=_norm([parameter.detach() for parameter in own]),
                )
            )
    return tuple(rows)


def _norm(tensors: list[Tensor]) -> float:
    return math.sqrt(sum(float(tensor.to(torch.float32).pow(2).sum()) for tensor in tensors))


def slice_tensor(parts: Parts, group: str, name: str, index: Sequence[int]) -> TensorSlice:
    """A slice of a tensor, its last two axes at ``index`` of the others: ``values`` as rows of at most ``SIDE`` by ``SIDE``.

    ``index`` is cut to the axes that there are, and each part to the axis's length. Raises RefusedError.
    """
    tensors, _ = collect(parts)
    tensor = tensors.get((group, name))
    if tensor is None:
        raise RefusedError(f"there is no tensor {name} among the {group} any more", "inspect it again")
    leading = tensor.shape[:-2]
    wanted = [*index, *[0] * len(leading)]
    chosen = tuple(min(max(position, 0), size - 1) for position, size in zip(wanted, leading, strict=False))
    part = tensor[chosen] if chosen else tensor
    while part.dim() < 2:
        part = part[None]
    rows = part[:SIDE, :SIDE].detach().to(torch.float32).cpu().tolist()
    return TensorSlice(
        group=group,
        name=name,
        shape=tuple(tensor.shape),
        index=chosen,
        rows=part.shape[0],
        columns=part.shape[1],
        values=tuple(tuple(row) for row in rows),
        whole=not part.is_floating_point(),
    )
