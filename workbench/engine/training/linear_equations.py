"""What a linear regression has learned: weights and intercept, in the units of inputs and targets."""

from __future__ import annotations

import torch
from torch import nn

from workbench.config.model import Linear
from workbench.engine.data.dataset import Source
from workbench.engine.data.tables.description import Description
from workbench.engine.training.build import Parts
from workbench.runs.service.linear_equation import LinearEquation

MAX_INPUTS = 100
"""With more inputs, such as the pixels of an image, there is nothing to be read in them."""


def linear_equations(parts: Parts) -> tuple[LinearEquation, ...]:
    """An equation for each target of a linear regression on numbers; none for everything else."""
    source = parts.source
    layers = [module for module in parts.model.modules() if isinstance(module, nn.Linear)]
    if not isinstance(parts.config.model, Linear) or len(layers) != 1 or source.task.kind != "regression":
        return ()
    inputs = _inputs(source)
    if len(source.shape) != 1 or source.vocabulary or not source.scaling.idle or len(inputs) > MAX_INPUTS:
        return ()
    if parts.ema is not None:
        parts.ema.swap()
    try:
        weight, bias = (tensor.detach().cpu().double() for tensor in (layers[0].weight, layers[0].bias))
    finally:
        if parts.ema is not None:
            parts.ema.swap()
    mean, std = (torch.tensor([float(values[index]) for values in inputs], dtype=torch.float64) for index in (1, 2))
    # In the network's units a target is w · (x - mean) / std + b.
    weight = weight / std
    bias = bias - weight @ mean
    spec = source.task
    stds, means = (torch.tensor(values, dtype=torch.float64).expand(len(bias)) for values in (spec.stds, spec.means))
    names = spec.targets if len(spec.targets) == len(bias) else [f"y{index + 1}" for index in range(len(bias))]
    return tuple(
        LinearEquation(
            target=name,
            weights=tuple(zip((str(values[0]) for values in inputs), row.tolist(), strict=True)),
            intercept=float(intercept),
        )
        for name, row, intercept in zip(names, weight * stds[:, None], bias * stds + means, strict=True)
    )


def _inputs(source: Source) -> list[tuple[str, float, float]]:
    """The name of each input, and the mean and deviation that it was standardized with."""
    columns: list[Description] = source.preprocessing.get("columns", [])
    count = source.shape[0]
    named = list[tuple[str, float, float]]()
    for column in columns:
        if column.get("kind") == "number":
            named.append((column["name"], column["mean"], column["std"]))
        elif column.get("kind") == "words":
            named += [(f"({column['name']} is {word})", 0.0, 1.0) for word in column["words"]]
            named += [(f"({column['name']} is missing)", 0.0, 1.0)] * int(column["gap"])
    if len(named) == count:
        return named
    return [("x" if count == 1 else f"x{index + 1}", 0.0, 1.0) for index in range(count)]
