"""The proof of an exact resume: steps before the newest checkpoint are taken again, and compared."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.engine.attempts.test_resume import create_run, final_weights, stop_at
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.runs import history
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.checkpoints import list_checkpoints
from workbench.runs.commands import Command, send
from workbench.runs.folder import RunFolder

EVERY = {"output.checkpoint_every": "4 steps", "output.keep": 4, "training.batch_size": 96}
RUNS: dict[str, tuple[str, dict[str, object]]] = {
    "within an epoch, with dropout and an average": (
        "digits-mlp",
        {"model.dropout": [0.3], "training.ema": 0.9, "training.accumulation": 2},
    ),
    "over the end of an epoch, with a plateau": (
        "digits-mlp",
        {
            "schedule.kind": "plateau",
            "schedule.patience": 0,
            "model.norm": "batch",
            "output.checkpoint_every": "11 steps",
        },
    ),
    "from the end of an epoch to that of the next": (
        "digits-cnn",
        {"model.channels": [4], "training.batch_size": 256, "output.checkpoint_every": "1 epochs"},
    ),
    "streamed": (
        "digits-mlp",
        {
            "dataset.loading": "streamed",
            "dataset.workers": 0,
            "model.dropout": [0.3],
            "output.checkpoint_every": "11 steps",
        },
    ),
}


def stopped(recipe: str, changes: dict[str, Any], step: int, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    folder = create_run(recipe, {**EVERY, **changes})
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        assert run_attempt(folder, alone=True) == 0
    return folder


def continued(folder: RunFolder) -> str:
    started = history.load(folder).started
    assert started is not None
    return started.continued


def warnings(folder: RunFolder) -> str:
    return "\n".join(line.text for line in history.load(folder).log if line.level == "warning")


@pytest.mark.parametrize("case", RUNS)
def test_that_steps_taken_again_come_to_the_same(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, changes = RUNS[case]
    straight = create_run(recipe, {**EVERY, **changes})
    assert run_attempt(straight, alone=True) == 0
    length = history.load(straight).started
    assert length is not None
    folder = stopped(recipe, changes, 2 * length.steps_per_epoch, monkeypatch)
    assert run_attempt(folder, AttemptOptions(replay=3), alone=True) == 0
    assert "were replayed: the same losses, the same state" in continued(folder), warnings(folder)
    assert continued(folder).startswith("continued exactly at ")
    assert history.load(folder).state == "completed"
    ends, wanted = final_weights(folder), final_weights(straight)
    assert all(torch.equal(ends[name], wanted[name]) for name in wanted)


def test_that_a_replay_begins_far_enough_back(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stopped("digits-mlp", {}, 14, monkeypatch)
    assert [info.step for info in list_checkpoints(folder.checkpoints)] == [4, 8, 12, 14]
    assert run_attempt(folder, AttemptOptions(replay=5), alone=True) == 0
    assert "6 steps from step 8 were replayed" in continued(folder)


def test_that_steps_which_come_to_something_else_are_told_and_harm_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"model.dropout": [0.3]}
    straight = create_run("digits-mlp", {**EVERY, **changes})
    assert run_attempt(straight, alone=True) == 0
    folder = stopped("digits-mlp", changes, 14, monkeypatch)
    earlier = list_checkpoints(folder.checkpoints)[-2]
    state = format.load(earlier.path)
    state["model"]["1.bias"] += 0.01
    earlier.path.unlink()
    format.save(folder.checkpoints, state, {"epoch": 0, "why": "tampered", "best": False, "value": None, "metrics": {}})
    assert run_attempt(folder, AttemptOptions(replay=2), alone=True) == 0
    texts = warnings(folder)
    assert "2 steps from step 12 were replayed, and the loss of step 13 is " in texts
    assert " instead of " in texts
    assert "model, optimizer differ at the end" in texts
    assert "replayed" not in continued(folder)
    assert continued(folder).startswith("continued exactly at ")
    ends, wanted = final_weights(folder), final_weights(straight)
    assert all(torch.equal(ends[name], wanted[name]) for name in wanted)


def test_that_what_cannot_be_replayed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    only = stopped("digits-mlp", {"output.checkpoint_every": "1000"}, 5, monkeypatch)
    assert run_attempt(only, AttemptOptions(replay=2), alone=True) == 0
    assert "nothing was replayed: no checkpoint of this run lies before this one" in warnings(only)
    changed = stopped("digits-mlp", {"output.checkpoint_every": "1000", "output.keep": 9}, 5, monkeypatch)
    send(changed.commands, Command("set", attempt=2, values={"optimizer.lr": 1e-4}))
    with monkeypatch.context() as patch:
        patch.setattr("workbench.engine.reporting.reporter.StepLog.is_due", lambda self: True)
        patch.setattr("workbench.engine.training.control.POLL_SECONDS", 0.0)
        assert run_attempt(changed, alone=True) == 0
    assert run_attempt(changed, AttemptOptions(epochs=4, replay=40), alone=True) == 0
    assert "the learning rate was changed by hand in between" in warnings(changed)


def test_that_a_stop_during_a_replay_stops_the_run_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stopped("digits-mlp", {}, 14, monkeypatch)
    send(folder.commands, Command("stop", attempt=2))
    assert run_attempt(folder, AttemptOptions(replay=2), alone=True) == 0
    progress = history.load(folder)
    assert (progress.state, progress.step) == ("stopped", 14)
