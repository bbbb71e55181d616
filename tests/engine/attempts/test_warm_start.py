"""A branch trains on from its parent's weights, optimiser and position, with its own settings."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.attempts.test_resume import create_run, final_weights, stop_at
from workbench.config import files
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.engine.export.formats import export_script
from workbench.engine.runtime.failures import RefusedError
from workbench.runs import branch, history
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.checkpoints import latest
from workbench.runs.folder import RunFolder


def stopped(monkeypatch: pytest.MonkeyPatch, step: int = 20, changes: dict[str, object] | None = None) -> RunFolder:
    """A run of three epochs of 15 steps, stopped in the middle of the second."""
    folder = create_run("digits-mlp", {"schedule.kind": "constant", **(changes or {})})
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        assert run_attempt(folder, alone=True) == 0
    return folder


def branched(parent: RunFolder, changes: dict[str, Any]) -> RunFolder:
    newest = latest(parent.checkpoints)
    assert newest is not None
    return branch.create_branch(newest, files.change(parent.config(), changes), "branch")


def log_texts(folder: RunFolder) -> str:
    return "\n".join(line.text for line in history.load(folder).log)


def test_that_a_branch_with_another_rate_goes_on_where_its_parent_was(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = stopped(monkeypatch)
    folder = branched(parent, {"optimizer.lr": 0.5e-3, "training.epochs": 4})
    assert run_attempt(folder, alone=True) == 0
    progress = history.load(folder)
    assert progress.started is not None
    assert progress.started.from_step == 20
    assert progress.started.initial_weights == ""
    assert progress.started.continued.startswith(f"continues {parent.name} from step 20 (1 epoch completed), with ")
    assert "Learning rate 0.001 → 0.0005" in progress.started.continued
    assert [epoch.epoch for epoch in progress.epochs] == [1, 2, 3, 4]
    assert [epoch.lr for epoch in progress.epochs] == [1e-3, 5e-4, 5e-4, 5e-4]
    assert (progress.curves.loss.x[1:] > progress.curves.loss.x[:-1]).all()
    assert progress.curves.loss.x[0] <= 2
    assert "starts over" not in log_texts(folder)
    assert progress.state == "completed"


def test_that_the_optimisers_memory_is_kept_and_its_new_settings_count(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = stopped(monkeypatch)
    folder = branched(parent, {"optimizer.weight_decay": 0.25, "optimizer.beta1": 0.8})
    with monkeypatch.context() as patch:
        stop_at(patch, 21)
        assert run_attempt(folder, alone=True) == 0
    newest = latest(folder.checkpoints)
    assert newest is not None
    state: Any = format.load(newest.path)["optimizer"]
    assert state["param_groups"][0]["weight_decay"] == 0.25
    assert state["param_groups"][0]["betas"][0] == 0.8
    assert {float(slot["step"]) for slot in state["state"].values()} == {21.0}


def test_that_a_branch_with_the_parents_settings_is_the_parent_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = stopped(monkeypatch)
    folder = branched(parent, {})
    assert run_attempt(parent, alone=True) == 0
    assert run_attempt(folder, alone=True) == 0
    wanted = final_weights(parent)
    assert all(torch.equal(value, wanted[name]) for name, value in final_weights(folder).items())


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
    wanted = final_weights(straight)
    assert all(torch.equal(value, wanted[name]) for name, value in final_weights(broken).items())


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"optimizer.kind": "sgd"}, "the optimizer starts over: sgd instead of adamw"),
        ({"optimizer.amsgrad": True}, "the optimizer starts over: amsgrad changed"),
        ({"training.batch_size": 48}, "epoch 2 starts over: its batches are others"),
        ({"training.ema": 0.9, "schedule.kind": "cosine"}, "continues"),
    ],
)
def test_that_what_begins_anew_is_said(changes: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = branched(stopped(monkeypatch, changes={"optimizer.kind": "adamw"}), changes)
    assert run_attempt(folder, alone=True) == 0
    progress = history.load(folder)
    assert words in log_texts(folder)
    assert (progress.state, progress.epoch) == ("completed", 3)
    assert (progress.curves.loss.x[1:] > progress.curves.loss.x[:-1]).all()


def test_that_weights_that_do_not_fit_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = branched(stopped(monkeypatch), {"model.hidden": [7]})
    assert run_attempt(folder, alone=True) == 2
    ended = history.load(folder).ended
    assert ended is not None
    assert "do not fit this model" in ended.what
    assert "start a new run" in ended.hint


def test_that_a_schedule_goes_on_at_the_epoch_however_many_steps_an_epoch_has(monkeypatch: pytest.MonkeyPatch) -> None:
    cosine: dict[str, object] = {"schedule.kind": "cosine", "training.epochs": 4}
    straight = create_run("digits-mlp", cosine)
    assert run_attempt(straight, alone=True) == 0
    wanted = [epoch.lr for epoch in history.load(straight).epochs]
    parent = stopped(monkeypatch, 31, cosine)
    folder = branched(parent, {"training.batch_size": 32})
    assert run_attempt(folder, alone=True) == 0
    progress = history.load(folder)
    assert len(progress.epochs) == 4
    # The rate of an epoch's last step: with shorter steps the last lies nearer to the epoch's end.
    assert [epoch.lr for epoch in progress.epochs] == pytest.approx(wanted, abs=5e-5)
    assert progress.total_steps == progress.step == 31 + 2 * 45
    assert progress.share == 1.0


def test_that_a_branch_keeps_what_its_parent_learnt_where_nothing_else_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parent = stopped(monkeypatch)
    newest = latest(parent.checkpoints)
    assert newest is not None
    state = format.load(newest.path)
    state["recovery"] |= {"limit": 24, "calm": 0.1, "clip_norm": 0.5, "returns": 1}
    info: Any = {"epoch": newest.epoch, "why": "learnt", "best": False, "value": None, "metrics": {}}
    format.save(parent.checkpoints, state, info)
    longer, faster = branched(parent, {"training.epochs": 4}), branched(parent, {"optimizer.lr": 0.01})
    for folder, rate in ((longer, 1e-4), (faster, 0.01)):
        assert run_attempt(folder, alone=True) == 0
        end = latest(folder.checkpoints)
        assert end is not None
        learnt = format.load(end.path)["recovery"]
        assert (learnt["limit"], learnt["clip_norm"], learnt["returns"]) == (24, 0.5, 0)
        assert history.load(folder).epochs[-1].lr == pytest.approx(rate)


def test_that_no_script_is_given_of_a_run_that_a_script_cannot_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = stopped(monkeypatch)
    folder = branched(parent, {"optimizer.lr": 0.01})
    assert run_attempt(folder, alone=True) == 0
    assert run_attempt(parent, AttemptOptions(epochs=4), alone=True) == 0
    for run, words in ((folder, "the run is a branch"), (parent, "was given 4 epochs on its way")):
        newest = latest(run.checkpoints)
        assert newest is not None
        with pytest.raises(RefusedError, match=words):
            export_script(newest.path, tmp_path / "script.py")
    assert not list(tmp_path.iterdir())
    helped = latest(parent.checkpoints)
    assert helped is not None
    state = format.load(helped.path)
    state["position"]["epochs"], state["recovery"]["limit"] = 3, 8
    format.save(parent.checkpoints, state, {})
    with pytest.raises(RefusedError, match="helped itself"):
        export_script(helped.path, tmp_path / "script.py")
