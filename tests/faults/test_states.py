"""The session under any sequence of what a person, the system or bad luck may do to a run.

Whatever happened: the window shows what the run's own last events say, a run has at most one engine, and no action is offered that
cannot work. Folders and processes are real; in short runs an understudy without torch plays the engine. Long with ``-m campaign``.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from pytestqt.qtbot import QtBot

from tests.cli import terminal
from tests.gate import Gate
from tests.waiting import HANG_MS, end_runs, living_children
from workbench.config import files
from workbench.config.recipes import start
from workbench.config.run import RunConfig
from workbench.gui.actions import ENTRIES, MenuEntry
from workbench.gui.preferences import Preferences
from workbench.gui.session.session import Session
from workbench.gui.shell.controllers import Controllers
from workbench.launch import process
from workbench.runs import checkpoints, folder, history
from workbench.runs.checkpoints import CheckpointInfo
from workbench.runs.folder import RunFolder, list_runs, number, read_json

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
GOING = ("running", "paused")
REFUSALS = {entry.id: entry.refusal for entry in ENTRIES if isinstance(entry, MenuEntry)}


class States(RuleBasedStateMachine):
    """A window's session and what may happen around it. A test puts in how to wait and what to train."""

    wait: Callable[[Callable[[], object]], None]
    config: RunConfig

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(Preferences())
        self.told: list[str] = []
        self.session.failed.connect(self.told.append)
        self.pids: set[int] = set()

    # --- what a person does ---

    @precondition(lambda self: self.session.active_run is None)
    @rule()
    def start(self) -> None:
        """Train."""
        before = self.session.folder if self._exists() else None
        self.session.train(self.config, "states")
        # One that was deleted a moment ago has left its name.
        assert self.session.folder != before
        self._wait_for("running")

    @precondition(lambda self: self.session.state == "running")
    @rule()
    def pause(self) -> None:
        """Pause."""
        self.session.pause()
        self._wait_for("paused")

    @precondition(lambda self: self._offered("run.pause") and self.session.progress.state == "paused")
    @rule()
    def unpause(self) -> None:
        """Continue, with the same engine or with another one."""
        self.session.unpause()
        self._wait_for("running")

    @precondition(lambda self: self._offered("run.release"))
    @rule()
    def release(self) -> None:
        """Pause and free the device."""
        self.session.release()
        self._wait_for("ended")
        assert self.session.progress.state == "paused"

    @precondition(lambda self: self._offered("run.stop"))
    @rule()
    def stop(self) -> None:
        """Stop."""
        self.session.stop()
        self._wait_for("ended")
        assert self.session.progress.state == "stopped"

    @precondition(lambda self: self.session.state in GOING)
    @rule()
    def save(self) -> None:
        """Save a checkpoint."""
        before = len(self.session.progress.log)
        self.session.save()
        self.wait(lambda: any("sav" in line.text for line in self.session.progress.log[before:]))

    @precondition(lambda self: self._offered("run.resume"))
    @rule()
    def resume(self) -> None:
        """Resume."""
        assert self.session.folder is not None
        self.session.resume(self.session.folder)
        self._wait_for("running")

    @precondition(lambda self: self._offered("run.resume") and self._newest() is not None)
    @rule()
    def branch(self) -> None:
        """Resume with a changed setting."""
        before, newest = self.session.folder, self._newest()
        assert newest is not None
        self.session.branch(newest, files.change(self.config, {"optimizer.lr": 0.002}), "branch")
        assert not self._offered("run.resume")
        self.wait(lambda: self.session.folder != before)
        self._wait_for("running")

    @rule()
    def ask_for_what_is_not_offered(self) -> None:
        """Commands to a run that is not going: nobody hears them, and nothing happens."""
        if self.session.active_run is None:
            for command in (self.session.pause, self.session.save, self.session.stop, self.session.release):
                command()
            assert self.session.active_run is None

    # --- what happens to it ---

    @precondition(lambda self: self.session.state in GOING)
    @rule()
    def kill_the_engine(self) -> None:
        """The system ends the engine without asking."""
        assert self.session.folder is not None
        os.kill(int(number(read_json(self.session.folder.engine_file), "pid")), signal.SIGKILL)
        self._wait_for("ended")
        assert self.session.progress.state in ("failed", "interrupted")

    @rule()
    def reopen(self) -> None:
        """The window is closed, and another one opened."""
        folder = self.session.folder
        self.session.close()
        self.session = Session(Preferences())
        self.session.failed.connect(self.told.append)
        if not self.session.attach_active_run() and folder is not None and folder.is_run():
            self.session.show(folder)
        self.wait(lambda: self.session.history_loaded)

    @precondition(lambda self: self.session.active_run is None and self._exists())
    @rule()
    def delete(self) -> None:
        """Somebody deletes the folder of the run shown."""
        assert self.session.folder is not None
        shutil.rmtree(self.session.folder.path)

    # --- what always holds ---

    @invariant()
    def shows_what_the_run_said(self) -> None:
        """The window is where the run's own events are."""
        folder = self.session.folder
        if folder is None or not folder.is_run():
            return

        def same() -> bool:
            told = history.load(folder)
            shown = self.session.progress
            rests = shown.state == told.state and shown.attempt == told.attempt
            return rests and (told.state == "running" or shown.step == told.step) and self._fits(told.state, told.ended)

        self.wait(same)

    @invariant()
    def has_one_engine_at_most(self) -> None:
        """One that says goodbye may still be on its way out."""
        for run in list_runs():
            self.wait(lambda run=run: len(engines_of(run)) <= 1)  # type: ignore[misc]

    @invariant()
    def offers_only_what_can_work(self) -> None:
        """Every action that is on finds what it needs."""
        folder = self.session.folder
        goes = folder is not None and folder.is_running()
        exists = folder is not None and folder.is_run()
        for name in ("run.stop", "run.release"):
            assert not self._offered(name) or goes, name
        assert (
            not self._offered("run.pause") or goes or (exists and history.state(cast("RunFolder", folder)) == "paused")
        )
        assert not self._offered("run.resume") or (exists and not goes)
        assert not self.told, self.told

    def teardown(self) -> None:
        """Nothing goes on."""
        self.session.close()
        end_runs()
        for run in list_runs():
            shutil.rmtree(run.path)

    def _wait_for(self, state: str) -> None:
        """Until the session is in that state, and not just on the way to it."""
        self.wait(lambda: self.session.state == state)
        if state == "running":
            self.wait(lambda: self.session.progress.epoch > 0)

    def _exists(self) -> bool:
        return self.session.folder is not None and self.session.folder.is_run()

    def _newest(self) -> CheckpointInfo | None:
        return checkpoints.latest(self.session.folder.checkpoints) if self.session.folder is not None else None

    def _fits(self, told: str, ended: object) -> bool:
        if told in GOING and ended is None:
            return self.session.state == told
        return self.session.state == ("idle" if told == "new" else "ended")

    def _offered(self, name: str) -> bool:
        to = cast("Controllers", SimpleNamespace(session=self.session))
        return REFUSALS[name](to) == ""


