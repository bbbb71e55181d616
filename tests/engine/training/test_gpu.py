"""What needs a GPU: precisions, memory figures, resume."""

import pytest
import torch

from tests.engine.training.test_loop import create_run, train_run, weights
from workbench.engine.attempts.attempt import run_attempt
from workbench.runs import history
from workbench.runs.events import Memory, read_events

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16", "fp16"])
def test_that_every_precision_trains_and_tells_its_memory(precision: str) -> None:
    folder, progress = train_run(
        {"hardware.device": "cuda:0", "hardware.precision": precision, "training.epochs": 4}, "digits-cnn"
    )
    assert progress.state == "completed", progress.ended
    assert progress.epochs[-1].val["accuracy"] > 0.9
    memory = [event for event in read_events(folder.events_file) if isinstance(event, Memory)]
    assert 0 < memory[-1].devices[0].allocated <= memory[-1].devices[0].reserved <= memory[-1].devices[0].total


def test_that_a_deterministic_run_ends_with_the_same_bits_twice() -> None:
    ends = []
    for _ in range(2):
        folder = create_run({"hardware.device": "cuda:0", "training.deterministic": True})
        assert run_attempt(folder, alone=True) == 0
        assert history.load(folder).state == "completed"
        ends.append(weights(folder))
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
