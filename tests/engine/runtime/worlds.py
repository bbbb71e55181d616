"""Worlds whose ranks are threads: what they say to each other meets here, so that a rank that says something else is caught."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tests.waiting import HANG_SECONDS
from workbench.engine.runtime.distributed import World

T = TypeVar("T")


class Meeting:
    """Where the ranks of a world meet. One that does not come within ``patience`` seconds makes the others fail."""

    def __init__(self, size: int, patience: float) -> None:
        self.size = size
        self.count = 0
        self._barrier = threading.Barrier(size, self._check, patience)
        self._said: list[Any] = [None] * size

    def _check(self) -> None:
        self.count += 1
        kinds = [kind for kind, _ in self._said]
        assert len(set(kinds)) == 1, f"the ranks do not say the same: {kinds}"

    def say(self, rank: int, kind: str, thing: Any) -> list[Any]:
        """What every rank has said."""
        self._said[rank] = kind, thing
        self._barrier.wait()
        found = [thing for _, thing in self._said]
        self._barrier.wait()
        return found

    def end(self) -> None:
        """Somebody failed: nobody is to wait for it."""
        self._barrier.abort()


class Stub(World):
    """A rank whose collectives go through a meeting instead of torch."""

    def __init__(self, rank: int, meeting: Meeting) -> None:
        super().__init__(rank, meeting.size)
        self.meeting = meeting
        self.said: list[str] = []

    def _say(self, kind: str, thing: Any) -> list[Any]:
        self.said.append(kind)
        return self.meeting.say(self.rank, kind, thing)

    def broadcast(self, value: Any) -> Any:
        return self._say("share", value)[0]

    def all_gather(self, value: Any) -> list[Any]:
        return self._say("gather", value)

    def all_reduce_sum(self, array: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.sum(self._say("total", array), axis=0)
        return found

    def wrap(self, model: nn.Module, device: torch.device, parallel: str = "ddp") -> nn.Module:
        """Gradients are not exchanged."""
        return model


def together(work: Callable[[Stub], T], size: int = 2, patience: float = HANG_SECONDS) -> list[T]:
    """What ``work`` gives for every rank of a world. Fails where the ranks' collectives do not match to the end."""
    meeting = Meeting(size, patience)

    def one(rank: int) -> T:
        try:
            found = work(Stub(rank, meeting))
            assert meeting.say(rank, "the end", None) is not None
        except BaseException:
            meeting.end()
            raise
        return found

    with ThreadPoolExecutor(size) as pool:
        ranks = [pool.submit(one, rank) for rank in range(size)]
    errors = [error for error in (rank.exception() for rank in ranks) if error is not None]
    # The others found the meeting broken off: that is no news.
    for error in sorted(errors, key=lambda one: isinstance(one, threading.BrokenBarrierError)):
        raise error
    return [rank.result() for rank in ranks]
