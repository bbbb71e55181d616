"""Steps whose samples weigh by their class: the weights of a whole step are normalized once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from torch import Tensor

from workbench.engine.data import balance
from workbench.engine.data.batches import Loader, Microbatch
from workbench.engine.data.sampling import StepPlan, epoch_order


class BalancedLoader:
    """A loader around another, for a loss with class weights.

    Such a loss is the mean over the samples of a microbatch, each times the weight of its class; see
    :mod:`workbench.engine.tasks.loss_formulas`. Here the weight of a microbatch is divided by the mean weight of all samples of
    its step, over all microbatches and processes: however a step is cut, its gradient is that of the whole batch.
    """

    def __init__(self, loader: Loader, labels: Tensor, class_weights: Tensor) -> None:
        """``labels``: int64 (n,), those of the training samples. ``class_weights``: float32 (classes,)."""
        self.kind: Literal["resident", "streamed"] = loader.kind
        self.unreadable = loader.unreadable
        self._loader = loader
        self._labels = labels
        self._class_weights = class_weights.cpu()

    def steps(self, plan: StepPlan, rank: int, seed: int, epoch: int, first: int) -> Iterator[list[Microbatch]]:
        """See :class:`~workbench.engine.data.batches.Loader`."""
        order = epoch_order(plan.samples, seed, epoch)
        for number, microbatches in enumerate(self._loader.steps(plan, rank, seed, epoch, first), first):
            labels = self._labels[order[plan.samples_of(number)]]
            scale = balance.step_scale(labels, self._class_weights)
            yield [(inputs, targets, weight * scale) for inputs, targets, weight in microbatches]

    def evaluation(self, name: str, rank: int, world: int) -> Iterator[tuple[Tensor, Tensor]]:
        """See :class:`~workbench.engine.data.batches.Loader`."""
        return self._loader.evaluation(name, rank, world)

    def close(self) -> None:
        """Ends what the loader started."""
        self._loader.close()
