"""Engines as processes: started, taken from standby, killed, left alone, and never two on one run."""

import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from tests.gate import Gate
from tests.waiting import HANG_SECONDS, until
from workbench.config import files
from workbench.config.recipes import start
from workbench.launch import process
from workbench.launch.follow import Follower
from workbench.launch.service import Service, ServiceReply
from workbench.runs import history
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.checkpoints import latest
from workbench.runs.commands import Command, send
from workbench.runs.events import Ended, read_events
from workbench.runs.folder import RunBusyError, RunFolder, create, write_engine
from workbench.runs.progress import Progress
from workbench.runs.service.answers import Environment
from workbench.runs.service.requests import DescribeEnvironment


def made(epochs: int) -> RunFolder:
    name, config = start("digits-mlp")
    return create(files.change(config, {"training.epochs": epochs}), name)


def test_that_a_killed_engine_is_told_its_run_saved_and_resumed(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(2)
    gate.close_after(30)  # in the second epoch
    # The window may be of a later version than its engine: what that does not know is passed over.
    own = AttemptOptions.as_data
    monkeypatch.setattr(AttemptOptions, "as_data", lambda self: {**own(self), "warp": 9})
    standby = process.Standby()
    standby.start()
    until(lambda: standby.ready)
    engine = process.start(folder, standby=standby)
    follower = Follower(folder)
    until(lambda: follower.read() is not None and follower.progress.step == 30, what="the second epoch")
    send(folder.commands, Command("save", attempt=1))
    until(lambda: any("saving" in line.text for line in history.load(folder).log), what="the answer")
    gate.close_after(31)
    until(lambda: follower.read() is not None and follower.progress.checkpoints, what="the checkpoint")
    with pytest.raises(RunBusyError):
        process.start(folder)
    found = process.attach(folder)
    assert found is not None
    assert found.pid == engine.pid
    os.kill(engine.pid, signal.SIGKILL)
    assert engine.wait(HANG_SECONDS) != 0
    progress = history.load(folder)
    assert progress.state == "failed"
    assert progress.ended is not None
    assert "was killed" in progress.ended.what
    assert "Resume" in progress.ended.hint
    assert not folder.is_running()
    newest = latest(folder.checkpoints)
    assert newest is not None
    done = newest.epoch
    gate.open()
    standby.start()
    assert process.start(folder, AttemptOptions(epochs=done + 1), standby=standby).wait(HANG_SECONDS) == 0
    progress = history.load(folder)
    assert progress.state == "completed"
    assert [epoch.epoch for epoch in progress.epochs] == list(range(1, done + 2))
    standby.close()


def test_that_two_who_find_an_engine_dead_at_once_say_its_end_once(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(1)
    write_engine(folder, 1, 999_999_999)
    both, looked = threading.Barrier(2), threading.local()
    load = history.load

    def load_together(run: RunFolder) -> Progress:
        progress = load(run)
        if not getattr(looked, "once", False):
            looked.once = True
            both.wait(HANG_SECONDS)
        return progress

    monkeypatch.setattr(history, "load", load_together)
    ends: list[Ended | None] = []
    finders = [threading.Thread(target=lambda: ends.append(process.close_unfinished(folder))) for _ in range(2)]
    for finder in finders:
        finder.start()
    for finder in finders:
        finder.join()
    said = [event for event in read_events(folder.events_file) if isinstance(event, Ended)]
    assert len(said) == 1
    assert [end.what for end in ends if end is not None] == [process.KILLED] * 2


def test_that_a_run_goes_on_when_its_starter_is_killed(gate: Gate) -> None:
    folder = made(1)
    gate.close_after(1)
    script = f"""
import pathlib, sys
from workbench.launch import process
from workbench.runs.folder import RunFolder
process.start(RunFolder(pathlib.Path({str(folder.path)!r})))
print("started", flush=True)
sys.stdin.read()
"""
    starter = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert starter.stdin is not None
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"started\n"
    until(lambda: history.load(folder).step == 1, what="the first step")
    starter.kill()
    starter.wait()
    starter.stdin.close()
    starter.stdout.close()
    engine = process.attach(folder)
    assert engine is not None
    gate.open()
    until(lambda: engine.poll() is not None)
    assert history.load(folder).state == "completed"
    assert not psutil.pid_exists(engine.pid) or psutil.Process(engine.pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(os.name == "nt", reason="a process of its own session, on systems that have them")
def test_that_closing_the_service_ends_the_workers_that_hold_its_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import os, subprocess, sys; subprocess.Popen(['sleep', '600']); print(os.getpid(), flush=True); sys.stdin.read()"

    def spawn(_arguments: list[str], *, stdin: int, stdout: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", script], stdin=stdin, stdout=stdout, start_new_session=True)

    monkeypatch.setattr("workbench.launch.service.spawn", spawn)
    service = Service(lambda _reply: None)
    service.start()
    assert service._process is not None
    found = psutil.Process(service._process.pid)
    until(found.children)
    (worker,) = found.children()
    closing = threading.Thread(target=service.close, daemon=True)
    closing.start()
    closing.join(HANG_SECONDS)
    ended = not closing.is_alive()
    if worker.is_running():
        worker.kill()
    assert ended
    closing.join(HANG_SECONDS)


def test_that_a_killed_service_says_so_and_the_next_request_finds_another() -> None:
    replies: list[ServiceReply] = []
    service = Service(replies.append)
    try:
        service.send(DescribeEnvironment())
        assert service._process is not None
        service._process.kill()
        until(lambda: len(replies) == 1)
        assert replies[0].answer is None
        assert "ended unexpectedly" in replies[0].problems[0].what
        service.send(DescribeEnvironment())
        until(lambda: len(replies) == 2)
        assert isinstance(replies[1].answer, Environment)
    finally:
        service.close()
