"""How a generated script gets its samples: one piece for each source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.config.fields import title_of
from workbench.config.run import RunConfig
from workbench.engine.data.source import Source
from workbench.engine.export import script_pictures, script_sequences, script_tables
from workbench.engine.export.piece import Piece
from workbench.engine.failures import RefusedError

PIECES: dict[str, Callable[[Any, Source], Piece]] = {
    "digits": script_pictures.digits,
    "image-folder": script_pictures.image_folder,
    "image-csv": script_pictures.image_csv,
    "torchvision": script_pictures.known,
    "sine": script_sequences.sine,
    "series": script_sequences.series,
    "synthetic": script_tables.synthetic,
    "text": script_sequences.text,
    "table": script_tables.table,
}


def piece(config: RunConfig, source: Source) -> Piece:
    """The code that loads what the run was trained on. Raises RefusedError."""
    kind = config.dataset.kind
    if kind not in PIECES:
        what = f"a script has no counterpart yet of the source {title_of(type(config.dataset))}"
        raise RefusedError(what, "choose another format", "dataset.kind")
    return PIECES[kind](config.dataset, source)
