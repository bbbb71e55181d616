"""Loss and metrics of training steps, kept on the device as they come and turned into numbers only when they are reported."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine.data.dataset import TaskSpec
from workbench.engine.data.images import UNREADABLE

COLUMNS = 7
"""Of a row of sums: samples, loss, and then correct (classification) or |e|, e^2, y, y^2 (numbers), and correct (multi-task)."""
SHOWN = {"classification": 2, "regression": 2, "multi-task": 6}
"""The column whose mean is the metric shown beside the loss, by the task's kind."""

Sums = NDArray[np.float64]


@dataclass
class StepRecorder:
    """What the steps since the last report left behind: tensors on the device, none of them read yet."""

    task: TaskSpec
    _losses: list[Tensor] = field(default_factory=list)
    _guesses: list[Tensor] = field(default_factory=list)
    _truths: list[Tensor] = field(default_factory=list)
    _steps: list[int] = field(default_factory=list)
    _counted: list[bool] = field(default_factory=list)
    norms: list[tuple[int, Tensor]] = field(default_factory=list)
    layers: list[tuple[int, Tensor]] = field(default_factory=list)
    """Gradient norms of the layers at some steps, shape (layers,)."""
    rates: dict[int, float] = field(default_factory=dict)

    def add(self, step: int, loss: Tensor, output: Tensor, target: Tensor, counted: bool) -> None:
        """Keeps one pass: mean loss (a scalar), what was guessed, the truth. ``counted`` is False for a repeated sample."""
        self._losses.append(loss.detach())
        self._guesses.append(guess(self.task, output))
        self._truths.append(target)
        self._steps.append(step)
        self._counted.append(counted)

    def take(self) -> tuple[list[int], Sums]:
        """Steps, and the sums of each: shape (steps, COLUMNS). Empties the recorder. The only place that waits for the device."""
        if not self._steps:
            return [], np.zeros((0, COLUMNS))
        losses = torch.stack(self._losses).to(device="cpu", dtype=torch.float64).numpy()
        rows = pass_sums(self.task, self._guesses, self._truths)
        rows[:, 1] = total_losses(losses, rows[:, 0])
        rows[~np.array(self._counted)] = 0.0
        steps = list(dict.fromkeys(self._steps))
        table = np.zeros((len(steps), COLUMNS))
        np.add.at(table, np.array(self._steps) - steps[0], rows)
        for kept in (self._losses, self._guesses, self._truths, self._steps, self._counted):
            kept.clear()
        return steps, table

    def forget(self, step: int) -> None:
        """Drops what ``step`` and those after it left: they were not taken."""
        keep = sum(one < step for one in self._steps)
        for kept in (self._losses, self._guesses, self._truths, self._steps, self._counted):
            del kept[keep:]
        self.norms = [(one, norm) for one, norm in self.norms if one < step]

    def take_norms(self) -> list[tuple[int, float]]:
        """Steps and gradient norms since the last report. Empties them."""
        if not self.norms:
            return []
        values = torch.stack([norm for _, norm in self.norms]).to(device="cpu", dtype=torch.float64).tolist()
        found = [(step, value) for (step, _), value in zip(self.norms, values, strict=True)]
        self.norms.clear()
        return found

    def take_layers(self) -> list[tuple[int, list[float]]]:
        """Steps and the gradient norms of the layers since the last report. Empties them."""
        found = [(step, values.to(device="cpu", dtype=torch.float64).tolist()) for step, values in self.layers]
        self.layers.clear()
        return found


def guess(task: TaskSpec, output: Tensor) -> Tensor:
    """What is kept of an output: the class guessed, shape (b,), or the numbers themselves, shape (b, outputs).

    Of a multi-task both, side by side as in its targets.
    """
    output = output.detach()
    if task.kind == "multi-task":
        classes = len(task.classes)
        return torch.cat([output[:, :classes].argmax(1, keepdim=True).to(output.dtype), output[:, classes:]], dim=1)
    return output.argmax(1) if task.kind == "classification" else output


def pass_sums(task: TaskSpec, guesses: list[Tensor], truths: list[Tensor]) -> Sums:
    """One row of sums per pass, shape (passes, COLUMNS), with the loss left 0."""
    rows = np.zeros((len(guesses), COLUMNS))
    starts = np.cumsum([0, *(len(part) for part in guesses[:-1])])
    guessed, truth = torch.cat(guesses).cpu(), torch.cat(truths).cpu()
    if task.kind == "classification":
        if truth.is_floating_point():
            # Mixed pictures: what most of it is counts as the truth.
            truth = torch.where(truth.sum(dim=1) > 0, truth.argmax(dim=1), UNREADABLE)
        known = (truth != UNREADABLE).numpy()
        rows[:, 0] = np.add.reduceat(known.astype(np.float64), starts)
        rows[:, 2] = np.add.reduceat((guessed == truth).numpy().astype(np.float64), starts)
        return rows
    if task.kind == "multi-task":
        rows[:, 6] = np.add.reduceat((guessed[:, 0] == truth[:, 0]).numpy().astype(np.float64), starts)
        guessed, truth = guessed[:, 1:], truth[:, 1:]
    true = task.in_own_units(truth).numpy()
    error = task.in_own_units(guessed).numpy() - true
    columns = (np.abs(error), error**2, true, true**2)
    rows[:, 0] = np.add.reduceat(np.ones(len(true)), starts)
    for place, values in enumerate(columns, start=2):
        rows[:, place] = np.add.reduceat(values.mean(axis=1), starts)
    return rows


def total_losses(means: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Losses summed over each pass; 0 for one without a readable sample, whose mean is not a number."""
    return np.where(counts > 0, means * counts, 0.0)


def metrics(task: TaskSpec, sums: Sums) -> dict[str, float]:
    """A row of sums as metrics: ``loss``, ``accuracy`` or ``mae``, ``rmse`` and ``r2`` (a multi-task has all), ``samples``.

    r2 is over all targets together where there are several.
    """
    count = float(sums[0])
    if count == 0:
        return {}
    found = {"loss": float(sums[1]) / count}
    if task.has_classes:
        found["accuracy"] = float(sums[SHOWN[task.kind]]) / count
    if task.kind != "classification":
        spread = float(sums[5]) - float(sums[4]) ** 2 / count
        found |= {"mae": float(sums[2]) / count, "rmse": float(np.sqrt(sums[3] / count))}
        found["r2"] = 1.0 - float(sums[3]) / spread if spread > 0 else 0.0
    return found | {"samples": count}


def add_rows(total: Sums, table: Sums) -> None:
    """Adds each row in turn: the sum then does not depend on how rows were grouped into reports."""
    for row in table:
        total += row
