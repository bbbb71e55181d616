"""The monitored metric decides all three: which epoch is the best, when a run ends early, and when a plateau schedule falls."""

import json
from itertools import pairwise
from typing import Any, cast

import pytest
import torch

from tests.engine.runtime.worlds import Stub, run_ranks
from tests.engine.training.test_loop import create_run, train_run
from workbench.config.run import RunConfig
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.state_types import CheckpointInfoFields
from workbench.engine.training import build
from workbench.engine.training.evaluation import evaluate
from workbench.engine.training.lr_control import LRSchedule
from workbench.runs import branch, history
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.checkpoints import latest
from workbench.runs.folder import RunFolder
from workbench.runs.progress import Progress

TOO_FAST = {"optimizer.kind": "adam", "optimizer.lr": 0.1, "dataset.validation": 0.25}
"""A learning rate at which no metric improves steadily."""
PLATEAU: dict[str, Any] = {"schedule.kind": "plateau", "schedule.patience": 0, "schedule.gamma": 0.5}


def best_epoch(progress: Progress, metric: str, higher: bool) -> int:
    values = [epoch.val[metric] for epoch in progress.epochs]
    return values.index(max(values) if higher else min(values)) + 1


def reductions(values: list[float], higher: bool) -> list[int]:
    """The epochs after which a plateau schedule without patience reduces the learning rate."""
    config = RunConfig.model_validate({"schedule": {"kind": "plateau", "patience": 0, "gamma": 0.5}})
    schedule = LRSchedule(config, 1)
    return [epoch for epoch, value in enumerate(values, 1) if schedule.end_epoch(value, higher)]


def reduced_after(progress: Progress) -> list[int]:
    """The epochs after which the learning rate of a run without warmup was reduced."""
    rates = [epoch.lr for epoch in progress.epochs]
    return [epoch for epoch, (before, after) in enumerate(pairwise(rates), 1) if after < before]


@pytest.mark.parametrize(
    "monitor, metric, higher, recipe",
    [
        ("val.loss", "loss", False, "digits-mlp"),
        ("val.accuracy", "accuracy", True, "digits-mlp"),
        ("val.balanced_accuracy", "balanced_accuracy", True, "digits-mlp"),
        ("val.f1", "f1", True, "digits-mlp"),
        ("val.recall[3]", "recall[3]", True, "digits-mlp"),
        ("val.r2", "r2", True, "linear-regression"),
        ("val.mae", "mae", False, "linear-regression"),
    ],
)
def test_that_the_monitored_metric_decides_all_three(monitor: str, metric: str, higher: bool, recipe: str) -> None:
    changes = {**PLATEAU, "training.monitor": monitor, "training.epochs": 7, **TOO_FAST}
    _, progress = train_run({**changes, "training.early_stopping": 3}, recipe)
    assert progress.started is not None
    assert progress.started.monitor == f"val {metric}"
    assert progress.started.higher_is_better is higher
    best = best_epoch(progress, metric, higher)
    assert progress.best is not None
    assert progress.best.epoch == best
    assert progress.epoch == min(best + 3, 7)
    expected = reductions([epoch.val[metric] for epoch in progress.epochs], higher)
    assert reduced_after(progress) == [epoch for epoch in expected if epoch < progress.epoch]


def test_that_auto_judges_classes_by_accuracy_and_lets_a_plateau_follow_the_validation_loss() -> None:
    _, progress = train_run({**PLATEAU, "training.epochs": 8, **TOO_FAST})
    assert progress.started is not None
    assert progress.started.monitor == "val accuracy"
    losses = [epoch.val["loss"] for epoch in progress.epochs]
    accuracies = [epoch.val["accuracy"] for epoch in progress.epochs]
    expected = [epoch for epoch in reductions(losses, False) if epoch < 8]
    assert expected != [epoch for epoch in reductions(accuracies, True) if epoch < 8], "the two are not told apart"
    assert reduced_after(progress) == expected
    assert any("no improvement of val loss" in line.text for line in progress.log)


