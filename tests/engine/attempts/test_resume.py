"""A run that was stopped anywhere and resumed is the run that was never interrupted, bit for bit."""

import random
from pathlib import Path

import pytest
import torch

from workbench.config import files
from workbench.config.recipes import start
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.engine.reporting.reporter import StepLog
from workbench.engine.training.control import Control, Decision
from workbench.runs import history
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.checkpoints import latest
from workbench.runs.folder import RunFolder, create

SMALL = {"training.epochs": 3, "output.checkpoint_every": "1000", "training.batch_size": 96}
RUNS: dict[str, tuple[str, dict[str, object]]] = {
    "mlp with dropout, Adam, one-cycle": ("digits-mlp", {"model.dropout": [0.3], "schedule.kind": "one-cycle"}),
    "mlp with accumulation, clipping, SGD": (
        "digits-mlp",
        {"optimizer.kind": "sgd", "training.accumulation": 3, "training.clip_norm": 0.5, "model.norm": "batch"},
    ),
    "cnn with batch norm, dropout, AdamW, warm-up": (
        "digits-cnn",
        {"model.channels": [8, 16], "model.dropout": [0.1], "training.batch_size": 256},
    ),
    "spirals with RMSprop and plateau": (
        "digits-mlp",
        {
            "dataset.kind": "synthetic",
            "optimizer.kind": "rmsprop",
            "schedule.kind": "plateau",
            "schedule.patience": 0,
            "training.deterministic": True,
        },
    ),
    "mlp with Muon, groups, no decay of norms, an average": (
        "digits-mlp",
        {
            "optimizer.kind": "muon",
            "optimizer.groups": ["1.*=0.5"],
            "optimizer.decay_norms": False,
            "model.norm": "layer",
            "training.ema": 0.9,
            "schedule.kind": "warm-restarts",
            "schedule.first": 1,
        },
    ),
    "streamed, with dropout": (
        "digits-mlp",
        {"dataset.loading": "streamed", "dataset.workers": 0, "model.dropout": [0.3]},
    ),
    "mlp with LBFGS": (
        "digits-mlp",
        {"optimizer.kind": "lbfgs", "optimizer.iterations": 3, "training.batch_size": 512, "training.accumulation": 2},
    ),
    "a straight line": ("linear-regression", {"training.epochs": 40, "dataset.validation": 0.1}),
}


def create_run(recipe: str, changes: dict[str, object]) -> RunFolder:
    name, config = start(recipe)
    return create(files.change(config, {**SMALL, **changes}), name)


def final_weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    newest = latest(folder.checkpoints)
    assert newest is not None
    state: dict[str, torch.Tensor] = format.load(newest.path)["model"]
    return state


def stop_at(patch: pytest.MonkeyPatch, step: int) -> None:
    """Every step becomes a boundary at which the run listens; at that one it hears *stop*."""
    patch.setattr(StepLog, "is_due", lambda self: True)
    patch.setattr(Control, "poll", lambda self: Decision(stop=self._reporter.progress.step >= step))


