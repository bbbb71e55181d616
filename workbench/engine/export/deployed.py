"""The model as others use it: it takes raw values and gives classes' scores and numbers in real units."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.engine.data.dataset import Source, TaskSpec
from workbench.engine.export.raw_inputs import Front, float_for, front_of


class OwnUnits(nn.Module):
    """Gives the numbers among a network's outputs in the units of their targets; scores of classes stay what they are."""

    mean: Tensor
    std: Tensor

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__()
        dtype = float_for(spec.means, spec.stds)
        classes = len(spec.classes)
        self.register_buffer("mean", torch.tensor([*[0.0] * classes, *spec.means], dtype=dtype))
        self.register_buffer("std", torch.tensor([*[1.0] * classes, *spec.stds], dtype=dtype))

    def forward(self, outputs: Tensor) -> Tensor:
        """(b, outputs) to the same shape."""
        return outputs.to(self.std.dtype) * self.std + self.mean


class Deployed(nn.Module):
    """A model of one input with what belongs in front of it and behind it."""

    def __init__(self, front: nn.Module, model: nn.Module, back: nn.Module) -> None:
        super().__init__()
        self.front, self.model, self.back = front, model, back

    def forward(self, inputs: Tensor) -> Tensor:
        """Raw samples (b, ...) to (b, outputs): scores of the classes before softmax, then numbers in their own units."""
        result: Tensor = self.back(self.model(self.front(inputs)))
        return result


class DeployedTable(nn.Module):
    """A model of a table that has both columns of numbers and columns of categories."""

    def __init__(self, front: nn.Module, model: nn.Module, back: nn.Module) -> None:
        super().__init__()
        self.front, self.model, self.back = front, model, back

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        """Numbers (b, columns) and int64 (b, columns) to (b, outputs), as of :class:`Deployed`."""
        result: Tensor = self.back(self.model(self.front(numbers, categories)))
        return result


def deploy(model: nn.Module, source: Source, front: Front | None = None) -> Deployed | DeployedTable:
    """The model as it is exported, in evaluation mode."""
    front = front_of(source) if front is None else front
    back = OwnUnits(source.task) if unscales(source.task) else nn.Identity()
    kind = Deployed if len(front.inputs) == 1 else DeployedTable
    return kind(front.module, model, back).eval()


def unscales(spec: TaskSpec) -> bool:
    """Whether a network's numbers are not yet in the units of their targets."""
    return spec.has_numbers and (set(spec.means) != {0.0} or set(spec.stds) != {1.0})
