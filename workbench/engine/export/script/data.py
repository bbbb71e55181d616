"""How a generated script gets its samples: one piece for each source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.config.fields import title_of
from workbench.config.run import RunConfig
from workbench.engine.data.dataset import Source
from workbench.engine.export.script import images, sequences, tables
from workbench.engine.export.script.piece import Piece
from workbench.engine.runtime.failures import RefusedError

PIECES: dict[str, Callable[[Any, Source], Piece]] = {
    "digits": images.digits,
    "image-folder": images.image_folder,
    "image-csv": images.image_csv,
    "torchvision": images.known,
    "sine": sequences.sine,
    "series": sequences.series,
    "synthetic": tables.synthetic,
    "text": sequences.text,
    "table": tables.table,
}


def piece(config: RunConfig, source: Source) -> Piece:
    """The code that loads what the run was trained on. Raises RefusedError."""
    kind = config.dataset.kind
    if kind not in PIECES:
        what = f"a script has no counterpart yet of the source {title_of(type(config.dataset))}"
        raise RefusedError(what, "choose another format", "dataset.kind")
    return PIECES[kind](config.dataset, source)
