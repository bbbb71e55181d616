"""Images in folders: the folder's name is the class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import torch
from torch import Tensor

from workbench.config.dataset import ImageCSV, ImageFolder
from workbench.engine.data.dataset import LeaveOut, LeftOut, Progress, Source, Split, TaskSpec, TensorSplit
from workbench.engine.data.images import STATISTICS_SAMPLES, ImageError, ImageSplit, decode, scaling_of
from workbench.engine.data.report import assumed, warning
from workbench.engine.data.split import by_group, split
from workbench.engine.runtime.devices import available_cpus
from workbench.engine.runtime.failures import RefusedError

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".jp2", ".avif")
)
SPLITS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}
RESIDENT_SHARE = 0.25
"""Share of the free main memory up to which ``auto`` keeps all images resident."""
CHUNK = 128
"""Images decoded between two reports of progress."""

Files = list[tuple[Path, int]]


def load(config: ImageFolder, progress: Progress) -> Source:
    """The images of a folder. Those that cannot be read are listed and left out. Raises RefusedError."""
    root = _root(config.path)
    progress("looking for images", None)
    given = given_splits(root)
    classes = _class_names(given["train"] if given else root)
    files = {name: _files(folder, classes) for name, folder in (given or {"train": root}).items()}
    if not any(files.values()):
        raise RefusedError(f"{root} contains no images", _layout_hint(), "dataset.path")
    folders = ", ".join(folder.name for folder in given.values())
    findings = [assumed(f"the split is given by the folders {folders}")] if given else []
    source = assemble(files, classes, config, root, progress)
    return replace(source, findings=(*source.findings, *findings))


def assemble(
    files: dict[str, Files],
    classes: Sequence[str],
    config: ImageFolder | ImageCSV,
    root: Path,
    progress: Progress,
    groups: Mapping[Path, str] | None = None,
) -> Source:
    """Files with the numbers of their classes as samples; validation is taken out of training where it is not given.

    ``groups``: what each file belongs to, where those that belong together are not to be divided. Raises RefusedError.
    """
    files, leave_out = _leave_out(files, config.leave_out, root if root.is_dir() else root.parent)
    readable, left_out, images = _read_all(files, config, progress)
    _check_classes(root, readable["train"], classes)
    if "val" not in readable:
        readable, images = _divide(readable, images, config, groups)
    splits = {name: _build_split(split_files, images[name], config) for name, split_files in readable.items()}
    empty = [name for number, name in enumerate(classes) if not any(label == number for _, label in readable["train"])]
    train = splits["train"]
    sample = train.read(range(0, len(train), max(1, len(train) // STATISTICS_SAMPLES)))
    scaling, preprocessing = scaling_of(sample)
    return Source(
        task=TaskSpec("classification", tuple(map(_readable, classes))),
        shape=tuple(sample.shape[1:]),
        train=train,
        val=splits["val"],
        test=splits.get("test"),
        scaling=scaling,
        preprocessing={**preprocessing, "size": config.size, "channels": config.channels},
        left_out=(*leave_out.left_out, *left_out),
        findings=(
            *leave_out.findings(),
            *(warning(f"no readable image of class {_readable(name)} is in the training split") for name in empty),
        ),
        unit="file",
    )


def resident(config: ImageFolder | ImageCSV, images: int) -> bool:
    """Whether that many images are kept in memory."""
    if config.loading != "auto":
        return config.loading == "resident"
    needed = images * config.size**2 * (3 if config.channels == "rgb" else 1)
    return bool(needed < RESIDENT_SHARE * psutil.virtual_memory().available)


def _root(text: str) -> Path:
    root = Path(text).expanduser()
    if not root.exists():
        raise RefusedError(f"there is no folder {root}", "choose the folder that contains the images", "dataset.path")
    if not root.is_dir():
        raise RefusedError(f"{root} is a file, not a folder", "choose the folder that contains it", "dataset.path")
    return root


def given_splits(root: Path) -> dict[str, Path]:
    """The folders train, val and test when there are train and one of the others, else nothing."""
    folders = {entry.name.lower(): entry for entry in root.iterdir() if entry.is_dir()}
    splits = {
        name: folders[alias] for name, aliases in SPLITS.items() for alias in reversed(aliases) if alias in folders
    }
    return splits if "train" in splits and len(splits) > 1 else {}


def _class_names(root: Path) -> list[str]:
    names = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not names:
        raise RefusedError(f"{root} contains no folders", _layout_hint(), "dataset.path")
    if len(names) == 1:
        what = f"{root} contains only one folder ({names[0]}), and at least two classes are needed"
        raise RefusedError(what, _layout_hint(), "dataset.path")
    return names


def _files(root: Path, classes: Sequence[str]) -> Files:
    return [(path, label) for label, name in enumerate(classes) for path in sorted(_images_below(root / name))]


def _images_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names if Path(name).suffix.lower() in SUFFIXES and name[0] != ".")


def _leave_out(files: dict[str, Files], names: Sequence[str], root: Path) -> tuple[dict[str, Files], LeaveOut]:
    """The files without those that are to be left out, named by their whole path or by that from ``root`` on."""
    wanted = LeaveOut(names)
    used = {
        split: [
            (path, label)
            for path, label in split_files
            if wanted.keeps(_readable(str(path)), _readable(os.path.relpath(path, root)))
        ]
        for split, split_files in (files.items() if names else ())
    }
    return used or files, wanted


def _read_all(
    files: dict[str, Files], config: ImageFolder | ImageCSV, progress: Progress
) -> tuple[dict[str, Files], list[LeftOut], dict[str, Tensor | None]]:
    """Decodes every image once, whatever the loading: an unreadable one must not be met after an hour of training."""
    total = sum(len(split_files) for split_files in files.values())
    keep = resident(config, total)
    readable: dict[str, Files] = {}
    images: dict[str, Tensor | None] = {}
    left_out: list[LeftOut] = []
    done = 0

    def read(item: tuple[Path, int]) -> Tensor | ImageError:
        try:
            return decode(item[0], config.size, config.channels)
        except ImageError as error:
            return error

    with ThreadPoolExecutor(available_cpus()) as pool:
        for name, split_files in files.items():
            decoded: list[Tensor] = []
            readable[name] = []
            for start in range(0, len(split_files), CHUNK):
                part = split_files[start : start + CHUNK]
                for item, result in zip(part, pool.map(read, part), strict=True):
                    if isinstance(result, ImageError):
                        left_out.append(LeftOut(_readable(str(item[0])), str(result)))
                        continue
                    readable[name].append(item)
                    decoded += [result] if keep else []
                done += len(part)
                progress("reading images", done / total)
            images[name] = torch.stack(decoded) if decoded else None
    return readable, left_out, images


def _check_classes(root: Path, train: Files, classes: Sequence[str]) -> None:
    present = {label for _, label in train}
    if not present:
        raise RefusedError(
            f"no image in {root} can be read", "open one of the files in an image viewer", "dataset.path"
        )
    if len(present) == 1:
        name = classes[next(iter(present))]
        what = f"all readable images are of one class ({name}), and at least two classes are needed"
        raise RefusedError(what, "add images of another class", "dataset.path")


def _divide(
    readable: dict[str, Files],
    images: dict[str, Tensor | None],
    config: ImageFolder | ImageCSV,
    groups: Mapping[Path, str] | None,
) -> tuple[dict[str, Files], dict[str, Tensor | None]]:
    """Takes validation out of the training images."""
    files, train_images = readable["train"], images["train"]
    if groups is not None:
        group_of = [groups[path] for path, _ in files]
        if len(set(group_of)) < 2:
            what = "the group column has only one group among the usable images"
            raise RefusedError(what, "choose another column", "dataset.group")
        indices = by_group(group_of, config.validation, config.split_seed)
    else:
        labels = torch.tensor([label for _, label in files]) if config.split == "per-class" else None
        indices = split(len(files), labels, config.validation, config.split_seed)
    for name, chosen in zip(("train", "val"), indices, strict=True):
        readable[name] = [files[index] for index in chosen.tolist()]
        images[name] = train_images[chosen] if train_images is not None else None
    return readable, images


def _build_split(files: Files, images: Tensor | None, config: ImageFolder | ImageCSV) -> Split:
    paths = [path for path, _ in files]
    labels = torch.tensor([label for _, label in files], dtype=torch.int64)
    if images is not None:
        return TensorSplit(images, labels, names=tuple(_readable(str(path)) for path in paths))
    return ImageSplit(paths, labels, config.size, config.channels)


def _readable(name: str) -> str:
    """A name from the disk as text that can be shown and written down: on Linux a file may be named by any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")


def _layout_hint() -> str:
    return "arrange the images in one folder per class, or in folders train and val that contain one folder per class"
