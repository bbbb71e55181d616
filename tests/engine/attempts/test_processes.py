"""Two processes on one global batch are one process on that batch, and every validation sample is counted once."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.waiting import HANG_SECONDS
from workbench.config import files
from workbench.config.recipes import start
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.engine.reporting import reporter
from workbench.launch import process
from workbench.runs import history, trust
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.checkpoints import latest
from workbench.runs.folder import RunFolder, create, locked


def create_run(changes: dict[str, Any]) -> RunFolder:
    name, config = start("digits-mlp")
    return create(files.change(config, {"training.epochs": 2, "output.checkpoint_every": "50", **changes}), name)


def weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    newest = latest(folder.checkpoints)
    assert newest is not None
    weights_there: dict[str, torch.Tensor] = format.load(newest.path)["model"]
    return weights_there


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"optimizer.kind": "sgd"}, id="sgd"),
        # Uneven on purpose: 1,438 samples in global batches of 64 with two passes each leave a last group of 30.
        pytest.param({"optimizer.kind": "adam", "training.accumulation": 2}, id="adam, accumulation"),
        pytest.param({"optimizer.kind": "sgd", "dataset.balance": "loss"}, id="weighted classes"),
    ],
)
def test_that_two_processes_equal_one_on_the_same_global_batch(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "POINTS_PER_SECOND", 1e9)
    alone = create_run({**changes, "training.batch_size": 64})
    assert run_attempt(alone, alone=True) == 0
    together = create_run({**changes, "training.batch_size": 32, "hardware.processes": 2})
    assert process.start(together).wait(HANG_SECONDS) == 0

    single, double = history.load(alone), history.load(together)
    assert double.started is not None
    assert double.started.processes == 2
    assert double.started.batch_size == single.started.batch_size if single.started else False
    assert double.started.val_samples == 359
    assert [epoch.val["samples"] for epoch in double.epochs] == [359, 359]
    assert [epoch.train["samples"] for epoch in double.epochs] == [1438, 1438]
    # On a fast machine a point is the mean of several steps: of those since the point before it.
    ours, theirs = double.curves.loss, single.curves.loss
    ends = ours.x.astype(int).tolist()
    assert ends[-1] == len(theirs) == double.step
    means = [theirs.y[first:end].mean() for first, end in pairwise([0, *ends])]
    np.testing.assert_allclose(ours.y, means, rtol=2e-4)
    for mine, other in zip(double.epochs, single.epochs, strict=True):
        assert mine.val["loss"] == pytest.approx(other.val["loss"], rel=2e-4)
        assert mine.val["accuracy"] == pytest.approx(other.val["accuracy"], abs=1 / 359)
    wanted = weights(alone)
    for name, value in weights(together).items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-3, atol=1e-4)
    assert together.log_file(1).exists()


def test_that_a_run_of_two_processes_goes_on_exactly_and_can_prove_it() -> None:
    changes = {"training.batch_size": 32, "model.dropout": [0.3], "output.checkpoint_every": "1"}
    folder = create_run({"hardware.processes": 2, **changes})
    assert process.start(folder).wait(HANG_SECONDS) == 0
    # The random states of both processes are in the checkpoint.
    newest = latest(folder.checkpoints)
    assert newest is not None
    assert len(format.load(newest.path)["random"]) == 2
    assert process.start(folder, AttemptOptions(epochs=3, replay=3)).wait(HANG_SECONDS) == 0
    resumed = history.load(folder)
    assert resumed.epoch == 3
    assert resumed.started is not None
    assert "continued exactly at step" in resumed.started.continued
    assert "(2 epochs completed)" in resumed.started.continued
    assert "were replayed: the same losses, the same state" in resumed.started.continued


FAILING = """
import os
from torch import nn

class Network(nn.Module):
    def __init__(self, shape, outputs):
        super().__init__()
        self.layer = nn.Linear(64, outputs)

    def forward(self, x):
        if self.training and os.environ["RANK"] == "1":
            raise ValueError("this network breaks")
        return self.layer(x.flatten(1))
"""


def test_that_a_failing_process_ends_all(tmp_path: Path) -> None:
    network = tmp_path / "network.py"
    network.write_text(FAILING, encoding="utf-8")
    trust.trust(network)
    failing = create_run({"hardware.processes": 2, "model.kind": "python", "model.path": str(network)})
    assert process.start(failing).wait(HANG_SECONDS) == 1
    ended = history.load(failing).ended
    assert ended is not None
    assert ended.status == "failed"
    assert "process" in ended.what
    assert "this network breaks" in ended.what + ended.details


def test_that_a_last_batch_too_small_for_batch_norm_is_cured_in_two_processes() -> None:
    # 130 samples in batches of 32 for each of two processes leave one for each in the last.
    changes = {
        "dataset.kind": "synthetic",
        "dataset.shape": "clusters",
        "dataset.samples": 130,
        "dataset.validation": 0.0,
        "model.kind": "mlp",
        "model.hidden": [16],
        "model.norm": "batch",
        "training.batch_size": 32,
        "hardware.processes": 2,
    }
    folder = create_run(changes)
    assert process.start(folder).wait(HANG_SECONDS) == 0
    progress = history.load(folder)
    assert progress.step == 4  # two epochs of two steps
    assert [epoch.train["samples"] for epoch in progress.epochs] == [130, 130]
    note = (
        "the last batch of an epoch would have 2 samples, shared out over 2 processes, and batch normalization needs 2 in "
        "each process: it is joined to the batch before"
    )
    assert note in [line.text for line in progress.log]


def test_that_batches_too_small_for_batch_norm_are_refused_before_the_first_step() -> None:
    refused = create_run({"hardware.processes": 2, "training.batch_size": 1, "model.norm": "batch"})
    assert process.start(refused).wait(HANG_SECONDS) == 2
    progress = history.load(refused)
    assert progress.ended is not None
    assert "batch normalization needs at least 2 samples at a time, and the batch size is 1" in progress.ended.what
    assert progress.step == 0


def under_torchrun(folder: RunFolder) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    # Else it leaves a folder of its own in the temporary one.
    command += ["--log-dir", str(folder.path / "torchrun"), "-m", "workbench.engine", str(folder.path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_that_torchrun_trains_a_run_that_was_made() -> None:
    folder = create_run({"training.batch_size": 32, "training.epochs": 1})
    process_ = under_torchrun(folder)
    said, _ = process_.communicate(timeout=HANG_SECONDS)
    assert process_.returncode == 0, said.decode()
    progress = history.load(folder)
    assert progress.state == "completed"
    assert progress.started is not None
    assert progress.started.processes == 2
    assert progress.started.batch_size == 64
    assert progress.epochs[-1].val["samples"] == 359
    assert folder.log_file(1).exists()


def test_that_torchrun_is_refused_a_run_that_is_going() -> None:
    folder = create_run({"training.batch_size": 32, "training.epochs": 1})
    with locked(folder):
        process_ = under_torchrun(folder)
        said, _ = process_.communicate(timeout=HANG_SECONDS)
    assert process_.returncode != 0
    assert b"already" in said or b"running" in said, said.decode()
    assert not history.load(folder).epochs
