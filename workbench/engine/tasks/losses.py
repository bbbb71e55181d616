"""What is made small: cross entropy and its like for classes, distances for numbers, both for a multi-task."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from workbench.config.training import Training
from workbench.engine.data.dataset import TaskSpec
from workbench.engine.data.images import UNREADABLE
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training.step import Loss

FITS: dict[str, tuple[str, ...]] = {
    "classification": ("cross-entropy", "bce", "focal"),
    "regression": ("mse", "l1", "huber"),
    "multi-task": (),
}
"""Losses beside ``auto`` for each kind of task."""


def build(training: Training, task: TaskSpec, weights: Tensor | None) -> Loss:
    """The loss of a configuration for a task: (output (b, outputs), target) to a mean over the batch, a scalar.

    Targets are classes, int64 (b,), or their shares, float32 (b, classes), where pictures were mixed; or numbers, (b, outputs).
    ``weights``: one for each class, or None. Raises RefusedError.
    """
    name = training.loss
    if name != "auto" and name not in FITS[task.kind]:
        what = f"the loss {name} is none for a {task.kind}"
        raise RefusedError(what, f"choose {', '.join(('auto', *FITS[task.kind]))}", "training.loss")
    if task.kind == "multi-task":
        return _multi_task(task, training.label_smoothing, weights)
    if task.kind == "regression":
        return _for_numbers(name, training.huber_delta)
    if name == "focal":
        return _focal(training.focal_gamma, training.label_smoothing, weights)
    if name == "bce":
        return _one_against_all(training.label_smoothing, weights)
    if training.label_smoothing == 0 and weights is None:
        return functional.cross_entropy
    smoothing = training.label_smoothing
    return lambda output, target: functional.cross_entropy(output, target, weights, label_smoothing=smoothing)


def name(setting: str, task: TaskSpec) -> str:
    """What the loss of a configuration is called, ``auto`` resolved."""
    plain = {"classification": "cross-entropy", "regression": "mse", "multi-task": "cross-entropy + mse"}
    return plain[task.kind] if setting == "auto" else setting


def _for_numbers(name: str, delta: float) -> Loss:
    if name == "l1":
        return lambda output, target: functional.l1_loss(output, target)
    if name == "huber":
        return lambda output, target: functional.huber_loss(output, target, delta=delta)
    return lambda output, target: functional.mse_loss(output, target)


def _multi_task(task: TaskSpec, smoothing: float, weights: Tensor | None) -> Loss:
    classes = len(task.classes)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        labels = target[:, 0].long()
        kinds = functional.cross_entropy(output[:, :classes], labels, weights, label_smoothing=smoothing)
        return kinds + functional.mse_loss(output[:, classes:], target[:, 1:])

    return loss


def _focal(gamma: float, smoothing: float, weights: Tensor | None) -> Loss:
    """(1 - p)^gamma times the cross entropy, with p the share given to the truth (Lin et al., 2017)."""

    def loss(output: Tensor, target: Tensor) -> Tensor:
        shares, known = _shares(output, target, smoothing)
        logs = functional.log_softmax(output, dim=1)
        terms = -shares * (1 - logs.exp()) ** gamma * logs
        if weights is not None:
            terms = terms * weights
        return terms.sum() / known

    return loss


def _one_against_all(smoothing: float, weights: Tensor | None) -> Loss:
    """Binary cross entropy of each class against all others, summed over the classes.

    ``weights`` are those of the samples' classes: weights of the columns would count what a class is and what it is not alike,
    and change nothing of where the loss is least.
    """

    def loss(output: Tensor, target: Tensor) -> Tensor:
        shares, known = _shares(output, target, smoothing)
        terms = functional.binary_cross_entropy_with_logits(output, shares, reduction="none")
        if weights is not None:
            truth, _ = _shares(output, target, 0.0)
            terms = terms * (truth.to(weights.dtype) @ weights)[:, None]
        if not target.is_floating_point():
            terms = terms * (target != UNREADABLE)[:, None]
        return terms.sum() / known

    return loss


def _shares(output: Tensor, target: Tensor, smoothing: float) -> tuple[Tensor, Tensor | float]:
    """Targets as shares of the classes, smoothed, and how many samples count. Unreadable samples have no share."""
    classes = output.shape[1]
    if target.is_floating_point():
        return target * (1 - smoothing) + smoothing / classes, float(len(target))
    here = target != UNREADABLE
    truth = functional.one_hot(target.clamp(min=0), classes) * here[:, None]
    return truth * (1 - smoothing) + smoothing / classes * here[:, None], here.sum().clamp(min=1)
