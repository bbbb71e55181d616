"""The sources behind ``config/dataset/``: one file each, one entry in ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from workbench.config.dataset import Dataset
from workbench.engine.data import (
    balance,
    digits,
    image_csv,
    image_folder,
    series,
    synthetic,
    table,
    text,
    torchvision_sets,
    user_dataset,
)
from workbench.engine.data.dataset import Progress, Source, no_progress
from workbench.engine.runtime.failures import RefusedError

SOURCES: dict[str, Callable[[Any, Progress], Source]] = {
    "digits": digits.load,
    "image-folder": image_folder.load,
    "synthetic": synthetic.load,
    "image-csv": image_csv.load,
    "torchvision": torchvision_sets.load,
    "python": user_dataset.load,
}
LEARNING: dict[str, Callable[[Any, Progress, Source | None], Source]] = {
    "table": table.load,
    "sine": series.load_sine,
    "series": series.load,
    "text": text.load,
}
"""Those whose samples are made with what was learnt of them; the others' are scaled when they are used."""


def load(config: Dataset, progress: Progress = no_progress, learnt: Source | None = None) -> Source:
    """The samples of a configuration, split. Raises RefusedError when they cannot be had.

    ``progress`` is told what is being done, and which share of it is done. ``learnt``: the source that a model was trained on,
    as its checkpoint keeps it. Samples are made for that model, whatever has become of the data.
    """
    if config.kind in LEARNING:
        source = LEARNING[config.kind](config, progress, learnt)
    else:
        source = SOURCES[config.kind](config, progress)
        if learnt is not None:
            if source.vocabulary > learnt.vocabulary:
                what = f"the samples have tokens up to {source.vocabulary - 1}, and the model knows {learnt.vocabulary}"
                raise RefusedError(what, "give samples with the tokens of the training", "dataset.path")
            kept = learnt.preprocessing
            source = replace(source, scaling=learnt.scaling, preprocessing=kept, vocabulary=learnt.vocabulary)
    warning = balance.imbalance_warning(source, config.balance)
    return replace(source, notes=(*source.notes, warning)) if warning else source
