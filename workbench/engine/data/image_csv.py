"""Images that a CSV file names, each with its class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from workbench.config.dataset import ImageCSV
from workbench.engine.data import image_folder, table_reader
from workbench.engine.data.dataset import LeftOut, Progress, Source
from workbench.engine.runtime.failures import RefusedError


def load(config: ImageCSV, progress: Progress) -> Source:
    """Images as :mod:`image_folder` gives them. Raises RefusedError."""
    path = Path(config.path).expanduser()
    frame, reading = table_reader.read_with_report(path)
    free = [name for name in frame.columns if name != config.group] or frame.columns
    image, label = config.image_column or free[0], config.label_column or free[-1]
    for name, setting in (
        (image, "dataset.image_column"),
        (label, "dataset.label_column"),
        (config.group, "dataset.group"),
    ):
        if name:
            table_reader.require(frame, name, setting)
    if config.group in (image, label):
        what = f"the column {config.group!r} is used twice"
        raise RefusedError(what, "choose another column for the groups", "dataset.group")
    rows = list(zip(frame[image].to_list(), frame[label].to_list(), strict=True))
    labeled = [(row, str(file).strip(), str(name).strip()) for row, (file, name) in enumerate(rows) if file and name]
    left_out = [
        LeftOut(f"row {row + 2}", "no path or no label") for row, (file, name) in enumerate(rows) if not (file and name)
    ]
    classes = sorted({name for _, _, name in labeled})
    if len(classes) < 2:
        what = f"{path} has {len(classes)} different labels, and at least two are needed"
        raise RefusedError(what, "choose another label column", "dataset.label_column")
    index_of = {name: index for index, name in enumerate(classes)}
    files = [(path.parent / Path(file).expanduser(), index_of[name]) for _, file, name in labeled]
    groups = _groups(frame[config.group].to_list(), labeled, files) if config.group else None
    source = image_folder.assemble({"train": files}, classes, config, path, progress, groups)
    return replace(source, left_out=(*left_out, *source.left_out), findings=(*reading.findings, *source.findings))


def _groups(
    column: list[str | None], labeled: list[tuple[int, str, str]], files: image_folder.Files
) -> dict[Path, str]:
    """The group of each file; a file without one is a group of its own."""
    groups = [(column[row] or "").strip() or f"row {row + 2}" for row, _, _ in labeled]
    return {path: group for (path, _), group in zip(files, groups, strict=True)}
