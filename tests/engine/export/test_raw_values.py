"""An exported model takes what is in a person's file and gives numbers in the person's units."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engine.asking import answer_to, problems_of
from tests.engine.training.test_evaluation import train_run
from workbench.engine.export.writers import READERS
from workbench.runs.service.answers import ExportedModel
from workbench.runs.service.evaluation import FilePrediction, FilePredictions
from workbench.runs.service.requests import ExportModel, PredictFiles

SMALL = {"model.hidden": [8], "model.dropout": [0.0], "training.epochs": 2}
NAN = float("nan")
# Exporters and their readers warn of their own future.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A table with gaps, numbers far from 0 and words, and a model of it."""
    path = tmp_path_factory.mktemp("mixed") / "prices.csv"
    lines = ["time,color,size,shape,price"]
    for n in range(60):
        size = "" if n % 11 == 0 else str(n)
        color = "" if n % 7 == 0 else ("red", "blue", "green")[n % 3]
        lines.append(f"{1_700_000_000 + n},{color},{size},{'round' if n % 2 else 'flat'},{5000 + 3 * n + n % 3}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path, train_run("tabular-mlp", {**SMALL, "dataset.path": str(path)})


def exported(model: Path, form: str, path: Path, **options: Any) -> ExportedModel:
    return answer_to(ExportModel(checkpoint=str(model), format=form, file=str(path), **options), ExportedModel)


def beside(path: Path) -> dict[str, Any]:
    description: dict[str, Any] = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))
    return description


def used(form: str, path: Path, *raw: Tensor) -> Tensor:
    with torch.inference_mode():
        return READERS[form][1](path)(raw)


def predictions(model: Path, path: Path) -> tuple[FilePrediction, ...]:
    found = answer_to(PredictFiles(checkpoint=str(model), files=(str(path),)), FilePredictions)
    assert not found.left_out
    return found.predictions


@pytest.mark.parametrize("form", READERS)
def test_that_a_table_s_model_takes_raw_values_and_gives_real_units(
    mixed: tuple[Path, Path], form: str, tmp_path: Path
) -> None:
    _, model = mixed
    path = tmp_path / f"model.{form}"
    told = exported(model, form, path)
    assert told.check is not None
    assert (told.check.samples, told.check.origin) == (60, "rows of the table")
    assert told.check.batch_sizes == (1, 16)
    assert told.check.difference < 0.1, "of prices of 5,000"
    numbers = torch.tensor([[1_700_000_003, 3], [1_700_000_011, NAN], [1_700_000_014, 14]], dtype=torch.float64)
    categories = torch.tensor([[2, 1], [1, 1], [-1, 0]])
    description = beside(path)
    assert [given["dtype"] for given in description["inputs"]] == ["float64", "int64"], "float32 cannot tell the times"
    assert [column["name"] for column in description["inputs"][1]["columns"]] == ["color", "shape"]
    assert description["inputs"][1]["columns"][0]["words"] == ["blue", "green", "red"]
    assert description["inside"] == ["scaling", "filling of missing values", "categories", "units of the targets"]
    asked = tmp_path / "asked.csv"
    rows = ["1700000003,red,3,round", "1700000011,green,,round", "1700000014,,14,flat"]
    asked.write_text("\n".join(["time,color,size,shape", *rows]), encoding="utf-8")
    wanted = [prediction.values["price"] for prediction in predictions(model, asked) if prediction.values]
    for count in (1, 3):
        found = used(form, path, numbers[:count], categories[:count])
        assert found.shape == (count, 1)
        assert found.flatten().tolist() == pytest.approx(wanted[:count], rel=1e-4)


def test_that_a_word_that_training_never_saw_has_any_other_number(mixed: tuple[Path, Path], tmp_path: Path) -> None:
    _, model = mixed
    exported(model, "trace", tmp_path / "m.pt")
    asked = tmp_path / "asked.csv"
    asked.write_text("time,color,size,shape\n1700000003,purple,3,round\n", encoding="utf-8")
    (prediction,) = predictions(model, asked)
    numbers = torch.tensor([[1_700_000_003, 3]], dtype=torch.float64)
    found = [float(used("trace", tmp_path / "m.pt", numbers, torch.tensor([[index, 1]]))) for index in (3, 99, -7)]
    assert prediction.values is not None
    assert found == pytest.approx([prediction.values["price"]] * 3)


