"""Sources and networks of any form, without files."""

import math
from typing import Any, Literal

import torch
from torch import nn

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine.data.dataset import Normalization, Source, TaskSpec, TensorSplit
from workbench.engine.training import build

CLASSES = ("cat", "dog", "owl")


def source(shape: tuple[int, ...], vocabulary: int = 0, task: TaskSpec | None = None, count: int = 12) -> Source:
    """Random samples, the same each time."""
    draw = torch.Generator().manual_seed(1)
    task = task or TaskSpec("classification", CLASSES)
    if vocabulary:
        inputs = torch.randint(1, vocabulary, (count, *shape), generator=draw)
    else:
        inputs = torch.randn(count, *shape, generator=draw)
    if task.kind == "classification":
        targets = torch.arange(count) % len(task.classes)
    else:
        targets = torch.randn(count, task.outputs, generator=draw)
    split = TensorSplit(inputs, targets)
    scaling = Normalization((1 / 255,), (0.0,)) if len(shape) == 3 else Normalization()
    return Source(task, shape, split, split, scaling=scaling, vocabulary=vocabulary)


PICTURES = source((3, 16, 16))
VECTOR = source((20,))
SERIES = source((12, 2))
TEXT = source((10,), vocabulary=30)


def config(kind: str, data: Source, **settings: Any) -> RunConfig:
    """A run with that architecture, for a dataset of such samples."""
    kinds = {1: "text" if data.vocabulary else "synthetic", 2: "series", 3: "digits"}
    values: dict[str, Any] = {"dataset.kind": kinds[len(data.shape)]}
    if values["dataset.kind"] in ("text", "series"):
        values["dataset.path"] = "data.csv"
    values |= {"model.kind": kind, **{f"model.{name}": value for name, value in settings.items()}}
    return files.change(RunConfig(), values)


def network(data: Source, kind: str, **settings: Any) -> nn.Module:
    """The network on the CPU, its weights drawn from the run's seed."""
    return build.build_model(config(kind, data, **settings), data, torch.device("cpu"))


def parameters(model: nn.Module, trained: Literal["all", "trained"] = "all") -> int:
    """How many numbers there are to learn."""
    return sum(math.prod(p.shape) for p in model.parameters() if trained == "all" or p.requires_grad)
