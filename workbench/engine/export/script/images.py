"""How a generated script gets pictures: digits, folders, known sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.engine.data import table_reader
from workbench.engine.data.dataset import Source
from workbench.engine.data.image_folder import SUFFIXES, given_splits
from workbench.engine.data.images import MAX_PIXELS
from workbench.engine.export.script.piece import Piece, filled
from workbench.engine.export.script.split import by_share, separator, shares, where
from workbench.engine.runtime.failures import RefusedError
from workbench.shipped import shipped

_DIGITS = """
# The handwritten digits that come with the program: 64 pixels from 0 to 16 and the digit, a row each.
DATA = $path
VALIDATION, SPLIT_SEED = $share, $seed


$split


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Pictures, uint8 (n, 1, $size, $size), and what is to be predicted: of training, then of validation.\"\"\"
    with gzip.open(path, "rt", encoding="ascii") as file:
        rows = torch.from_numpy(np.loadtxt(file, delimiter=",", dtype=np.int64))
    pictures, labels = rows[:, :64].to(torch.uint8).view(-1, 1, 8, 8), rows[:, 64].contiguous()
    $enlarge
    train, val = split(len(labels)$by_class)
    targets = labels
    $ink
    return pictures[train], targets[train], pictures[val], targets[val]
"""
_ENLARGE = """
pictures = functional.interpolate(pictures.to(torch.float32), ($size, $size), mode="bilinear").round().to(torch.uint8)
"""
_INK = """
# The second thing to predict: how much ink a picture has, scaled to mean 0 and standard deviation 1.
ink = pictures.to(torch.float32).mean(dim=(1, 2, 3)) / 16
ink = (ink - float(ink[train].mean())) / float(ink[train].std())
targets = torch.stack([labels.to(torch.float32), ink], dim=1)
"""


def digits(config: Any, source: Source) -> Piece:
    """The digits that come with the program."""
    size = config.size
    enlarge = filled(_ENLARGE, size=size) if size != 8 else ""
    code = filled(
        _DIGITS,
        path=repr(str(shipped("digits", "digits.csv.gz"))),
        split=by_share(),
        size=size,
        enlarge=enlarge,
        by_class=", labels" if config.split == "per-class" else "",
        ink=filled(_INK) if config.target == "digit-and-ink" else "",
        **shares(config),
    )
    return Piece(code, ("import gzip", "import numpy as np"))


_PICTURE = """
def picture(path: Path) -> Tensor | None:
    \"\"\"A picture as uint8 ($depth, $size, $size): short side resized, centre cropped. None when it cannot be read.\"\"\"
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > $most:
                raise ValueError("too many pixels")
            opened.draft("RGB", ($twice, $twice))
            turned = ImageOps.exif_transpose(opened)
            if turned.mode.startswith(("I", "F")):  # sixteen bits and more become eight
                values = np.asarray(turned, dtype=np.float64)
                most = values.max(initial=0)
                top = 65535.0 if most > 255 else 1.0 if turned.mode == "F" and most <= 1 else 255.0
                turned = Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8))
            elif turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
                turned = turned.convert("RGBA")  # what is transparent becomes white
                turned = Image.alpha_composite(Image.new("RGBA", turned.size, "white"), turned)
            fitted = ImageOps.fit(turned.convert("$mode"), ($size, $size), Image.Resampling.BILINEAR)
    except Exception as error:
        print(f"{path} is left out: {error}")
        return None
    array = np.array(fitted, dtype=np.uint8)
    return torch.from_numpy(array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1)))
"""
_FOLDER = """
# Pictures in one folder for each class$given.
DATA = $path
CLASSES = $classes
VALIDATION, SPLIT_SEED = $share, $seed
SUFFIXES = $suffixes


$split


$picture


def read_folder(root: Path) -> tuple[Tensor, Tensor]:
    \"\"\"All pictures of a folder, class by class, and the numbers of their classes.\"\"\"
    pictures, labels = [], []
    for number, name in enumerate(CLASSES):
        files = (p for p in (root / name).rglob("*") if p.suffix.lower() in SUFFIXES)
        visible = (p for p in files if not any(part.startswith(".") for part in p.relative_to(root / name).parts))
        for path in sorted(visible):
            found = picture(path)
            if found is not None:
                pictures.append(found)
                labels.append(number)
    return torch.stack(pictures), torch.tensor(labels)


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Pictures and the numbers of their classes: of training, then of validation.\"\"\"
    $load
