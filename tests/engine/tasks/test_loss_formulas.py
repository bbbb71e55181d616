"""What class weights do to the losses for classes."""

from typing import Literal

import pytest
import torch

from workbench.config.training import Training
from workbench.engine.data.dataset import TaskSpec
from workbench.engine.tasks import task_of


def least(
    name: Literal["cross-entropy", "bce", "focal"], target: torch.Tensor, weights: torch.Tensor | None
) -> list[float]:
    """The shares of the classes at which the loss of samples is least of which nothing is known."""
    loss = task_of(TaskSpec("classification", ("a", "b"))).build_loss(Training(loss=name, focal_gamma=0.0), weights)
    bias = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([bias], lr=0.05)
    for _ in range(600):
        optimizer.zero_grad()
        torch.autograd.backward(loss(bias.expand(len(target), 2), target))
        optimizer.step()
    shares = torch.sigmoid(bias) if name == "bce" else torch.softmax(bias, 0)
    values: list[float] = shares.detach().tolist()
    return values


@pytest.mark.parametrize("name", ["cross-entropy", "bce", "focal"])
@pytest.mark.parametrize("mixed", [False, True])
def test_that_weights_make_a_rare_class_count_as_much_as_a_frequent_one(
    name: Literal["cross-entropy", "bce", "focal"], mixed: bool
) -> None:
    labels = torch.tensor([0] * 90 + [1] * 10)
    target = torch.nn.functional.one_hot(labels, 2).float() if mixed else labels
    assert least(name, target, None) == pytest.approx([0.9, 0.1], abs=0.01)
    assert least(name, target, torch.tensor([100 / 180, 100 / 20])) == pytest.approx([0.5, 0.5], abs=0.01)
