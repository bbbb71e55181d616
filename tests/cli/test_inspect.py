"""Looking at runs, recipes, the machine and checkpoints."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Workbench
from workbench.cli import evaluate, service
from workbench.config.problems import Problem
from workbench.launch.service import Answer
from workbench.runs import checkpoints, trust
from workbench.runs.folder import RunFolder, list_runs

MACHINE = {
    "devices": [{"id": "cpu", "name": "A processor", "memory": 8_000_000_000, "precisions": ["fp32", "bf16"]}],
    "chosen": "cpu",
    "torch": "2.15",
    "cuda": None,
    "threads": 4,
    "warnings": ["torch sees no GPU"],
}


def test_that_runs_are_listed_with_state_best_value_and_changed_settings(
    workbench: Workbench, make_run: Callable[..., RunFolder]
) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2", "--set", "optimizer.lr=0.5", "--name", "learned")
    make_run("untouched")
    said = workbench("runs")
    lines = said.out.splitlines()
    assert "untouched" in lines[2] or "untouched" in lines[3]
    trained = next(line for line in lines if "learned" in line)
    assert "completed" in trained
    assert "val accuracy 0.82" in trained
    assert "optimizer.lr=0.5" in trained
    assert list_runs()[0].name in said.out  # whole: it is what one types again


def test_that_runs_with_json_is_one_object(workbench: Workbench, make_run: Callable[..., RunFolder]) -> None:
    run = make_run(epochs=7)
    found = workbench("runs", "--json").data["runs"]
    assert [(one["run"], one["state"]) for one in found] == [(str(run.path), "new")]
    assert found[0]["changed"]["training.epochs"] == 7


def test_that_no_runs_yet_is_no_failure(workbench: Workbench) -> None:
    said = workbench("runs")
    assert (said.status, said.out) == (0, "")
    assert "there are no runs" in said.err
    assert workbench("runs", "--json").data == {"runs": []}


def test_that_recipes_are_listed_with_what_they_train(workbench: Workbench) -> None:
    found = workbench("recipes", "--json").data["recipes"]
    assert found[0]["name"] == "digits-cnn"
    said = workbench("recipes")
    assert all(one["name"] in said.out and one["text"] in said.out for one in found)


def test_that_env_reports_devices_and_versions(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ask_once", lambda method, params: Answer(1, method, ok=True, result=MACHINE))
    said = workbench("env")
    assert "cpu: A processor, 8.0 GB, fp32, bf16 (taken by auto)" in said.out
    assert "torch sees no GPU" in said.out
    assert workbench("env", "--json").data["devices"] == MACHINE["devices"]


def test_that_env_has_something_to_say_without_torch(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said = workbench("env")
    assert said.status == 0
    assert "torch is not installed" in said.out
    assert workbench("env", "--json").data["devices"] == []


@pytest.fixture
def labs() -> list[bool]:
    """The lab engines that were started: whether each has been ended."""
    return []


@pytest.fixture
def questions(labs: list[bool], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the lab was asked; it knows every checkpoint but a broken one."""
    asked: list[dict[str, Any]] = []

    def answer(method: str, params: dict[str, Any]) -> Answer:
        asked.append(params)
        if "broken" in params["checkpoint"]:
            return Answer(1, method, ok=False, problems=(Problem("", "it is a text file", "choose a checkpoint"),))
        per_class = [{"name": "고양이", "precision": 1.0, "recall": float("nan"), "f1": 0.5, "samples": 20}]
        worst = [{"index": 3, "what": "digit 3", "loss": 5.0, "truth": "4", "guess": "9"}]
        result = {"metrics": {"loss": float("nan"), "accuracy": 0.75}, "classes": ["a", "b"], "epoch": 2, "step": 20}
        return Answer(
            1, method, True, {**result, "confusion": [[9, 1], [4, 6]], "per_class": per_class, "worst": worst}
        )

    @contextlib.contextmanager
    def asking() -> Iterator[Callable[[str, dict[str, Any]], Answer]]:
        labs.append(False)
        try:
            yield answer
        finally:
            labs[-1] = True

    monkeypatch.setattr(evaluate, "asking", asking)
    return asked


