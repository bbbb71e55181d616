"""What the processes of one run exchange. A single process is no special case: a world of one returns what it was given."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn.parallel import DistributedDataParallel

from workbench.engine.runtime.failures import FailedError, RefusedError, explain

T = TypeVar("T")
COLLECTIVE_TIMEOUT = timedelta(minutes=5)
"""How long a process waits for the others before it gives up; the launching process ends the rest much earlier."""
PATIENCE_SECONDS = 1.0
"""How often the ranks exchange that one of them is still at work: far more often than they give up."""


class Exchange:
    """Averages the gradients of a step over the ranks, bucket after bucket, and knows how many buckets are under way.

    A rank that cannot finish its step fills in for the rest with NaN: the others then find it in their
    gradients, and no rank waits for what never comes.
    """

    def __init__(self) -> None:
        self._done = 0

    def average(self, bucket: Any) -> torch.futures.Future[torch.Tensor]:
        """Begins to average a bucket (torch's GradBucket). Buckets come in their order."""
        self._done = 0 if bucket.is_last() else bucket.index() + 1
        return allreduce_hook(None, bucket)  # type: ignore[arg-type]  # None is the world

    def fill_in(self, model: DistributedDataParallel) -> None:
        """Takes part in what is left of the step's exchange."""
        # As torch's own Join does for a rank that has no more samples.
        for bucket in model.reducer._get_zeros_like_grad_buckets()[self._done :]:
            dist.all_reduce(bucket.buffer().fill_(float("nan")))
        self._done = 0


@dataclass(frozen=True)
class _RankOutcome:
    """The outcome of a rank's work: its result, or why it could not be done."""

    result: Any = None
    error: RefusedError | FailedError | None = None


@dataclass
class World:
    """The processes of a run, as one of them sees it. ``control`` is a second group on the CPU, so that no GPU waits for it."""

    rank: int = 0
    size: int = 1
    control: dist.ProcessGroup | None = field(default=None, repr=False)
    exchange: Exchange = field(default_factory=Exchange, repr=False)
    local_rank: int = 0
    """Its number among the processes of this machine."""
    local_size: int = 1
    """How many those are: they share the machine's processors."""

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, which alone decides and reports."""
        return self.rank == 0

    def broadcast(self, value: T) -> T:
        """Rank 0's ``value``, on every rank."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, group=self.control)
        return box[0]

    def all_gather(self, value: T) -> list[T]:
        """Every rank's ``value``, in order, on every rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value, group=self.control)
        return values

    def all_gather_when_done(self, work: Callable[[], T]) -> list[T]:
        """What ``work`` gives on every rank, in order, on every rank, however long it takes. It must not call the others.

        Where one rank cannot do its work, every rank raises why: RefusedError as it is, all else as FailedError.
        """
        if self.size == 1:
            return [work()]
        own: list[_RankOutcome] = []
        done = threading.Event()
        # Work stays in this thread, which alone receives signals; another keeps the other ranks waiting.
        with ThreadPoolExecutor(1, "patience") as pool:
            rounds = pool.submit(self._wait_for_all, done, own)
            try:
                own.append(_RankOutcome(work()))
            except BaseException as error:
                own.append(_RankOutcome(error=_as_picklable_error(self.rank, error)))
                raise
            finally:
                done.set()
        outcomes = rounds.result()
        for outcome in outcomes:
            if outcome is not None and outcome.error is not None:
                raise outcome.error
        return [outcome.result for outcome in outcomes if outcome is not None]

    def broadcast_when_done(self, work: Callable[[], Any]) -> Any:
        """What ``work`` gives on rank 0, on every rank, however long it takes. See :meth:`all_gather_when_done`."""
        return self.all_gather_when_done(work if self.is_main else lambda: None)[0]

    def main_first(self, work: Callable[[], T]) -> T:
        """What ``work`` gives on this rank: rank 0 does it first, then one rank of every other machine, then the rest.

        For what leaves something on the disk that the others then find, on whichever machines share one. Where one rank cannot
        do it, every rank raises why.
        """
        if self.size == 1:
            return work()
        turn = 0 if self.is_main else 1 if self.local_rank == 0 else 2
        own: list[T] = []

        def do_turn() -> None:
            # Its result stays here: only that it is done is exchanged.
            own.append(work())

        for number in range(3):
            self.all_gather_when_done(do_turn if number == turn else lambda: None)
        return own[0]

    def _wait_for_all(self, done: threading.Event, own: list[_RankOutcome]) -> list[_RankOutcome | None]:
        """Asks the others, again and again, until all are done or one has failed."""
        while True:
            done.wait(PATIENCE_SECONDS)
            outcomes: list[_RankOutcome | None] = self.all_gather(own[0] if done.is_set() else None)
            if None not in outcomes or any(outcome is not None and outcome.error is not None for outcome in outcomes):
                return outcomes

    def all_reduce_sum(self, array: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum over all ranks of arrays of one shape."""
        if self.size == 1:
            return array
        tensor = torch.from_numpy(array.copy())
        dist.all_reduce(tensor, group=self.control)
        return tensor.numpy()

    def wrap(self, model: nn.Module, device: torch.device, parallel: str = "ddp") -> nn.Module:
        """The model whose gradients are averaged over the ranks, or one whose batches are shared out over this process's GPUs."""
        if self.size == 1:
            gpus = torch.cuda.device_count() if parallel == "data-parallel" and device.type == "cuda" else 1
            if gpus < 2:
                return model
            # The network lies on the first of those that are listed: the one that was chosen.
            first = device.index or 0
            return nn.DataParallel(model, [first, *(number for number in range(gpus) if number != first)])
        wrapped = DistributedDataParallel(model, device_ids=[device.index] if device.type == "cuda" else None)
        wrapped.register_comm_hook(self.exchange, lambda exchange, bucket: exchange.average(bucket))
        return wrapped

    def fill_in(self, model: nn.Module) -> None:
        """Ends a step that this rank cannot finish for the others: they find no numbers in it."""
        if isinstance(model, DistributedDataParallel):
            self.exchange.fill_in(model)

    def broadcast_buffers(self, model: nn.Module) -> None:
        """Gives every rank the buffers of rank 0 (batch norm's averages), so that all evaluate the same model."""
        if self.size > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)


