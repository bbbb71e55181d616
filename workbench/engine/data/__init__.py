"""The sources behind ``config/dataset/``: one file each, one entry in ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from workbench.config.dataset import Dataset
from workbench.engine.data import balance, digits, image_folder, synthetic, torchvision_sets, user_dataset
from workbench.engine.data.dataset import Progress, Source, no_progress
from workbench.engine.runtime.failures import RefusedError


# polars takes half a second to import: only sources that read tables do.
def _load_table(config: Any, progress: Progress, learnt: Source | None) -> Source:
    from workbench.engine.data import table

    return table.load(config, progress, learnt)


def _load_text(config: Any, progress: Progress, learnt: Source | None) -> Source:
    from workbench.engine.data import text

    return text.load(config, progress, learnt)


def _load_series(config: Any, progress: Progress, learnt: Source | None) -> Source:
    from workbench.engine.data import series

    return series.load(config, progress, learnt)


def _load_sine(config: Any, progress: Progress, learnt: Source | None) -> Source:
    from workbench.engine.data import series

    return series.load_sine(config, progress, learnt)


def _load_image_csv(config: Any, progress: Progress) -> Source:
    from workbench.engine.data import image_csv

    return image_csv.load(config, progress)


SOURCES: dict[str, Callable[[Any, Progress], Source]] = {
    "digits": digits.load,
    "image-folder": image_folder.load,
    "synthetic": synthetic.load,
    "image-csv": _load_image_csv,
    "torchvision": torchvision_sets.load,
    "python": user_dataset.load,
}
FITTED_SOURCES: dict[str, Callable[[Any, Progress, Source | None], Source]] = {
    "table": _load_table,
    "sine": _load_sine,
    "series": _load_series,
    "text": _load_text,
}
"""Those whose samples are made with what was learned of them; the others' are scaled when they are used."""


def load(config: Dataset, progress: Progress = no_progress, learnt: Source | None = None) -> Source:
    """The samples of a configuration, split. Raises RefusedError when they cannot be had.

    ``progress`` is told what is being done, and which share of it is done. ``learnt``: the source that a model was trained on,
    as its checkpoint keeps it. Samples are made for that model, whatever has become of the data.
    """
    if config.kind in FITTED_SOURCES:
        source = FITTED_SOURCES[config.kind](config, progress, learnt)
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
