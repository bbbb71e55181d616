"""Images in folders: the folder's name is the class."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.config.dataset import ImageFolder
from workbench.engine.data.class_names import composed, key
from workbench.engine.data.dataset import LeftOut, Progress, Source
from workbench.engine.data.image_files import (
    Files,
    all_left_out,
    class_folders,
    class_name,
    files_below,
    given_splits,
    is_hidden,
    loose_files,
    readable_name,
)
from workbench.engine.data.image_findings import only_elsewhere
from workbench.engine.data.image_set import assemble
from workbench.engine.data.report import assumed, question
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

WORDS = {"train": "training", "val": "validation", "test": "test"}


def load(config: ImageFolder, progress: Progress, learned: Source | None = None) -> Source:
    """The images of a folder. Those that cannot be read are listed and left out. Raises RefusedError.

    ``learned``: what a model was trained on, whose order of classes and scales are used.
    """
    root = _root(config.path)
    progress("looking for images", None)
    given = given_splits(root)
    folders = {name: class_folders(folder) for name, folder in (given or {"train": root}).items()}
    _check_layout(given.get("train", root), folders["train"])
    ignore_case, findings = _case(config, folders)
    classes = _classes(folders["train"], ignore_case, learned)
    listing = _list_files(root, given, folders, classes, ignore_case)
    if not any(listing.files.values()):
        raise RefusedError(f"{root} contains no images" + _reasons(listing.left_out), _layout_hint(), "dataset.path")
    if given:
        names = ", ".join(folder.name for folder in given.values())
        findings.append(assumed(f"the split is given by the folders {names}", "dataset.path"))
    source = assemble(listing.files, list(classes.values()), config, root, progress, learned=learned)
    return replace(
        source,
        left_out=(*listing.left_out, *source.left_out),
        findings=(*source.findings, *findings, *listing.findings),
        found=len(listing.left_out) + sum(len(files) for files in listing.files.values()),
    )


@dataclass
class _Listing:
    """The files of a folder: those of classes by split, and the others."""

    files: dict[str, Files] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def _root(text: str) -> Path:
    root = Path(text).expanduser()
    if not root.exists():
        raise RefusedError(f"there is no folder {root}", "choose the folder that contains the images", "dataset.path")
    if not root.is_dir():
        raise RefusedError(f"{root} is a file, not a folder", "choose the folder that contains it", "dataset.path")
    if not os.access(root, os.R_OK | os.X_OK):
        raise RefusedError(f"{root} cannot be opened", "give yourself the permission to read it", "dataset.path")
    return root


def _check_layout(root: Path, folders: list[Path]) -> None:
    if not folders:
        raise RefusedError(f"{root} contains no folders", _layout_hint(), "dataset.path")
    if len(folders) == 1:
        what = f"{root} contains only one folder ({class_name(folders[0])}), and at least two classes are needed"
        raise RefusedError(what, _layout_hint(), "dataset.path")


def _case(config: ImageFolder, folders: dict[str, list[Path]]) -> tuple[bool, list[Finding]]:
    """Whether names are the same in upper and lower case, and the question where only the person knows.

    Until it is answered, folders of two splits count as the same class, and folders of one split as different ones.
    """
    spelled: dict[str, set[str]] = {}
    for folder in (folder for there in folders.values() for folder in there):
        spelled.setdefault(class_name(folder).casefold(), set()).add(class_name(folder))
    alike = [" and ".join(sorted(names)) for names in spelled.values() if len(names) > 1]
    if config.case != "auto" or not alike:
        return config.case == "same", []
    within = any(
        len({class_name(folder).casefold() for folder in there}) < len({class_name(folder) for folder in there})
        for there in folders.values()
    )
    text = f"the class folders {'; '.join(alike[:5])} differ only in upper and lower case"
    hint = "choose whether they are the same class or different classes"
    return not within, [question(text, "dataset.case", hint)]


def _classes(folders: Iterable[Path], ignore_case: bool, learned: Source | None) -> dict[str, str]:
    """The classes' names by what folders are matched with, in the order of their numbers."""
    classes: dict[str, str] = {}
    for folder in folders:
        classes.setdefault(key(class_name(folder), ignore_case), class_name(folder))
    if learned is None:
        return classes
    # Composed and decomposed letters may have had another order where the model was trained.
    names = [composed(name) for name in learned.task.classes]
    order = {key(name, ignore_case): number for number, name in enumerate(names)}
    if set(order) != set(classes):
        return classes
    return dict(sorted(classes.items(), key=lambda item: order[item[0]]))


def _list_files(
    root: Path, given: dict[str, Path], folders: dict[str, list[Path]], classes: dict[str, str], ignore_case: bool
) -> _Listing:
    """Every file below the root that is not hidden: as an image of a class, or left out."""
    listing = _Listing()
    labels = {key: label for label, key in enumerate(classes)}
    for split, there in folders.items():
        images: list[Files] = [[] for _ in classes]
        foreign: dict[str, int] = {}
        for folder in there:
            label = labels.get(key(class_name(folder), ignore_case))
            if label is None:
                name = class_name(folder)
                reason = f"of class {name}, which is not in the training folder"
                left_out = all_left_out(folder, reason)
                foreign[name] = sum(sample.why == reason for sample in left_out)
                listing.left_out += left_out
                continue
            found = list(files_below(folder))
            images[label] += [(path, label) for path in sorted(path for path, why in found if not why)]
            listing.left_out += [LeftOut(readable_name(str(path)), why) for path, why in found if why]
        listing.files[split] = [item for of_class in images for item in of_class]
        listing.findings += [only_elsewhere(WORDS[split], foreign)] if foreign else []
        listing.left_out += loose_files(given.get(split, root), "not in the folder of a class")
    if given:
        listing.left_out += _outside_splits(root, given)
    return listing


def _outside_splits(root: Path, given: dict[str, Path]) -> list[LeftOut]:
    reason = "not in the folder of a split"
    left_out = loose_files(root, reason)
    for entry in sorted(root.iterdir()):
        if entry.is_dir() and not is_hidden(entry.name) and entry not in given.values():
            left_out += all_left_out(entry, reason)
    return left_out


def _reasons(left_out: list[LeftOut]) -> str:
    """Why none of the files is an image, as far as one reason says it."""
    return f": {len(left_out):,} files are left out ({left_out[0].why})" if left_out else ""


def _layout_hint() -> str:
    return "arrange the images in one folder per class, or in folders train and val that contain one folder per class"