@pytest.mark.parametrize(
    "monitor, recipe, there",
    [
        ("val.mae", "digits-mlp", "val.recall[0]"),
        ("val.recall[cat]", "digits-mlp", "val.recall[0]"),
        ("val.accuracy", "linear-regression", "val.rmse"),
        ("train.accuracy", "linear-regression", "train.r2"),
    ],
)
def test_that_a_metric_that_the_task_has_not_is_refused_with_those_it_has(
    monitor: str, recipe: str, there: str
) -> None:
    folder = create_run({"training.monitor": monitor, "dataset.validation": 0.25}, recipe)
    assert run_attempt(folder, alone=True) == 2
    progress = history.load(folder)
    assert progress.ended is not None
    assert f"there is no metric “{monitor}”" in progress.ended.what
    assert there in progress.ended.hint
    assert progress.step == 0


def test_that_figures_of_classes_are_measured_over_all_processes() -> None:
    config = create_run({"training.monitor": "val.recall[3]", "dataset.balance": "sampler"}).config()

    # Threads share one stream of random numbers: the weights are drawn before they start.
    built = [build.build(config, torch.device("cpu"), World()) for _ in range(3)]

    def measure_rank(world: Stub) -> dict[str, float]:
        parts = built[world.rank]
        parts.world = world
        return evaluate(parts, "val") or {}

    alone = evaluate(built[2], "val") or {}
    assert set(alone) == {"loss", "accuracy", "samples", "balanced_accuracy", "f1", "recall[3]"}
    for shared in run_ranks(measure_rank):
        assert shared == pytest.approx(alone, rel=1e-6)


def as_version_0_1_wrote_it(folder: RunFolder) -> None:
    """Takes out of the newest checkpoint what a plateau follows: then it followed what an epoch was judged by."""
    newest = latest(folder.checkpoints)
    assert newest is not None
    state = format.load(newest.path)
    del state["schedule"]["follows"]
    del state["config"]["training"]["monitor"]
    # As of the accuracy, which the validation loss is far below.
    state["schedule"]["best"] = 0.99
    beside = json.loads(newest.path.with_suffix(".json").read_text(encoding="utf-8"))
    described = {name: beside[name] for name in ("epoch", "why", "best", "value", "metrics")}
    format.save(newest.path.parent, state, cast("CheckpointInfoFields", described))


def test_that_a_run_of_an_earlier_version_goes_on_following_what_it_followed() -> None:
    folder, _ = train_run({**PLATEAU, "training.epochs": 2})
    as_version_0_1_wrote_it(folder)
    assert run_attempt(folder, AttemptOptions(epochs=4), alone=True) == 0
    progress = history.load(folder)
    assert progress.started is not None
    assert "the plateau schedule follows val accuracy, as it did when the run was started" in [
        line.text for line in progress.log
    ]
    newest = latest(folder.checkpoints)
    assert newest is not None
    assert "follows" not in format.load(newest.path)["schedule"]
    assert any("no improvement of val accuracy" in line.text for line in progress.log)


def test_that_a_branch_that_monitors_something_else_measures_anew() -> None:
    folder, _ = train_run({**PLATEAU, "training.epochs": 2})
    newest = latest(folder.checkpoints)
    assert newest is not None
    before = format.load(newest.path)["schedule"]
    assert before["follows"] == "val loss"
    from workbench.config import files

    config = files.change(folder.config(), {"training.monitor": "val.accuracy", "training.epochs": 3})
    made = branch.create_branch(newest, config, "branch", folder.path.parent)
    assert run_attempt(made, alone=True) == 0
    progress = history.load(made)
    own = latest(made.checkpoints)
    assert own is not None
    after = format.load(own.path)["schedule"]
    assert "follows" not in after
    assert after["best"] == pytest.approx(progress.epochs[-1].val["accuracy"], rel=1e-5)
    assert after["factor"] <= before["factor"]
