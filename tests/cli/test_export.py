"""A trained model leaves, and is used on one's own files: the commands with the real engine."""

from pathlib import Path

import pytest
from PIL import Image

from tests.cli.test_end_to_end import last_line, workbench

pytest.importorskip("torch")


def test_that_a_model_is_exported_and_used(tmp_path: Path) -> None:
    import torch

    done = workbench("train", "digits-mlp", "--set", "training.epochs=2", "--json")
    assert done.returncode == 0, done.stderr
    run = last_line(done)["run"]

    target = tmp_path / "model.pt2"
    done = workbench("export", run, "--format", "torch-export", "-o", str(target))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(target)
    assert (
        "Checked on 64 samples of the validation split at batch sizes 1 and 16: outputs differ by at most"
        in done.stderr
    )
    assert torch.export.load(target).module()(torch.zeros(2, 1, 8, 8)).shape == (2, 10)

    done = workbench("export", run, "--format", "torch-export", "-o", str(target), "--opset", "20")
    assert done.returncode == 2
    assert "choose onnx" in done.stderr

    done = workbench("export", run, "--format", "paper", "-o", str(target))
    assert done.returncode == 2
    assert "onnx" in done.stderr

    Image.new("L", (8, 8), 255).save(tmp_path / "white.png")
    done = workbench("predict", run, str(tmp_path / "white.png"), str(tmp_path / "gone.png"), "--json")
    assert done.returncode == 0, done.stderr
    found = last_line(done)
    assert found["predictions"][0]["guess"] in "0123456789"
    assert found["left_out"][0]["file"] == str(tmp_path / "gone.png")


def test_that_predictions_are_written_as_a_table_and_unknown_words_are_told(tmp_path: Path) -> None:
    lines = [f"a{n},{('red', 'blue')[n % 2]},{n},{2 * n + 0.5}" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["Id,color,size,price", *lines]), encoding="utf-8")
    settings = ("training.epochs=1", f"dataset.path={tmp_path / 't.csv'}", "dataset.ignore=Id")
    done = workbench("train", "tabular-mlp", *(part for one in settings for part in ("--set", one)), "--json")
    assert done.returncode == 0, done.stderr
    (tmp_path / "asked.csv").write_text("Id,color,size\nx1,purple,3\nx2,red,4\n", encoding="utf-8")
    target = tmp_path / "answers.csv"
    done = workbench("predict", last_line(done)["run"], str(tmp_path / "asked.csv"), "--csv", str(target))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(target)
    assert "column color: 1 cell has a word that training never saw: “purple” (1)" in done.stderr
    header, *rows = target.read_text(encoding="utf-8").splitlines()
    assert header == "Id,price"
    assert [row.split(",")[0] for row in rows] == ["x1", "x2"]
