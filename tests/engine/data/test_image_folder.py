"""Pictures of every kind are read; those that cannot be are listed with the reason, and nothing else is lost by them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data.dataset import Source
from workbench.engine.data.loader import build_loader, plan_steps
from workbench.engine.runtime.failures import RefusedError


def load(root: Path, **changes: object) -> Source:
    return data.load(config(root, **changes).dataset)


def config(root: Path, **changes: object) -> RunConfig:
    values = {"dataset.kind": "image-folder", "dataset.path": str(root), "dataset.size": 8}
    return files.change(RunConfig(), values | {f"dataset.{name}": value for name, value in changes.items()})


def save(folder: Path, name: str, mode: str = "RGB", value: int = 200) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if mode == "I;16":
        Image.fromarray(np.full((9, 12), value * 257, dtype=np.uint16)).save(folder / name)
    elif mode == "RGBA":
        Image.new("RGBA", (12, 9), (value, 0, 0, 0)).save(folder / name)
    else:
        Image.new("RGB", (12, 9), (value, value, value)).convert(mode).save(folder / name)
    return folder / name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for label in ("cats", "dogs", "새 친구"):
        for number in range(6):
            save(tmp_path / label, f"사진 {number}.png", value=40 * number)
    return tmp_path


def test_that_modes_of_every_kind_become_eight_bits_of_three_channels(root: Path) -> None:
    for name in ("L", "LA", "P", "1", "CMYK", "I;16"):
        save(root / "cats", f"mode {name.replace(';', '')}.{'tif' if name == 'CMYK' else 'png'}", name)
    source = load(root, validation=0.0)
    assert source.left_out == ()
    assert len(source.train) == 18 + 6
    assert source.shape == (3, 8, 8)
    images = {Path(source.train.name(i)).stem: source.train.read([i])[0] for i in range(len(source.train))}
    assert images["mode I16"].dtype == torch.uint8
    assert images["mode I16"].flatten().tolist() == [200] * 192
    assert images["mode L"].flatten().tolist() == [200] * 192


def test_that_transparency_lies_on_white(root: Path) -> None:
    save(root / "cats", "clear.png", "RGBA")
    source = load(root, validation=0.0)
    (index,) = [i for i in range(len(source.train)) if source.train.name(i).endswith("clear.png")]
    assert source.train.read([index]).flatten().tolist() == [255] * 192


def test_that_unreadable_files_are_listed_with_the_reason_and_left_out(root: Path) -> None:
    good = (root / "cats" / "사진 1.png").read_bytes()
    (root / "cats" / "cut.png").write_bytes(good[: len(good) // 2])
    (root / "dogs" / "words.png").write_text("no image")
    (root / "dogs" / "empty.jpg").write_bytes(b"")
    (root / "dogs" / "notes.txt").write_text("not looked at")
    source = load(root)
    assert {Path(sample.what).name for sample in source.left_out} == {"cut.png", "words.png", "empty.jpg", "notes.txt"}
    assert all(sample.why for sample in source.left_out)
    assert len(source.train) + len(source.val) == 18
    assert source.task.classes == ("cats", "dogs", "새 친구")


@pytest.mark.parametrize(
    "made, sentence",
    [
        ([], "contains no folders"),
        (["one/a.png"], "only one folder"),
        (["one/", "two/"], "contains no images"),
        (["one/a.png", "two/"], "of one class"),
    ],
)
def test_that_a_folder_that_cannot_be_learnt_from_is_refused_in_words(
    tmp_path: Path, made: list[str], sentence: str
) -> None:
    for name in made:
        path = tmp_path / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            save(path.parent, path.name)
    with pytest.raises(RefusedError, match=sentence) as caught:
        load(tmp_path)
    assert caught.value.problem.path == "dataset.path"
    assert caught.value.problem.hint


def test_that_a_missing_folder_and_a_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="there is no folder"):
        load(tmp_path / "missing")
    with pytest.raises(RefusedError, match="is a file"):
        load(save(tmp_path, "a.png"))


def test_that_folders_train_and_val_are_the_split(tmp_path: Path) -> None:
    for split, count in (("train", 4), ("val", 2), ("test", 1)):
        for label in ("a", "b"):
            for number in range(count):
                save(tmp_path / split / label, f"{number}.png")
    source = load(tmp_path)
    assert (len(source.train), len(source.val), len(source.test or ())) == (8, 4, 2)
    assert source.task.classes == ("a", "b")


def test_that_streamed_gives_the_same_batches_as_resident(root: Path) -> None:
    cpu = torch.device("cpu")
    batches = []
    for kind in ("resident", "streamed"):
        run = files.change(config(root, loading=kind, workers=0), {"training.batch_size": 4})
        source = data.load(run.dataset)
        loader = build_loader(run, source, cpu, 1)
        assert loader.kind == kind
        plan = plan_steps(run, len(source.train), 1)
        batches.append([step[0] for step in loader.steps(plan, 0, 7, 3, 1)])
        batches[-1] += [(x, y, 1.0) for x, y in loader.evaluation("val", 0, 1)]
        loader.close()
    for (x, y, f), (u, v, g) in zip(*batches, strict=True):
        assert torch.equal(x, u)
        assert torch.equal(y, v)
        assert f == g


def test_that_a_picture_that_breaks_during_a_run_counts_for_nothing(root: Path) -> None:
    run = config(root, loading="streamed", workers=0, validation=0.0)
    source = data.load(run.dataset)
    Path(source.train.name(0)).unlink()
    loader = build_loader(run, source, torch.device("cpu"), 1)
    told: list[str] = []
    loader.unreadable.tell = told.append
    for _ in range(2):
        labels = torch.cat([y for _, y in loader.evaluation("train", 0, 1)])
        assert len(labels) == 17
        assert labels.min() >= 0
    assert len(told) == 1
    assert source.train.name(0) in told[0]
    assert told[0].endswith("1 of 18 training samples so far")
    loader.close()
