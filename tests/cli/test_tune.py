"""Trying several things from the terminal: ``compare`` and ``tune``, with understudies for the engines."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Workbench
from workbench.runs import comparison
from workbench.runs.folder import RunFolder, list_runs

Plays = Callable[[str], None]


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Plays:
    """Tells the understudy of a finder's engine what to play."""
    return lambda kind: monkeypatch.setenv("FAKE_TUNING", kind)


# --- compare ---


def test_that_compare_trains_a_run_for_every_combination_of_values(workbench: Workbench) -> None:
    said = workbench(
        *("compare", "digits-mlp", "--set", "training.epochs=2", "--json"),
        *("--vary", "optimizer.lr=0.1,0.01", "--vary", "optimizer.kind=sgd,adam"),
    )
    assert said.status == 0
    rows = said.data["runs"]
    assert [row["label"] for row in rows] == [
        "lr 0.1, optimizer sgd",
        "lr 0.1, optimizer adam",
        "lr 0.01, optimizer sgd",
        "lr 0.01, optimizer adam",
    ]
    assert rows[2]["values"] == {"optimizer.lr": 0.01, "optimizer.kind": "sgd"}
    config = RunFolder(Path(rows[2]["run"])).config()
    assert (config.optimizer.kind, config.optimizer.lr) == ("sgd", 0.01)
    assert len({RunFolder(Path(row["run"])).config().training.seed for row in rows}) == 1


def test_that_what_was_set_holds_for_every_kind_that_has_it(workbench: Workbench) -> None:
    said = workbench(
        *("compare", "digits-mlp", "--set", "training.epochs=1", "--set", "schedule.warmup=1", "--json"),
        *("--set", "schedule.gamma=0.5", "--vary", "schedule.kind=constant,step"),
    )
    assert said.status == 2, "the recipe's own kind has no such setting"
    said = workbench(
        *("compare", "digits-mlp", "--set", "training.epochs=1", "--set", "schedule.warmup=1", "--json"),
        *("--vary", "schedule.kind=constant,step"),
    )
    schedules = [RunFolder(Path(row["run"])).config().schedule for row in said.data["runs"]]
    assert [(one.kind, one.warmup) for one in schedules] == [("constant", 1.0), ("step", 1.0)]


