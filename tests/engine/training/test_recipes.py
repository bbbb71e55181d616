"""Every recipe learns what it says it learns; those that want files get small ones in the formats that people publish."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from tests.engine.data import written
from tests.engine.training.test_evaluation import evaluated
from tests.waiting import HANG_SECONDS
from workbench.config import files
from workbench.config.recipes import recipes, start
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.launch import process
from workbench.runs import history
from workbench.runs.checkpoints import best, latest
from workbench.runs.folder import RunFolder, create
from workbench.runs.progress import Progress

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 60), "blue": (40, 60, 220)}


def train_run(recipe: str, changes: dict[str, Any]) -> tuple[RunFolder, Progress]:
    name, config = start(recipe)
    folder = create(files.change(config, changes), name)
    run_attempt(folder, alone=True)
    progress = history.load(folder)
    assert progress.state == "completed", progress.ended
    return folder, progress


def test_that_the_slope_and_the_intercept_of_the_line_are_found() -> None:
    folder, _ = train_run("linear-regression", {})
    newest = latest(folder.checkpoints)
    assert newest is not None
    state = format.load(newest.path)
    slope, intercept = (float(value.flatten()[0]) for value in state["model"].values())
    assert slope == pytest.approx(3.0, abs=0.1)
    assert intercept == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("recipe", ["sine-lstm", "sine-gru", "sine-transformer"])
def test_that_a_forecast_is_better_than_the_last_value(recipe: str) -> None:
    folder, _ = train_run(recipe, {"training.epochs": 12, "optimizer.lr": 3e-3})
    chosen = best(folder.checkpoints)
    assert chosen is not None
    forecast = evaluated(chosen.path).forecast
    assert forecast is not None
    assert forecast.mae < forecast.baseline_mae


def test_that_unequal_classes_are_judged_by_balanced_accuracy() -> None:
    _, progress = train_run("imbalanced-tabular", {"training.epochs": 10})
    assert progress.started is not None
    assert progress.started.monitor == "val balanced_accuracy"
    assert progress.best is not None
    assert progress.best.value > 0.8


def test_that_two_tasks_are_learnt_on_one_trunk() -> None:
    _, progress = train_run("multi-task", {"training.epochs": 4})
    assert progress.epochs[-1].val["accuracy"] > 0.9
    assert progress.epochs[-1].val["r2"] > 0.8


def test_that_a_table_is_learnt() -> None:
    _, progress = train_run("tabular-mlp", {"training.epochs": 10})
    assert progress.epochs[-1].val["accuracy"] > 0.6  # five classes


def test_that_texts_are_sorted(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    words = {"weather": ["rain", "sun", "wind", "cloud", "storm"], "kitchen": ["soup", "bread", "salt", "oven", "pan"]}
    rows = [
        f"{' '.join(draw.choice([*words[kind], 'and', 'the', 'of'], 8))},{kind}" for _ in range(150) for kind in words
    ]
    path = tmp_path / "texts.csv"
    path.write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    _, progress = train_run("text-transformer", {"dataset.path": str(path), "training.epochs": 4})
    assert progress.epochs[-1].val["accuracy"] > 0.9


def test_that_mnist_is_learnt_from_its_files(tmp_path: Path) -> None:
    written.mnist(tmp_path, train=400, test=60)
    _, progress = train_run("mnist-mlp", {"dataset.path": str(tmp_path), "training.epochs": 8})
    assert progress.started is not None
    assert (
        progress.started.parameters == 785 * 512 + 513 * 256 + 257 * 10 + 2 * 768
    )  # and a factor and an offset of each norm
    assert progress.epochs[-1].val["accuracy"] > 0.5


def test_that_two_processes_learn_mnist_together(tmp_path: Path) -> None:
    written.mnist(tmp_path, train=400, test=60)
    name, config = start("mnist-two-processes")
    folder = create(files.change(config, {"dataset.path": str(tmp_path), "hardware.device": "cpu"}), name)
    assert process.start(folder).wait(HANG_SECONDS) == 0
    progress = history.load(folder)
    assert progress.started is not None
    assert progress.started.processes == 2
    assert progress.started.parameters == 785 * 256 + 257 * 10
    assert (progress.epochs[-1].train["samples"], progress.epochs[-1].val["samples"]) == (400, 60)
    assert progress.epochs[-1].train["loss"] < progress.epochs[0].train["loss"]


def test_that_cifar10_is_learnt_from_its_files(tmp_path: Path) -> None:
    written.cifar10(tmp_path, each=20)
    small = {"model.channels": [8, 16, 16], "model.head": [32], "model.head_dropout": [0.0], "training.epochs": 6}
    folder, progress = train_run("cifar10-cnn", {"dataset.path": str(tmp_path), **small, "training.batch_size": 20})
    events = folder.events_file.read_text(encoding="utf-8")
    assert "training images are augmented: Horizontal flip 0.5, Random crop padding 4 px, Brightness 0.2" in events
    assert progress.epochs[-1].train["loss"] < progress.epochs[0].train["loss"]


def pictures(root: Path, each: int = 12) -> dict[str, list[Path]]:
    """Pictures of one colour each, with some noise, in a folder for each class."""
    draw = np.random.default_rng(1)
    found: dict[str, list[Path]] = {}
    for name, colour in COLOURS.items():
        (root / name).mkdir(parents=True)
        for number in range(each):
            noise = draw.integers(-25, 25, (40, 48, 3))
            path = root / name / f"{number}.png"
            Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(path)
            found.setdefault(name, []).append(path)
    return found


def test_that_own_pictures_are_learnt_from_folders_and_from_a_csv_file(tmp_path: Path) -> None:
    found = pictures(tmp_path / "pictures")
    small = {"dataset.size": 16, "model.channels": [4, 8], "training.epochs": 8, "training.batch_size": 8}
    _, progress = train_run("image-folder", {"dataset.path": str(tmp_path / "pictures"), **small})
    assert progress.epochs[-1].val["accuracy"] > 0.6
    lines = [f"{path.relative_to(tmp_path).as_posix()},{name}" for name, paths in found.items() for path in paths]
    (tmp_path / "pictures.csv").write_text("path,label\n" + "\n".join(lines), encoding="utf-8")
    _, progress = train_run("image-csv", {"dataset.path": str(tmp_path / "pictures.csv"), **small})
    assert progress.epochs[-1].val["accuracy"] > 0.6


@pytest.mark.parametrize("recipe", ["transfer-features", "transfer-finetune"])
def test_that_pretrained_weights_are_taken_from_a_file(recipe: str, tmp_path: Path) -> None:
    pictures(tmp_path / "pictures", each=6)
    torch.manual_seed(3)
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "resnet18.pth")
    changes = {
        "dataset.path": str(tmp_path / "pictures"),
        "dataset.size": 32,
        "model.name": "resnet18",
        "model.weights_path": str(tmp_path / "resnet18.pth"),
        "model.image_size": 32,
        "training.epochs": 1,
        "training.batch_size": 4,
    }
    folder, _ = train_run(recipe, changes)
    newest = latest(folder.checkpoints)
    assert newest is not None
    state = format.load(newest.path)["model"]
    given = torch.load(tmp_path / "resnet18.pth", weights_only=True)
    same = torch.equal(state["body.layer1.0.conv1.weight"], given["layer1.0.conv1.weight"])
    assert same == (recipe == "transfer-features")
    assert state["body.fc.weight"].shape[0] == len(COLOURS)


def test_that_no_recipe_is_forgotten_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    elsewhere = {"digits-cnn", "digits-mlp", "optimizer-comparison"}
    assert not [recipe.name for recipe in recipes() if f'"{recipe.name}"' not in text and recipe.name not in elsewhere]
