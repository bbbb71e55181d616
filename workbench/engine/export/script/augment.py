"""Random changes of training images in a generated script."""

from __future__ import annotations

from typing import Any

from workbench.config.run import RunConfig
from workbench.engine.data.augment import change, draw_numbers
from workbench.engine.data.augment.geometry import erase
from workbench.engine.data.dataset import Source
from workbench.engine.export.lifting.lift import Piece
from workbench.engine.export.script.template import filled
from workbench.engine.runtime.failures import RefusedError

_AUGMENT = """
def augment(raw: Tensor, numbers: Tensor) -> Tensor:
    \"\"\"Raw images changed at random, each by its own numbers from 0 to 1, and scaled.\"\"\"
    return erase(scale(change(raw, numbers, Settings(), $white)), numbers, $erasing)


def numbers_of(epoch: int, step: int, count: int) -> Tensor:
    \"\"\"Random numbers for each image of a step; most of them serve changes that are not made here.\"\"\"
    return draw_numbers(SEED, epoch, step, count)
"""
_MISSING = {"randaugment": "RandAugment", "mixup": "MixUp", "cutmix": "CutMix"}


def changes(config: RunConfig) -> bool:
    """Whether training images are changed at random."""
    return bool(getattr(config.dataset, "changes_pictures", False))


def piece(config: RunConfig, source: Source) -> Piece:
    """``augment(raw, numbers)``, or nothing where images stay as they are. Raises RefusedError."""
    if not changes(config):
        return Piece("")
    dataset: Any = config.dataset
    for name, title in _MISSING.items():
        if getattr(dataset, f"augment_{name}"):
            hint = "turn it off in a new run, or choose another format"
            raise RefusedError(f"a script has no counterpart yet of {title}", hint, f"dataset.augment_{name}")
    code = filled(_AUGMENT, white=float(source.preprocessing.get("white", 255)), erasing=dataset.augment_erasing)
    return Piece(code, uses={"erase": erase, "change": change, "draw_numbers": draw_numbers, "Settings": type(dataset)})
