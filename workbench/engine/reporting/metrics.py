"""Loss and metrics of training steps, kept on the device as they come and turned into numbers only when they are reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Sums = NDArray[np.float64]
"""A row, or rows, of sums: samples, loss, and then what a task's metrics need."""


class StepMetrics(Protocol):
    """What a task says of its running metrics; see :class:`workbench.engine.tasks.task.Task`."""

    @property
    def columns(self) -> int:
        """Width of a row of sums."""
        ...

    @property
    def shown(self) -> int:
        """The column whose mean is the metric shown beside the loss."""
        ...

    def predict(self, outputs: Tensor) -> Tensor:
        """What is kept of a batch's outputs, on the device."""
        ...

    def sums(self, predictions: list[Tensor], labels: list[Tensor]) -> Sums:
        """One row of sums per microbatch, with the loss left 0. Waits for the device."""
        ...


@dataclass
class StepRecorder:
    """What the steps since the last report left behind: tensors on the device, none of them read yet."""

    metrics: StepMetrics
    _losses: list[Tensor] = field(default_factory=list)
    _predictions: list[Tensor] = field(default_factory=list)
    _labels: list[Tensor] = field(default_factory=list)
    _steps: list[int] = field(default_factory=list)
    _counted: list[bool] = field(default_factory=list)
    grad_norms: list[tuple[int, Tensor]] = field(default_factory=list)
    layer_norms: list[tuple[int, Tensor]] = field(default_factory=list)
    """Gradient norms of the layers at some steps, shape (layers,)."""
    lr: dict[int, float] = field(default_factory=dict)
    """The learning rate of each step."""

    def add(self, step: int, loss: Tensor, output: Tensor, target: Tensor, counted: bool) -> None:
        """Keeps one microbatch: its mean loss (a scalar), prediction and label. ``counted`` is False for a repeated sample."""
        self._losses.append(loss.detach())
        self._predictions.append(self.metrics.predict(output))
        self._labels.append(target)
        self._steps.append(step)
        self._counted.append(counted)

    def read(self) -> tuple[list[int], Sums]:
        """Steps, and the sums of each: shape (steps, columns). Empties the recorder. The only place that waits for the device."""
        if not self._steps:
            return [], np.zeros((0, self.metrics.columns))
        losses = torch.stack(self._losses).to(device="cpu", dtype=torch.float64).numpy()
        rows = self.metrics.sums(self._predictions, self._labels)
        rows[:, 1] = total_losses(losses, rows[:, 0])
        rows[~np.array(self._counted)] = 0.0
        steps = list(dict.fromkeys(self._steps))
        table = np.zeros((len(steps), self.metrics.columns))
        np.add.at(table, np.array(self._steps) - steps[0], rows)
        for column in self._columns():
            column.clear()
        return steps, table

    def discard_from(self, step: int) -> None:
        """Drops what ``step`` and those after it left: they were not taken."""
        keep = sum(earlier < step for earlier in self._steps)
        for column in self._columns():
            del column[keep:]
        self.grad_norms = [(earlier, norm) for earlier, norm in self.grad_norms if earlier < step]
        self.layer_norms = [(earlier, norms) for earlier, norms in self.layer_norms if earlier < step]

    def read_grad_norms(self) -> list[tuple[int, float]]:
        """Steps and gradient norms since the last report. Empties them."""
        if not self.grad_norms:
            return []
        values = torch.stack([norm for _, norm in self.grad_norms]).to(device="cpu", dtype=torch.float64).tolist()
        norms = [(step, value) for (step, _), value in zip(self.grad_norms, values, strict=True)]
        self.grad_norms.clear()
        return norms

    def read_layer_norms(self) -> list[tuple[int, list[float]]]:
        """Steps and the gradient norms of the layers since the last report. Empties them."""
        norms = [(step, values.to(device="cpu", dtype=torch.float64).tolist()) for step, values in self.layer_norms]
        self.layer_norms.clear()
        return norms

    def _columns(self) -> tuple[list[Tensor] | list[int] | list[bool], ...]:
        return self._losses, self._predictions, self._labels, self._steps, self._counted


def starts_of(batches: Sequence[Tensor]) -> NDArray[np.int64]:
    """Where each of several batches begins in all of them put together."""
    return np.cumsum([0, *(len(batch) for batch in batches[:-1])], dtype=np.int64)


def total_losses(means: Sums, counts: Sums) -> Sums:
    """Losses summed over each microbatch; 0 for one without a readable sample, whose mean is not a number."""
    return np.where(counts > 0, means * counts, 0.0)


def add_rows(total: Sums, table: Sums) -> None:
    """Adds each row in turn: the sum then does not depend on how rows were grouped into reports."""
    for row in table:
        total += row
