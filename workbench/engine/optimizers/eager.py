"""torch's optimizers without their door to torch's compiler, which takes seconds to import and is no part of a plain step.

Torch decorates the methods of its optimizers so that its compiler, should it ever trace through them, stops there; the first call
imports the compiler for it. An optimizer is never compiled here (a model may be: that imports it then), so a subclass has the
same methods without the decorators.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch

T = TypeVar("T", bound=torch.optim.Optimizer)
_SUBCLASSES: dict[type[torch.optim.Optimizer], Any] = {}
METHODS = ("add_param_group", "state_dict", "load_state_dict", "zero_grad")


def eager(kind: type[T]) -> type[T]:
    """A subclass of the same name whose methods are torch's own, undecorated."""
    if kind not in _SUBCLASSES:
        _SUBCLASSES[kind] = _undecorated(kind)
    return cast("type[T]", _SUBCLASSES[kind])


def _undecorated(kind: type[torch.optim.Optimizer]) -> Any:
    plain_step: Callable[..., Any] = inspect.unwrap(kind.step)

    @functools.wraps(plain_step)
    def step(self: torch.optim.Optimizer, closure: Callable[[], float] | None = None) -> Any:
        with torch.no_grad():
            return plain_step(self, closure)

    methods = {name: inspect.unwrap(getattr(kind, name)) for name in METHODS}
    return type(
        kind.__name__, (kind,), {**methods, "step": step, "__doc__": kind.__doc__, "__module__": kind.__module__}
    )
