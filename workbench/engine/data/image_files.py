"""The files of an image folder: every one is either an image of a class, or left out with the reason. None is opened here."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.engine.data.class_names import composed
from workbench.engine.data.dataset import LeftOut

SUFFIXES = frozenset(
    (
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".bmp", ".dib", ".gif", ".webp", ".tif"),
        *(".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif", ".heic", ".heif", ".hif"),
    )
)
SPLITS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}
SYSTEM_FILES = frozenset(("thumbs.db", "desktop.ini", "__macosx"))
"""What systems leave in folders under names that are not hidden."""
Files = list[tuple[Path, int]]
"""Image files with the numbers of their classes."""


def readable_name(name: str) -> str:
    """A name from the disk as text that can be shown and written down: on Linux a file may be named by any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")


def class_name(folder: Path) -> str:
    """The class that a folder stands for: composed letters, whichever way the disk spells them."""
    return composed(readable_name(folder.name))


def is_hidden(name: str) -> bool:
    """Whether a file or folder is no part of the data."""
    return name.startswith(".") or name.lower() in SYSTEM_FILES


def given_splits(root: Path) -> dict[str, Path]:
    """The folders train, val and test when there are train and one of the others, else nothing."""
    folders = {entry.name.lower(): entry for entry in sorted(root.iterdir(), reverse=True) if entry.is_dir()}
    splits = {
        name: folders[alias] for name, aliases in SPLITS.items() for alias in reversed(aliases) if alias in folders
    }
    return splits if "train" in splits and len(splits) > 1 else {}


def class_folders(root: Path) -> list[Path]:
    """The folders in a folder, in the order of their names."""
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not is_hidden(entry.name))


def image_files(root: Path, classes: Sequence[str]) -> Files:
    """The images of the classes of a folder."""
    return [
        (path, label)
        for label, name in enumerate(classes)
        for folder in class_folders(root)
        if class_name(folder) == name
        for path in images_in(folder)
    ]


def images_in(folder: Path) -> list[Path]:
    """The images in a folder and in those that it contains, in the order of their names."""
    return sorted(path for path, why in files_below(folder) if not why)


def files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file in a folder and in those that it contains, with why it is left out; empty for an image."""
    pending, links, seen = [folder], list[Path](), set[tuple[int, int]]()
    while pending or links:
        # Links last: what a folder and a link both lead to is named by the folder.
        parent = pending.pop() if pending else links.pop()
        try:
            status = parent.stat()
            names = os.listdir(parent)
        except OSError as error:
            yield parent, f"the folder cannot be opened ({error.strerror})"
            continue
        if (status.st_dev, status.st_ino) in seen:
            yield parent, "a link to a folder that is read already"
            continue
        seen.add((status.st_dev, status.st_ino))
        for name in names:
            path = parent / name
            if is_hidden(name):
                continue
            if path.is_dir():
                (links if path.is_symlink() else pending).append(path)
            else:
                yield path, why_left_out(path)


def why_left_out(path: Path) -> str:
    """Why a file is not read; empty for an image. It is not opened: a pipe would wait."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "a link to a file that is not there"
    except OSError as error:
        return f"it cannot be opened ({error.strerror})"
    if not stat.S_ISREG(mode):
        return "not a regular file (a pipe, a socket or a device)"
    if path.suffix.lower() not in SUFFIXES:
        suffix = readable_name(path.suffix)
        return f"not an image file ({suffix})" if suffix else "not an image file"
    return ""


def all_left_out(folder: Path, why: str) -> list[LeftOut]:
    """Every file of a folder that is left out as a whole; those that would be anyway keep their own reason."""
    return [LeftOut(readable_name(str(path)), own or why) for path, own in files_below(folder)]


def loose_files(folder: Path, why: str) -> list[LeftOut]:
    """The files that lie in a folder itself."""
    return [
        LeftOut(readable_name(str(path)), why_left_out(path) or why)
        for path in sorted(folder.iterdir())
        if not path.is_dir() and not is_hidden(path.name)
    ]
