"""How a generated script gets its samples: one piece for each source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.config.run import RunConfig
from workbench.engine.data import table
from workbench.engine.data.source import Source
from workbench.engine.export.piece import Piece, filled
from workbench.engine.failures import RefusedError
from workbench.shipped import shipped

_SPLIT = """
def split(count: int, classes: Tensor | None = None) -> tuple[Tensor, Tensor]:
    \"\"\"Indices for training and for validation. With classes, every class gives the same share.\"\"\"
    if VALIDATION == 0:
        return torch.arange(count), torch.arange(0)
    groups = [torch.arange(count)]
    if classes is not None:
        groups = [torch.nonzero(classes == label).flatten() for label in torch.unique(classes)]
    held = torch.zeros(count, dtype=torch.bool)
    for number, group in enumerate(groups):
        wanted = min(max(round(len(group) * VALIDATION), 1), len(group) - 1)
        order = torch.randperm(len(group), generator=generator(SPLIT_SEED, "split", number))
        held[group[order[: max(wanted, 0)]]] = True
    return torch.nonzero(~held).flatten(), torch.nonzero(held).flatten()
"""

PIECES: dict[str, Callable[[Any, Source], Piece]] = {
    "digits": _digits,
    "image-folder": _image_folder,
    "torchvision": _known,
    "sine": _sine,
    "series": _series,
    "synthetic": _synthetic,
    "text": _text,
    "table": _table,
}


def piece(config: RunConfig, source: Source) -> Piece:
    """The code that loads what the run was trained on. Raises RefusedError."""
    kind = config.dataset.kind
    if kind not in PIECES:
        raise RefusedError(
            f"a dataset of the kind {kind} has no counterpart in a script yet", "choose another format", "dataset.kind"
        )
    return PIECES[kind](config.dataset, source)


def _split() -> str:
    return filled(_SPLIT)


def _shares(config: Any) -> dict[str, Any]:
    return {"share": config.validation, "seed": config.split_seed}
