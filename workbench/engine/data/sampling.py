"""Which samples make up which step: a pure function of (seed, epoch), shared out evenly over the processes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

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
    """

    samples: int
    batch: int
    accumulation: int = 1
    world: int = 1
    drop_last: bool = False

    @property
    def per_step(self) -> int:
        """Samples of a full step over all processes: the effective batch."""
        return min(self.batch * self.accumulation * self.world, self.samples)

    @property
    def steps(self) -> int:
        """Optimizer steps per epoch."""
        whole, rest = divmod(self.samples, self.batch * self.accumulation * self.world)
        return max(whole + (1 if rest and not self.drop_last else 0), 1 if self.samples else 0)

    def samples_of(self, number: int) -> slice:
        """The samples of step ``number`` over all processes, as a part of the epoch's order."""
        begin = number * self.batch * self.accumulation * self.world
        return slice(begin, min(begin + self.batch * self.accumulation * self.world, self.samples))

    def step(self, number: int, rank: int = 0) -> list[MicrobatchSlice]:
        """The microbatches of one process in step ``number`` of an epoch. Every process has as many, so that none waits in vain.

        A process for which nothing is left repeats a sample with weight 0.
        """
        samples = self.samples_of(number)
        begin, end = samples.start, samples.stop
        total = end - begin
        slices = []
        for first in range(begin, end, self.batch * self.world):
            size = min(self.batch * self.world, end - first)
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
    hasher.update(epoch_order(plan.samples, seed, 0, weights).numpy().tobytes())
    return hasher.hexdigest()[:16]
