"""A trained model is used with what it learnt of its data, whatever has become of the data since."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.engine.asking import answer_to
from tests.engine.training.test_evaluation import evaluated, train_run
from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.engine.data import fitted
from workbench.engine.runtime.failures import RefusedError
from workbench.runs import history
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.folder import RunFolder
from workbench.runs.service.answers import ExportedModel
from workbench.runs.service.evaluation import FilePredictions
from workbench.runs.service.requests import ExportModel, PredictFiles

SMALL = {"model.hidden": [8], "model.dropout": [0.0], "training.epochs": 3}


def table(path: Path, factor: float) -> Path:
    lines = ["size,colour,price"]
    lines += [f"{n},{('red', 'blue', 'green')[n % 3]},{factor * (3 * n + n % 3):.3f}" for n in range(60)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def texts(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["id,text,label", *rows]), encoding="utf-8")
    return path


def predicted(trained_model: Path, *paths: Path) -> FilePredictions:
    request = PredictFiles(checkpoint=str(trained_model), files=tuple(str(path) for path in paths))
    return answer_to(request, FilePredictions)


def guesses(trained_model: Path, *paths: Path) -> list[Any]:
    found = predicted(trained_model, *paths)
    assert not found.left_out
    return [prediction.scores or prediction.values for prediction in found.predictions]


def gone(path: Path) -> None:
    """The data are no longer where they were."""
    shutil.move(path, path.with_name(f"moved {path.name}"))


def test_that_a_table_is_predicted_and_exported_without_its_data_or_with_others(tmp_path: Path) -> None:
    source = table(tmp_path / "prices.csv", 1.0)
    asked_for = table(tmp_path / "asked.csv", 1.0)
    model = train_run("tabular-mlp", {**SMALL, "dataset.path": str(source)})
    before = guesses(model, asked_for)
    table(source, 1000.0)
    assert guesses(model, asked_for) == before
    gone(source)
    assert guesses(model, asked_for) == before
    for form in ("safetensors", "trace"):
        request = ExportModel(checkpoint=str(model), format=form, file=str(tmp_path / f"model.{form}"))
        answer_to(request, ExportedModel)
        assert (tmp_path / f"model.{form}").is_file()


def test_that_a_class_and_a_number_are_learnt_together_and_predicted(tmp_path: Path) -> None:
    lines = [f"{n / 10},{n % 7},{'small' if n < 30 else 'large'},{2 * n}" for n in range(60)]
    path = tmp_path / "both.csv"
    path.write_text("\n".join(["a,b,kind,price", *lines]), encoding="utf-8")
    changes = {
        "dataset.target": "kind",
        "dataset.more_targets": ["price"],
        "model.kind": "heads",
        "training.epochs": 40,
    }
    model = train_run("tabular-mlp", {**changes, "dataset.path": str(path)})
    first, *_, last = predicted(model, path).predictions
    assert (first.prediction, last.prediction) == ("small", "large")
    assert first.values is not None
    assert last.values is not None
    assert first.values["price"] < last.values["price"]
    measured = evaluated(model)
    assert measured.task == "multi-task"
    assert measured.metrics["accuracy"] > 0.7


def test_that_texts_are_predicted_with_the_vocabulary_of_the_training(tmp_path: Path) -> None:
    rows = [f"{n},{'rain sun wind' if n % 2 else 'soup bread salt'} {n},{'w' if n % 2 else 'k'}" for n in range(40)]
    source = texts(tmp_path / "texts.csv", rows)
    small = {"model.width": 16, "model.layers": 1, "training.epochs": 1, "dataset.text_column": "text"}
    model = train_run("text-transformer", {**small, "dataset.path": str(source), "dataset.vocabulary": 300})
    (tmp_path / "one.txt").write_text("rain and soup", encoding="utf-8")
    before = guesses(model, tmp_path / "one.txt")
    texts(source, [f"{n},quite other words stand here,{'w' if n % 2 else 'k'}" for n in range(200)] + rows)
    assert guesses(model, tmp_path / "one.txt") == before
    measured = evaluated(model)
    assert measured.samples > 40, "today's texts, in the tokens of the training"
    gone(source)
    assert guesses(model, tmp_path / "one.txt") == before


def test_that_pictures_are_predicted_without_the_folder_of_the_training(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for place, name in enumerate(("dark", "light")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(8):
            pixels = draw.integers(0, 100, (8, 8, 3)) + 150 * place
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "pictures" / name / f"{number}.png")
    one = tmp_path / "one.png"
    shutil.copy(tmp_path / "pictures" / "light" / "0.png", one)
    small = {"model.channels": [4], "model.head": [4], "dataset.size": 8, "training.epochs": 1}
    model = train_run("image-folder", {**small, "dataset.path": str(tmp_path / "pictures")})
    before = guesses(model, one)
    gone(tmp_path / "pictures")
    assert guesses(model, one) == before


def test_that_a_resumed_run_keeps_its_scale_and_tells_that_the_data_changed(tmp_path: Path) -> None:
    source = table(tmp_path / "prices.csv", 1.0)
    model = train_run("tabular-mlp", {**SMALL, "dataset.path": str(source)})
    run = RunFolder(model.parent.parent)
    table(source, 1000.0)
    run_attempt(run, AttemptOptions(epochs=4), alone=True)
    told = history.load(run)
    assert told.started is not None
    assert "data other than before" in told.started.continued
    after = format.load(sorted(run.checkpoints.glob("*.pt"))[-1])
    assert after["preprocessing"] == format.load(model)["preprocessing"]
    assert after["task"]["means"] == format.load(model)["task"]["means"]


def test_that_a_source_comes_back_from_its_checkpoint() -> None:
    source = data.load(RunConfig().dataset)
    state: Any = {
        "task": fitted.to_state(source),
        "classes": list(source.task.classes),
        "preprocessing": source.preprocessing,
    }
    found = fitted.from_state(state)
    assert (found.task, found.shape, found.scaling) == (source.task, source.shape, source.scaling)
    assert (found.preprocessing, found.vocabulary) == (source.preprocessing, source.vocabulary)
    assert len(found.train) == len(found.val) == 0
    now = RunConfig().dataset.model_dump(mode="json")
    state["config"] = {"dataset": {**now, "validation": 0.3, "augment_crop": 1, "workers": 2}}
    assert fitted.applies_to(state, now), "other samples of the same kind"
    assert not fitted.applies_to(state, {**now, "size": 16})
    assert not fitted.applies_to(state, {**now, "kind": "table"})
    del state["task"]["factor"]
    assert not fitted.applies_to(state, now)
    with pytest.raises(RefusedError, match="does not record"):
        fitted.from_state(state)


def test_that_a_text_is_looked_for_in_the_column_of_the_training(tmp_path: Path) -> None:
    rows = [f"{n},{'good fine' if n % 2 else 'bad poor'} {n},{'pos' if n % 2 else 'neg'}" for n in range(60)]
    source = texts(tmp_path / "texts.csv", rows)
    small = {"model.width": 16, "model.layers": 1, "training.epochs": 1, "dataset.text_column": "text"}
    model = train_run("text-transformer", {**small, "dataset.path": str(source)})
    for name in ("good fine", "bad poor"):
        (tmp_path / f"{name}.txt").write_text(name, encoding="utf-8")
    good, bad = guesses(model, tmp_path / "good fine.txt", tmp_path / "bad poor.txt")
    texts(tmp_path / "mixed.csv", ["bad poor,good fine,x", "good fine,bad poor,x"])
    (tmp_path / "alone.tsv").write_text("anything\ngood fine\nbad poor\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text("a,b\ngood fine,bad poor\n", encoding="utf-8")
    (tmp_path / "no.bin").write_bytes(bytes(range(256)))
    assert good != bad
    assert guesses(model, tmp_path / "mixed.csv") == [good, bad]
    assert guesses(model, tmp_path / "alone.tsv") == [good, bad]
    found = predicted(model, tmp_path / "other.csv", tmp_path / "no.bin")
    assert not found.predictions
    assert ["no column 'text'" in found.left_out[0].why, "not text" in found.left_out[1].why] == [True, True]


def test_that_pictures_in_other_data_are_scaled_as_in_the_training(tmp_path: Path) -> None:
    source = data.load(RunConfig().dataset)
    other = data.load(RunConfig().dataset, learned=source)
    assert other.scaling == source.scaling
    assert torch.equal(other.train.read([0]), source.train.read([0]))


def test_that_decimal_commas_of_the_training_are_read_so_where_a_file_does_not_show_them(tmp_path: Path) -> None:
    lines = [f"1.{n:03d},5;{n % 3};{n // 4},{n % 4 * 25:02d}" for n in range(40)]
    (tmp_path / "in.csv").write_text("\n".join(["a;b;y", *lines]), encoding="utf-8")
    model = train_run("tabular-mlp", {**SMALL, "dataset.path": str(tmp_path / "in.csv"), "dataset.target": "y"})
    (tmp_path / "with.csv").write_text("a;b\n1.020,0;1\n", encoding="utf-8")
    (tmp_path / "without.csv").write_text("a;b\n1.020;1\n", encoding="utf-8")
    assert guesses(model, tmp_path / "with.csv") == guesses(model, tmp_path / "without.csv")


def test_that_a_column_that_came_later_is_not_what_was_learnt(tmp_path: Path) -> None:
    source = table(tmp_path / "prices.csv", 1.0)
    model = train_run("tabular-mlp", {**SMALL, "dataset.path": str(source)})
    before = evaluated(model).metrics
    lines = source.read_text(encoding="utf-8").splitlines()
    source.write_text("\n".join([lines[0] + ",later", *(line + ",7" for line in lines[1:])]), encoding="utf-8")
    assert evaluated(model).metrics == before


def test_that_a_series_without_validation_keeps_its_naive_error(tmp_path: Path) -> None:
    (tmp_path / "y.csv").write_text("y\n" + "\n".join(str(n % 7) for n in range(60)), encoding="utf-8")
    changes = {
        "dataset.kind": "series",
        "dataset.path": str(tmp_path / "y.csv"),
        "dataset.window": 5,
        "model.kind": "lstm",
    }
    config = files.change(RunConfig(), {**changes, "dataset.validation": 0.0})
    source = data.load(config.dataset)
    assert data.load(config.dataset, learned=source).preprocessing == source.preprocessing


def test_that_tokens_that_the_model_does_not_know_are_refused() -> None:
    source = data.load(RunConfig().dataset)
    with pytest.raises(RefusedError, match="token ids up to"):
        data.load(RunConfig().dataset, learned=replace(source, vocabulary=-1))
