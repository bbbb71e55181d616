"""One class of several for every sample."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from workbench.config.training import Training
from workbench.engine.data.dataset import Split
from workbench.engine.data.images import UNREADABLE
from workbench.engine.reporting.metrics import Sums, starts_of
from workbench.engine.tasks import class_figures, loss_formulas
from workbench.engine.tasks.loss_formulas import Loss
from workbench.engine.tasks.task import Task


class Classification(Task):
    """Labels are class indices, int64 (n,), or their shares, float32 (n, classes), where images were mixed."""

    kind: ClassVar[str] = "classification"
    metric: ClassVar[str] = "accuracy"
    losses: ClassVar[tuple[str, ...]] = ("cross-entropy", "bce", "focal")
    default_loss: ClassVar[str] = "cross-entropy"
    metric_names: ClassVar[tuple[str, ...]] = ("loss", "accuracy")
    shown: ClassVar[int] = 2

    def loss_factory(self, training: Training) -> functools.partial[Loss]:
        """Cross entropy, or what was chosen instead."""
        if training.loss == "focal":
            return functools.partial(loss_formulas.focal, training.focal_gamma, training.label_smoothing)
        if training.loss == "bce":
            return functools.partial(loss_formulas.one_versus_rest, training.label_smoothing)
        return functools.partial(loss_formulas.cross_entropy, training.label_smoothing)

    def monitored(self, balanced: bool) -> str:
        """Accuracy; the mean of the classes' own where they are balanced."""
        return "balanced_accuracy" if balanced else "accuracy"

    @property
    def class_metrics(self) -> tuple[str, ...]:
        """Means over the classes, and the figures of each."""
        return class_figures.metric_names(self.spec.classes)

    def predict(self, outputs: Tensor) -> Tensor:
        """The class with the highest output, int64 (b,)."""
        return outputs.detach().argmax(1)

    @property
    def columns(self) -> int:
        """Samples, loss, correct ones."""
        return 3

    def sums(self, predictions: list[Tensor], labels: list[Tensor]) -> Sums:
        """Samples, 0, correct ones. Unreadable samples do not count."""
        predicted, label = torch.cat(predictions).cpu(), torch.cat(labels).cpu()
        if label.is_floating_point():
            # Mixed images: what most of it is counts as the label.
            label = torch.where(label.sum(dim=1) > 0, label.argmax(dim=1), UNREADABLE)
        rows = np.zeros((len(predictions), self.columns))
        starts = starts_of(predictions)
        rows[:, 0] = np.add.reduceat((label != UNREADABLE).numpy().astype(np.float64), starts)
        rows[:, 2] = np.add.reduceat((predicted == label).numpy().astype(np.float64), starts)
        return rows

    def metrics(self, sums: Sums) -> dict[str, float]:
        """``loss``, ``accuracy``, ``samples``."""
        count = float(sums[0])
        if count == 0:
            return {}
        return {"loss": float(sums[1]) / count, "accuracy": float(sums[2]) / count, "samples": count}

    def sample_losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The cross entropy of each sample."""
        return functional.cross_entropy(outputs, labels, reduction="none")

    def evaluation(
        self, predictions: Tensor, labels: Tensor, hardest: list[int], split: Split | None
    ) -> dict[str, Any]:
        """Confusion, figures of every class, and the samples in each cell of the confusion."""
        return {
            **class_figures.per_class(self.spec.classes, predictions, labels),
            "cells": class_figures.cells(predictions, labels, hardest),
        }

    def text_of(self, value: Tensor) -> str:
        """The class's name."""
        index = int(value)
        return self.spec.classes[index] if 0 <= index < len(self.spec.classes) else "unreadable"

    def record(self, output: Tensor) -> dict[str, Any]:
        """The best classes with their probabilities."""
        scores = class_figures.top_scores(self.spec.classes, output)
        return {"scores": scores, "guess": scores[0][0]}
