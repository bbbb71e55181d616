"""Samples that become unreadable while a run trains are left out and told; when they are too many the run stops and saves."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.checkpoint import format
from workbench.engine.data import images, unreadable
from workbench.engine.data.dataset import no_progress
from workbench.engine.data.images import ImageError, ImageForm
from workbench.engine.data.loader import build_loader, plan_steps
from workbench.engine.data.unreadable import UnreadableError
from workbench.engine.service.checkpoints import evaluate_checkpoint
from workbench.runs import history
from workbench.runs.attempt_options import AttemptOptions
from workbench.runs.checkpoints import latest
from workbench.runs.folder import RunFolder, create
from workbench.runs.progress import Progress
from workbench.runs.service.requests import EvaluateCheckpoint

PER_CLASS = 12


@pytest.fixture
def root(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(PER_CLASS):
            values = draw.integers(0, 255, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(values).save(tmp_path / "images" / label / f"{number}.png")
    return tmp_path / "images"


def config(root: Path, **changes: Any) -> RunConfig:
    plain = {
        "dataset.kind": "image-folder",
        "dataset.path": str(root),
        "dataset.size": 8,
        "dataset.loading": "streamed",
        "dataset.workers": 0,
        "model.kind": "cnn",
        "model.channels": [4],
        "training.batch_size": 6,
        "training.epochs": 3,
        "hardware.device": "cpu",
    }
    return files.change(RunConfig(), plain | changes)


@pytest.fixture
def after_reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], None]:
    """``after_reads(count, act)``: when so many samples were read for training, ``act`` is done once."""

    def arm(count: int, act: Callable[[], object]) -> None:
        read, seen = images.decode, 0

        def counted(path: Path, form: ImageForm) -> torch.Tensor:
            nonlocal seen
            seen += 1
            if seen == count:
                act()
            return read(path, form)

        monkeypatch.setattr(images, "decode", counted)

    return arm


def trained(config: RunConfig) -> tuple[RunFolder, Progress]:
    folder = create(config, "tried")
    threads = torch.get_num_threads()
    try:
        run_attempt(folder, alone=True)
    finally:
        torch.set_num_threads(threads)
    return folder, history.load(folder)


def test_that_a_run_whose_folder_vanishes_stops_with_a_sentence_and_saves(
    root: Path, after_reads: Callable[[int, Callable[[], object]], None]
) -> None:
    # Statistics, then the first epoch's steps and validation: the folder goes in the middle of the second.
    after_reads(20 + 24 + 8, lambda: root.rename(root.with_name("elsewhere")))
    folder, progress = trained(config(root))
    assert progress.ended is not None
    assert progress.ended.status == "failed"
    assert "can no longer be read" in progress.ended.what or "can be read any more" in progress.ended.what
    assert "Restore the files" in progress.ended.hint
    newest = latest(folder.checkpoints)
    assert newest is not None
    state = format.load(newest.path)
    assert state["position"]["step"] == progress.ended.step > 4
    root.with_name("elsewhere").rename(root)
    assert run_attempt(folder, alone=True) == 0, "a run whose files are back resumes"
    resumed = history.load(folder).ended
    assert resumed is not None
    assert resumed.status == "completed"


def test_that_no_step_is_taken_on_nothing(root: Path) -> None:
    run = config(root, **{"dataset.validation": 0.0})
    source = data.load(run.dataset)
    loader = build_loader(run, source, torch.device("cpu"), 1)
    steps = loader.steps(plan_steps(run, len(source.train), 1), 0, 0, 0, 0)
    next(steps)
    shutil.rmtree(root)
    with pytest.raises(UnreadableError, match="of 24 training samples can no longer be read") as caught:
        list(steps)
    assert caught.value.failure.hint
    with pytest.raises(UnreadableError):
        list(loader.evaluation("train", 0, 1))
    loader.close()


@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.parametrize("flip", [0.0, 0.5])
def test_that_a_batch_is_taken_without_what_is_gone(root: Path, accumulation: int, flip: float) -> None:
    changes = {"dataset.validation": 0.0, "training.accumulation": accumulation, "dataset.augment_flip": flip}
    run = config(root, **changes)
    source = data.load(run.dataset)
    plan = plan_steps(run, len(source.train), 1)
    cpu = torch.device("cpu")
    whole = list(build_loader(run, source, cpu, 1).steps(plan, 0, 0, 0, 0))
    gone = source.train.name(5)
    Path(gone).unlink()
    told: list[str] = []
    loader = build_loader(run, source, cpu, 1)
    loader.unreadable.tell = told.append
    rest = list(loader.steps(plan, 0, 0, 0, 0))
    assert len(told) == 1
    assert gone in told[0]
    missing = 0
    for before, after in zip(whole, rest, strict=True):
        assert sum(weight for *_, weight in before) == pytest.approx(sum(weight for *_, weight in after))
        for (x, y, _), (u, v, _) in zip(before, after, strict=True):
            missing += len(y) - len(v)
            kept = [any(torch.equal(row, other) for other in u) for row in x]
            assert sum(kept) == len(u) == len(v)
            assert torch.equal(y[torch.tensor(kept)], v), "the others are what they would have been, label by label"
    assert missing == 1


def test_that_an_accumulated_batch_of_nothing_leaves_its_weight_to_the_others(root: Path) -> None:
    changes = {"dataset.validation": 0.0, "training.accumulation": 2, "training.batch_size": 1}
    run = config(root, **changes)
    source = data.load(run.dataset)
    plan = plan_steps(run, len(source.train), 1)
    Path(source.train.name(3)).unlink()
    loader = build_loader(run, source, torch.device("cpu"), 1)
    steps = list(loader.steps(plan, 0, 0, 0, 0))
    assert sorted(map(len, steps)) == [1, *[2] * 11]
    assert [sum(weight for *_, weight in step) for step in steps] == pytest.approx([1.0] * 12)


def test_that_few_are_left_out_and_many_end_the_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = data.load(config(root, **{"dataset.validation": 0.0}).dataset)
    samples = unreadable.UnreadableSamples(source)
    samples.add("train", {0: "gone", 1: "gone"})
    samples.add("train", {1: "gone"})
    assert dict(samples.of("train")) == {0: "gone", 1: "gone"}
    with pytest.raises(UnreadableError, match="3 of 24 training samples"):
        samples.add("train", {2: "gone"})
    monkeypatch.setattr(unreadable, "MOST_SHARE", 0.5)
    many = unreadable.UnreadableSamples(source)
    many.add("train", dict.fromkeys(range(12), "gone"))
    with pytest.raises(UnreadableError):
        many.add("train", {12: "gone"})


def test_that_an_image_that_is_gone_is_no_black_image(root: Path) -> None:
    split = data.load(config(root).dataset).train
    Path(split.name(0)).unlink()
    with pytest.raises(ImageError, match="the file was not found"):
        split.read([0, 1])


def test_that_a_validation_split_of_nothing_ends_the_run(root: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    for split in ("train", "val"):
        shutil.copytree(root, whole / split)
    for label in ("a", "b"):
        for number in range(1, PER_CLASS):
            (whole / "val" / label / f"{number}.png").unlink()
    run = config(whole)
    loader = build_loader(run, data.load(run.dataset), torch.device("cpu"), 1)
    shutil.rmtree(whole / "val")
    with pytest.raises(UnreadableError, match="no image of the validation split can be read any more"):
        list(loader.evaluation("val", 0, 1))
    loader.close()


def test_that_files_that_changed_since_the_checkpoint_are_told_of(root: Path) -> None:
    folder, _ = trained(config(root, **{"training.epochs": 1}))
    warning = "files of the data changed since the checkpoint was saved"

    def warned() -> int:
        lines = folder.events_file.read_text(encoding="utf-8").splitlines()
        return sum(warning in line for line in lines)

    assert run_attempt(folder, AttemptOptions(epochs=2), alone=True) == 0
    assert warned() == 0
    (root / "a" / "0.png").write_bytes((root / "b" / "0.png").read_bytes())
    newest = latest(folder.checkpoints)
    assert newest is not None
    evaluated = evaluate_checkpoint(EvaluateCheckpoint(checkpoint=str(newest.path), split="val"), no_progress)
    assert len(evaluated.warnings) == 1
    assert warning in evaluated.warnings[0]
    assert run_attempt(folder, AttemptOptions(epochs=3), alone=True) == 0
    assert warned() == 1