def engines_of(run: RunFolder) -> list[psutil.Process]:
    """The processes that were started for a run and are there still."""
    return living_children(str(run.path.resolve()))


@pytest.fixture
def machine(qapp: Any, qtbot: QtBot, gate: Gate) -> type[States]:
    """The machine, with this test's event loop, on a run that waits after its first epoch, and takes a step for what it is told."""
    gate.close_after(1)

    class Here(States):
        config = files.change(
            start("linear-regression")[1], {"training.epochs": 1000, "output.checkpoint_every": "1000"}
        )

        @staticmethod
        def wait(condition: Callable[[], object]) -> None:
            qtbot.waitUntil(lambda: bool(condition()), timeout=HANG_MS)

    return Here


@pytest.fixture
def understudy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that are processes of their own and answer at once, without torch."""
    monkeypatch.setattr(process, "interpreter", terminal.interpreter)
    monkeypatch.setenv("PYTHONPATH", str(terminal.FAKE_ENGINE.parents[2]))
    monkeypatch.setenv("FAKE_ENGINE", "listen")


def _drive(machine: type[States], examples: int, steps: int) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # to shrink a sequence would take hundreds of engines
        derandomize=examples < 10,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)


@pytest.mark.usefixtures("understudy")
@pytest.mark.parametrize(
    "examples, steps",
    [pytest.param(3, 12, id="short"), pytest.param(200, 40, id="long", marks=pytest.mark.campaign)],
)
def test_that_the_window_is_right_whatever_happens(machine: type[States], examples: int, steps: int) -> None:
    _drive(machine, examples, steps)


@pytest.mark.campaign
def test_that_the_window_is_right_whatever_happens_to_real_engines(machine: type[States]) -> None:
    _drive(machine, 40, 25)


def test_that_the_window_is_right_through_the_life_of_a_real_run(machine: type[States]) -> None:
    _live(
        machine,
        "start pause save unpause kill_the_engine reopen resume release reopen unpause reopen stop branch stop delete reopen",
    )


@pytest.mark.usefixtures("understudy")
def test_that_a_run_with_the_name_of_a_deleted_one_is_another(
    machine: type[States], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "datetime", SimpleNamespace(now=lambda: datetime(2026, 1, 1)))
    _live(machine, "start stop delete start pause unpause kill_the_engine delete start reopen stop delete reopen")


def _live(machine: type[States], life: str) -> None:
    states = machine()
    try:
        for event in life.split():
            getattr(states, event)()
            states.shows_what_the_run_said()
            states.has_one_engine_at_most()
            states.offers_only_what_can_work()
    finally:
        states.teardown()
