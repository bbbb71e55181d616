"""Freezing parameters by their names."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Self

from torch import nn

from workbench.engine.runtime.failures import RefusedError

NAMES_SHOWN = 6


class FrozenBatchNorm1d(nn.BatchNorm1d):
    """A batch norm that keeps its statistics while the rest of the network trains."""

    def train(self, mode: bool = True) -> Self:
        """Stays in evaluation mode."""
        return super().train(False)


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """The same for images."""

    def train(self, mode: bool = True) -> Self:
        """Stays in evaluation mode."""
        return super().train(False)


_FROZEN: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: FrozenBatchNorm1d,
    nn.BatchNorm2d: FrozenBatchNorm2d,
}


def freeze(model: nn.Module, patterns: Sequence[str]) -> None:
    """Freezes every parameter whose name fits a pattern. Raises RefusedError for a pattern that fits none."""
    names = [name for name, _ in model.named_parameters()]
    idle = [pattern for pattern in patterns if not fnmatch.filter(names, pattern)]
    if idle:
        hint = f"use names such as {', '.join(names[:NAMES_SHOWN])}, …"
        raise RefusedError(f"no parameter is named {' or '.join(idle)}", hint, "model.freeze")
    for name, parameter in model.named_parameters():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            parameter.requires_grad_(False)
    for module in model.modules() if patterns else ():
        own = list(module.parameters(recurse=False))
        if type(module) in _FROZEN and own and not any(parameter.requires_grad for parameter in own):
            # The same layer with the same weights, of another kind.
            module.__class__ = _FROZEN[type(module)]
            module.eval()