@pytest.mark.parametrize("case", RUNS)
def test_that_a_resumed_run_ends_with_the_same_bits(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, changes = RUNS[case]
    straight = create_run(recipe, changes)
    assert run_attempt(straight, alone=True) == 0
    whole = history.load(straight)
    stops = sorted(random.Random(case).sample(range(1, whole.step), 2))

    broken = create_run(recipe, changes)
    for step in stops:
        with monkeypatch.context() as patch:
            stop_at(patch, step)
            assert run_attempt(broken, alone=True) == 0
        assert history.load(broken).state == "stopped"
        assert history.load(broken).step == step
    assert run_attempt(broken, alone=True) == 0

    ends, wanted = final_weights(broken), final_weights(straight)
    assert ends.keys() == wanted.keys()
    assert all(torch.equal(ends[name], wanted[name]) for name in wanted)
    resumed = history.load(broken)
    assert resumed.state == "completed"
    assert [(e.epoch, e.train, e.val, e.lr, e.best) for e in resumed.epochs] == [
        (e.epoch, e.train, e.val, e.lr, e.best) for e in whole.epochs
    ]
    assert resumed.curves.loss.x[-1] == whole.curves.loss.x[-1]
    assert (resumed.curves.loss.x[1:] > resumed.curves.loss.x[:-1]).all()


def test_that_a_run_released_twice_ends_with_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    straight = create_run("digits-mlp", {"model.dropout": [0.3]})
    assert run_attempt(straight, alone=True) == 0
    released = create_run("digits-mlp", {"model.dropout": [0.3]})
    for step in (7, 22):
        with monkeypatch.context() as patch:
            stop_at(patch, step)
            wanted = Control.poll
            # One that goes, and one that rests already.
            patch.setattr(
                Control,
                "poll",
                lambda self, w=wanted, s=step: Decision(pause=w(self).stop, release=w(self).stop and s < 9),
            )
            patch.setattr(Control, "wait_for_unpause", lambda *_: Decision(pause=True, release=True))
            assert run_attempt(released, alone=True) == 0
        assert history.state(released) == "paused"
        assert not released.is_running()
    assert run_attempt(released, alone=True) == 0
    started = history.load(released).started
    assert started is not None
    assert started.continued == "continued exactly at step 22 (1 epoch completed)"
    wanted_bits = final_weights(straight)
    assert all(torch.equal(value, wanted_bits[name]) for name, value in final_weights(released).items())


def test_that_more_epochs_can_be_given_and_the_schedule_holds_its_last_value() -> None:
    folder = create_run("digits-mlp", {"schedule.kind": "cosine", "schedule.final": 0.25})
    assert run_attempt(folder, alone=True) == 0
    assert run_attempt(folder, AttemptOptions(epochs=5), alone=True) == 0
    progress = history.load(folder)
    assert progress.epoch == 5
    last = progress.epochs[2].lr
    assert [epoch.lr for epoch in progress.epochs[3:]] == [last, last]


def test_that_a_run_resumed_after_its_end_says_that_it_is_complete() -> None:
    folder = create_run("digits-mlp", {"training.epochs": 1})
    assert run_attempt(folder, alone=True) == 0
    before = final_weights(folder)
    assert run_attempt(folder, alone=True) == 0
    assert history.load(folder).state == "completed"
    assert all(torch.equal(before[name], value) for name, value in final_weights(folder).items())


def test_that_a_damaged_newest_checkpoint_costs_no_more_than_itself() -> None:
    folder = create_run("digits-mlp", {"output.checkpoint_every": "1"})
    assert run_attempt(folder, alone=True) == 0
    newest = latest(folder.checkpoints)
    assert newest is not None
    newest.path.write_bytes(newest.path.read_bytes()[:-1000])
    assert run_attempt(folder, alone=True) == 0
    progress = history.load(folder)
    assert progress.state == "completed"
    assert any("damaged" in line.text or "cut off" in line.text for line in progress.log)
    format.load(newest.path)


def test_that_a_run_with_no_readable_checkpoint_is_refused_and_left_as_it_is() -> None:
    folder = create_run("digits-mlp", {"training.epochs": 1, "output.keep": 1})
    assert run_attempt(folder, alone=True) == 0
    for path in folder.checkpoints.glob("*.pt"):
        path.write_bytes(b"not a checkpoint")
    assert run_attempt(folder, alone=True) == 2
    ended = history.load(folder).ended
    assert ended is not None
    assert "no checkpoint of the run can be read" in ended.what
    assert [Path(path).read_bytes() for path in folder.checkpoints.glob("*.pt")] == [b"not a checkpoint"]


def test_that_data_which_grew_is_noticed_and_the_epoch_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "growing.csv"
    lines = [f"{x % 7},{x % 3},{'a' if x % 2 else 'b'}" for x in range(240)]
    table.write_text("\n".join(["x,y,kind", *lines]), encoding="utf-8")
    changes: dict[str, object] = {
        "dataset.kind": "table",
        "dataset.path": str(table),
        "dataset.target": "kind",
        "training.batch_size": 16,
    }
    folder = create_run("tabular-mlp", changes)
    with monkeypatch.context() as patch:
        stop_at(patch, 17)
        assert run_attempt(folder, alone=True) == 0
    table.write_text("\n".join(["x,y,kind", *lines, *lines[:80]]), encoding="utf-8")
    assert run_attempt(folder, alone=True) == 0
    progress = history.load(folder)
    assert progress.started is not None
    continued = progress.started.continued
    assert "training samples instead of" in continued
    assert "epoch 2 started over" in continued
    assert "exactly" not in continued
    steps = progress.started.steps_per_epoch
    assert progress.step == progress.total_steps == 17 + 2 * steps
    assert [epoch.train["samples"] for epoch in progress.epochs[1:]] == [progress.started.train_samples] * 2


def test_that_a_run_left_where_its_patience_ended_trains_no_further_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first epoch is the best of all: nothing is learnt.
    patient: dict[str, object] = {"training.epochs": 9, "training.early_stopping": 1, "optimizer.lr": 1e-12}
    straight = create_run("digits-mlp", patient)
    assert run_attempt(straight, alone=True) == 0
    length = history.load(straight).step
    folder = create_run("digits-mlp", patient)
    with monkeypatch.context() as patch:
        patch.setattr(Control, "poll", lambda self: Decision(stop=self._reporter.progress.epoch * 15 >= length))
        assert run_attempt(folder, alone=True) == 0
    assert history.load(folder).state == "stopped"
    assert run_attempt(folder, alone=True) == 0
    assert history.load(folder).state == "completed"
    assert history.load(folder).step == length
    # Whoever asks for more epochs gets them.
    assert run_attempt(folder, AttemptOptions(epochs=9), alone=True) == 0
    assert history.load(folder).step > length
