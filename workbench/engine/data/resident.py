"""Samples that lie on the device whole: batches are gathered by index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from workbench.engine.data.augment import Augmenter
from workbench.engine.data.batches import EVALUATION_BATCH, Microbatch, mix_microbatches
from workbench.engine.data.dataset import Source, Split, TensorSplit
from workbench.engine.data.sampling import MicrobatchSlice, StepPlan, epoch_order
from workbench.engine.data.unreadable import UnreadableSamples

BLOCK_BYTES = {"cpu": 2**21, "cuda": 2**26, "mps": 2**24}
"""Batches are gathered and scaled in blocks of about this size: one kernel then serves many small batches."""


@dataclass
class ResidentLoader:
    """Every split whole on the device, as it is (uint8 where it is images)."""

    source: Source
    device: torch.device
    batch: int
    augmenter: Augmenter | None = None
    weights: Tensor | None = None
    """Each training sample's chance to be drawn, where classes are balanced by the sampler."""

    kind: Literal["resident", "streamed"] = "resident"

    def __post_init__(self) -> None:
        self._splits = {name: self._move(self.source.split(name)) for name in ("train", "val", "test")}
        self._scale = self.source.scaling.on(self.device, len(self.source.shape) + 1)
        # What lies on the device stays there.
        self.unreadable = UnreadableSamples(self.source)

    def steps(self, plan: StepPlan, rank: int, seed: int, epoch: int, first: int) -> Iterator[list[Microbatch]]:
        """See :class:`~workbench.engine.data.batches.Loader`."""
        inputs, targets = self._splits["train"]
        order = epoch_order(plan.samples, seed, epoch, self.weights)
        per_block = self._steps_per_block(inputs, plan)
        for begin in range(first, plan.steps, per_block):
            steps = [plan.step(number, rank) for number in range(begin, min(begin + per_block, plan.steps))]
            slices = [piece for step in steps for piece in step]
            indices = _gather_order(order, slices).to(self.device, non_blocking=True)
            sizes = [piece.stop - piece.start for piece in slices]
            x = torch.split(self._ready(inputs.index_select(0, indices), plan, epoch, begin, steps), sizes)
            y = torch.split(targets.index_select(0, indices), sizes)
            position = 0
            for number, step in enumerate(steps, begin):
                microbatches = [(x[position + i], y[position + i], piece.weight) for i, piece in enumerate(step)]
                if self.augmenter is not None:
                    microbatches = mix_microbatches(self.augmenter, microbatches, epoch, number)
                yield microbatches
                position += len(step)

    def evaluation(self, name: str, rank: int, world: int) -> Iterator[tuple[Tensor, Tensor]]:
        """See :class:`~workbench.engine.data.batches.Loader`."""
        inputs, targets = self._splits[name]
        size = max(self.batch, EVALUATION_BATCH)
        inputs, targets = inputs[rank::world], targets[rank::world]
        for start in range(0, len(targets), size):
            yield self._scale(inputs[start : start + size]), targets[start : start + size]

    def close(self) -> None:
        """Nothing was started."""

    def _ready(self, raw: Tensor, plan: StepPlan, epoch: int, first: int, steps: list[list[MicrobatchSlice]]) -> Tensor:
        """The samples of consecutive steps, scaled, and changed where the configuration says so."""
        if self.augmenter is None:
            return self._scale(raw)
        numbers = [self.augmenter.draw(plan, epoch, number, step) for number, step in enumerate(steps, first)]
        return self.augmenter.apply(raw, torch.cat(numbers), self._scale)

    def _move(self, split: Split | None) -> tuple[Tensor, Tensor]:
        if split is None or len(split) == 0:
            return torch.empty(0, *self.source.shape, device=self.device), torch.empty(0, device=self.device)
        inputs = split.inputs if isinstance(split, TensorSplit) else split.read(range(len(split)))
        return inputs.to(self.device), split.targets.to(self.device)

    def _steps_per_block(self, inputs: Tensor, plan: StepPlan) -> int:
        sample = max(inputs[0].numel() * 4, 1)
        return max(1, BLOCK_BYTES[self.device.type] // (sample * plan.batch * plan.accumulation))


def _gather_order(order: Tensor, slices: Sequence[MicrobatchSlice]) -> Tensor:
    """The samples of consecutive microbatches in their order. Alone on the device they are one piece of the epoch's order."""
    if all(a.stop == b.start for a, b in pairwise(slices)):
        return order[slices[0].start : slices[-1].stop]
    return torch.cat([order[piece.start : piece.stop] for piece in slices])
