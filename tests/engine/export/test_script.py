"""A run as a plain script: alone and elsewhere it trains as the run did, or it is refused in words."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from tests.engine.asking import answer_to, problems_of
from workbench.config import files
from workbench.config.fields import kind_of
from workbench.config.problems import Problem
from workbench.config.recipes import start
from workbench.config.run import RunConfig, variants
from workbench.engine import data
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.engine.export.script import assemble, proof
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training import build
from workbench.runs import history
from workbench.runs.checkpoints import latest
from workbench.runs.folder import RunFolder, create, list_runs
from workbench.runs.progress import Progress
from workbench.runs.service.answers import ExportedModel
from workbench.runs.service.requests import ExportModel

EPOCHS = 2
LINE = re.compile(r"epoch (\d+): train loss (\S+?)(?:, val loss (\S+), val (accuracy|mae) (\S+))?$", re.MULTILINE)


def configured(recipe: str, changes: dict[str, Any]) -> RunConfig:
    # The test's own machine may have a GPU: bits are promised for the CPU.
    common = {"training.epochs": EPOCHS, "hardware.device": "cpu", "hardware.threads": 1}
    return files.change(start(recipe)[1], {**common, **changes})


def text_of(config: RunConfig) -> str:
    source = data.load(config.dataset)
    return assemble.text(config, source, build.build_model(config, source, torch.device("cpu"), restored=True))


def ran(config: RunConfig) -> tuple[RunFolder, Progress]:
    folder = create(config, "tried")
    before = torch.get_num_threads()
    try:
        assert run_attempt(folder, alone=True) == 0, history.load(folder).ended
    finally:
        torch.set_num_threads(before)
    return folder, history.load(folder)


def export_request(folder: RunFolder, file: Path) -> ExportModel:
    newest = latest(folder.checkpoints)
    assert newest is not None
    return ExportModel(checkpoint=str(newest.path), format="script", file=str(file))


@dataclass
class Told:
    """What a script prints of an epoch."""

    train: float
    val: float | None
    metric: float | None


FORKS = """
import json, os, runpy, sys
import torch, torchvision
sys.modules["workbench"] = None
for line in sys.stdin:
    folder, said, *call = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT), stream.fileno())
        sys.stdin.close()
        sys.argv = call
        runpy.run_path(call[0], run_name="__main__")
        sys.exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""A fresh Python with PyTorch loaded and nothing done with it yet, whose children run a script each: that spares each its start."""
Forks = Callable[[list[str], Path], tuple[int, str]]
Executes = Callable[..., "list[Told]"]
Proves = Callable[[RunConfig, Path], str]


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """``forks(call, folder)`` runs a script in a folder: its exit status, and what it prints."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "WORKBENCH"))}
    if os.name == "nt":
        alone = [sys.executable, "-I"]

        def start(call: list[str], folder: Path) -> tuple[int, str]:
            done = subprocess.run(
                [*alone, *call], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            return done.returncode, done.stdout + done.stderr

        yield start
        return
    command = [sys.executable, "-I", "-c", FORKS]
    parent = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def fork(call: list[str], folder: Path) -> tuple[int, str]:
        said = tmp_path_factory.mktemp("said") / "out.txt"
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(json.dumps([str(folder), str(said), *call]) + "\n")
        parent.stdin.flush()
        return int(parent.stdout.readline()), said.read_text(encoding="utf-8")

    yield fork
    parent.communicate()


@pytest.fixture
def executed(forks: Forks) -> Executes:
    """``executed(file, folder, epochs)``: what a script prints when it runs alone in a folder, without this program."""

    def execute(file: Path, folder: Path, epochs: int = EPOCHS) -> list[Told]:
        folder.mkdir()
        status, said = forks([str(file), "--epochs", str(epochs), "--device", "cpu"], folder)
        assert status == 0, said
        told = [
            Told(float(train), float(val) if val else None, float(metric) if metric else None)
            for _, train, val, _, metric in LINE.findall(said)
        ]
        assert told, said
        return told

    return execute


@pytest.fixture
def proved(executed: Executes) -> Proves:
    """Trains, writes the script, runs it, and compares every epoch. Gives the script."""

    def prove(config: RunConfig, tmp_path: Path) -> str:
        folder, progress = ran(config)
        file = tmp_path / "out" / "tried.py"
        exported = answer_to(export_request(folder, file), ExportedModel)
        assert exported.bytes == file.stat().st_size
        code = file.read_text(encoding="utf-8")
        compile(code, str(file), "exec")
        assert "workbench" not in re.sub(r"^DATA = .*$", "", code, flags=re.MULTILINE)
        name = "accuracy" if "accuracy" in progress.epochs[0].val else "mae"
        told_of = executed(file, tmp_path / "elsewhere", config.training.epochs)
        for epoch, told in zip(progress.epochs, told_of, strict=True):
            # Both tell six digits: equal bits give equal text.
            assert told.train == epoch.train["loss"]
            assert told.val == epoch.val.get("loss")
            if told.metric is not None:
                assert told.metric == pytest.approx(epoch.val[name], rel=1e-4)
        return code

    return prove


RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "mlp": ("digits-mlp", {}),
    "mlp, whole of its settings": (
        "digits-mlp",
        {
            "model.norm": "batch",
            "model.dropout": [0.3],
            "model.init": "kaiming-normal",
            "model.bias_init": 0.1,
            "training.accumulation": 3,
            "training.clip_norm": 1.0,
            "training.label_smoothing": 0.1,
            "training.batch_size": 50,
            "optimizer.kind": "sgd",
            "optimizer.groups": ["*.bias=0.5", "1.*=2"],
            "optimizer.decay_norms": False,
            "schedule.kind": "cosine",
            "schedule.warmup": 0.5,
        },
    ),
    "average": ("digits-mlp", {"training.ema": 0.9, "model.norm": "batch"}),
    "cnn": ("digits-cnn", {"model.channels": [4, 8], "model.head": [16], "model.dropout": [0.1]}),
    "cnn on changed digits": (
        "digits-cnn",
        {
            "model.channels": [4, 8],
            "training.accumulation": 2,
            "dataset.augment_flip": 0.5,
            "dataset.augment_flip_vertical": 0.1,
            "dataset.augment_crop": 1,
            "dataset.augment_rotation": 10.0,
            "dataset.augment_brightness": 0.2,
            "dataset.augment_contrast": 0.2,
            "dataset.augment_erasing": 0.3,
        },
    ),
    "heads": ("multi-task", {}),
    "lstm": ("sine-lstm", {"model.units": 16}),
    "transformer": ("sine-transformer", {"model.width": 16, "model.feedforward": 32, "model.layers": 2}),
    "linear": ("linear-regression", {"dataset.validation": 0.0}),
    "table": ("tabular-mlp", {}),
    "weighted classes, accumulated": (
        "imbalanced-tabular",
        {"dataset.balance": "loss", "training.batch_size": 20, "training.accumulation": 3},
    ),
}


