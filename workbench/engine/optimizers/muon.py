"""Muon for matrices and AdamW for the rest, as one optimizer with one state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from workbench.config import optimizer as kinds


class MuonWithAdamW(torch.optim.Optimizer):
    """Each group says with ``matrices`` whether Muon (shape (rows, columns) only) or AdamW moves its parameters.

    Groups and state are those of this optimizer, so that they are saved and restored as any other's.
    """

    def __init__(self, groups: list[dict[str, Any]], c: kinds.Muon, how: dict[str, Any]) -> None:
        mine = [group for group in groups if group["matrices"]]
        rest = [group for group in groups if not group["matrices"]]
        self._parts: dict[bool, torch.optim.Optimizer] = {}
        if mine:
            self._parts[True] = torch.optim.Muon(
                mine,
                lr=c.lr,
                weight_decay=c.weight_decay,
                momentum=c.momentum,
                nesterov=c.nesterov,
                ns_steps=c.iterations,
                adjust_lr_fn=c.adjust,
            )
        if rest:
            betas = (c.beta1, c.beta2)
            self._parts[False] = torch.optim.AdamW(
                rest, lr=c.lr, betas=betas, eps=c.eps, weight_decay=c.weight_decay, **how
            )
        super().__init__([group for part in self._parts.values() for group in part.param_groups], {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of both. ``closure``, where given, is evaluated once before it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for matrices, part in self._parts.items():
            # Loading a state replaces groups and state: the parts always work on what is here now.
            part.param_groups = [group for group in self.param_groups if group["matrices"] is matrices]
            part.state = self.state
            part.step()
        return loss


def matrices(model: nn.Module) -> set[str]:
    """Names of the parameters that Muon moves: matrices (rows, columns) that are no table of embeddings."""
    tables = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}
    return {
        name for name, parameter in model.named_parameters() if parameter.dim() == 2 and id(parameter) not in tables
    }
