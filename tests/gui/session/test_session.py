"""The session: alone starts and stops runs, shows one and keeps an eye on the one that goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QThread

from tests.gui.scripted import STEPS, Engine, Engines
from tests.waiting import HANG_SECONDS
from workbench.config.run import RunConfig
from workbench.gui.preferences import Preferences
from workbench.gui.runs.overlays import Overlays
from workbench.gui.session.engine_thread import EngineThread
from workbench.gui.session.run_watcher import RunWatcher
from workbench.gui.session.session import Session
from workbench.launch import inline
from workbench.runs.attempt_options import PLAIN, AttemptOptions
from workbench.runs.events import Ended
from workbench.runs.folder import RunFolder, create
from workbench.runs.progress import Progress

Wait = Callable[[Callable[[], object]], None]
pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def session(engines: Engines) -> Iterator[Session]:
    made = Session(Preferences())
    yield made
    made.close()


def _stopped(session: Session, wait: Wait, runs: Path) -> RunFolder:
    """A run that was stopped before, and is shown."""
    folder = create(RunConfig(), "old", runs)
    first = Engine(folder)
    first.begin()
    first.end("stopped")
    session.show(folder)
    wait(lambda: session.state == "ended")
    return folder


def _trained(session: Session, engines: Engines, wait: Wait) -> Engine:
    session.train(RunConfig(), "digits")
    wait(lambda: engines.all)
    engines.last.begin()
    wait(lambda: session.state == "running")
    return engines.last


def test_that_a_run_goes_from_starting_over_running_to_its_end(session: Session, engines: Engines, wait: Wait) -> None:
    states: list[str] = []
    session.state_changed.connect(states.append)
    engine = _trained(session, engines, wait)
    engine.train_epoch()
    engine.end()
    wait(lambda: session.state == "ended")
    assert list(dict.fromkeys(states)) == ["starting", "running", "ended"]
    assert session.progress.epoch == 1
    assert session.progress.state == "completed"
    assert len(session.progress.curves.loss) == STEPS


def test_that_pause_and_unpause_reach_the_engine(session: Session, engines: Engines, wait: Wait) -> None:
    engine = _trained(session, engines, wait)
    session.pause()
    wait(lambda: session.state == "paused")
    session.unpause()
    wait(lambda: session.state == "running")
    assert [command.name for command in engine.heard] == ["pause", "unpause"]


def test_that_a_released_run_goes_on_with_another_engine(session: Session, engines: Engines, wait: Wait) -> None:
    engine = _trained(session, engines, wait)
    engine.train_epoch()
    session.release()
    assert session.state == "stopping"
    wait(lambda: session.state == "ended")
    assert (session.progress.state, session.active_run) == ("paused", None)
    assert session.progress.checkpoints[-1].why == "pause"
    session.unpause()
    wait(lambda: len(engines.all) == 2)
    engines.last.begin(from_step=STEPS)
    wait(lambda: session.state == "running")
    assert session.progress.attempt == 2


def test_that_a_released_run_goes_on_from_a_later_window(engines: Engines, wait: Wait) -> None:
    first = Session(Preferences())
    engine = _trained(first, engines, wait)
    engine.train_epoch()
    first.pause()
    wait(lambda: first.state == "paused")
    first.release()
    wait(lambda: first.state == "ended")
    folder = first.folder
    first.close()
    assert folder is not None
    later = Session(Preferences())
    assert not later.attach_active_run()
    later.show(folder)
    wait(lambda: later.history_loaded)
    assert (later.state, later.progress.state) == ("ended", "paused")
    later.unpause()
    wait(lambda: len(engines.all) == 2)
    engines.last.begin(from_step=STEPS)
    wait(lambda: later.state == "running")
    later.close()


def test_that_stop_saves_and_ends(session: Session, engines: Engines, wait: Wait) -> None:
    engine = _trained(session, engines, wait)
    engine.train_epoch()
    session.stop()
    assert session.state == "stopping"
    wait(lambda: session.state == "ended")
    assert session.progress.state == "stopped"
    assert session.progress.checkpoints[-1].why == "stop"
    assert session.can_resume


def test_that_a_stop_before_the_run_began_is_heard_when_it_begins(
    session: Session, engines: Engines, wait: Wait
) -> None:
    session.train(RunConfig(), "digits")
    session.stop()
    wait(lambda: session.state == "ended")
    assert engines.last.heard[0].attempt == 1


def test_that_an_engine_that_does_not_stop_in_time_may_be_killed(
    session: Session, engines: Engines, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.gui.session.run_watcher.STOP_PATIENCE_MS", 50)
    engine = _trained(session, engines, wait)
    engine.deaf = True
    asked: list[bool] = []
    session.stop_unanswered.connect(lambda: asked.append(True))
    session.stop()
    wait(lambda: asked)
    assert session.state == "stopping"
    kill, killers = engine.kill, list[threading.Thread]()

    def seen_kill() -> None:
        killers.append(threading.current_thread())
        kill()

    monkeypatch.setattr(engine, "kill", seen_kill)
    session.kill()
    wait(lambda: session.state == "ended")
    assert killers
    assert threading.main_thread() not in killers  # what the engine left is read, and that may take long
    assert engine.killed
    assert session.progress.state == "failed"


def test_that_an_engine_that_died_silently_leaves_a_run_that_is_cut_off(
    session: Session, engines: Engines, wait: Wait
) -> None:
    engine = _trained(session, engines, wait)
    engine.train_epoch()
    engine.leave(-9)
    wait(lambda: session.state == "ended")
    assert session.progress.state == "interrupted"
    assert session.progress.epoch == 1


def test_that_resume_goes_on_with_the_next_attempt(session: Session, engines: Engines, wait: Wait) -> None:
    engine = _trained(session, engines, wait)
    engine.train_epoch()
    session.stop()
    wait(lambda: session.state == "ended")
    assert session.folder is not None
    session.resume(session.folder, AttemptOptions(epochs=5))
    assert session.state == "starting"
    wait(lambda: len(engines.all) == 2)
    engines.last.begin(from_step=STEPS)
    wait(lambda: session.state == "running")
    assert session.progress.attempt == 2
    assert len(session.progress.curves.loss) == STEPS
    assert engines.told == [PLAIN, AttemptOptions(epochs=5)]


def test_that_one_run_goes_at_a_time(session: Session, engines: Engines, wait: Wait) -> None:
    _trained(session, engines, wait)
    said: list[str] = []
    session.failed.connect(said.append)
    session.train(RunConfig(), "second")
    assert len(engines.all) == 1
    assert "stop it first" in said[0]


def test_that_a_run_busy_elsewhere_is_said_and_the_session_lives(
    session: Session, engines: Engines, wait: Wait, runs: Path
) -> None:
    folder = create(RunConfig(), "busy", runs)
    other = Engine(folder)
    said: list[str] = []
    session.failed.connect(said.append)
    session.resume(folder)
    wait(lambda: said)
    assert "is running already" in said[0]
    other.leave(0)


def test_that_a_run_busy_elsewhere_is_followed_after_the_refusal(
    session: Session, engines: Engines, wait: Wait, runs: Path
) -> None:
    folder = create(RunConfig(), "busy", runs)
    other = Engine(folder)
    session.start_standby()
    session.resume(folder)
    other.begin()
    other.train_epoch()
    wait(lambda: session.state == "running" and session.progress.epoch == 1)
    assert engines.standbys[0].closed
    other.end("stopped")
    wait(lambda: session.state == "ended")
    assert session.progress.state == "stopped"


def test_that_resume_is_refused_while_an_engine_is_at_work_elsewhere_and_offered_when_it_has_left(
    session: Session, engines: Engines, wait: Wait, runs: Path
) -> None:
    folder = _stopped(session, wait, runs)
    offered: list[bool] = []
    session.runs_changed.connect(lambda: offered.append(session.can_resume))
    other = Engine(folder)  # it loads, and has said nothing yet
    assert "still working" in session.resume_refusal()
    other.begin()
    wait(lambda: session.state == "running")
    other.say(Ended(status="stopped"))
    wait(lambda: session.state == "ended")
    assert not session.can_resume
    other.leave(0)
    wait(lambda: offered and offered[-1])


def test_that_another_run_can_be_shown_while_one_goes(
    session: Session, engines: Engines, wait: Wait, runs: Path
) -> None:
    old = create(RunConfig(), "old", runs)
    Engine(old).train()
    engine = _trained(session, engines, wait)
    going = session.folder
    session.show(old)
    wait(lambda: session.progress.state == "completed")
    assert session.state == "ended"
    assert session.active_run == going
    assert "stop it first" in session.resume_refusal()
    engine.train_epoch()
    assert going is not None
    session.show(going)
    wait(lambda: session.state == "running" and session.progress.epoch == 1)


def test_that_a_run_that_ends_in_the_background_is_let_go(
    session: Session, engines: Engines, wait: Wait, runs: Path
) -> None:
    old = create(RunConfig(), "old", runs)
    Engine(old).train()
    engine = _trained(session, engines, wait)
    session.show(old)
    engine.end()
    wait(lambda: session.active_run is None)
    assert session.folder == old


def test_that_a_run_going_since_an_earlier_window_is_found(
    session: Session, engines: Engines, wait: Wait, runs: Path
) -> None:
    folder = create(RunConfig(), "left", runs)
    engine = engines.start(folder)
    engine.begin()
    engine.train_epoch()
    assert session.attach_active_run()
    wait(lambda: session.state == "running")
    assert session.folder == folder
    assert session.progress.epoch == 1
    session.stop()
    wait(lambda: session.state == "ended")
    assert session.progress.state == "stopped"


def test_that_a_run_begun_elsewhere_hears_a_stop_while_it_still_loads(
    session: Session, engines: Engines, wait: Wait, runs: Path
) -> None:
    folder = create(RunConfig(), "elsewhere", runs)
    engine = engines.start(folder)
    session.show(folder)
    wait(lambda: session.state == "starting")
    session.stop()
    wait(lambda: engine.heard)
    assert [(command.name, command.attempt) for command in engine.heard] == [("stop", 1)]
    wait(lambda: session.state == "ended")


def test_that_a_run_resumed_elsewhere_comes_alive_in_the_window(
    session: Session, engines: Engines, wait: Wait, runs: Path
) -> None:
    folder = _stopped(session, wait, runs)
    engines.start(folder).begin()
    wait(lambda: session.state == "running")


def test_that_closing_leaves_the_run_going(engines: Engines, wait: Wait) -> None:
    session = Session(Preferences())
    engine = _trained(session, engines, wait)
    session.close()
    assert engine.alive
    assert not engine.heard


def test_that_the_standby_engine_is_taken_and_renewed_after_the_run(
    session: Session, engines: Engines, wait: Wait
) -> None:
    session.start_standby()
    assert engines.standbys[0].started
    engine = _trained(session, engines, wait)
    assert engines.taken == [engines.standbys[0]]
    assert len(engines.standbys) == 1
    engine.end()
    wait(lambda: len(engines.standbys) == 2)
    session.close()
    assert engines.standbys[1].closed
    assert not engines.standbys[0].closed


def test_that_a_checkpoint_from_elsewhere_becomes_a_run_of_its_own(
    session: Session, engines: Engines, wait: Wait, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "given.pt"
    checkpoint.write_bytes(b"weights")
    session.adopt(checkpoint, RunConfig(), "given", 46)
    wait(lambda: engines.all)
    folder = engines.last.folder
    assert session.folder == folder
    assert (folder.checkpoints / "step-00000046.pt").read_bytes() == b"weights"
    assert folder.config() == RunConfig()
    assert checkpoint.exists()


def test_that_a_checkpoint_that_cannot_be_copied_is_said_and_leaves_no_run(
    session: Session, wait: Wait, runs: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    session.failed.connect(said.append)
    session.adopt(tmp_path / "gone.pt", RunConfig(), "gone", 46)
    wait(lambda: said)
    assert said == ["gone.pt cannot be copied: No such file or directory."]
    assert list(runs.iterdir()) == []


def test_that_a_runs_folder_that_cannot_be_made_is_said(engines: Engines, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    session = Session(Preferences(runs_folder=str(tmp_path / "file")))
    said: list[str] = []
    session.failed.connect(said.append)
    session.train(RunConfig(), "digits")
    session.close()
    assert "cannot be created" in said[0]
    assert session.folder is None


def test_that_with_the_preference_a_run_is_computed_in_this_process(
    engines: Engines, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def compute(folder: RunFolder, request: AttemptOptions = PLAIN) -> int:
        threads.append(threading.current_thread().name)
        Engine(folder, request.epochs or 3).train()
        return 0

    monkeypatch.setattr(inline, "run_inline", compute)
    session = Session(Preferences(run_in_window=True))
    session.start_standby()
    session.train(RunConfig(), "here")
    wait(lambda: session.state == "ended")
    session.close()
    assert session.folder is None
    assert threads != [threading.main_thread().name]
    assert not engines.all
    assert not engines.standbys


def test_that_a_long_history_is_folded_before_it_is_shown(engines: Engines, wait: Wait, runs: Path) -> None:
    folder = create(RunConfig(), "long", runs)
    engine = Engine(folder, epochs=40)
    engine.train()
    watch = RunWatcher(RunFolder(folder.path))
    batches: list[Any] = []
    watch.progressed.connect(lambda: batches.append(1))
    wait(lambda: watch.history_loaded)
    assert watch.progress.epoch == 40
    assert not batches
    watch.close()


@pytest.fixture
def pieces_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events were folded at a time, of files that are read in small pieces."""
    monkeypatch.setattr("workbench.runs.events.PIECE_BYTES", 2000)
    read: list[int] = []
    fold = Progress.apply_all

    def count(progress: Progress, events: Any) -> None:
        read.append(len(events))
        fold(progress, events)

    monkeypatch.setattr(Progress, "apply_all", count)
    return read


