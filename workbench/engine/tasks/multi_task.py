"""A class and numbers beside it for every sample, from one network."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workbench.config.training import Training
from workbench.engine.data.dataset import Split
from workbench.engine.reporting.metrics import Sums, starts_of
from workbench.engine.tasks import class_figures, loss_formulas, number_figures
from workbench.engine.tasks.loss_formulas import Loss
from workbench.engine.tasks.task import Task


class MultiTask(Task):
    """Labels are float32 (n, 1 + numbers), the class index first. Of the outputs the first are for the classes."""

    kind: ClassVar[str] = "multi-task"
    metric: ClassVar[str] = "accuracy"
    default_loss: ClassVar[str] = "cross-entropy + mse"
    metric_names: ClassVar[tuple[str, ...]] = ("loss", "accuracy", "mae", "rmse", "r2")
    shown: ClassVar[int] = 2

    def loss_factory(self, training: Training) -> functools.partial[Loss]:
        """The sum of both."""
        return functools.partial(loss_formulas.class_and_numbers, len(self.spec.classes), training.label_smoothing)

    def predict(self, outputs: Tensor) -> Tensor:
        """The class with the highest output, and the numbers beside it, as in the labels."""
        outputs, classes = outputs.detach(), len(self.spec.classes)
        return torch.cat([outputs[:, :classes].argmax(1, keepdim=True).to(outputs.dtype), outputs[:, classes:]], dim=1)

    @property
    def columns(self) -> int:
        """Samples, loss, those whose class is correct, and what numbers need."""
        return 3 + number_figures.columns(self.spec)

    def sums(self, predictions: list[Tensor], labels: list[Tensor]) -> Sums:
        """Samples, 0, those whose class is correct, and the sums of errors and targets."""
        predicted, label, starts = torch.cat(predictions).cpu(), torch.cat(labels).cpu(), starts_of(predictions)
        rows = np.zeros((len(predictions), self.columns))
        rows[:, 0] = [len(batch) for batch in predictions]
        rows[:, 2] = np.add.reduceat((predicted[:, 0] == label[:, 0]).numpy().astype(np.float64), starts)
        rows[:, 3:] = number_figures.sums(self.spec, predicted[:, 1:], label[:, 1:], starts)
        return rows

    def metrics(self, sums: Sums) -> dict[str, float]:
        """Those of both."""
        count = float(sums[0])
        if count == 0:
            return {}
        loss, accuracy = float(sums[1]) / count, float(sums[2]) / count
        return {"loss": loss, "accuracy": accuracy, **number_figures.metrics(count, sums[3:]), "samples": count}

    def from_former_sums(self, former: Sums) -> Sums:
        """See :class:`Task`. The correct ones were the last."""
        count, last = float(former[0]), 2 + number_figures.FORMER_COLUMNS
        own = number_figures.from_former_sums(self.spec, count, former[2:last])
        return np.array([*former[:2], former[last], *own])

    def sample_losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Cross entropy and squared error of each sample."""
        classes = len(self.spec.classes)
        of_class = functional.cross_entropy(outputs[:, :classes], labels[:, 0].long(), reduction="none")
        return of_class + ((outputs[:, classes:] - labels[:, 1:]) ** 2).mean(dim=1)

    def evaluation(
        self, predictions: Tensor, labels: Tensor, hardest: list[int], split: Split | None
    ) -> dict[str, Any]:
        """What there is to see of both."""
        predicted, label = predictions[:, 0].long(), labels[:, 0].long()
        return {
            **class_figures.per_class(self.spec.classes, predicted, label),
            **number_figures.residuals_and_pairs(self.spec, predictions[:, 1:], labels[:, 1:], split),
            "cells": class_figures.cells(predicted, label, hardest),
        }

    def text_of(self, value: Tensor) -> str:
        """The class's name and the numbers."""
        return f"{self.spec.classes[int(value[0])]}, {number_figures.text_of(self.spec, value[1:])}"

    def record(self, output: Tensor) -> dict[str, Any]:
        """Those of both; the prediction is the class."""
        classes = len(self.spec.classes)
        scores = class_figures.top_scores(self.spec.classes, output[:classes])
        values = number_figures.named_values(self.spec, output[classes:])
        return {"scores": scores, "guess": scores[0][0], "values": values}
