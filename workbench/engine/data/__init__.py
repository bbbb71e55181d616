"""The sources behind ``config/dataset/``: one file each, one entry in ``SOURCES``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from workbench.config.dataset import Dataset, ImageCSV, Series, Sine, Table, Text
from workbench.engine.data import (
    balance,
    digits,
    image_folder,
    report,
    synthetic,
    target_findings,
    torchvision_sets,
    user_dataset,
)
from workbench.engine.data.dataset import Progress, Source, no_progress
from workbench.engine.runtime.failures import RefusedError


# polars takes half a second to import: only sources that read tables do.
def _load_table(config: Table, progress: Progress, learned: Source | None) -> Source:
    from workbench.engine.data import table

    return table.load(config, progress, learned)


def _load_text(config: Text, progress: Progress, learned: Source | None) -> Source:
    from workbench.engine.data import text

    return text.load(config, progress, learned)


def _load_series(config: Series, progress: Progress, learned: Source | None) -> Source:
    from workbench.engine.data import series

    return series.load(config, progress, learned)


def _load_sine(config: Sine, progress: Progress, learned: Source | None) -> Source:
    from workbench.engine.data import series

    return series.load_sine(config, progress, learned)


def _load_image_csv(config: ImageCSV, progress: Progress, learned: Source | None) -> Source:
    from workbench.engine.data import image_csv

    return image_csv.load(config, progress, learned)


SOURCES: dict[str, Callable[[Any, Progress], Source]] = {
    "digits": digits.load,
    "synthetic": synthetic.load,
    "torchvision": torchvision_sets.load,
    "python": user_dataset.load,
}
FITTED_SOURCES: dict[str, Callable[[Any, Progress, Source | None], Source]] = {
    "table": _load_table,
    "sine": _load_sine,
    "series": _load_series,
    "text": _load_text,
    "image-folder": image_folder.load,
    "image-csv": _load_image_csv,
}
"""Sources whose samples are prepared with what was learned from them; those of the others are scaled when they are used."""


def load(config: Dataset, progress: Progress = no_progress, learned: Source | None = None) -> Source:
    """The samples of a configuration, split. Raises RefusedError when they cannot be loaded.

    ``progress`` is called with what is being done, and with the share of it that is done. ``learned``: the source that a model
    was trained on, as its checkpoint keeps it. Samples are prepared for that model, whatever has become of the data.
    """
    if config.kind in FITTED_SOURCES:
        source = FITTED_SOURCES[config.kind](config, progress, learned)
    else:
        source = SOURCES[config.kind](config, progress)
        if learned is not None:
            if source.vocabulary > learned.vocabulary:
                what = f"the samples have token ids up to {source.vocabulary - 1}, and the model has {learned.vocabulary} tokens"
                raise RefusedError(what, "use samples with the vocabulary of the training", "dataset.path")
            preprocessing = learned.preprocessing
            source = replace(
                source, scaling=learned.scaling, preprocessing=preprocessing, vocabulary=learned.vocabulary
            )
    findings = (
        *source.findings,
        *balance.imbalance_findings(source, config.balance),
        *target_findings.target_findings(source, config),
    )
    return report.with_report(replace(source, findings=findings), config)
