"""Training from the terminal: what is printed where, and the exit statuses."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from tests.cli.conftest import Workbench
from tests.waiting import HANG_SECONDS, until
from workbench.launch import process
from workbench.runs import history, trust
from workbench.runs.folder import RunFolder, list_runs

Program = Callable[..., "Popen[str]"]


def test_that_train_prints_its_result_as_the_last_line_of_standard_output(workbench: Workbench) -> None:
    said = workbench("train", "digits-mlp", "--set", "training.epochs=2", "--json")
    run = list_runs()[0]
    assert said.status == 0
    assert len(said.out.splitlines()) == 1
    assert said.data["run"] == str(run.path)
    assert (said.data["status"], said.data["epochs"], said.data["steps"]) == ("completed", 2, 20)
    assert said.data["samples_per_second"] == pytest.approx(1000.0)
    assert said.data["train"] == {"loss": 0.5, "accuracy": 0.9, "samples": 80.0}
    assert said.data["val"]["accuracy"] == 0.82
    best = said.data["best"]
    checkpoint = best.pop("checkpoint")
    assert best == {"epoch": 2, "metric": "val accuracy", "value": 0.82}
    assert Path(checkpoint).is_absolute()
    assert Path(checkpoint).is_file()


def test_that_train_tells_every_epoch_on_standard_error(workbench: Workbench) -> None:
    said = workbench("train", "digits-mlp", "--set", "training.epochs=3")
    assert said.out == ""
    assert [line.split(" · ")[0] for line in said.err.splitlines() if line.startswith("epoch")] == [
        "epoch 1/3",
        "epoch 2/3",
        "epoch 3/3",
    ]
    assert "completed: 3 epochs" in said.err.splitlines()


def test_that_a_loss_that_is_no_number_is_null_in_json(workbench: Workbench, plays: Callable[[str], None]) -> None:
    plays("nan")
    said = workbench("train", "digits-mlp", "--set", "training.epochs=1", "--json")
    assert said.data["train"]["loss"] is None


def test_that_a_failed_run_says_what_and_what_to_do(workbench: Workbench, plays: Callable[[str], None]) -> None:
    plays("fail")
    said = workbench("train", "digits-mlp", "--json")
    assert said.status == 1
    assert "The loss is not a number (lower the learning rate)" in said.err.splitlines()
    assert (said.data["status"], said.data["what"]) == ("failed", "The loss is not a number")
    assert "Traceback" not in said.err


def test_that_an_engine_which_refuses_the_request_ends_with_status_2(
    workbench: Workbench, plays: Callable[[str], None]
) -> None:
    plays("refuse")
    said = workbench("train", "digits-mlp", "--json")
    assert said.status == 2
    assert "dataset.path: there is no folder /nowhere (choose another one)" in said.err.splitlines()
    assert said.data["hint"] == "choose another one"


def test_that_an_engine_which_was_killed_is_a_failed_run(workbench: Workbench, plays: Callable[[str], None]) -> None:
    plays("die")
    said = workbench("train", "digits-mlp", "--json")
    assert said.status == 1
    assert said.data["what"] == process.KILLED


def test_that_every_mistake_of_a_request_is_a_line_with_its_path_and_status_2(workbench: Workbench) -> None:
    said = workbench("train", "digits-mlp", "--json", "--set", "training.epochs=0", "--set", "optimizer.lrr=1")
    assert said.status == 2
    assert [line.split(":")[0] for line in said.err.splitlines()] == ["training.epochs", "optimizer.lrr"]
    assert said.data["status"] == "refused"
    assert [problem["path"] for problem in said.data["problems"]] == ["training.epochs", "optimizer.lrr"]
    assert list_runs() == []


def test_that_a_start_that_does_not_exist_is_refused_with_the_names_that_do(workbench: Workbench) -> None:
    said = workbench("train", "digit-cnn")
    assert said.status == 2
    assert "digits-cnn" in said.err


def test_that_a_folder_of_runs_that_cannot_be_used_is_a_wrong_request(workbench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = workbench("train", "digits-mlp", "--runs", str(tmp_path / "file"))
    assert said.status == 2
    assert said.err.startswith("--runs: ")


def test_that_a_relative_path_is_taken_from_where_it_was_typed(workbench: Workbench) -> None:
    said = workbench("new", "image-folder", "--set", "dataset.path=some pictures/그림")
    run = RunFolder(Path(said.out.strip()))
    assert run.config().as_data()["dataset"]["path"] == str(Path.cwd() / "some pictures" / "그림")


def test_that_a_relative_path_in_a_run_file_is_taken_from_that_file(workbench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[dataset]\nkind = "table"\npath = "data.csv"\n[model]\nkind = "mlp"\n')
    said = workbench("new", str(tmp_path / "own.toml"))
    assert RunFolder(Path(said.out.strip())).config().as_data()["dataset"]["path"] == str(tmp_path / "data.csv")


def test_that_new_makes_a_run_without_starting_it_and_prints_its_path_alone(
    workbench: Workbench, tmp_path: Path
) -> None:
    said = workbench("new", "digits-cnn", "--name", "my first", "--runs", str(tmp_path))
    run = RunFolder(Path(said.out.rstrip("\n")))
    assert run.path.parent == tmp_path
    assert run.name.endswith("-my-first")
    assert run.attempts() == 0
    assert said.err == ""


def test_that_a_run_begins_under_the_name_of_its_recipe(workbench: Workbench) -> None:
    workbench("new", "digits-mlp")
    assert list_runs()[0].name.endswith("-digits-mlp")


def test_that_a_complete_run_is_resumed_only_with_more_epochs(workbench: Workbench) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    refused = workbench("resume", "digits-mlp")
    assert refused.status == 2
    assert "complete" in refused.err
    assert workbench("resume", "digits-mlp", "--epochs", "2").status == 2
    said = workbench("resume", "digits-mlp", "--epochs", "4", "--json")
    assert (said.status, said.data["epochs"], said.data["attempt"]) == (0, 4, 2)


def test_that_a_run_without_checkpoint_begins_anew_and_says_so(
    workbench: Workbench, make_run: Callable[..., RunFolder]
) -> None:
    run = make_run()
    said = workbench("resume", str(run.path))
    assert said.status == 0
    assert "has no checkpoint: it starts from the beginning" in said.err


def test_that_a_run_that_is_going_is_not_resumed(workbench: Workbench, going: Callable[[], RunFolder]) -> None:
    said = workbench("resume", going().name)
    assert said.status == 2
    assert "is running already" in said.err


def test_that_a_run_that_does_not_exist_is_a_wrong_request(workbench: Workbench) -> None:
    said = workbench("resume", "nobody")
    assert said.status == 2
    assert "there is no run 'nobody'" in said.err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_that_an_interrupt_stops_the_run_once_its_state_is_saved(
    program: Program, plays: Callable[[str], None], number: int
) -> None:
    plays("listen")
    terminal = program("train", "digits-mlp", "--json")
    until(lambda: any(history.load(run).epoch == 1 for run in list_runs()))
    terminal.send_signal(number)
    out, err = terminal.communicate(timeout=HANG_SECONDS)
    assert terminal.returncode == 130
    assert '"status": "stopped"' in out
    assert "stopping: the state is saved first" in err
    assert (list_runs()[0].checkpoints / "step-00000010.pt").is_file()
    assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_that_a_second_interrupt_ends_a_run_that_does_not_listen(
    program: Program, plays: Callable[[str], None]
) -> None:
    plays("deaf")
    terminal = program("train", "digits-mlp")
    until(lambda: any(history.load(run).epoch == 1 for run in list_runs()))
    run = list_runs()[0]
    terminal.send_signal(signal.SIGINT)
    until(lambda: any(run.commands.glob("*.json")))
    terminal.send_signal(signal.SIGINT)
    _, err = terminal.communicate(timeout=HANG_SECONDS)
    assert terminal.returncode == 1  # 130 would promise a checkpoint
    assert "quitting without saving" in err
    assert not run.is_running()
    assert history.load(run).state == "failed"


def test_that_the_run_goes_on_when_nobody_reads_standard_output(program: Program) -> None:
    read, write = os.pipe()
    terminal = program("train", "digits-mlp", "--set", "training.epochs=2", "--json", stdout=write)
    os.close(write)
    os.close(read)
    _, err = terminal.communicate(timeout=HANG_SECONDS)
    assert terminal.returncode == 0
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
    assert history.load(list_runs()[0]).state == "completed"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_that_a_terminal_gets_a_line_that_moves_and_its_cursor_back(program: Program) -> None:
    ours, theirs = os.openpty()
    terminal = program("train", "digits-mlp", "--set", "training.epochs=2", "--name", "shown", stderr=theirs)
    os.close(theirs)
    shown = b"".join(iter(lambda: read_terminal(ours), b"")).decode()
    os.close(ours)
    assert terminal.wait(HANG_SECONDS) == 0
    assert "\x1b[?25l" in shown  # the cursor is hidden while the line moves,
    assert shown.rindex("\x1b[?25h") < shown.index("completed: 2 epochs")  # and shown again before the last words
    assert "shown" in shown
    assert "completed · epoch 2/2 · loss 0.5 · 1,000 samples/s" in shown


def read_terminal(file: int) -> bytes:
    """What was written to the other end; nothing once that is closed, which Linux tells as an error."""
    try:
        return os.read(file, 65536)
    except OSError:
        return b""


def test_that_changed_settings_make_a_branch_when_a_run_is_resumed(
    workbench: Workbench, plays: Callable[[str], None]
) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    parent = list_runs()[0]
    said = workbench("resume", "digits-mlp", "--set", "optimizer.lr=0.5", "--epochs", "4", "--json")
    assert said.status == 0
    branch = RunFolder(Path(said.data["run"]))
    assert branch != parent
    assert f"{branch.name} continues {parent.name} from step 20 (2 epochs completed), with " in said.err
    assert "Learning rate 0.001 → 0.5" in said.err
    assert "epoch 1" not in said.err
    assert [epoch.epoch for epoch in history.load(branch).epochs] == [1, 2, 3, 4]
    assert history.load(parent).epoch == 2
    listed = workbench("runs", "--json").data["runs"]
    assert {row["name"]: (row["parent"] or {}).get("run") for row in listed} == {
        branch.name: parent.name,
        parent.name: None,
    }
    assert f"continues {parent.name}" in workbench("runs").out
    assert "epoch 2/" not in workbench("follow", branch.name).out


def test_that_the_settings_a_run_has_already_make_no_branch(workbench: Workbench) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    said = workbench("resume", "digits-mlp", "--set", "training.epochs=2", "--epochs", "3")
    assert said.status == 0
    assert "the run itself is resumed" in said.err
    assert len(list_runs()) == 1


def test_that_a_run_file_may_begin_from_a_run_or_a_checkpoint(workbench: Workbench) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    parent = list_runs()[0]
    assert workbench("train", "digits-cnn", "--from", parent.name, "--name", "first").status == 0
    saved = parent.checkpoints / "step-00000010.pt"
    assert workbench("train", "digits-cnn", "--from", str(saved), "--name", "second").status == 0
    by_name = {run.name.split("-", 2)[-1]: history.row(run).parent for run in list_runs()}
    assert [(found.epoch, found.step) for found in (by_name["first"], by_name["second"]) if found] == [(2, 20), (1, 10)]


def test_that_what_a_branch_cannot_begin_from_is_refused(workbench: Workbench, tmp_path: Path) -> None:
    nowhere = workbench("train", "digits-mlp", "--from", str(tmp_path / "no.pt"))
    assert (nowhere.status, nowhere.err[:36]) == (2, "--from: there is no checkpoint " + str(tmp_path)[:5])
    (tmp_path / "some.pt").write_bytes(b"PK")
    assert "the step of" in workbench("train", "digits-mlp", "--from", str(tmp_path / "some.pt")).err
    made = workbench("new", "digits-mlp").out.strip()
    unsaved = workbench("resume", made, "--set", "optimizer.lr=0.5")
    assert unsaved.status == 2
    assert "has no checkpoint to continue from" in unsaved.err
    workbench("train", "digits-mlp", "--set", "training.epochs=2", "--name", "done")
    over = workbench("resume", "done", "--set", "optimizer.lr=0.5")
    assert over.status == 2
    assert over.err.startswith("training.epochs: 2 epochs are completed at the checkpoint")


def test_that_new_trusts_a_file_for_good(workbench: Workbench, tmp_path: Path) -> None:
    file = tmp_path / "points.py"
    file.write_text("points = []")
    said = workbench("new", "digits-mlp", "--trust", str(file))
    assert said.status == 0
    assert trust.was_trusted(file)
    assert trust.trusted(trust.content_hash(file))
    file.write_text("points = [1]")
    assert not trust.trusted(trust.content_hash(file))
    assert workbench("new", "digits-mlp", "--trust", str(tmp_path / "none.py")).status == 2
