"""What a task is to the rest of the engine: its loss, its running metrics, its evaluation, the record of a prediction."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor

from workbench.config.training import Training
from workbench.engine.data.dataset import Split, TaskSpec
from workbench.engine.reporting.metrics import Sums
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.tasks.loss_formulas import Loss


class Task(ABC):
    """Everything that differs between classifying, regressing and the like. Nothing else in the engine asks which task it is.

    Outputs are what the network gives for a batch, (b, outputs). Predictions are what is kept of them: (b,) or (b, n). Labels are
    the targets of a split, of the same shape as predictions.
    """

    kind: ClassVar[str]
    metric: ClassVar[str]
    """The metric shown beside the loss while a run trains."""
    losses: ClassVar[tuple[str, ...]] = ()
    """Losses that may be chosen beside ``auto``."""
    metric_names: ClassVar[tuple[str, ...]]
    """The metrics that every epoch has, ``loss`` among them."""
    default_loss: ClassVar[str]
    """What ``auto`` stands for."""
    shown: ClassVar[int]
    """The column whose mean is the metric shown beside the loss."""

    def __init__(self, spec: TaskSpec) -> None:
        self.spec = spec

    # --- training ---

    def build_loss(self, training: Training, class_weights: Tensor | None) -> Loss:
        """The loss of a configuration: (output (b, outputs), target) to a mean over the batch, a scalar.

        ``class_weights``: float32 (classes,), or None. Raises RefusedError for a loss that does not fit the task.
        """
        name = training.loss
        if name != "auto" and name not in self.losses:
            what = f"the loss {name} does not fit a {self.kind}"
            raise RefusedError(what, f"choose {', '.join(('auto', *self.losses))}", "training.loss")
        loss: Loss = self.loss_factory(training)(class_weights)
        return loss

    def loss_name(self, setting: str) -> str:
        """What the loss of a configuration is called, ``auto`` resolved."""
        return self.default_loss if setting == "auto" else setting

    @abstractmethod
    def loss_factory(self, training: Training) -> functools.partial[Loss]:
        """What makes the loss of a configuration out of class weights, or None; see :mod:`workbench.engine.tasks.loss_formulas`."""

    def monitored(self, balanced: bool) -> str:
        """The metric that makes an epoch the best where none is chosen. ``balanced``: classes are balanced."""
        return "loss"

    # --- running metrics ---

    @property
    @abstractmethod
    def columns(self) -> int:
        """Width of a row of sums: samples, loss, and what the task's metrics need."""

    @abstractmethod
    def predict(self, outputs: Tensor) -> Tensor:
        """What is kept of a batch's outputs for metrics, on the device."""

    @abstractmethod
    def sums(self, predictions: list[Tensor], labels: list[Tensor]) -> Sums:
        """One row of sums per microbatch, float64 (microbatches, columns), with the loss left 0. Waits for the device."""

    @abstractmethod
    def metrics(self, sums: Sums) -> dict[str, float]:
        """A row of sums, (columns,), as metrics by name, ``loss`` and ``samples`` among them; empty without samples."""

    @property
    def class_metrics(self) -> tuple[str, ...]:
        """Metrics that a validation can measure beside those, out of how many samples of each class are predicted as what."""
        return ()

    def from_former_sums(self, former: Sums) -> Sums:
        """A row of sums as version 0.1 kept it, with columns to spare for any task, as a row of now."""
        return former[: self.columns]

    # --- evaluation ---

    @abstractmethod
    def sample_losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """What each sample adds to the plain loss of the task: (n,)."""

    @abstractmethod
    def evaluation(
        self, predictions: Tensor, labels: Tensor, hardest: list[int], split: Split | None
    ) -> dict[str, Any]:
        """What an evaluation shows beside the metrics, as plain data. ``hardest``: indices by falling loss."""

    # --- single samples ---

    @abstractmethod
    def text_of(self, value: Tensor) -> str:
        """A single label or prediction as text."""

    @abstractmethod
    def record(self, output: Tensor) -> dict[str, Any]:
        """The record of one prediction, from one sample's output (outputs,): ``guess``, and ``scores`` or ``values``."""
