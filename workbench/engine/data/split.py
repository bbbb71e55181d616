"""Which samples are kept for validation: a pure function of their number, their classes and a seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from workbench.engine.runtime.seeding import generator


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
    drawn = [_draw(group, share, seed, number) for number, group in enumerate(groups)]
    chosen = torch.zeros(count, dtype=torch.bool)
    chosen[torch.cat(drawn)] = True
    return torch.nonzero(~chosen).flatten(), torch.nonzero(chosen).flatten()


def _draw(group: Tensor, share: float, seed: int, number: int) -> Tensor:
    wanted = round(len(group) * share)
    wanted = min(max(wanted, 1), len(group) - 1)
    order = torch.randperm(len(group), generator=generator(seed, "split", number))
    return group[order[: max(wanted, 0)]]


def by_group(groups: Sequence[str], share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Indices for training and for validation, each sorted, with all samples of a group on the same side.

    Groups are kept in a seeded order until they hold the share. Two groups or more give both sides a sample.
    """
    names = sorted(set(groups))
    index_of = {name: number for number, name in enumerate(names)}
    numbers = torch.tensor([index_of[name] for name in groups])
    sizes = torch.bincount(numbers, minlength=len(names))
    is_held_out = torch.zeros(len(names), dtype=torch.bool)
    if share > 0:
        for group in torch.randperm(len(names), generator=generator(seed, "split", "groups"))[:-1].tolist():
            is_held_out[group] = True
            if int(sizes[is_held_out].sum()) >= share * len(groups):
                break
    chosen = is_held_out[numbers]
    return torch.nonzero(~chosen).flatten(), torch.nonzero(chosen).flatten()


def by_time(times: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Indices for training and, later than all of them, for validation, each sorted. Equal times stay together."""
    if share <= 0 or len(times) == 0:
        return torch.arange(len(times)), torch.arange(0)
    cut = min(len(times) - max(round(len(times) * share), 1), len(times) - 1)
    later = times >= times.sort().values[cut]
    return torch.nonzero(~later).flatten(), torch.nonzero(later).flatten()
