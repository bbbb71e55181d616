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
from workbench.launch.service import ServiceReply
from workbench.runs import checkpoints, trust
from workbench.runs.folder import RunFolder, list_runs
from workbench.runs.service.answers import Environment
from workbench.runs.service.evaluation import Evaluation, FilePrediction, FilePredictions
from workbench.runs.service.requests import AnyRequest, EvaluateCheckpoint

MACHINE: dict[str, Any] = {
    "devices": [{"id": "cpu", "name": "A processor", "memory": 8_000_000_000, "precisions": ["fp32", "bf16"]}],
    "chosen": "cpu",
    "torch": "2.15",
    "torchvision": "0.30",
    "python": "3.11",
    "platform": "Linux",
    "cuda": None,
    "cuda_available": False,
    "mps_available": False,
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
    environment = Environment(**MACHINE)
    monkeypatch.setattr(service, "request_once", lambda request: ServiceReply(1, request, environment))
    said = workbench("env")
    assert "cpu: A processor, 8.0 GB, fp32, bf16 (chosen by auto)" in said.out
    assert "torch sees no GPU" in said.out
    assert "MPS         not usable" in said.out
    assert "GPUs        0" in said.out
    found = workbench("env", "--json").data
    assert {name: found[name] for name in MACHINE} == MACHINE


def test_that_env_counts_gpus_and_names_mps(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = [{"id": f"cuda:{n}", "name": "A GPU", "memory": 8_000_000_000, "precisions": ["fp32"]} for n in range(2)]
    environment = Environment.model_validate(
        {**MACHINE, "devices": [*MACHINE["devices"], *gpus], "mps_available": True}
    )
    monkeypatch.setattr(service, "request_once", lambda request: ServiceReply(1, request, environment))
    said = workbench("env")
    assert "MPS         usable" in said.out
    assert "GPUs        2" in said.out


def test_that_env_has_something_to_say_without_torch(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said = workbench("env")
    assert said.status == 0
    assert "torch is not installed" in said.out
    assert workbench("env", "--json").data["devices"] == []


@pytest.fixture
def services() -> list[bool]:
    """The services that were started: whether each has been ended."""
    return []


@pytest.fixture
def requests(services: list[bool], monkeypatch: pytest.MonkeyPatch) -> list[EvaluateCheckpoint]:
    """What was requested; the engine knows every checkpoint but a broken one."""
    sent: list[EvaluateCheckpoint] = []

    def reply_to(request: AnyRequest) -> ServiceReply:
        assert isinstance(request, EvaluateCheckpoint)
        sent.append(request)
        if "broken" in request.checkpoint:
            return ServiceReply(1, request, problems=(Problem("", "it is a text file", "choose a checkpoint"),))
        per_class = [{"name": "고양이", "precision": 1.0, "recall": float("nan"), "f1": 0.5, "samples": 20}]
        worst = [{"index": 3, "what": "digit 3", "loss": 5.0, "truth": "4", "guess": "9"}]
        result = {"metrics": {"loss": float("nan"), "accuracy": 0.75}, "classes": ["a", "b"], "epoch": 2, "step": 20}
        details = {"confusion": [[9, 1], [4, 6]], "per_class": per_class, "worst": worst}
        origin = {"checkpoint": request.checkpoint, "split": request.split}
        return ServiceReply(1, request, Evaluation.model_validate({**result, **details, **origin}))

    @contextlib.contextmanager
    def open_service() -> Iterator[Callable[[AnyRequest], ServiceReply]]:
        services.append(False)
        try:
            yield reply_to
        finally:
            services[-1] = True

    monkeypatch.setattr(evaluate, "open_service", open_service)
    return sent


def test_that_a_run_is_measured_at_its_best_checkpoint_and_the_result_is_kept(
    workbench: Workbench, requests: list[EvaluateCheckpoint]
) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    run = list_runs()[0]
    best = checkpoints.best(run.checkpoints)
    assert best is not None
    said = workbench("evaluate", "digits-mlp", "--json")
    assert requests == [EvaluateCheckpoint(checkpoint=str(best.path), split="val")]
    assert said.data["metrics"] == {"loss": None, "accuracy": 0.75}
    kept = run.evaluation / "step-00000020-val.json"
    assert said.data["file"] == str(kept)
    written = json.loads(kept.read_text(encoding="utf-8"))
    assert written["confusion"] == [[9, 1], [4, 6]]
    assert written == {key: value for key, value in said.data.items() if key != "file"}
    assert {"truth": "4", "guess": "9"}.items() <= written["worst"][0].items(), "as earlier versions wrote it"
    assert not {"kind", "cells", "residuals", "pairs", "forecast"} & set(written)


def test_that_an_evaluation_is_told_in_words(workbench: Workbench, requests: list[EvaluateCheckpoint]) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    said = workbench("evaluate", "digits-mlp", "--split", "train,val")
    assert said.status == 0
    assert [request.split for request in requests] == ["train", "val"]
    assert "accuracy     0.75" in said.out
    assert "고양이" in said.out
    assert "digit 3: true 4, predicted 9 (loss 5)" in said.out


def test_that_several_splits_are_one_object_by_one_engine(
    workbench: Workbench, requests: list[EvaluateCheckpoint], services: list[bool]
) -> None:
    workbench("train", "digits-mlp", "--set", "training.epochs=2")
    assert list(workbench("evaluate", "digits-mlp", "--split", "val,test", "--json").data["splits"]) == ["val", "test"]
    assert len(requests) == 2
    assert services == [True]


def test_that_a_lone_checkpoint_leaves_nothing_beside_it(
    workbench: Workbench, requests: list[EvaluateCheckpoint], tmp_path: Path
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
    workbench: Workbench, requests: list[EvaluateCheckpoint], services: list[bool], tmp_path: Path
) -> None:
    (tmp_path / "broken.pt").write_text("not one")
    said = workbench("evaluate", str(tmp_path / "broken.pt"))
    assert said.status == 2
    assert said.err == "it is a text file (choose a checkpoint)\n"
    assert services == [True]


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
    scores = (("small", 0.75), ("large", 0.25))
    row = FilePrediction(file="row 2", prediction="small", scores=scores, values={"price": 12.5})
    found = FilePredictions(predictions=(row,), left_out=())
    monkeypatch.setattr(service, "request_once", lambda request: ServiceReply(1, request, found))
    said = workbench("predict", "digits-mlp", "table.csv")
    assert said.out.strip() == "row 2: small   (small 75.0%   large 25.0%)   price 12.5"
    (shown,) = workbench("predict", "digits-mlp", "table.csv", "--json").data["predictions"]
    assert shown == {
        "file": "row 2",
        "guess": "small",
        "scores": [list(pair) for pair in scores],
        "values": {"price": 12.5},
    }
