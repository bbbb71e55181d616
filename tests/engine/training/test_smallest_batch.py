"""A last batch that is too small for batch normalization is known before the first step, and every other plan stays as it was."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.training.test_loop import create_run, train_run
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.runtime.distributed import World
from workbench.engine.training import build
from workbench.runs import history

JOINED = (
    "the last batch of an epoch would have 1 sample and batch normalization needs 2: it is joined to the batch before"
)
CLUSTERS: dict[str, Any] = {
    "dataset.kind": "synthetic",
    "dataset.shape": "clusters",
    "dataset.samples": 97,
    "dataset.validation": 0.0,
    "model.kind": "mlp",
    "model.norm": "batch",
    "training.batch_size": 32,
}


@pytest.mark.parametrize(
    "changes, steps",
    [
        pytest.param({}, 3, id="the last step"),
        pytest.param({"training.accumulation": 2}, 2, id="the last microbatch of two"),
        pytest.param({"training.accumulation": 3}, 1, id="the only microbatch of the last step"),
        pytest.param({"training.batch_size": 96}, 1, id="the second of two"),
        pytest.param({"dataset.balance": "loss"}, 3, id="weighted classes"),
    ],
)
def test_that_a_last_batch_of_one_sample_is_joined_to_the_one_before(changes: dict[str, Any], steps: int) -> None:
    _, progress = train_run({**CLUSTERS, **changes})
    assert progress.state == "completed", progress.ended
    assert progress.step == 2 * steps
    assert [epoch.train["samples"] for epoch in progress.epochs] == [97, 97]
    assert JOINED in [line.text for line in progress.log]


def test_that_augmented_images_of_a_joined_batch_have_their_numbers() -> None:
    changes = {
        "model.norm": "batch",
        "model.kind": "mlp",
        "dataset.augment_rotation": 10.0,
        "training.batch_size": 479,
        "training.epochs": 1,
    }
    _, progress = train_run(changes)  # 1,438 samples are three batches and one sample
    assert progress.state == "completed", progress.ended
    assert (progress.step, progress.epochs[0].train["samples"]) == (3, 1438)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"model.norm": "none"}, id="no batch norm"),
        pytest.param({"model.norm": "layer"}, id="another norm"),
        pytest.param({"training.drop_last": True}, id="dropped already"),
        pytest.param({"dataset.samples": 98}, id="two samples are enough"),
    ],
)
def test_that_other_plans_stay_as_they_were(changes: dict[str, Any]) -> None:
    config = create_run({**CLUSTERS, **changes}).config()
    parts = build.build(config, torch.device("cpu"), World())
    assert parts.plan.smallest == 1
    assert not parts.notes


def test_that_one_image_has_values_enough_for_the_norms_of_a_convolutional_network() -> None:
    changes = {"model.kind": "cnn", "model.norm": "batch", "model.channels": [4], "model.head": []}
    _, progress = train_run({**changes, "training.batch_size": 479, "training.epochs": 1})
    assert progress.state == "completed", progress.ended
    assert (progress.step, progress.epochs[0].train["samples"]) == (4, 1438)


@pytest.mark.parametrize(
    "changes, what",
    [
        pytest.param(
            {"training.batch_size": 1},
            "batch normalization needs at least 2 samples at a time, and the batch size is 1",
            id="every batch has one",
        ),
        pytest.param(
            {"dataset.shape": "linear", "dataset.samples": 2, "dataset.validation": 0.5},
            "batch normalization needs at least 2 samples at a time, and there is only 1 training sample",
            id="there is one sample",
        ),
    ],
)
def test_that_what_cannot_be_joined_is_refused_before_the_first_step(changes: dict[str, Any], what: str) -> None:
    folder = create_run({**CLUSTERS, **changes})
    assert run_attempt(folder, alone=True) == 2
    progress = history.load(folder)
    assert progress.ended is not None
    assert what in progress.ended.what
    assert progress.ended.hint
    assert progress.step == 0


def test_that_a_run_of_joined_batches_resumes_with_the_same_bits() -> None:
    from workbench.engine.checkpoint import format
    from workbench.runs.attempt_options import AttemptOptions
    from workbench.runs.checkpoints import latest

    def weights(folder: Any) -> dict[str, torch.Tensor]:
        newest = latest(folder.checkpoints)
        assert newest is not None
        found: dict[str, torch.Tensor] = format.load(Path(newest.path))["model"]
        return found

    straight, _ = train_run({**CLUSTERS, "training.epochs": 3})
    resumed, _ = train_run({**CLUSTERS, "training.epochs": 2})
    assert run_attempt(resumed, AttemptOptions(epochs=3), alone=True) == 0
    wanted = weights(straight)
    assert all(torch.equal(value, wanted[name]) for name, value in weights(resumed).items())
