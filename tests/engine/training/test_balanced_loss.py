"""A step with class weights has one gradient, however it is cut into microbatches and over processes."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from workbench.config import files
from workbench.config.recipes import start
from workbench.engine.data import balance
from workbench.engine.data.batches import Microbatch
from workbench.engine.data.loader import plan_steps
from workbench.engine.data.sampling import epoch_order
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.runtime.distributed import World
from workbench.engine.training import build
from workbench.engine.training.build import Parts

SEED = 0
LOSSES: list[dict[str, Any]] = [
    {},
    {"training.label_smoothing": 0.2},
    {"training.loss": "focal"},
    {"training.loss": "bce"},
]


def parts_of(changes: dict[str, Any]) -> Parts:
    common = {
        "dataset.balance": "loss",
        "training.batch_size": 64,
        "hardware.device": "cpu",
        "model.dropout": [0.0],
        "model.norm": "none",
    }
    config = files.change(start("imbalanced-tabular")[1], {**common, **changes})
    parts = build.build(config, torch.device("cpu"), World())
    # Differences are to show what is computed, and not how it is rounded.
    parts.model.double()
    counts = balance.class_counts(parts.source)
    if counts is not None and config.dataset.balance == "loss":
        parts.train_step.loss = parts.task.build_loss(config.training, balance.class_weights(counts).double())
    return parts


def microbatches_of(parts: Parts, step: int, world: int = 1, rank: int = 0) -> list[Microbatch]:
    plan = plan_steps(parts.config, len(parts.source.train), world)
    steps = list(parts.loader.steps(plan, rank, SEED, 0, step))
    return [(inputs.double(), targets, weight) for inputs, targets, weight in steps[0]]


def gradient(parts: Parts, microbatches: list[Microbatch], recorder: StepRecorder | None = None) -> Tensor:
    parts.train_step.zero_grad()
    parts.train_step.run(1, microbatches, recorder or StepRecorder(parts.task), update=False)
    return torch.cat([parameter.grad.flatten() for parameter in parts.model.parameters() if parameter.grad is not None])


def last_step(parts: Parts) -> int:
    return parts.plan.steps - 1


@pytest.mark.parametrize("changes", LOSSES)
@pytest.mark.parametrize("which", ["first", "last"])
def test_that_a_step_has_the_gradient_of_its_whole_batch_however_it_is_cut(changes: dict[str, Any], which: str) -> None:
    whole = parts_of(changes)
    step = 0 if which == "first" else last_step(whole)
    wanted = gradient(whole, microbatches_of(whole, step))

    accumulated = parts_of({**changes, "training.batch_size": 16, "training.accumulation": 4})
    microbatches = microbatches_of(accumulated, step)
    assert len(microbatches) > 1
    torch.testing.assert_close(gradient(accumulated, microbatches), wanted)

    shared = parts_of({**changes, "training.batch_size": 16, "training.accumulation": 2})
    ranks = [gradient(shared, microbatches_of(shared, step, world=2, rank=rank)) for rank in range(2)]
    torch.testing.assert_close((ranks[0] + ranks[1]) / 2, wanted)

    halved = parts_of(changes)
    halved.train_step.microbatch_limit = 7
    torch.testing.assert_close(gradient(halved, microbatches_of(halved, step)), wanted)


def test_that_the_gradient_is_that_of_torchs_own_weighted_loss_over_the_whole_batch() -> None:
    parts = parts_of({"training.batch_size": 16, "training.accumulation": 4})
    own = gradient(parts, microbatches_of(parts, 0))
    counts = balance.class_counts(parts.source)
    assert counts is not None
    weights = balance.class_weights(counts).double()
    chosen = epoch_order(len(parts.source.train), SEED, 0)[:64]
    inputs = parts.source.train.read(chosen.tolist())
    scaled = parts.source.scaling.on(torch.device("cpu"), inputs.dim())(inputs).double()
    parts.train_step.zero_grad()
    loss = functional.cross_entropy(parts.model(scaled), parts.source.train.targets[chosen], weights)
    torch.autograd.backward(loss)
    wanted = torch.cat([p.grad.flatten() for p in parts.model.parameters() if p.grad is not None])
    torch.testing.assert_close(own, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("changes", LOSSES)
def test_that_the_loss_that_is_reported_does_not_depend_on_the_cut(changes: dict[str, Any]) -> None:
    totals = []
    for cut in (
        {},
        {"training.batch_size": 16, "training.accumulation": 4},
        {"training.batch_size": 1, "training.accumulation": 64},
    ):
        parts = parts_of({**changes, **cut})
        recorder = StepRecorder(parts.task)
        gradient(parts, microbatches_of(parts, 0), recorder)
        totals.append(recorder.read()[1].sum(axis=0).tolist())
    assert totals[1] == pytest.approx(totals[0], rel=1e-9)
    assert totals[2] == pytest.approx(totals[0], rel=1e-9)


@pytest.mark.parametrize("changes", LOSSES)
def test_that_samples_that_cannot_be_read_weigh_nothing(changes: dict[str, Any]) -> None:
    parts = parts_of({**changes, "training.batch_size": 4, "training.accumulation": 16})
    microbatches = microbatches_of(parts, 0)
    # None of the first microbatch can be read, and one of the second.
    unread = [(x, y.masked_fill(torch.arange(len(y)) < 4 - 3 * n, -100), w) for n, (x, y, w) in enumerate(microbatches)]
    own = gradient(parts, unread)
    assert torch.isfinite(own).all()
    (inputs, targets, weight), *rest = unread
    for x, y, w in rest:
        inputs, targets, weight = torch.cat([inputs, x]), torch.cat([targets, y]), weight + w
    torch.testing.assert_close(gradient(parts, [(inputs, targets, weight)]), own)


def test_that_weights_are_1_in_the_mean_of_a_step() -> None:
    weights = torch.tensor([0.5, 4.0])
    labels = torch.tensor([0, 0, 0, 1])
    scale = balance.step_scale(labels, weights)
    assert float((weights[labels] * scale).mean()) == pytest.approx(1.0)
    assert balance.step_scale(torch.tensor([-100]), weights) == 1.0


def test_that_without_class_weights_torchs_own_loss_is_used_as_it_is() -> None:
    parts = parts_of({"dataset.balance": "none"})
    assert parts.train_step.loss is functional.cross_entropy
    assert [weight for _, _, weight in microbatches_of(parts, 0)] == [1.0]
