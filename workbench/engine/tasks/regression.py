"""One number or several for every sample."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from workbench.config.training import Training
from workbench.engine.data.dataset import Split
from workbench.engine.reporting.metrics import Sums, starts_of
from workbench.engine.tasks import loss_formulas, number_figures
from workbench.engine.tasks.loss_formulas import Loss
from workbench.engine.tasks.task import Task


class Regression(Task):
    """Labels are numbers on the network's scale, float32 (n, outputs)."""

    kind: ClassVar[str] = "regression"
    metric: ClassVar[str] = "mae"
    losses: ClassVar[tuple[str, ...]] = ("mse", "l1", "huber")
    default_loss: ClassVar[str] = "mse"
    metric_names: ClassVar[tuple[str, ...]] = ("loss", "mae", "rmse", "r2")
    shown: ClassVar[int] = 2

    def loss_factory(self, training: Training) -> functools.partial[Loss]:
        """The squared error, or what was chosen instead."""
        return functools.partial(loss_formulas.for_numbers, training.loss, training.huber_delta)

    def predict(self, outputs: Tensor) -> Tensor:
        """The numbers themselves."""
        return outputs.detach()

    @property
    def columns(self) -> int:
        """Samples, loss, and what numbers need."""
        return 2 + number_figures.columns(self.spec)

    def sums(self, predictions: list[Tensor], labels: list[Tensor]) -> Sums:
        """Samples, 0, and the sums of errors and targets."""
        rows = np.zeros((len(predictions), self.columns))
        rows[:, 0] = [len(batch) for batch in predictions]
        predicted, label = torch.cat(predictions).cpu(), torch.cat(labels).cpu()
        rows[:, 2:] = number_figures.sums(self.spec, predicted, label, starts_of(predictions))
        return rows

    def metrics(self, sums: Sums) -> dict[str, float]:
        """``loss``, ``mae``, ``rmse``, ``r2`` (the mean of each target's own), ``samples``."""
        count = float(sums[0])
        if count == 0:
            return {}
        return {"loss": float(sums[1]) / count, **number_figures.metrics(count, sums[2:]), "samples": count}

    def from_former_sums(self, former: Sums) -> Sums:
        """See :class:`Task`."""
        count = float(former[0])
        own = former[2 : 2 + number_figures.FORMER_COLUMNS]
        return np.array([*former[:2], *number_figures.from_former_sums(self.spec, count, own)])

    def sample_losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The squared error of each sample, on the network's scale."""
        return ((outputs - labels) ** 2).mean(dim=1)

    def evaluation(
        self, predictions: Tensor, labels: Tensor, hardest: list[int], split: Split | None
    ) -> dict[str, Any]:
        """Residuals, and predicted against true numbers."""
        return number_figures.residuals_and_pairs(self.spec, predictions, labels, split)

    def text_of(self, value: Tensor) -> str:
        """The numbers in their own units."""
        return number_figures.text_of(self.spec, value.flatten())

    def record(self, output: Tensor) -> dict[str, Any]:
        """The numbers by their targets' names."""
        return {"values": number_figures.named_values(self.spec, output), "guess": self.text_of(output)}
