"""Which samples make up which step: a pure function of (seed, epoch), shared out evenly over the processes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import torch
from torch import Tensor

from workbench.engine.runtime.seeding import generator


def epoch_order(count: int, seed: int, epoch: int, weights: Tensor | None = None) -> Tensor:
    """The order of an epoch's samples: a permutation of ``count``, int64.

    With ``weights`` (count,) as many samples are drawn by their weights, with replacement.
    """
    if weights is not None:
        draw = generator(seed, "order", epoch)
        # By hand: torch.multinomial takes at most 2^24 weights.
        ends = weights.double().cumsum(0)
        return torch.searchsorted(ends, torch.rand(count, generator=draw, dtype=torch.float64) * ends[-1]).clamp(
            max=count - 1
        )
    return torch.randperm(count, generator=generator(seed, "order", epoch))


@dataclass(frozen=True)
class MicrobatchSlice:
    """One forward and backward pass of one process: ``start`` and ``stop`` in the epoch's order.

    ``weight`` multiplies its mean loss so that the gradients of all processes and microbatches average over the step's samples.
    """

    start: int
    stop: int
    weight: float


@dataclass(frozen=True)
class StepPlan:
    """How an epoch of ``samples`` is cut: ``batch`` samples per process and microbatch, ``accumulation`` microbatches a
    step, ``world`` processes.

    Where every process needs ``smallest`` samples at once, a last batch that has fewer for one of them is joined to the one before.
    """

    samples: int
    batch: int
    accumulation: int = 1
    world: int = 1
    drop_last: bool = False
    # Not in its text, which earlier versions hashed.
    smallest: int = field(default=1, repr=False)

    @property
    def last_batch(self) -> int:
        """Samples of an epoch's last batch over all processes, as it is before it is joined to another."""
        rest = self.samples % (self._full * self.accumulation)
        if self.drop_last and self.samples >= self._full * self.accumulation:
            rest = 0
        return rest % self._full or min(self._full, self.samples)

    @property
    def joins_last(self) -> bool:
        """Whether the last batch is joined to the one before."""
        if self.smallest == 1:
            return False
        return self.last_batch < self.smallest * self.world <= min(self._full, self.samples)

    @property
    def is_too_small(self) -> bool:
        """Whether not even a whole batch has ``smallest`` samples for each process."""
        return min(self._full, self.samples) < self.smallest * self.world

    @property
    def _full(self) -> int:
        """Samples of a full batch over all processes."""
        return self.batch * self.world

    @property
    def per_step(self) -> int:
        """Samples of a full step over all processes: the effective batch."""
        return min(self.batch * self.accumulation * self.world, self.samples)

    @property
    def steps(self) -> int:
        """Optimizer steps per epoch."""
        whole, rest = divmod(self.samples, self.batch * self.accumulation * self.world)
        if self.joins_last and rest == self.last_batch:
            return whole
        return max(whole + (1 if rest and not self.drop_last else 0), 1 if self.samples else 0)

    def samples_of(self, number: int) -> slice:
        """The samples of step ``number`` over all processes, as a part of the epoch's order."""
        begin = number * self.batch * self.accumulation * self.world
        if self.joins_last and number == self.steps - 1:
            return slice(begin, self.samples)
        return slice(begin, min(begin + self.batch * self.accumulation * self.world, self.samples))

    def step(self, number: int, rank: int = 0) -> list[MicrobatchSlice]:
        """The microbatches of one process in step ``number`` of an epoch. Every process has as many, so that none waits in vain.

        A process for which nothing is left repeats a sample with weight 0.
        """
        samples = self.samples_of(number)
        begin, end = samples.start, samples.stop
        total = end - begin
        slices = []
        starts = list(range(begin, end, self._full))
        if self.joins_last and end == self.samples:
            starts.pop()
        for first, stop in zip(starts, [*starts[1:], end], strict=True):
            size = stop - first
            share, rest = divmod(size, self.world)
            start = first + rank * share + min(rank, rest)
            mine = share + (1 if rank < rest else 0)
            if mine:
                slices.append(MicrobatchSlice(start, start + mine, mine * self.world / total))
            else:
                slices.append(MicrobatchSlice(first, first + 1, 0.0))
        return slices


def fingerprint(plan: StepPlan, seed: int, weights: Tensor | None = None) -> str:
    """A hash of which samples make up which step of the first epoch: equal where two runs see the same batches."""
    hasher = hashlib.sha256(repr(plan).encode())
    if plan.joins_last:
        hasher.update(b"joined")
    hasher.update(epoch_order(plan.samples, seed, 0, weights).numpy().tobytes())
    return hasher.hexdigest()[:16]
