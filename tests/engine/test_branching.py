"""A branch trains on from its parent's weights, optimiser and position, with its own settings."""

from typing import Any

import pytest
import torch

from tests.engine.test_resume import final, made, stop_at
from workbench.config import files
from workbench.engine import checkpoint
from workbench.engine.attempt import run_attempt
from workbench.runs import branch, history
from workbench.runs.checkpoints import latest
from workbench.runs.folder import RunFolder


def stopped(monkeypatch: pytest.MonkeyPatch, step: int = 20, changes: dict[str, object] | None = None) -> RunFolder:
    """A run of three epochs of 15 steps, stopped in the middle of the second."""
    folder = made("digits-mlp", {"schedule.kind": "constant", **(changes or {})})
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        assert run_attempt(folder, alone=True) == 0
    return folder


def branched(parent: RunFolder, changes: dict[str, Any]) -> RunFolder:
    newest = latest(parent.checkpoints)
    assert newest is not None
    return branch.make(newest, files.change(parent.config(), changes), "branch")


def said(folder: RunFolder) -> str:
    return "\n".join(line.text for line in history.load(folder).log)


def test_that_a_branch_with_another_rate_goes_on_where_its_parent_was(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = stopped(monkeypatch)
    folder = branched(parent, {"optimizer.lr": 0.5e-3, "training.epochs": 4})
    assert run_attempt(folder, alone=True) == 0
    progress = history.load(folder)
    assert progress.started is not None
    assert progress.started.from_step == 20
    assert progress.started.initial_weights == ""
    assert progress.started.continued.startswith(f"continues {parent.name} from epoch 1, step 20, with ")
    assert "lr 0.0005 instead of 0.001" in progress.started.continued
    assert [epoch.epoch for epoch in progress.epochs] == [1, 2, 3, 4]
    assert [epoch.lr for epoch in progress.epochs] == [1e-3, 5e-4, 5e-4, 5e-4]
    assert (progress.curves.loss.x[1:] > progress.curves.loss.x[:-1]).all()
    assert progress.curves.loss.x[0] <= 2
    assert "begins anew" not in said(folder)
    assert progress.state == "completed"


def test_that_the_optimisers_memory_is_kept_and_its_new_settings_count(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = stopped(monkeypatch)
    folder = branched(parent, {"optimizer.weight_decay": 0.25, "optimizer.beta1": 0.8})
    with monkeypatch.context() as patch:
        stop_at(patch, 21)
        assert run_attempt(folder, alone=True) == 0
    newest = latest(folder.checkpoints)
    assert newest is not None
    state = checkpoint.load(newest.path)["optimizer"]
    assert state["param_groups"][0]["weight_decay"] == 0.25
    assert state["param_groups"][0]["betas"][0] == 0.8
    assert {float(one["step"]) for one in state["state"].values()} == {21.0}


def test_that_a_branch_with_the_parents_settings_is_the_parent_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = stopped(monkeypatch)
    folder = branched(parent, {})
    assert run_attempt(parent, alone=True) == 0
    assert run_attempt(folder, alone=True) == 0
    wanted = final(parent)
    assert all(torch.equal(value, wanted[name]) for name, value in final(folder).items())


def test_that_a_branch_stopped_and_resumed_is_resumed_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = stopped(monkeypatch)
    straight = branched(parent, {"optimizer.lr": 0.01})
    assert run_attempt(straight, alone=True) == 0
    broken = branched(parent, {"optimizer.lr": 0.01})
    with monkeypatch.context() as patch:
        stop_at(patch, 25)
        assert run_attempt(broken, alone=True) == 0
    assert run_attempt(broken, alone=True) == 0
    started = history.load(broken).started
    assert started is not None
    assert started.continued.startswith("continued exactly")
    wanted = final(straight)
    assert all(torch.equal(value, wanted[name]) for name, value in final(broken).items())


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"optimizer.kind": "sgd"}, "the optimiser begins anew: sgd instead of adamw"),
        ({"optimizer.amsgrad": True}, "the optimiser begins anew: amsgrad changed"),
        ({"training.batch_size": 48}, "epoch 2 begins anew: its batches are others"),
        ({"training.ema": 0.9, "schedule.kind": "cosine"}, "continues"),
    ],
)
def test_that_what_begins_anew_is_said(changes: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = branched(stopped(monkeypatch, changes={"optimizer.kind": "adamw"}), changes)
    assert run_attempt(folder, alone=True) == 0
    progress = history.load(folder)
    assert words in said(folder)
    assert (progress.state, progress.epoch) == ("completed", 3)
    assert (progress.curves.loss.x[1:] > progress.curves.loss.x[:-1]).all()


def test_that_weights_that_do_not_fit_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = branched(stopped(monkeypatch), {"model.hidden": [7]})
    assert run_attempt(folder, alone=True) == 2
    ended = history.load(folder).ended
    assert ended is not None
    assert "do not fit this model" in ended.what
    assert "start a new run" in ended.hint
