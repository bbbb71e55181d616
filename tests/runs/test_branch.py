"""Branches: what they begin with, what they remember of their parent, and that they are whole or not there."""

import json
import shutil
from pathlib import Path

import pytest

from tests.gui.scripted import STEPS, Engine
from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig
from workbench.runs import branch, checkpoints, history
from workbench.runs.folder import RunFolder, create, list_runs

FASTER = files.change(RunConfig(), {"optimizer.lr": 0.01})


@pytest.fixture
def parent() -> RunFolder:
    """A run of three epochs that saved after the second and went on."""
    run = create(RunConfig(), "parent")
    engine = Engine(run, 3)
    engine.begin()
    for _ in range(2):
        engine.train_epoch()
    path = engine.checkpoint()
    path.with_suffix(".json").write_text(json.dumps({"step": 2 * STEPS, "epoch": 2, "best": True}))
    engine.train_epoch()
    engine.end()
    return run


def branched(run: RunFolder, config: RunConfig = FASTER) -> RunFolder:
    newest = checkpoints.latest(run.checkpoints)
    assert newest is not None
    return branch.create_branch(newest, config, "branch")


def test_that_a_branch_says_whose_it_is(parent: RunFolder) -> None:
    made = branched(parent)
    found = branch.parent_of(made)
    assert found is not None
    assert (found.run, found.path, found.epoch, found.step) == (parent.name, str(parent.path), 2, 2 * STEPS)
    assert found.checkpoint == f"step-{2 * STEPS:08d}.pt"
    assert (
        str(found)
        == f"continues {parent.name} from step {2 * STEPS} (2 epochs completed), with Learning rate 0.001 → 0.01"
    )
    assert history.row(made).parent == found
    assert history.row(parent).parent is None
    assert made.config() == FASTER


def test_that_the_curves_go_on_from_those_of_the_parent_even_without_it(parent: RunFolder) -> None:
    made = branched(parent)
    whole = history.load(parent)
    shutil.rmtree(parent.path)
    before = history.load(made)
    assert list(before.curves.loss.x) == list(range(1, 2 * STEPS + 1))
    assert list(before.curves.loss.y) == list(whole.curves.loss.y[: 2 * STEPS])
    assert [epoch.epoch for epoch in before.epochs] == [1, 2]
    assert before.state == history.state(made) == "new"
    engine = Engine(made, 3)
    engine.begin(from_step=2 * STEPS)
    engine.train_epoch()
    engine.end()
    after = history.load(made)
    assert list(after.curves.loss.x) == list(range(1, 3 * STEPS + 1))
    assert list(after.curves.val["loss"].x) == [STEPS, 2 * STEPS, 3 * STEPS]
    assert after.best is not None
    assert after.state == "completed"


def test_that_a_branch_in_the_middle_of_a_flush_has_only_the_points_before_it(parent: RunFolder) -> None:
    step = STEPS + 5
    path = parent.checkpoints / checkpoints.file_name(step)
    path.write_bytes(b"not a model")
    found = checkpoints.find(path)
    assert found is not None
    progress = history.load(branch.create_branch(found, FASTER, "middle"))
    assert progress.curves.loss.x[-1] == step
    assert len(progress.curves.metric) == len(progress.curves.lr) == step
    assert [epoch.epoch for epoch in progress.epochs] == [1]


def test_that_a_branch_of_a_branch_has_the_whole_past(parent: RunFolder) -> None:
    first = branched(parent)
    second = branched(first, files.change(FASTER, {"training.batch_size": 32}))
    found = branch.parent_of(second)
    assert found is not None
    assert found.run == first.name
    assert [change.path for change in found.changes] == ["training.batch_size"]
    assert len(history.load(second).curves.loss) == 2 * STEPS


def test_that_on_other_data_the_parents_best_is_no_best(parent: RunFolder) -> None:
    made = branched(parent, files.change(RunConfig(), {"dataset.validation": 0.3}))
    Engine(made).begin(from_step=2 * STEPS)
    assert history.load(made).best is None


def test_that_a_branch_with_nothing_left_to_train_is_refused(parent: RunFolder) -> None:
    with pytest.raises(ConfigError, match=r"training\.epochs.*2 epochs are completed"):
        branched(parent, files.change(RunConfig(), {"training.epochs": 2}))
    assert list_runs() == [parent]


def test_that_a_branch_that_cannot_be_filled_leaves_nothing(parent: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space"):
        branched(parent)
    assert [path.name for path in parent.path.parent.iterdir()] == [parent.name]


def test_that_a_checkpoint_outside_of_a_run_can_begin_one(parent: RunFolder, tmp_path: Path) -> None:
    newest = checkpoints.latest(parent.checkpoints)
    assert newest is not None
    given = tmp_path / "given.pt"
    shutil.copyfile(newest.path, given)
    assert checkpoints.find(given) is None
    shutil.copyfile(newest.path.with_suffix(".json"), given.with_suffix(".json"))
    found = checkpoints.find(given)
    assert found is not None
    made = branch.create_branch(found, FASTER, "given")
    assert str(branch.parent_of(made)) == f"continues given.pt from step {2 * STEPS} (2 epochs completed)"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"changes": 3}', '{"run": 1, "changes": [1, {"path": 2}]}'])
def test_that_a_damaged_note_of_the_parent_harms_nothing(parent: RunFolder, text: str) -> None:
    made = branched(parent)
    made.parent_file.write_text(text)
    assert history.row(made).run == made


def test_that_of_another_kind_the_kind_and_what_both_have_are_told() -> None:
    other = files.change(RunConfig(), {"optimizer.kind": "sgd"})
    assert [str(change) for change in branch.changes(other, RunConfig())] == [
        "Optimizer adamw → sgd",
        "Learning rate 0.001 → 0.01",
        "Weight decay 0.01 → 0",
    ]
    assert branch.changes(other, other) == ()
