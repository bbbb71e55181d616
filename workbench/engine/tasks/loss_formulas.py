"""Losses: cross entropy and its like for classes, distances for numbers, both for a class with numbers beside it."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from workbench.engine.data.images import UNREADABLE

Loss = Callable[[Tensor, Tensor], Tensor]
"""(output (b, outputs), target) to a mean over the batch, a scalar.

With class weights it is the sum over the samples, each times the weight of its class, divided by how many they are, and not by
their weights: so the losses of parts of a batch add up to that of the whole. The weights of a whole step are
normalized where steps are made.
"""


def cross_entropy(smoothing: float, class_weights: Tensor | None) -> Loss:
    """Cross entropy; ``class_weights``: float32 (classes,), or None."""
    if class_weights is None:
        if smoothing == 0:
            return functional.cross_entropy
        return lambda output, target: functional.cross_entropy(output, target, label_smoothing=smoothing)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        total = functional.cross_entropy(output, target, class_weights, reduction="sum", label_smoothing=smoothing)
        return total / len(target)

    return loss


def for_numbers(name: str, delta: float, class_weights: Tensor | None = None) -> Loss:
    """The distance of that name: l1, huber (quadratic up to ``delta``), else the squared error. Numbers have no class weights."""
    if name == "l1":
        return lambda output, target: functional.l1_loss(output, target)
    if name == "huber":
        return lambda output, target: functional.huber_loss(output, target, delta=delta)
    return lambda output, target: functional.mse_loss(output, target)


def class_and_numbers(classes: int, smoothing: float, class_weights: Tensor | None) -> Loss:
    """Cross entropy of the first ``classes`` outputs plus the squared error of the rest; targets (b, 1 + numbers)."""

    def loss(output: Tensor, target: Tensor) -> Tensor:
        labels = target[:, 0].long()
        of_class = functional.cross_entropy(output[:, :classes], labels, class_weights, label_smoothing=smoothing)
        return of_class + functional.mse_loss(output[:, classes:], target[:, 1:])

    return loss


def focal(gamma: float, smoothing: float, class_weights: Tensor | None) -> Loss:
    """(1 - p)^gamma times the cross entropy, with p the probability given to the label (Lin et al., 2017)."""

    def loss(output: Tensor, target: Tensor) -> Tensor:
        shares, known = _shares(output, target, smoothing)
        logs = functional.log_softmax(output, dim=1)
        terms = -shares * (1 - logs.exp()) ** gamma * logs
        if class_weights is not None:
            return (terms * class_weights).sum() / len(target)
        return terms.sum() / known

    return loss


def one_versus_rest(smoothing: float, class_weights: Tensor | None) -> Loss:
    """Binary cross entropy of each class against all others, summed over the classes.

    ``class_weights`` are those of the samples' classes: weights of the columns would count what a class is and what it is not
    alike, and change nothing of where the loss is least.
    """

    def loss(output: Tensor, target: Tensor) -> Tensor:
        shares, known = _shares(output, target, smoothing)
        terms = functional.binary_cross_entropy_with_logits(output, shares, reduction="none")
        if class_weights is not None:
            label, _ = _shares(output, target, 0.0)
            terms = terms * (label.to(class_weights.dtype) @ class_weights)[:, None]
        if not target.is_floating_point():
            terms = terms * (target != UNREADABLE)[:, None]
        return terms.sum() / (known if class_weights is None else len(target))

    return loss


def _shares(output: Tensor, target: Tensor, smoothing: float) -> tuple[Tensor, Tensor | float]:
    """Targets as shares of the classes, smoothed, and how many samples count. Unreadable samples have no share."""
    classes = output.shape[1]
    if target.is_floating_point():
        return target * (1 - smoothing) + smoothing / classes, float(len(target))
    readable = target != UNREADABLE
    label = functional.one_hot(target.clamp(min=0), classes) * readable[:, None]
    return label * (1 - smoothing) + smoothing / classes * readable[:, None], readable.sum().clamp(min=1)