def test_that_a_long_history_can_be_left_unread(engines: Engines, runs: Path, pieces_read: list[int]) -> None:
    folder = create(RunConfig(), "long", runs)
    Engine(folder, epochs=40).train()
    thread = EngineThread(folder, None)
    opened: list[Progress] = []
    thread.opened.connect(opened.append)
    thread.request_end()
    thread.run()
    assert pieces_read == []
    assert opened == []
    whole = EngineThread(folder, None)
    whole.opened.connect(whole.request_end)
    whole.run()
    assert len(pieces_read) > 10


def test_that_runs_laid_over_are_not_read_to_their_end_when_nobody_wants_them_any_more(
    engines: Engines, runs: Path, pieces_read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = create(RunConfig(), "long", runs)
    Engine(folder, epochs=40).train()
    overlays = Overlays()
    first, go_on = threading.Event(), threading.Event()
    fold = Progress.apply_all

    def hold(progress: Progress, events: Any) -> None:
        first.set()
        assert go_on.wait(HANG_SECONDS)
        fold(progress, events)

    def interrupt(loading: QThread) -> None:
        QThread.requestInterruption(loading)
        go_on.set()

    monkeypatch.setattr(Progress, "apply_all", hold)
    monkeypatch.setattr("workbench.gui.runs.overlays._LoadingThread.requestInterruption", interrupt)
    overlays.load([folder])
    assert first.wait(HANG_SECONDS)
    overlays.close()
    assert 0 < sum(pieces_read) < 20  # of more than a hundred events