# Their parts alone are compared: what is done with them is the same for all.
ALIKE: dict[str, tuple[str, dict[str, Any]]] = {
    "cnn on enlarged digits": (
        "digits-cnn",
        {"dataset.size": 12, "dataset.balance": "sampler", "model.channels": [4], "model.norm": "group"},
    ),
    "resnet": ("digits-cnn", {"model.kind": "resnet", "model.width": 4, "model.blocks": [1, 1]}),
    "gru": ("sine-gru", {"model.units": 8, "model.bidirectional": True, "dataset.horizon": 3}),
    "transformer, pre-norm": (
        "sine-transformer",
        {"model.width": 16, "model.norm_first": "pre", "model.causal": True, "model.pool": "last", "model.layers": 1},
    ),
    "clusters": ("imbalanced-tabular", {}),
}


@pytest.mark.parametrize("kind", RUNS)
def test_that_the_script_gives_the_losses_of_the_run(kind: str, tmp_path: Path, proved: Proves) -> None:
    proved(configured(*RUNS[kind]), tmp_path)


@pytest.mark.parametrize("kind", ALIKE)
def test_that_other_networks_are_those_of_the_run(kind: str) -> None:
    assert "build_model" in text_of(configured(*ALIKE[kind]))


def test_that_it_stops_as_early_as_the_run(tmp_path: Path, proved: Proves) -> None:
    tired = {"training.epochs": 30, "training.early_stopping": 2, "optimizer.lr": 0.02, "schedule.kind": "plateau"}
    proved(configured("digits-mlp", {**tired, "schedule.patience": 0, "schedule.threshold": 0.01}), tmp_path)
    (run,) = list_runs()
    assert 2 < history.load(run).epoch < 30


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two classes of twelve pictures each, one of them no picture at all."""
    draw = np.random.default_rng(0)
    for name in ("dark", "light"):
        (tmp_path / "pictures" / name / "deeper").mkdir(parents=True)
        for number in range(12):
            values = draw.integers(0, 150, (20, 24, 3)) + (100 if name == "light" else 0)
            where = tmp_path / "pictures" / name / ("deeper" if number % 3 else "") / f"{number}.png"
            Image.fromarray(values.astype(np.uint8)).save(where)
    (tmp_path / "pictures" / "dark" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "pictures"


TRANSFER = {
    "dataset.size": 16,
    "model.name": "resnet18",
    "model.weights": "none",
    "model.image_size": 32,
    "model.trainable": "all",
    "training.batch_size": 8,
}


def test_that_a_network_of_torchvision_trains_as_in_the_run(pictures: Path, tmp_path: Path, proved: Proves) -> None:
    proved(configured("transfer-features", {**TRANSFER, "dataset.path": str(pictures)}), tmp_path)


def test_that_weights_from_a_file_are_taken_over_and_stages_learn_at_their_own_rates(
    pictures: Path, tmp_path: Path, proved: Proves
) -> None:
    name = "mobilenet_v3_small"
    torch.save(torchvision.models.get_model(name, weights=None).state_dict(), tmp_path / "weights.pt")
    changes = {
        "dataset.path": str(pictures),
        "model.name": name,
        "model.weights_path": str(tmp_path / "weights.pt"),
        "model.trainable": 3,
        "model.stage_decay": 0.5,
    }
    code = proved(configured("transfer-features", {**TRANSFER, **changes}), tmp_path)
    assert "# Frozen: features.0" in code


@pytest.mark.parametrize("name", ["squeezenet1_1", "vit_b_16", "googlenet", "mobilenet_v3_small"])
def test_that_other_families_of_torchvision_are_built_alike(name: str, pictures: Path) -> None:
    changes = {**TRANSFER, "dataset.path": str(pictures), "model.name": name}
    text_of(configured("transfer-features", {**changes, "model.trainable": 1}))


def test_that_pictures_in_colour_are_changed_as_in_the_run(pictures: Path, tmp_path: Path, proved: Proves) -> None:
    changed = {"flip": 0.5, "resized_crop": 0.5, "brightness": 0.2, "contrast": 0.3, "saturation": 0.4, "hue": 0.1}
    changes = {f"dataset.augment_{name}": value for name, value in changed.items()}
    plain = {"dataset.kind": "image-folder", "dataset.path": str(pictures), "dataset.size": 16, "model.channels": [4]}
    proved(configured("digits-cnn", {**plain, **changes, "training.batch_size": 8}), tmp_path)


def test_that_a_split_by_folders_is_kept(pictures: Path, tmp_path: Path) -> None:
    whole = tmp_path / "divided"
    whole.mkdir()
    pictures.rename(whole / "Train")
    (whole / "val").mkdir()
    for name in ("dark", "light"):
        (whole / "val" / name).mkdir()
        (whole / "Train" / name / "0.png").rename(whole / "val" / name / "0.png")
    plain = {"dataset.kind": "image-folder", "dataset.path": str(whole), "dataset.size": 8, "model.kind": "mlp"}
    assert "'val'" in text_of(configured("digits-mlp", {**plain, "dataset.channels": "gray"}))


def test_that_pictures_that_a_table_names_are_read_as_in_the_run(pictures: Path) -> None:
    files_ = [path.relative_to(pictures) for path in sorted(pictures.rglob("*.png"))]
    rows = "".join(f"{path.as_posix()},{path.parts[0]}\n" for path in files_)
    (pictures / "named.csv").write_text(f"file,kind\n{rows}none.png,\ngone.png,dark\n", encoding="utf-8")
    changes = {"dataset.path": str(pictures / "named.csv"), "dataset.size": 8, "model.kind": "mlp"}
    assert "read_images" in text_of(configured("image-csv", changes))


def test_that_a_known_set_is_read_as_in_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for part, count in (("train", 60), ("t10k", 20)):
        written_idx(folder / f"{part}-images-idx3-ubyte", draw.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        written_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8) % 10)
    changes = {"dataset.path": str(tmp_path), "dataset.download": False, "dataset.validation_from": "training"}
    assert "torchvision.datasets.MNIST" in text_of(configured("mnist-mlp", changes))
    for file in folder.iterdir():
        packed = gzip.compress(file.read_bytes())
        file.unlink()
        file.with_name(file.name + ".gz").write_bytes(packed)
    with pytest.raises(RefusedError, match="it cannot read the samples"):
        text_of(configured("mnist-mlp", changes))


def written_idx(path: Path, values: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    head = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(head + values.tobytes())


ROWS = "\n".join(
    f"{number % 7},{'red' if number % 3 else 'blue' if number % 4 else ''},{number % 5 or 'na'},{'ab'[number % 2]}{number % 6},"
    f"2024-01-{number % 28 + 1:02},{(number * 37) % 23 / 7},{number / 9}"
    for number in range(90)
)


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset.target": "y", "dataset.more_targets": ["z"], "dataset.ignore": ["when", "who"]},
        {"dataset.target": "y", "dataset.group": "who", "dataset.ignore": ["when"]},
        {"dataset.target": "y", "dataset.time": "when", "dataset.missing": "drop"},
        {"dataset.target": "color", "dataset.ignore": ["when"], "dataset.balance": "loss"},
        {"dataset.target": "x", "dataset.task": "classification", "dataset.standardize": False},
    ],
    ids=["several targets", "by group", "by time", "words", "classes that are numbers"],
)
def test_that_tables_are_read_and_divided_as_in_the_run(changes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "my table.csv"
    path.write_text(f"x,color,w,who,when,y,z\n{ROWS}\n", encoding="utf-8")
    assert "read_table" in text_of(configured("tabular-mlp", {"dataset.path": str(path), **changes}))


def test_that_texts_are_learnt_as_in_the_run(tmp_path: Path, proved: Proves) -> None:
    path = tmp_path / "texts.csv"
    words = ("good fine great", "bad poor awful", "great, really great", "awfully bad", "ünïcode fine")
    rows = "\n".join(f'"{words[n % 5]} {n * 7 % 11}",{"no" if n % 5 in (1, 3) else "yes"}' for n in range(60))
    path.write_text(f"text,label\n{rows}\n", encoding="utf-8")
    small = {"model.layers": 1, "dataset.length": 12, "dataset.vocabulary": 300, "model.init": "xavier-uniform"}
    proved(configured("text-transformer", {"dataset.path": str(path), **small}), tmp_path)


def test_that_a_series_is_read_as_in_the_run(tmp_path: Path, proved: Proves) -> None:
    path = tmp_path / "series.csv"
    lines = [f"2024-{n};{n % 12 if n not in (0, 40) else 'NA'};{(n * n) % 17 / 3}" for n in range(150)]
    path.write_text("day; a ;b\n" + "\n".join(lines) + "\n", encoding="utf-8")
    changes = {"dataset.kind": "series", "dataset.path": str(path), "dataset.window": 10, "model.units": 8}
    proved(configured("sine-lstm", changes), tmp_path)


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "RandAugment": ("digits-cnn", {"dataset.augment_randaugment": 2}, "dataset.augment_randaugment"),
    "pasted pictures": ("digits-cnn", {"dataset.augment_cutmix": 0.2}, "dataset.augment_cutmix"),
    "mixed pictures": ("digits-cnn", {"dataset.augment_mixup": 0.2}, "dataset.augment_mixup"),
    "Muon": ("digits-mlp", {"optimizer.kind": "muon"}, "optimizer.kind"),
    "LBFGS": ("digits-mlp", {"optimizer.kind": "lbfgs"}, "optimizer.kind"),
    "half precision": ("digits-mlp", {"hardware.precision": "bf16"}, "hardware.precision"),
    "several processes": ("digits-mlp", {"hardware.processes": 2}, "hardware.processes"),
    "a joined batch": ("digits-mlp", {"model.norm": "batch", "training.batch_size": 479}, "training.batch_size"),
    "streamed samples": ("digits-mlp", {"dataset.loading": "streamed"}, "dataset.loading"),
    "a plateau of balanced accuracy": (
        "digits-mlp",
        {"schedule.kind": "plateau", "training.monitor": "val.balanced_accuracy"},
        "training.monitor",
    ),
    "an end judged by balanced accuracy": (
        "digits-mlp",
        {"training.early_stopping": 1, "dataset.balance": "loss"},
        "dataset.balance",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_that_what_it_cannot_do_is_refused_in_words(case: str) -> None:
    recipe, changes, setting = REFUSED[case]
    with pytest.raises(RefusedError, match="a script has no counterpart yet") as caught:
        text_of(configured(recipe, changes))
    assert caught.value.problem.path == setting
    assert caught.value.problem.hint


def test_that_own_code_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("from torch import nn\n\nclass Net(nn.Flatten):\n    pass\n", encoding="utf-8")
    config = configured("digits-mlp", {"model.kind": "python", "model.path": str(path)})
    source = data.load(config.dataset)
    with pytest.raises(RefusedError, match="no counterpart yet of the architecture"):
        assemble.text(config, source, torch.nn.Linear(1, 1))


def test_that_a_rate_changed_by_hand_and_several_processes_are_refused(tmp_path: Path) -> None:
    folder, _ = ran(configured("digits-mlp", {"training.epochs": 1}))
    newest = latest(folder.checkpoints)
    assert newest is not None
    state: Any = format.load(newest.path)

    def refused(changed: Any) -> Problem:
        merged: Any = dict(state) | changed
        format.save(folder.checkpoints, merged, {})
        return problems_of(export_request(folder, tmp_path / "never.py"))[0]

    assert "changed by hand" in refused({"schedule": {**state["schedule"], "base": 0.5}}).what
    assert "several processes" in refused({"versions": {**state["versions"], "processes": 2}}).what
    assert not (tmp_path / "never.py").exists()


@pytest.mark.parametrize("kind", [kind_of(variant) for variant in variants("optimizer")])
def test_that_every_optimizer_is_set_as_in_the_run_or_refused(kind: str) -> None:
    config = configured("digits-mlp", {"optimizer.kind": kind, "optimizer.lr": 0.003})
    if kind in ("muon", "lbfgs"):
        with pytest.raises(RefusedError):
            text_of(config)
    else:
        assert "build_optimizer" in text_of(config)


SCHEDULES: dict[str, list[dict[str, Any]]] = {
    "cosine": [{"schedule.period": 2}, {"schedule.per": "epoch"}],
    "warm-restarts": [{"schedule.first": 1}, {"schedule.first": 1, "schedule.growth": 2, "schedule.per": "epoch"}],
    "polynomial": [{"schedule.power": 2.0}, {"schedule.per": "epoch"}],
    "linear": [{"schedule.final": 0.1}, {"schedule.per": "epoch"}],
    "one-cycle": [{}, {"schedule.anneal": "linear"}, {"schedule.three_phase": True}],
}


@pytest.mark.parametrize("kind", [kind_of(variant) for variant in variants("schedule")])
@pytest.mark.parametrize("warmup", [0.0, 1.5])
def test_that_every_schedule_is_that_of_the_run(kind: str, warmup: float) -> None:
    for more in SCHEDULES.get(kind, [{}]):
        changes = {"schedule.kind": kind, "schedule.warmup": warmup, "training.epochs": 7, "training.batch_size": 300}
        assert "factor_at" in text_of(configured("digits-mlp", {**changes, **more}))


@pytest.mark.parametrize(
    "changes",
    [
        {"training.loss": "focal", "dataset.balance": "loss"},
        {"training.loss": "bce", "training.label_smoothing": 0.2, "dataset.balance": "loss"},
        {"training.label_smoothing": 0.2, "dataset.balance": "loss"},
    ],
    ids=["focal", "bce", "smoothed"],
)
def test_that_every_loss_is_that_of_the_run(changes: dict[str, Any]) -> None:
    assert "loss_of" in text_of(configured("digits-mlp", changes))


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda code: code.replace('"split", number', '"split", number + 1'),
        lambda code: code.replace('"order", epoch', '"order", epoch + 1'),
        lambda code: code.replace("return 1.0", "return 0.5"),
        lambda code: code.replace("nn.ReLU(inplace)", "nn.Tanh()"),
        lambda code: code.replace("lr=LEARNING_RATE", "lr=LEARNING_RATE, weight_decay=0.5"),
        lambda code: code.replace("functional.cross_entropy", "functional.multi_margin_loss"),
    ],
    ids=["samples", "order", "rate", "network", "optimiser", "loss"],
)
def test_that_a_script_that_does_something_else_is_not_given_away(spoilt: Callable[[str], str]) -> None:
    config = configured("digits-mlp", {"optimizer.kind": "sgd", "schedule.kind": "constant"})
    code = text_of(config)
    changed = spoilt(code)
    assert changed != code
    source = data.load(config.dataset)
    proof.prove(code, config, source)
    with pytest.raises(RefusedError, match="would not do what the run did"):
        proof.prove(changed, config, source)


def test_that_a_name_cannot_leave_the_text_that_it_stands_in() -> None:
    config = configured("digits-mlp", {})
    source = data.load(config.dataset)
    model = build.build_model(config, source, torch.device("cpu"))
    code = assemble.text(config, source, model, 'x"""\nraise SystemExit(1)\n"""\\')
    assert "\nraise SystemExit" not in code
