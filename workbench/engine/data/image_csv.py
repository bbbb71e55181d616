"""Images that a CSV file names, each with its class."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from workbench.config.dataset import ImageCSV
from workbench.engine.data.class_names import composed
from workbench.engine.data.dataset import LeftOut, Progress, Source
from workbench.engine.data.image_set import assemble
from workbench.engine.data.report import assumed, stamp_of, warning
from workbench.engine.data.tables.file import open_table, options_of
from workbench.engine.data.tables.roles import require
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
"""How a Windows path with a drive, or of another computer, begins."""


@dataclass
class _Rows:
    """The rows of a table: those with a file and a class, and the others."""

    files: list[tuple[int, Path, str]] = field(default_factory=list)
    """The row's number, its file, its class."""
    left_out: list[LeftOut] = field(default_factory=list)
    backslashes: int = 0
    """Rows whose path is written as on Windows and was found."""
    several_classes: set[Path] = field(default_factory=set)

    def findings(self) -> list[Finding]:
        """How paths were read, and what the rows contradict each other in."""
        findings = []
        if self.backslashes:
            findings.append(assumed(f"{self.backslashes:,} paths are written as on Windows (with backslashes)"))
        if self.several_classes:
            count = len(self.several_classes)
            word = "image has" if count == 1 else "images have"
            findings.append(warning(f"{count:,} {word} several rows with different classes", "dataset.path"))
        return findings


def load(config: ImageCSV, progress: Progress, learned: Source | None = None) -> Source:
    """Images as :func:`image_set.assemble` gives them; every row is one, or is left out. Raises RefusedError."""
    path = Path(config.path).expanduser()
    table = open_table(path, options_of(config))
    content = table.whole()
    frame, names = content.cells, [table.row_name(row) for row in content.numbers.tolist()]
    image, label = _columns(config, frame)
    rows = _read_rows(path.parent, names, frame[image].to_list(), frame[label].to_list())
    if not rows.files and rows.left_out:
        what = f"no row of {path} names an image with its class: {rows.left_out[0].what}: {rows.left_out[0].why}"
        raise RefusedError(what, "correct the paths, or choose other columns", "dataset.image_column")
    classes = sorted({name for _, _, name in rows.files})
    if len(classes) < 2:
        what = f"{path} has {len(classes)} different labels, and at least two are needed"
        raise RefusedError(what, "choose another label column", "dataset.label_column")
    index_of = {name: index for index, name in enumerate(classes)}
    files = [(file, index_of[name]) for _, file, name in rows.files]
    groups = _groups(frame[config.group].to_list(), rows) if config.group else None
    source = assemble({"train": files}, classes, config, path, progress, groups, learned)
    return replace(
        source,
        left_out=(*table.left_out, *rows.left_out, *source.left_out),
        findings=(*table.findings, *source.findings, *rows.findings()),
        found=len(frame) + len(table.left_out),
        unit="row",
        reading=table.reading,
        stamp=stamp_of([path, *(file for file, _ in files)]),
    )


def _columns(config: ImageCSV, frame: pl.DataFrame) -> tuple[str, str]:
    """The columns of paths and of classes. Raises RefusedError."""
    free = [name for name in frame.columns if name != config.group] or frame.columns
    image, label = config.image_column or free[0], config.label_column or free[-1]
    for name, setting in (
        (image, "dataset.image_column"),
        (label, "dataset.label_column"),
        (config.group, "dataset.group"),
    ):
        if name:
            require(frame.columns, name, setting)
    if config.group in (image, label):
        what = f"the column {config.group!r} is used twice"
        raise RefusedError(what, "choose another column for the groups", "dataset.group")
    return image, label


def _read_rows(folder: Path, names: list[str], paths: list[str | None], labels: list[str | None]) -> _Rows:
    """Each row with its file and its class, or left out; a row that says what an earlier one says is left out too."""
    rows = _Rows()
    first: dict[Path, dict[str, int]] = {}
    for number, (path, label) in enumerate(zip(paths, labels, strict=True)):
        text, name = (path or "").strip(), composed((label or "").strip())
        if not text or not name:
            missing = "no path and no class" if not text and not name else "no path" if not text else "no class"
            rows.left_out.append(LeftOut(names[number], missing))
            continue
        file = _resolve(folder, text)
        rows.backslashes += "\\" in text and "\\" not in str(file)
        if file is None:
            why = "a Windows path with a drive, which this system does not have: write paths relative to the CSV file"
            rows.left_out.append(LeftOut(f"{names[number]} ({text})", why))
            continue
        earlier = first.setdefault(file, {})
        if name in earlier:
            what = f"{names[number]} ({text})"
            rows.left_out.append(LeftOut(what, "the same image and class as an earlier row"))
            continue
        if earlier:
            rows.several_classes.add(file)
        earlier[name] = number
        rows.files.append((number, file, name))
    return rows


def _resolve(folder: Path, text: str) -> Path | None:
    """The file that a path means: as it is written, with the other slashes, or with letters composed as the disk has them.

    None for a Windows path that begins at a drive, where there is none.
    """
    for spelling in _spellings(text):
        # What cannot be a path at all, such as a name that is too long, is not there either.
        with suppress(OSError, ValueError, RuntimeError):
            path = folder / Path(spelling).expanduser()
            if path.exists():
                return path
    return None if DRIVE.match(text) and not Path(text).drive else folder / text


def _spellings(text: str) -> Iterator[str]:
    for written in dict.fromkeys((text, text.replace("\\", "/"))):
        yield from dict.fromkeys((written, *(unicodedata.normalize(form, written) for form in ("NFC", "NFD"))))


def _groups(column: list[str | None], rows: _Rows) -> dict[Path, str]:
    """The group of each file; a file without one is a group of its own."""
    return {path: (column[row] or "").strip() or f"row {row + 2}" for row, path, _ in rows.files}