def test_that_paths_of_a_comparison_are_whole(
    workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = workbench(
        *("compare", "tabular-mlp", "--set", "training.epochs=1", "--set", "dataset.path=t.csv", "--json"),
        *("--vary", "dataset.path=t.csv,u.csv"),
    )
    paths = [RunFolder(Path(row["run"])).config().as_data()["dataset"]["path"] for row in said.data["runs"]]
    assert paths == [str(tmp_path / "t.csv"), str(tmp_path / "u.csv")]
    said = workbench(
        *("compare", "tabular-mlp", "--set", "training.epochs=1", "--set", "dataset.path=t.csv", "--json"),
        *("--vary", "optimizer.lr=0.1"),
    )
    assert RunFolder(Path(said.data["runs"][0]["run"])).config().as_data()["dataset"]["path"] == str(tmp_path / "t.csv")


def test_that_a_comparisons_json_tells_what_each_run_came_to(workbench: Workbench) -> None:
    said = workbench("compare", "digits-mlp", "--set", "training.epochs=2", "--vary", "optimizer.lr=0.1", "--json")
    assert len(said.out.splitlines()) == 1
    row = said.data["runs"][0]
    assert (row["status"], row["metric"], row["final"]) == ("completed", "val accuracy", 0.82)
    assert (row["best"]["epoch"], row["best"]["value"]) == (2, 0.82)
    assert row["train"]["loss"] == 0.5
    assert row["seconds"] >= 0
    assert row["initial_weights"] == "0123456789abcdef"
    assert row["first_batches"] == "fedcba9876543210"


def test_that_runs_of_a_comparison_know_each_other(workbench: Workbench, tmp_path: Path) -> None:
    said = workbench(
        *("compare", "digits-mlp", "--set", "training.epochs=1", "--vary", "optimizer.lr=0.1,0.01,0.001"),
        *("--runs", str(tmp_path), "--name", "rates", "--json"),
    )
    found = comparison.members(tmp_path, said.data["group"])
    assert [str(run.path.resolve()) for run in found] == [row["run"] for row in said.data["runs"]]
    members = [comparison.read(run) for run in found]
    assert [member.label for member in members if member is not None] == ["lr 0.1", "lr 0.01", "lr 0.001"]
    assert [comparison.result(run).best for run in found] == [0.81, 0.81, 0.81]
    assert found[0].name.endswith("-rates-0.1")


def test_that_compare_prints_a_table(workbench: Workbench) -> None:
    said = workbench("compare", "digits-mlp", "--set", "training.epochs=1", "--vary", "optimizer.lr=0.1,0.01")
    assert said.status == 0
    for words in ("lr 0.1", "lr 0.01", "completed", "01234567", "0.81"):
        assert words in said.out
    assert "run 2 of 2: lr 0.01" in said.err


def test_that_a_recipe_says_itself_what_is_compared(workbench: Workbench) -> None:
    said = workbench("compare", "optimizer-comparison", "--set", "training.epochs=1", "--json")
    kinds = [row["values"]["optimizer.kind"] for row in said.data["runs"]]
    assert kinds == ["sgd", "adam", "adagrad", "rmsprop"]


@pytest.mark.parametrize(
    "vary, words",
    [
        ((), "no setting is varied"),
        (("--vary", "optimizer.lr"), "must have the form path=a,b,c"),
        (("--vary", "optimizer.lrr=1,2"), "optimizer.lrr"),
        (("--vary", "optimizer.lr=0.1,-1"), "optimizer.lr"),
    ],
)
def test_that_a_comparison_that_cannot_be_made_is_refused_before_anything_is_trained(
    workbench: Workbench, vary: tuple[str, ...], words: str
) -> None:
    said = workbench("compare", "digits-mlp", *vary)
    assert said.status == 2
    assert words in said.err
    assert list_runs() == []


def test_that_a_failed_run_makes_the_comparison_fail_and_the_others_go_on(workbench: Workbench, plays: Plays) -> None:
    plays("fail")
    said = workbench("compare", "digits-mlp", "--vary", "optimizer.lr=0.1,0.01", "--json")
    assert said.status == 1
    assert [row["status"] for row in said.data["runs"]] == ["failed", "failed"]


# --- tune ---


def test_that_tune_lr_suggests_a_rate(workbench: Workbench, finds: Plays) -> None:
    finds("fall")
    said = workbench("tune", "lr", "digits-mlp", "--json")
    assert said.status == 0
    assert said.data["suggestion"] == 0.01
    assert [point["lr"] for point in said.data["points"]] == [1e-4, 1e-3, 1e-2, 1e-1]
    assert workbench("tune", "lr", "digits-mlp").out.splitlines()[-1] == "suggestion: optimizer.lr = 0.01"


def test_that_tune_batch_tells_throughput_and_memory(workbench: Workbench, finds: Plays) -> None:
    finds("limit")
    said = workbench("tune", "batch", "digits-mlp", "--json")
    assert said.data["suggestion"] == 32
    assert [point["fits"] for point in said.data["points"]] == [True, True, True, False]
    assert said.data["points"][1]["memory"] == 16 * 2**20
    shown = workbench("tune", "batch", "digits-mlp").out
    for words in ("batch size", "samples/s", "300", "memory runs out", "suggestion: training.batch_size = 32"):
        assert words in shown


def test_that_tune_workers_tells_throughput(workbench: Workbench, finds: Plays) -> None:
    finds("fall")
    said = workbench("tune", "workers", "digits-mlp", "--json")
    assert said.data["suggestion"] == 1
    assert said.data["points"][0] == {"workers": 0, "samples_per_second": 100.0}


def test_that_a_search_without_an_answer_says_why(workbench: Workbench, finds: Plays) -> None:
    finds("die")
    said = workbench("tune", "batch", "digits-mlp")
    assert "memory runs out at every size" in said.err
    assert "suggestion" not in said.out


def test_that_what_an_engine_refuses_is_a_wrong_request(workbench: Workbench, finds: Plays) -> None:
    finds("refuse")
    said = workbench("tune", "lr", "digits-mlp")
    assert said.status == 2
    assert "dataset.path: there is no such folder (choose another one)" in said.err
