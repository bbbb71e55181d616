"""Worlds whose ranks are threads: their collectives meet here, so that a rank that calls another one is caught."""

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
        self._calls: list[Any] = [None] * size

    def _check(self) -> None:
        self.count += 1
        kinds = [kind for kind, _ in self._calls]
        assert len(set(kinds)) == 1, f"the ranks do not call the same collective: {kinds}"

    def exchange(self, rank: int, kind: str, value: Any) -> list[Any]:
        """The values of all ranks."""
        self._calls[rank] = kind, value
        self._barrier.wait()
        values = [value for _, value in self._calls]
        self._barrier.wait()
        return values

    def end(self) -> None:
        """Somebody failed: nobody is to wait for it."""
        self._barrier.abort()


class Stub(World):
    """A rank whose collectives go through a meeting instead of torch."""

    def __init__(self, rank: int, meeting: Meeting) -> None:
        super().__init__(rank, meeting.size)
        self.meeting = meeting
        self.calls: list[str] = []

    def _exchange(self, kind: str, value: Any) -> list[Any]:
        self.calls.append(kind)
        return self.meeting.exchange(self.rank, kind, value)

    def broadcast(self, value: Any) -> Any:
        return self._exchange("broadcast", value)[0]

    def all_gather(self, value: Any) -> list[Any]:
        return self._exchange("all_gather", value)

    def all_reduce_sum(self, array: NDArray[np.float64]) -> NDArray[np.float64]:
        total: NDArray[np.float64] = np.sum(self._exchange("all_reduce_sum", array), axis=0)
        return total

    def wrap(self, model: nn.Module, device: torch.device, parallel: str = "ddp") -> nn.Module:
        """Gradients are not exchanged."""
        return model

    def broadcast_buffers(self, model: nn.Module) -> None:
        """Every rank keeps its own."""


def run_ranks(work: Callable[[Stub], T], size: int = 2, patience: float = HANG_SECONDS) -> list[T]:
    """What ``work`` gives for every rank of a world. Fails where the ranks' collectives do not match to the end."""
    meeting = Meeting(size, patience)

    def run_rank(rank: int) -> T:
        try:
            result = work(Stub(rank, meeting))
            assert meeting.exchange(rank, "the end", None) is not None
        except BaseException:
            meeting.end()
            raise
        return result

    with ThreadPoolExecutor(size) as pool:
        ranks = [pool.submit(run_rank, rank) for rank in range(size)]
    errors = [error for error in (rank.exception() for rank in ranks) if error is not None]
    # The others found the meeting aborted: that is not the cause.
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return [rank.result() for rank in ranks]
