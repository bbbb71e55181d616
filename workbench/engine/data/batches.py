"""What loaders give: microbatches of a step, and batches of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

from torch import Tensor

from workbench.config.run import RunConfig
from workbench.engine.data import balance
from workbench.engine.data.augment import Augmenter
from workbench.engine.data.dataset import Source
from workbench.engine.data.sampling import StepPlan
from workbench.engine.data.unreadable import UnreadableSamples
from workbench.engine.runtime.failures import RefusedError

Microbatch = tuple[Tensor, Tensor, float]
"""Inputs (float32, (b, ...)), targets (b, ...) and the weight of the loss."""
EVALUATION_BATCH = 512


class Loader(Protocol):
    """Gives the microbatches of training and of evaluation, on the device and scaled."""

    kind: Literal["resident", "streamed"]
    unreadable: UnreadableSamples
    """Samples that could no longer be read."""

    def steps(self, plan: StepPlan, rank: int, seed: int, epoch: int, first: int) -> Iterator[list[Microbatch]]:
        """The steps of an epoch from step ``first`` on, each a list of microbatches. Raises UnreadableError."""
        ...

    def evaluation(self, name: str, rank: int, world: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets of a split in order, the samples ``rank::world`` of it. Raises UnreadableError."""
        ...

    def close(self) -> None:
        """Ends what the loader started."""
        ...


def mix_microbatches(augmenter: Augmenter, microbatches: list[Microbatch], epoch: int, step: int) -> list[Microbatch]:
    """The microbatches of a step, each with its samples mixed among themselves where the configuration says so."""
    mixed = [augmenter.mix(x, y, epoch, step, index) for index, (x, y, _) in enumerate(microbatches)]
    return [(*samples, weight) for samples, (_, _, weight) in zip(mixed, microbatches, strict=True)]


def sampler_weights(config: RunConfig, source: Source) -> Tensor | None:
    """Each training sample's chance to be drawn; None where every sample is taken once an epoch. Raises RefusedError."""
    if config.dataset.balance == "none":
        return None
    weights = balance.sample_weights(source)
    if weights is None:
        raise RefusedError("only the classes of a classification can be balanced", "set it to none", "dataset.balance")
    return weights if config.dataset.balance == "sampler" else None
