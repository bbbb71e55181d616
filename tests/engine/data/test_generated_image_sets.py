"""Sets of images as people have them, made at random: every file is accounted for, and dark stays darker than bright.

Each set is made with what is right for it: which files are used, in which split, of which class, and how bright they are.
"""

import os
import random
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.engine.data.test_image_folder import load
from workbench.engine.data.dataset import Source, Split

NAMES = ("cat", "Ostrich", "고양이", "개", "Käse", "été", "собака", "猫", "قطة", "e1", "007", "a b", "x.y", "naïve dog")
EIGHT = (("png", "L"), ("png", "RGB"), ("png", "P"), ("jpg", "L"), ("jfif", "RGB"), ("JPG", "RGB"), ("bmp", "RGB"))
MORE = (("webp", "RGB"), ("gif", "P"), ("tif", "L"), ("tiff", "CMYK"), ("png", "LA"), ("png", "RGBA"), ("jpeg", "RGB"))
JUNK = ("notes.txt", "labels.json", "README", "model.psd", "table.csv")
HIDDEN = (".DS_Store", "._0.png", "Thumbs.db", ".cache.png")


@dataclass
class MadeSet:
    """A folder of images, and what is right for it."""

    root: Path
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    """By split the class of each file that is to be used; one split, ``""``, where none is given."""
    levels: dict[str, float] = field(default_factory=dict)
    """How bright each file is, from 0 to 1."""
    left_out: set[str] = field(default_factory=set)
    settings: dict[str, object] = field(default_factory=dict)


def make(root: Path, seed: int) -> MadeSet:
    """A set from a seed: its names, its splits, and whether its pixels have 8 bits, 16 bits, or are numbers."""
    draw = random.Random(seed)
    made = MadeSet(root)
    made.settings = {
        "fit": draw.choice(("crop", "letterbox", "stretch")),
        "width": draw.choice(("same", 8, 13)),
        "channels": draw.choice(("rgb", "gray")),
        "loading": draw.choice(("resident", "streamed")),
    }
    classes = draw.sample(NAMES, draw.randint(2, 5))
    splits = draw.choice((("",), ("train", "val"), ("Training", "validation", "test"), ("train", "test")))
    pixels = draw.choice(("8", "8", "16", "12", "float", "negative"))
    for split in splits:
        made.used[split] = {}
        for name in classes:
            folder = root / split / unicodedata.normalize(draw.choice(("NFC", "NFD")), name)
            for number in range(draw.randint(4, 7)):
                nested = folder / draw.choice(("", "", "deep")) if split != "val" else folder
                nested.mkdir(parents=True, exist_ok=True)
                level = draw.random()
                path = _write(nested / f"{draw.choice(NAMES)} {number}", level, pixels, draw)
                made.used[split][str(path)] = name
                made.levels[str(path)] = level
            _add_others(folder, made, draw)
    _add_others(root, made, draw)
    return made


def _write(stem: Path, level: float, pixels: str, draw: random.Random) -> Path:
    """An image of one brightness."""
    size = draw.choice(((9, 9), (30, 11), (7, 41), (64, 48)))
    if pixels == "8":
        suffix, mode = draw.choice(EIGHT + MORE)
        path = Path(f"{stem}.{suffix}")
        exif = Image.Exif()
        exif[0x0112] = draw.randint(1, 8)
        value = round(level * 255)
        image = Image.new("RGB", size, (value, value, value))
        image = image.quantize(4) if mode == "P" else image.convert(mode)
        kind = "JPEG" if suffix == "jfif" else None
        image.save(path, kind, **({"exif": exif} if suffix in ("jpg", "jpeg", "jfif", "JPG") else {}))
        return path
    if pixels in ("16", "12"):
        top = 65535 if pixels == "16" else 4095
        path = Path(f"{stem}.{draw.choice(('png', 'tif'))}")
        Image.fromarray(np.full(size[::-1], round(level * top), dtype=np.uint16)).save(path)
        return path
    path = Path(f"{stem}.tif")
    number = level * 900 - 450 if pixels == "negative" else level * 3
    Image.fromarray(np.full(size[::-1], number, dtype=np.float32)).save(path)
    return path


def _add_others(folder: Path, made: MadeSet, draw: random.Random) -> None:
    """What lies about in folders beside images."""
    for name in draw.sample(JUNK, draw.randint(0, 2)):
        (folder / name).write_text("x")
        made.left_out.add(str(folder / name))
    for name in draw.sample(HIDDEN, draw.randint(0, 2)):
        (folder / name).write_text("x")
    if draw.random() < 0.3:
        (folder / "broken.png").write_bytes(b"no image")
        made.left_out.add(str(folder / "broken.png"))
    if draw.random() < 0.2 and os.name == "posix":
        os.mkfifo(folder / "pipe.jpg")
        made.left_out.add(str(folder / "pipe.jpg"))


def split_of(source: Source, name: str) -> Split:
    """A split by the name of its folder."""
    split = source.split({"Training": "train", "validation": "val"}.get(name, name))
    assert split is not None
    return split


def files_of(source: Source, split: Split) -> dict[str, str]:
    """The class of each file of a split."""
    return {split.name(index): source.task.classes[int(split.targets[index])] for index in range(len(split))}


def check(made: MadeSet) -> None:
    """Nothing is missing, nothing is twice, nothing is in another split, and the order of brightness is kept."""
    source = load(made.root, **made.settings)
    assert source.report is not None
    used = {path: name for files in made.used.values() for path, name in files.items()}
    names = Counter(sample.what for sample in source.left_out)
    assert names == Counter(made.left_out)
    assert (source.report.found, source.report.used) == (len(used) + len(made.left_out), len(used))
    if set(made.used) in ({""}, {"train", "test"}):
        together = files_of(source, source.train) | files_of(source, source.val)
        assert together == made.used.get("", made.used.get("train"))
        assert len(source.train) + len(source.val) == len(together)
        assert len(source.val) > 0
    for name in made.used.keys() - {""} if "val" in made.used or "validation" in made.used else ():
        assert files_of(source, split_of(source, name)) == made.used[name]
    _check_order(made, source)


def _check_order(made: MadeSet, source: Source) -> None:
    seen: list[tuple[float, float]] = []
    for split in (source.train, source.val, source.test):
        for index in range(len(split) if split is not None else 0):
            assert split is not None
            # Transparency and proportions differ, the brightest pixel is that of the image itself.
            seen.append((made.levels[split.name(index)], float(split.read([index]).max())))
    seen.sort()
    for (level, value), (brighter, other) in pairwise(seen):
        # A lossy file may be off by a few steps of 255.
        assert other >= value - 6, (level, brighter)
    if seen[-1][0] - seen[0][0] > 0.5:
        assert seen[-1][1] - seen[0][1] > 0.4 * 255


@pytest.mark.parametrize("seed", range(10))
def test_that_every_file_of_a_generated_set_is_accounted_for(tmp_path: Path, seed: int) -> None:
    check(make(tmp_path, seed))


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(10, 210))
def test_that_every_file_of_many_generated_sets_is_accounted_for(tmp_path: Path, seed: int) -> None:
    check(make(tmp_path, seed))