"""
_FOLDER_SPLIT = """
pictures, labels = read_folder(Path(path)$train)
train, val = split(len(labels)$by_class)
return pictures[train], labels[train], pictures[val], labels[val]
"""
_FOLDER_GIVEN = """
return *read_folder(Path(path)$train), *read_folder(Path(path) / $val)
"""


def image_folder(config: Any, source: Source) -> Piece:
    """Pictures in folders."""
    root = Path(config.path).expanduser()
    given = given_splits(root)
    train = f" / {given['train'].name!r}" if given else ""
    load = filled(_FOLDER_SPLIT, train=train, by_class=", labels" if config.split == "per-class" else "")
    if "val" in given:
        load = filled(_FOLDER_GIVEN, train=train, val=repr(given["val"].name))
    code = filled(
        _FOLDER,
        path=repr(where(config)),
        classes=repr(list(source.task.classes)),
        given=", divided by hand into training and validation" if "val" in given else "",
        suffixes=repr(tuple(sorted(SUFFIXES))),
        split=by_share(),
        picture=_picture(config, source),
        load=load,
        **shares(config),
    )
    return Piece(code, ("from pathlib import Path", "import numpy as np", "from PIL import Image, ImageOps"))


_IMAGE_CSV = """
# Pictures that a CSV file names, each with its class.
DATA = $path
IMAGE_COLUMN, LABEL_COLUMN = $image_column, $label_column
CLASSES = $classes
VALIDATION, SPLIT_SEED = $share, $seed


$split


$picture


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Pictures and the numbers of their classes: of training, then of validation.\"\"\"
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = [(row[IMAGE_COLUMN], row[LABEL_COLUMN]) for row in csv.DictReader(file, delimiter=$separator)]
    pairs = [
        (picture(Path(path).parent / Path(name.strip()).expanduser()), CLASSES.index(word.strip()))
        for name, word in rows
        if name and word
    ]
    pictures = torch.stack([found for found, _ in pairs if found is not None])
    labels = torch.tensor([label for found, label in pairs if found is not None])
    train, val = split(len(labels)$by_class)
    return pictures[train], labels[train], pictures[val], labels[val]
"""


def image_csv(config: Any, source: Source) -> Piece:
    """Pictures that a CSV file names. Raises RefusedError."""
    if config.group:
        what = "a script has no counterpart yet of pictures that are split by group"
        raise RefusedError(what, "choose another format", "dataset.group")
    columns = table_reader.read(Path(config.path).expanduser()).columns
    code = filled(
        _IMAGE_CSV,
        path=repr(where(config)),
        separator=repr(separator(config)),
        image_column=repr(config.image_column or columns[0]),
        label_column=repr(config.label_column or columns[-1]),
        classes=repr(list(source.task.classes)),
        split=by_share(),
        picture=_picture(config, source),
        by_class=", labels" if config.split == "per-class" else "",
        **shares(config),
    )
    imports = ("import csv", "from pathlib import Path", "import numpy as np", "from PIL import Image, ImageOps")
    return Piece(code, imports)


def _picture(config: Any, source: Source) -> str:
    """The function that reads one picture."""
    return filled(
        _PICTURE,
        size=config.size,
        twice=config.size * 2,
        most=MAX_PIXELS,
        depth=source.shape[0],
        mode="RGB" if config.channels == "rgb" else "L",
    )


_KNOWN = """
# A set that torchvision knows, in torchvision's own folder.
DATA = $path
VALIDATION, SPLIT_SEED = $share, $seed


$split


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Pictures, uint8 (n, channels, height, width), and the numbers of their classes: of training, then of validation.\"\"\"
    known = torchvision.datasets.$name(path, train=True, download=$download)
    pictures = $pictures
    labels = torch.as_tensor(known.targets)
    train, val = split(len(labels)$by_class)
    return pictures[train], labels[train], pictures[val], labels[val]
"""


def known(config: Any, source: Source) -> Piece:
    """Sets that torchvision knows. Raises RefusedError."""
    grey = config.name in ("MNIST", "FashionMNIST", "KMNIST")
    if not grey and config.name not in ("CIFAR10", "CIFAR100"):
        raise RefusedError(f"a script has no counterpart yet of {config.name}", "choose another format", "dataset.name")
    colours = "torch.from_numpy(known.data).permute(0, 3, 1, 2).contiguous()"
    code = filled(
        _KNOWN,
        path=repr(where(config)),
        split=by_share(),
        name=config.name,
        download=config.download,
        pictures="known.data[:, None]" if grey else colours,
        by_class=", labels" if config.split == "per-class" else "",
        **shares(config),
    )
    return Piece(code, ("import torchvision",))
