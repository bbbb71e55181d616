"""Runs that version 0.1 wrote open in this version: they are listed, read, resumed bit for bit, evaluated and exported."""

from pathlib import Path

import pytest
import torch

from tests.engine.asking import answer_to
from tests.stored import NAMES, STOPPED, Stored, copy
from workbench.config import files
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.runs import branch, comparison, history, trust
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.checkpoints import latest, list_checkpoints
from workbench.runs.events import EventReader
from workbench.runs.folder import RunFolder, create, list_runs
from workbench.runs.service.answers import ExportedModel
from workbench.runs.service.evaluation import Evaluation
from workbench.runs.service.requests import EvaluateCheckpoint, ExportModel

WRITTEN_WITH = ("2.15.0", "AVX512")
"""torch and the processor's instructions that the stored checkpoints were computed with."""


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    copied = copy(tmp_path)
    trust.trust(copied.root / "bars.py")
    return copied


def newest(run: RunFolder) -> Path:
    info = latest(run.checkpoints)
    assert info is not None
    return info.path


def weights(path: Path) -> dict[str, torch.Tensor]:
    state = format.load(path)
    return {**state["model"], **{f"average of {name}": value for name, value in state["ema"].items()}}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_that_all_runs_are_listed_with_their_states_and_results(stored: Stored) -> None:
    assert {run.name for run in list_runs(stored.runs)} == set(NAMES)
    rows = {row.run.name: row for row in history.rows(stored.runs)}
    states = {name: row.state for name, row in rows.items()}
    assert states.pop(STOPPED) == "stopped"
    assert states.pop("20261125-182003-paused") == "paused"
    assert set(states.values()) == {"completed"}
    assert all(row.value is not None and row.changed for row in rows.values())


@pytest.mark.parametrize("name", NAMES)
def test_that_every_event_is_understood(stored: Stored, name: str) -> None:
    run = stored.run(name)
    reader = EventReader(run.events_file)
    assert reader.read()
    assert reader.bad_lines == 0
    progress = history.load(run)
    assert progress.started is not None
    assert progress.started.format == 1
    assert progress.curves.loss.x[-1] == progress.step > 0
    assert progress.best is not None


def test_that_settings_under_old_names_are_read_and_named(stored: Stored) -> None:
    run = stored.run("182045-renamed")
    config = run.config().as_data()
    assert (config["dataset"]["sample_kind"], config["optimizer"]["adamw_lr_scale"]) == ("images", 0.5)
    assert config["schedule"]["min_lr_factor"] == 0.05
    assert run.renamed_settings() == [
        "dataset.holds is now called dataset.sample_kind",
        'dataset.sample_kind: "pictures" is now written "images"',
        "optimizer.rest is now called optimizer.adamw_lr_scale",
        "schedule.least is now called schedule.min_lr_factor",
    ]
    assert stored.run("images").config().as_data()["dataset"]["channels"] == "gray"
    assert stored.run("completed").renamed_settings() == []


@pytest.mark.parametrize("name", NAMES)
def test_that_a_checkpoint_holds_the_configuration_of_its_run(stored: Stored, name: str) -> None:
    run = stored.run(name)
    config = run.config().as_data()
    for info in list_checkpoints(run.checkpoints):
        state = format.load(info.path)
        config["dataset"].pop("path", None)  # the copy lies elsewhere
        state["config"]["dataset"].pop("path", None)
        assert state["config"] == config
        assert state["preprocessing"].get("channels") != "grey"


def test_that_a_branch_and_a_comparison_speak_of_settings_by_their_new_names(stored: Stored) -> None:
    parent = branch.parent_of(stored.run("182123-renamed"))
    assert parent is not None
    assert {change.path for change in parent.changes} == {
        "training.epochs",
        "optimizer.adamw_lr_scale",
        "schedule.min_lr_factor",
    }
    member = comparison.read(stored.run("digits-mlp-0.5"))
    assert member is not None
    assert member.values == {"optimizer.adamw_lr_scale": 0.5}
    assert len(comparison.members(stored.runs, member.group)) == 2


def test_that_a_stopped_run_is_resumed_to_the_bits_of_one_that_was_never_stopped(stored: Stored) -> None:
    stopped = stored.run(STOPPED)
    at = latest(stopped.checkpoints)
    assert at is not None
    before = weights(at.path)
    # What is saved, and when, changes no number.
    config = files.change(stopped.config(), {"output.checkpoint_every": f"{at.step} steps", "output.keep": 10})
    straight = create(config, "straight")
    assert run_attempt(straight, alone=True) == 0
    (there,) = (info for info in list_checkpoints(straight.checkpoints) if info.step == at.step)
    if not same(weights(there.path), before):
        here = (torch.__version__.partition("+")[0], torch.backends.cpu.get_cpu_capability())
        assert here != WRITTEN_WITH, "this version computes other numbers than version 0.1"
        pytest.skip(f"numbers are rounded otherwise here: {here} instead of {WRITTEN_WITH}")

    assert run_attempt(stopped, alone=True) == 0
    assert same(weights(newest(stopped)), weights(newest(straight)))
    resumed, whole = history.load(stopped), history.load(straight)
    assert resumed.started is not None
    assert resumed.started.continued == f"continued exactly at step {at.step} (1 epoch completed)"
    assert resumed.state == whole.state == "completed"
    assert [(epoch.epoch, epoch.train, epoch.val) for epoch in resumed.epochs] == [
        (epoch.epoch, epoch.train, epoch.val) for epoch in whole.epochs
    ]


@pytest.mark.parametrize("name", ["paused", "182009-stopped", "182045-renamed", "images", "table", "series"])
def test_that_a_run_goes_on_and_says_which_of_its_settings_have_other_names_now(stored: Stored, name: str) -> None:
    run = stored.run(name)
    epochs = history.load(run).epoch + 1
    assert run_attempt(run, AttemptOptions(epochs=max(epochs, 4)), alone=True) == 0
    progress = history.load(run)
    assert progress.state == "completed"
    assert progress.started is not None
    assert progress.started.continued.startswith("continued exactly at step")
    logged = {line.text for line in progress.log}
    assert logged.issuperset(run.renamed_settings())
    assert format.load(newest(run))["format"] == format.FORMAT


def test_that_a_branch_is_made_of_an_old_checkpoint(stored: Stored) -> None:
    parent = stored.run("182045-renamed")
    info = latest(parent.checkpoints)
    assert info is not None
    config = files.change(parent.config(), {"optimizer.rest": 0.25, "training.epochs": 4})
    made = branch.create_branch(info, config, "branch", stored.runs)
    assert run_attempt(made, alone=True) == 0
    progress = history.load(made)
    assert progress.state == "completed"
    assert progress.started is not None
    assert "AdamW learning rate scale 0.5 → 0.25" in progress.started.continued


@pytest.mark.parametrize("name", ["completed", STOPPED, "table", "series", "images", "182045-renamed"])
def test_that_a_run_is_evaluated_and_exported(stored: Stored, name: str, tmp_path: Path) -> None:
    run = stored.run(name)
    checkpoint = str(newest(run))
    if run.config().dataset.kind in ("digits",):  # whose data are where the checkpoint says
        evaluation = answer_to(EvaluateCheckpoint(checkpoint=checkpoint, split="val"), Evaluation)
        told = history.load(run).epochs[-1].val
        if name != STOPPED:
            assert evaluation.metrics["loss"] == pytest.approx(told["loss"], rel=1e-4)
    target = tmp_path / "model.safetensors"
    answer_to(ExportModel(checkpoint=checkpoint, format="safetensors", file=str(target)), ExportedModel)
    assert target.stat().st_size > 0
