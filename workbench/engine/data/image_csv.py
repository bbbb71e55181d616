"""Pictures that a CSV file names, each with its class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from workbench.config.dataset import ImageCSV
from workbench.engine.data import image_folder, table_reader
from workbench.engine.data.dataset import LeftOut, Progress, Source
from workbench.engine.runtime.failures import RefusedError


def load(config: ImageCSV, progress: Progress) -> Source:
    """Pictures as :mod:`image_folder` gives them. Raises RefusedError."""
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
        what = f"the column {config.group!r} is named twice"
        raise RefusedError(what, "choose another column for the groups", "dataset.group")
    rows = list(zip(frame[image].to_list(), frame[label].to_list(), strict=True))
    named = [(place, str(file).strip(), str(word).strip()) for place, (file, word) in enumerate(rows) if file and word]
    left_out = [
        LeftOut(f"row {place + 2}", "no path or no class")
        for place, (file, word) in enumerate(rows)
        if not (file and word)
    ]
    classes = sorted({word for _, _, word in named})
    if len(classes) < 2:
        raise RefusedError(f"{path} has {len(classes)} different classes", "two are needed", "dataset.label_column")
    number = {word: place for place, word in enumerate(classes)}
    files = [(path.parent / Path(file).expanduser(), number[word]) for _, file, word in named]
    groups = _groups(frame[config.group].to_list(), named, files) if config.group else None
    source = image_folder.assemble({"train": files}, classes, config, path, progress, groups)
    return replace(source, left_out=(*left_out, *source.left_out), notes=(*reading.notes, *source.notes))


def _groups(column: list[str | None], named: list[tuple[int, str, str]], files: image_folder.Files) -> dict[Path, str]:
    """What each file belongs to; one without a word belongs to nobody else."""
    words = [(column[place] or "").strip() or f"row {place + 2}" for place, _, _ in named]
    return {path: word for (path, _), word in zip(files, words, strict=True)}
