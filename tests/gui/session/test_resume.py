"""What Resume offers: the run as it was, more epochs, or a branch with the changed settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gui.conftest import Answers
from tests.gui.scripted import STEPS, Engine, Engines
from workbench.config.run import RunConfig
from workbench.gui.dialogs import ask
from workbench.gui.dialogs.error import ReportDialog
from workbench.gui.main_window import MainWindow
from workbench.gui.session.resume import AS_IT_WAS, AS_NEW_RUN
from workbench.runs import branch
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.folder import RunFolder, create, list_runs

Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def stopped(window: MainWindow, wait: Wait, runs: Path) -> RunFolder:
    """A run that was stopped after an epoch, shown with its settings."""
    run = create(RunConfig(), "old", runs)
    engine = Engine(run)
    engine.begin()
    engine.train_epoch()
    engine.checkpoint("stop")
    engine.end("stopped")
    window.controllers.runs.show_run(run)
    wait(lambda: window.session.progress.state == "stopped")
    return run


def test_that_changed_settings_go_on_as_a_branch(
    window: MainWindow, stopped: RunFolder, answers: Answers, engines: Engines, wait: Wait
) -> None:
    window.document.set("optimizer.lr", 0.5)
    answers.give(AS_NEW_RUN)
    window.actions_["run.resume"].trigger()
    wait(lambda: engines.all)
    made = engines.last.folder
    assert made != stopped
    assert made.config().optimizer.lr == 0.5
    assert window.session.folder == made
    found = branch.parent_of(made)
    assert found is not None
    assert found.run == stopped.name
    engines.last.begin(from_step=STEPS)
    engines.last.train_epoch()
    wait(lambda: window.session.progress.epoch == 2)
    assert len(window.session.progress.curves.loss) == 2 * STEPS
    window.runs.refresh()
    wait(lambda: len(window.runs.model.rows) == 2)
    tip = window.runs.model.rows[0].parent
    assert str(tip).startswith(f"continues {stopped.name} from step ")


def test_that_a_run_may_go_on_as_it_was_in_spite_of_other_settings(
    window: MainWindow, stopped: RunFolder, answers: Answers, engines: Engines, wait: Wait
) -> None:
    window.document.set("optimizer.lr", 0.5)
    answers.give(ask.CANCEL)
    window.actions_["run.resume"].trigger()
    assert not engines.all
    answers.give(AS_IT_WAS)
    window.actions_["run.resume"].trigger()
    wait(lambda: engines.all)
    assert engines.last.folder == stopped


def test_that_resume_with_proof_asks_for_steps_to_be_taken_again_with_the_runs_own_settings(
    window: MainWindow, stopped: RunFolder, answers: Answers, engines: Engines, wait: Wait
) -> None:
    assert "exactly" in window.actions_["run.replay"].toolTip()
    window.document.set("optimizer.lr", 0.5)
    answers.give(AS_IT_WAS)
    window.actions_["run.replay"].trigger()
    wait(lambda: engines.all)
    assert engines.told == [AttemptOptions(replay=100)]
    assert engines.last.folder == stopped
    assert not window.actions_["run.replay"].isEnabled()
    assert window.actions_["run.replay"].toolTip() == window.actions_["run.resume"].toolTip()


def test_that_the_same_settings_or_another_kind_of_model_are_not_asked_about(
    window: MainWindow, stopped: RunFolder, engines: Engines, wait: Wait
) -> None:
    assert window.controllers.resume.changes() == ()
    window.document.set("model.kind", "mlp")
    assert window.controllers.resume.changes() == ()
    window.actions_["run.resume"].trigger()
    wait(lambda: engines.all)
    assert engines.last.folder == stopped


def test_that_a_branch_with_nothing_left_to_train_is_told(
    window: MainWindow, stopped: RunFolder, answers: Answers, engines: Engines
) -> None:
    newest = stopped.checkpoints / f"step-{STEPS:08d}.json"
    newest.write_text('{"epoch": 1}')
    window.document.set("training.epochs", 1)
    answers.give(AS_NEW_RUN)
    window.actions_["run.resume"].trigger()
    dialog = window.findChildren(ReportDialog)[-1]
    assert "1 epoch is completed at the checkpoint" in dialog.text
    dialog.close()
    assert not engines.all
    assert len(list_runs(stopped.path.parent)) == 1