def test_that_two_targets_leave_in_their_own_units(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    rows = [f"{draw.normal():.3f},{draw.normal():.3f},{1000 + draw.normal():.3f}" for _ in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(["x,a,b", *rows]), encoding="utf-8")
    changes = {**SMALL, "dataset.path": str(tmp_path / "t.csv"), "dataset.target": "a", "dataset.more_targets": ["b"]}
    model = train_run("tabular-mlp", changes)
    told = exported(model, "onnx", tmp_path / "two.onnx")
    description = beside(tmp_path / "two.onnx")
    assert description["inputs"][0]["dtype"] == "float32"
    assert description["outputs"][0]["columns"] == ["a", "b"]
    outputs = used("onnx", tmp_path / "two.onnx", torch.tensor([[0.5], [-1.0]]))
    assert bool((outputs[:, 0].abs() < 5).all())
    assert bool(((outputs[:, 1] - 1000).abs() < 5).all())
    assert told.check is not None
    assert "Checked on 64 rows of the table at batch sizes 1 and 16" in told.check.text


def test_that_onnx_and_safetensors_carry_classes_columns_and_preprocessing(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from safetensors import safe_open

    lines = [f"{n},{n % 5},{'small' if n < 30 else 'large'}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["width,height,kind", *lines]), encoding="utf-8")
    model = train_run("tabular-mlp", {**SMALL, "dataset.path": str(tmp_path / "t.csv")})
    exported(model, "onnx", tmp_path / "m.onnx")
    exported(model, "safetensors", tmp_path / "m.safetensors")
    in_onnx = {entry.key: entry.value for entry in onnx.load(str(tmp_path / "m.onnx")).metadata_props}
    with safe_open(str(tmp_path / "m.safetensors"), "pt") as file:
        in_safetensors = file.metadata()
    for header in (in_onnx, in_safetensors):
        assert json.loads(header["classes"]) == ["large", "small"]
        assert [column["name"] for column in json.loads(header["preprocessing"])["columns"]] == ["width", "height"]
        assert header["task"] == "classification"
    assert json.loads(in_onnx["inside"]) == ["scaling", "filling of missing values"]
    # Weights alone scale nothing, and say so.
    assert json.loads(in_safetensors["inside"]) == []
    assert json.loads(in_safetensors["outside"]) == ["scaling", "filling of missing values"]


@pytest.mark.parametrize("form", ["onnx", "torchscript", "torch-export"])
def test_that_a_series_leaves_with_its_scale_and_fills_gaps(form: str, tmp_path: Path) -> None:
    (tmp_path / "y.csv").write_text("y\n" + "\n".join(str(500 + n % 7) for n in range(80)), encoding="utf-8")
    changes = {"dataset.kind": "series", "dataset.path": str(tmp_path / "y.csv"), "dataset.window": 5, "model.units": 8}
    model = train_run("sine-lstm", {**changes, "training.epochs": 1})
    told = exported(model, form, tmp_path / "m")
    assert told.check is not None
    assert told.check.origin == "samples of the validation split"
    whole = torch.tensor([[501.0, 501, 501, 504, 504], [502, 502, 502, 502, 502]])[..., None]
    gaps = torch.tensor([[NAN, 501, NAN, 504, NAN], [NAN, NAN, NAN, 502, NAN]])[..., None]
    outputs = used(form, tmp_path / "m", whole)
    assert bool(((outputs > 490) & (outputs < 515)).all())
    assert torch.allclose(used(form, tmp_path / "m", gaps), outputs)
    (tmp_path / "asked.csv").write_text("y\n501\n501\n501\n504\n504\n", encoding="utf-8")
    (prediction,) = predictions(model, tmp_path / "asked.csv")
    assert prediction.values is not None
    assert float(outputs[0, 0]) == pytest.approx(prediction.values["y +1"], rel=1e-4)


def test_that_a_text_s_file_says_that_its_tokenizer_is_outside(tmp_path: Path) -> None:
    rows = [f"{n},{'rain sun' if n % 2 else 'soup bread'} {n},{'w' if n % 2 else 'k'}" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["id,text,label", *rows]), encoding="utf-8")
    small = {"model.width": 16, "model.layers": 1, "training.epochs": 1, "dataset.text_column": "text"}
    model = train_run("text-transformer", {**small, "dataset.path": str(tmp_path / "t.csv")})
    told = exported(model, "torch-export", tmp_path / "m.pt2")
    description = beside(tmp_path / "m.pt2")
    assert (description["inputs"][0]["dtype"], description["inside"]) == ("int64", [])
    assert "tokenizer" in description["outside"][0]
    assert told.check is not None
    assert told.check.origin == "samples of the validation split"


def test_that_a_check_without_its_data_says_so(mixed: tuple[Path, Path], tmp_path: Path) -> None:
    table, model = mixed
    moved = table.rename(table.with_name("moved.csv"))
    try:
        told = exported(model, "trace", tmp_path / "m.pt")
    finally:
        moved.rename(table)
    assert told.check is not None
    assert told.check.origin.startswith("random samples, as the data could not be read (there is no file")


def test_that_opset_and_names_of_onnx_are_chosen(mixed: tuple[Path, Path], tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    _, model = mixed
    path = tmp_path / "m.onnx"
    told = exported(model, "onnx", path, opset=20, input_names=("raw", "kinds"), output_names=("price",))
    assert told.check is not None
    written = onnx.load(str(path))
    assert written.opset_import[0].version == 20
    assert [given.name for given in written.graph.input] == ["raw", "kinds"]
    assert [given.name for given in written.graph.output] == ["price"]
    assert [given["name"] for given in beside(path)["inputs"]] == ["raw", "kinds"]
    for form, options, what in (
        ("onnx", {"opset": 3}, "opset 3 cannot be written"),
        ("onnx", {"input_names": ("raw",)}, "2 names are needed"),
        ("onnx", {"input_names": ("raw", "raw")}, "not different"),
        ("trace", {"opset": 20}, "has no opset"),
    ):
        request = ExportModel.model_validate(
            {"checkpoint": str(model), "format": form, "file": str(tmp_path / "no"), **options}
        )
        (problem,) = problems_of(request)
        assert what in problem.what
    assert not (tmp_path / "no").exists()
