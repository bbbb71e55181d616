"""What a run keeps besides when it is asked for: TensorBoard's files, gradient norms of layers; and a compiled network."""

from pathlib import Path

import pytest
import torch

from tests.engine.training.test_loop import create_run, train_run
from tests.waiting import HANG_SECONDS
from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.config.recipes import start
from workbench.engine import data
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.reporting import reporter
from workbench.engine.runtime.distributed import World
from workbench.engine.training import build
from workbench.engine.training.step import trained_layers
from workbench.launch import process
from workbench.runs import history
from workbench.runs.attempt_options import AttemptOptions


def test_that_tensorboard_is_given_the_same_numbers() -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = create_run({"output.tensorboard": True, "training.epochs": 1})
    assert run_attempt(folder, alone=True) == 0
    assert run_attempt(folder, AttemptOptions(epochs=2), alone=True) == 0
    events = accumulator.EventAccumulator(str(folder.path / "tensorboard"), {"scalars": 0})
    events.Reload()
    progress = history.load(folder)
    values = {point.step: point.value for point in events.Scalars("val/accuracy")}
    assert values == pytest.approx({epoch.step: epoch.val["accuracy"] for epoch in progress.epochs}, rel=1e-6)
    steps = [point.step for point in events.Scalars("step/loss")]
    assert steps == progress.curves.loss.x.tolist()


def test_that_gradient_norms_of_layers_make_up_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "FLUSH_SECONDS", 0.0)  # a short run has no time to report
    progress = train_run({"output.layer_norms": True, "training.clip_norm": 1e9, "training.epochs": 2})[1]
    layers = progress.curves.layers
    assert list(layers) == ["1", "3", "5"]
    whole = dict(zip(progress.curves.grad_norm.x.tolist(), progress.curves.grad_norm.y.tolist(), strict=True))
    for index, step in enumerate(layers["1"].x.tolist()):
        parts = [float(series.y[index]) for series in layers.values()]
        assert sum(part**2 for part in parts) ** 0.5 == pytest.approx(whole[step], rel=1e-4)
    assert len(layers["1"]) >= 1


def test_that_frozen_layers_have_no_gradient_norm() -> None:
    first, second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    first.requires_grad_(False)
    assert list(trained_layers(torch.nn.Sequential(first, second))) == ["1"]


def test_that_a_compiled_network_learns_the_same() -> None:
    changes = {"hardware.compile": True, "training.epochs": 1, "model.norm": "batch"}
    folder = create_run(changes)
    assert process.start(folder).wait(HANG_SECONDS) == 0
    compiled, plain = history.load(folder), train_run({**changes, "hardware.compile": False})[1]
    assert any("compiled in" in line.text for line in compiled.log)
    assert compiled.started is not None
    assert plain.started is not None
    assert compiled.started.initial_weights == plain.started.initial_weights
    assert compiled.epochs[0].val["loss"] == pytest.approx(plain.epochs[0].val["loss"], rel=1e-3)


def test_that_dataparallel_is_one_process_that_takes_the_same_steps() -> None:
    config = start("digits-mlp")[1]
    with pytest.raises(ConfigError, match="uses all GPUs from one process"):
        files.change(config, {"hardware.parallel": "data-parallel", "hardware.processes": 2})
    folder = create_run({"hardware.parallel": "data-parallel", "training.epochs": 1})
    assert run_attempt(folder) == 0
    assert history.load(folder).epochs[0].val == train_run({"training.epochs": 1})[1].epochs[0].val


@pytest.mark.gpu
def test_that_dataparallel_shares_a_batch_out_over_gpus(tmp_path: Path) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    config = start("digits-mlp")[1]
    config = files.change(config, {"hardware.parallel": "data-parallel"})
    parts = build.assemble(config, data.load(config.dataset), torch.device("cuda", 0), World())
    assert isinstance(parts.train_step.model, torch.nn.DataParallel)
