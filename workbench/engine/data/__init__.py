"""The sources behind ``config/dataset.py``: one file each, one entry in ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from workbench.config.dataset import Dataset
from workbench.engine.data import balance, digits, image_csv, image_folder, known, own, series, synthetic, table, text
from workbench.engine.data.source import Progress, Source, silent

SOURCES: dict[str, Callable[[Any, Progress], Source]] = {
    "digits": digits.load,
    "image-folder": image_folder.load,
    "table": table.load,
    "synthetic": synthetic.load,
    "image-csv": image_csv.load,
    "torchvision": known.load,
    "sine": series.load_sine,
    "series": series.load,
    "text": text.load,
    "python": own.load,
}


def load(config: Dataset, progress: Progress = silent) -> Source:
    """The samples of a configuration, split. Raises RefusedError when they cannot be had.

    ``progress`` is told what is being done, and which share of it is done.
    """
    source = SOURCES[config.kind](config, progress)
    warning = balance.note(source, config.balance)
    return replace(source, notes=(*source.notes, warning)) if warning else source
