"""Folders as people have them: nested, with hidden files, with classes that miss here or there, streamed by workers."""

import os
import sys
from pathlib import Path

import pytest
import torch

from tests.engine.data.test_image_folder import config, load, save
from workbench.config import files
from workbench.engine import data
from workbench.engine.data.loader import build_loader, plan_steps
from workbench.engine.runtime.failures import RefusedError


def fill(root: Path, *classes: str, count: int = 5) -> Path:
    for index, label in enumerate(classes):
        for number in range(count):
            save(root / label, f"{number}.png", value=20 * number + index)
    return root


def test_that_pictures_in_folders_of_a_class_are_of_that_class(tmp_path: Path) -> None:
    fill(tmp_path, "a/first/deep", "a/second", "b")
    source = load(tmp_path, validation=0.0)
    assert source.task.classes == ("a", "b")
    assert torch.bincount(source.train.targets).tolist() == [10, 5]


def test_that_hidden_files_and_folders_are_not_looked_at(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b", ".thumbnails", "a/.cache")
    save(tmp_path / "a", "._0.png")
    (tmp_path / "a" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    source = load(tmp_path)
    assert source.task.classes == ("a", "b")
    assert len(source.train) + len(source.val) == 10
    assert [(Path(sample.what).name, sample.why) for sample in source.left_out] == [
        ("notes.txt", "not an image file (.txt)")
    ]


def test_that_a_class_without_pictures_is_said_and_kept(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    (tmp_path / "c").mkdir()
    source = load(tmp_path)
    assert source.task.classes == ("a", "b", "c")
    assert "no readable image of class c is in the training split" in source.notes


def test_that_nothing_readable_is_refused_in_words(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "x.png").write_text("no image")
    with pytest.raises(RefusedError, match=r"no image in .* can be read") as caught:
        load(tmp_path)
    assert caught.value.problem.path == "dataset.path"


def test_that_without_a_folder_val_the_training_folder_is_split(tmp_path: Path) -> None:
    fill(tmp_path / "Training", "a", "b", count=10)
    fill(tmp_path / "testing", "a", "b", count=3)
    source = load(tmp_path, validation=0.2)
    assert (len(source.train), len(source.val), len(source.test or ())) == (16, 4, 6)


def test_that_a_class_named_train_alone_is_a_class(tmp_path: Path) -> None:
    fill(tmp_path, "train", "plane")
    assert load(tmp_path).task.classes == ("plane", "train")


def test_that_a_folder_val_without_a_readable_picture_is_refused_in_words(tmp_path: Path) -> None:
    fill(tmp_path / "train", "a", "b")
    (tmp_path / "val" / "a").mkdir(parents=True)
    (tmp_path / "val" / "a" / "x.png").write_text("no image")
    with pytest.raises(RefusedError, match=r"validation folder in .* contains no readable image") as caught:
        load(tmp_path)
    assert "rename it" in caught.value.problem.hint


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have names of text only")
def test_that_names_that_are_no_text_can_be_shown_and_written_down(tmp_path: Path) -> None:
    fill(tmp_path, "a", os.fsdecode(b"\xb0\xed\xbe\xe7\xc0\xcc"))
    (tmp_path / "a" / os.fsdecode(b"bad\xff.png")).write_text("no image")
    for loading_ in ("resident", "streamed"):
        source = load(tmp_path, loading=loading_, validation=0.0)
        shown = [*source.task.classes, *(sample.what for sample in source.left_out), source.train.name(9)]
        assert all(text.encode() for text in shown)
        assert len(source.train) == 10


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_that_two_workers_give_the_batches_of_none_and_leave_with_the_loader(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b", count=10)
    names = []
    for workers in (0, 2):
        changes = {"training.batch_size": 3, "training.accumulation": 2}
        run = files.change(config(tmp_path, loading="streamed", workers=workers, validation=0.0), changes)
        source = data.load(run.dataset)
        loader = build_loader(run, source, torch.device("cpu"), 1)
        plan = plan_steps(run, len(source.train), 1)
        taken = []
        for epoch in (0, 1):
            # The first epoch is left in the middle, as a stop does: the next one must not see what was read ahead.
            for number, step in enumerate(loader.steps(plan, 0, 5, epoch, 1)):
                taken += step
                if epoch == 0 and number == 0:
                    break
        names.append(taken)
        loader.close()
    assert len(names[0]) == 2 + 5
    for (x, y, factor), (u, v, other) in zip(*names, strict=True):
        assert torch.equal(x, u)
        assert torch.equal(y, v)
        assert factor == other
