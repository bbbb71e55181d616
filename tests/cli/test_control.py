"""Talking to a run that is going, wherever it was started."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from tests.cli.conftest import Workbench
from tests.waiting import HANG_SECONDS, until
from workbench.cli import control
from workbench.launch import process
from workbench.runs import history
from workbench.runs.folder import RunFolder

Going = Callable[..., RunFolder]


@pytest.mark.parametrize("command", ["save", "pause", "stop"])
def test_that_a_command_waits_for_the_answer_of_the_run(workbench: Workbench, going: Going, command: str) -> None:
    run = going()
    said = workbench(command, run.name, "--json")
    assert said.status == 0
    assert said.data == {
        "run": str(run.path),
        "command": command,
        "accepted": True,
        "text": f"{run.name}: {command} heard",
    }


def test_that_pause_says_pausing_and_answers_when_the_state_is_saved(workbench: Workbench, going: Going) -> None:
    run = going()
    said = workbench("pause", run.name)
    assert said.status == 0
    assert said.err == f"{run.name}: pausing\n"
    assert said.out == f"{run.name}: pause heard\n"
    progress = history.load(run)
    assert progress.state == "paused"
    assert progress.checkpoints[-1].why == "pause"


def test_that_a_run_is_found_by_the_name_it_was_given(workbench: Workbench, going: Going) -> None:
    going()
    said = workbench("save", "trial")
    assert said.status == 0
    assert "save heard" in said.out


def test_that_a_paused_run_goes_on_at_unpause(workbench: Workbench, going: Going) -> None:
    run = going()
    assert workbench("pause", run.name).status == 0
    assert history.load(run).state == "paused"
    assert workbench("unpause", run.name).status == 0
    assert history.load(run).state == "running"


def test_that_a_command_which_the_run_refuses_ends_with_status_2(workbench: Workbench, going: Going) -> None:
    said = workbench("unpause", going().name)
    assert said.status == 2
    assert "the run is not paused" in said.err


def test_that_pause_with_release_lets_the_engine_leave_and_unpause_starts_the_next_attempt(
    workbench: Workbench, going: Going, program: Callable[..., "Popen[str]"], plays: Callable[[str], None]
) -> None:
    run = going()
    assert workbench("pause", run.name, "--release").status == 0
    until(lambda: not run.is_running())
    assert history.state(run) == "paused"
    plays("complete")
    out, err = program("unpause", run.name).communicate(timeout=HANG_SECONDS)
    assert "another one is started in the background" in out, err
    until(lambda: history.state(run) == "completed" and not run.is_running())
    assert run.attempts() == 2


@pytest.mark.parametrize("command", ["stop", "pause", "unpause", "save"])
def test_that_a_run_that_nobody_runs_cannot_be_told_anything(
    workbench: Workbench, make_run: Callable[..., RunFolder], command: str
) -> None:
    run = make_run()
    said = workbench(command, run.name)
    assert said.status == 2
    assert "it is new" in said.err
    assert list(run.commands.iterdir()) == []


def test_that_a_run_which_does_not_answer_is_said_to_be_busy(
    workbench: Workbench, going: Going, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "PATIENCE", 0.2)
    said = workbench("stop", going("deaf").name)
    assert said.status == 1
    assert "has not answered" in said.err


def test_that_follow_tells_a_run_in_words_until_its_end(workbench: Workbench) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    said = workbench("follow", "digits-mlp")
    assert said.status == 0
    lines = [line[10:] for line in said.out.splitlines()]
    assert lines[0] == "reading digits"
    assert lines[1].startswith("started on CPU, fp32; 80 training samples, 20 validation samples")
    assert lines[2].startswith("epoch 1/2 · training loss 0.5, accuracy 0.9 · validation loss 0.5, accuracy 0.81")
    assert lines[-1] == "completed: 2 epochs"


def test_that_follow_with_json_gives_each_event_and_the_result_last(workbench: Workbench) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    said = workbench("follow", "digits-mlp", "--json")
    events = [json.loads(line) for line in said.out.splitlines()[:-1]]
    assert [event["kind"] for event in events][:3] == ["phase", "started", "scalars"]
    assert events[-1]["kind"] == "ended"
    assert said.data["status"] == "completed"


@pytest.mark.parametrize("kind, status", [("complete", 0), ("fail", 1), ("refuse", 1)])
def test_that_the_exit_status_of_follow_is_that_of_the_run(
    workbench: Workbench, plays: Callable[[str], None], kind: str, status: int
) -> None:
    plays(kind)
    workbench("train", "digits-mlp")
    assert workbench("follow", "digits-mlp").status == status


def test_that_follow_says_when_a_run_was_cut_off(workbench: Workbench, going: Going) -> None:
    run = going("deaf")
    engine = process.attach(run)
    assert engine is not None
    kill_unseen(engine.pid)
    until(lambda: not run.is_running())
    said = workbench("follow", run.name)
    assert said.status == 1
    assert "was interrupted" in said.err


def test_that_follow_does_not_wait_for_ever_for_a_run_that_nobody_starts(
    workbench: Workbench, make_run: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "START_PATIENCE", 0.2)
    said = workbench("follow", make_run().name)
    assert said.status == 2
    assert "has not been started" in said.err


def test_that_follow_sees_a_run_end_that_is_stopped_elsewhere(
    workbench: Workbench, going: Going, program: Callable[..., "Popen[str]"], tmp_path: Path
) -> None:
    run = going()
    with (tmp_path / "out").open("w") as out:
        terminal = program("follow", run.name, stdout=out)
        until(lambda: "listening" in (tmp_path / "out").read_text())
        workbench("stop", run.name)
        assert terminal.wait(HANG_SECONDS) == 130
    assert (tmp_path / "out").read_text().rstrip().endswith("stopped")


def kill_unseen(pid: int) -> None:
    """What ``kill -9`` does: nobody says the end in the engine's stead."""
    import psutil

    psutil.Process(pid).kill()
