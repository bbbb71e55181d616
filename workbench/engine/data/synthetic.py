"""Samples from a formula."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from workbench.config.dataset import Synthetic
from workbench.engine.data.dataset import Progress, Source, TaskSpec, TensorSplit
from workbench.engine.data.split import split

SHOWN = 2000
"""Points in the preview."""


def load(config: Synthetic, progress: Progress) -> Source:
    """A noisy line (inputs (n, 1), a regression), spirals ((n, 2), a class an arm) or clusters ((n, features))."""
    progress("drawing samples", None)
    draw = torch.Generator().manual_seed(config.seed)
    inputs, targets = _draw(config, draw)
    classes = targets if config.shape != "linear" and config.split == "per-class" else None
    train, val = split(len(targets), classes, config.validation, config.split_seed)
    return Source(
        task=_task(config),
        shape=tuple(inputs.shape[1:]),
        train=TensorSplit(inputs[train], targets[train], "point"),
        val=TensorSplit(inputs[val], targets[val], "point"),
        preprocessing={"kind": "none"},
        preview={"points": _points(inputs[:SHOWN, :2], targets[:SHOWN])},
    )


def _draw(config: Synthetic, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    if config.shape == "linear":
        return _line(config, draw)
    return _spirals(config, draw) if config.shape == "spirals" else _clusters(config, draw)


def _task(config: Synthetic) -> TaskSpec:
    if config.shape == "linear":
        return TaskSpec("regression", targets=("y",))
    word = "arm" if config.shape == "spirals" else "class"
    count = len(config.per_class) if config.shape == "clusters" and config.per_class else config.classes
    return TaskSpec("classification", tuple(f"{word} {number + 1}" for number in range(count)))


def _line(config: Synthetic, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    if config.spacing == "even":
        x = torch.linspace(-config.x_max, config.x_max, config.samples)[:, None]
    else:
        x = (torch.rand(config.samples, 1, generator=draw) * 2 - 1) * config.x_max
    y = config.slope * x + config.intercept + config.noise * torch.randn(config.samples, 1, generator=draw)
    return x, y


def _spirals(config: Synthetic, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Arms of one and a half turns; the noise is in units of the radius at an arm's end."""
    labels = torch.arange(config.samples) % config.classes
    along = torch.rand(config.samples, generator=draw).sqrt()
    angle = along * 3 * math.pi + labels * (2 * math.pi / config.classes)
    points = torch.stack([along * angle.cos(), along * angle.sin()], dim=1)
    return points + config.noise * 0.3 * torch.randn(config.samples, 2, generator=draw), labels


def _clusters(config: Synthetic, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Normal points around a middle for each class, whose coordinates are +-1 with a random sign; the noise is added to both.

    The rows come in a random order, as rows of a table do.
    """
    counts = config.per_class
    labels = torch.arange(config.samples) % config.classes
    if counts:
        labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=draw)]
    middles = torch.randint(0, 2, (int(labels.max()) + 1, config.features), generator=draw) * 2.0 - 1.0
    noise = torch.randn(len(labels), config.features, generator=draw)
    return middles[labels] + (1 + config.noise) * noise, labels


def _points(inputs: Tensor, targets: Tensor) -> dict[str, list[float] | list[int]]:
    if inputs.shape[1] == 1:
        return {"x": inputs[:, 0].tolist(), "y": targets[:, 0].tolist(), "label": [0] * len(inputs)}
    return {"x": inputs[:, 0].tolist(), "y": inputs[:, 1].tolist(), "label": targets.tolist()}
