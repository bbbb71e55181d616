"""Which samples are kept for validation: a pure function of their number, their classes and a seed."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.engine.seeding import generator


def split(count: int, classes: Tensor | None, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Indices for training and for validation, each sorted, int64.

    With ``classes`` (int64, shape (count,)) every class gives the same share, and at least one sample where it has two.
    """
    if share <= 0:
        return torch.arange(count), torch.arange(0)
    if classes is None:
        groups = [torch.arange(count)]
    else:
        groups = [torch.nonzero(classes == label).flatten() for label in torch.unique(classes)]
    kept = [_take(group, share, seed, number) for number, group in enumerate(groups)]
    chosen = torch.zeros(count, dtype=torch.bool)
    chosen[torch.cat(kept)] = True
    return torch.nonzero(~chosen).flatten(), torch.nonzero(chosen).flatten()


def _take(group: Tensor, share: float, seed: int, number: int) -> Tensor:
    wanted = round(len(group) * share)
    wanted = min(max(wanted, 1), len(group) - 1)
    order = torch.randperm(len(group), generator=generator(seed, "split", number))
    return group[order[: max(wanted, 0)]]