def test_that_a_run_is_measured_at_its_best_checkpoint_and_the_result_is_kept(
    workbench: Workbench, questions: list[dict[str, Any]]
) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    run = list_runs()[0]
    best = checkpoints.best(run.checkpoints)
    assert best is not None
    said = workbench("evaluate", "digits-mlp", "--json")
    assert questions == [{"checkpoint": str(best.path), "split": "val"}]
    assert said.data["metrics"] == {"loss": None, "accuracy": 0.75}
    kept = run.evaluation / "step-00000020-val.json"
    assert said.data["file"] == str(kept)
    assert json.loads(kept.read_text(encoding="utf-8"))["confusion"] == [[9, 1], [4, 6]]


def test_that_an_evaluation_is_told_in_words(workbench: Workbench, questions: list[dict[str, Any]]) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    said = workbench("evaluate", "digits-mlp", "--split", "train,val")
    assert said.status == 0
    assert [question["split"] for question in questions] == ["train", "val"]
    assert "accuracy     0.75" in said.out
    assert "고양이" in said.out
    assert "digit 3: 4, taken for 9 (loss 5)" in said.out


def test_that_several_splits_are_one_object_by_one_engine(
    workbench: Workbench, questions: list[dict[str, Any]], labs: list[bool]
) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    assert list(workbench("evaluate", "digits-mlp", "--split", "val,test", "--json").data["splits"]) == ["val", "test"]
    assert len(questions) == 2
    assert labs == [True]


def test_that_a_lone_checkpoint_leaves_nothing_beside_it(
    workbench: Workbench, questions: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "model.pt").write_bytes(b"")
    assert workbench("evaluate", str(tmp_path / "model.pt")).status == 0
    assert [path.name for path in tmp_path.iterdir() if path.name != "state"] == ["model.pt"]


@pytest.mark.parametrize(
    "arguments, what",
    [
        (("broken.pt",), "there is no checkpoint and no run 'broken.pt'"),
        (("trial",), "has no checkpoint yet"),
        (("trial", "--split", "validation"), "'validation' is no split"),
    ],
)
def test_that_what_cannot_be_measured_is_a_wrong_request(
    workbench: Workbench, make_run: Callable[..., RunFolder], arguments: tuple[str, ...], what: str
) -> None:
    make_run()
    said = workbench("evaluate", *arguments)
    assert said.status == 2
    assert what in said.err


def test_that_a_file_which_is_no_checkpoint_is_refused_in_words(
    workbench: Workbench, questions: list[dict[str, Any]], labs: list[bool], tmp_path: Path
) -> None:
    (tmp_path / "broken.pt").write_text("not one")
    said = workbench("evaluate", str(tmp_path / "broken.pt"))
    assert said.status == 2
    assert said.err == "it is a text file (choose a checkpoint)\n"
    assert labs == [True]


@pytest.mark.parametrize("command", [("evaluate",), ("predict",), ("export", "--format", "trace", "-o", "out")])
def test_that_own_code_is_trusted_once_by_those_who_ask(
    command: tuple[str, ...], workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(trust.ONCE_VARIABLE, "")
    own = tmp_path / "own.py"
    own.write_text("print()", encoding="utf-8")
    rest = ["picture.png"] if command[0] == "predict" else []
    said = workbench(command[0], "no such run", *rest, *command[1:], "--trust", str(own))
    assert said.status == 2
    assert trust.trusted(trust.content_hash(own))
    assert workbench(command[0], "no such run", *rest, *command[1:], "--trust", "nowhere.py").status == 2


def test_that_numbers_beside_a_class_are_told_too(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=1")
    one = {"file": "row 2", "guess": "small", "scores": [["small", 0.75], ["large", 0.25]], "values": {"price": 12.5}}
    found = {"predictions": [one], "left_out": []}
    monkeypatch.setattr(service, "ask_once", lambda method, params: Answer(1, method, ok=True, result=found))
    said = workbench("predict", "digits-mlp", "table.csv")
    assert said.out.strip() == "row 2: small   (small 75.0%   large 25.0%)   price 12.5"
