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
