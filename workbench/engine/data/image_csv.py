"""Pictures that a CSV file names, each with its class."""

from __future__ import annotations

from pathlib import Path

from workbench.config.dataset import ImageCSV
from workbench.engine.data import cells, image_folder
from workbench.engine.data.source import LeftOut, Progress, Source
from workbench.engine.failures import RefusedError


def load(config: ImageCSV, progress: Progress) -> Source:
    """Pictures as :mod:`image_folder` gives them. Raises RefusedError."""
    path = Path(config.path).expanduser()
    frame = cells.read(path)
    image, label = config.image_column or frame.columns[0], config.label_column or frame.columns[-1]
    for name, setting in ((image, "dataset.image_column"), (label, "dataset.label_column")):
        cells.require(frame, name, setting)
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
    source = image_folder.assemble({"train": files}, classes, config, path, progress)
    return Source(**{**vars(source), "left_out": (*left_out, *source.left_out)})