def _as_picklable_error(rank: int, error: BaseException) -> RefusedError | FailedError:
    """Why a rank could not do its work, in a form that can be sent to others."""
    if isinstance(error, RefusedError):
        return error
    failure = explain(error)
    return FailedError(f"process {rank}: {failure.what}", failure.hint, failure.details)


def unwrap(model: nn.Module) -> nn.Module:
    """The bare model."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def join_world(device: str) -> tuple[World, torch.device]:
    """Enters the world that the launcher described in the environment (RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE).

    Gives it with this rank's own device.
    """
    local = int(os.environ.get("LOCAL_RANK", "0"))
    own = torch.device("cuda", local) if device.startswith("cuda") else torch.device(device)
    if own.type == "cuda":
        torch.cuda.set_device(own)
    dist.init_process_group("nccl" if own.type == "cuda" else "gloo", timeout=COLLECTIVE_TIMEOUT)
    control = dist.new_group(backend="gloo", timeout=COLLECTIVE_TIMEOUT)
    if not isinstance(control, dist.ProcessGroup):
        raise TypeError("this process is not part of the world it joined")
    size = dist.get_world_size()
    here = int(os.environ.get("LOCAL_WORLD_SIZE", size))
    return World(dist.get_rank(), size, control, local_rank=local, local_size=here), own


def leave_world() -> None:
    """Leaves the world, if one was entered."""
    if dist.is_initialized():
        dist.destroy_process_group()
