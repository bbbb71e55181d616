"""How a generated script divides samples into training and validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.engine.data import table_reader
from workbench.engine.export.script.piece import filled
from workbench.engine.runtime.failures import RefusedError

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


def by_share() -> str:
    """``split(count, classes)``: a share at random, of every class alike where classes are given."""
    return filled(_SPLIT)


def shares(config: Any) -> dict[str, Any]:
    """What the code says of the split."""
    return {"share": config.validation, "seed": config.split_seed}


def where(config: Any) -> str:
    """The whole path of a source's samples: a script may be started in any folder."""
    return str(Path(config.path).expanduser().resolve())


def separator(config: Any) -> str:
    """What divides the cells of a source's table. Raises RefusedError for a table without lines, and one that is not plain."""
    path = Path(config.path).expanduser()
    found = table_reader.separator_of(path)
    if found is None:
        what = "a script has no counterpart yet of Parquet files"
        raise RefusedError(what, "save the table as CSV, or choose another format", "dataset.path")
    notes = table_reader.read_with_report(path, least=1)[1].notes
    if notes:
        what = f"a script has no counterpart yet of this: {'; '.join(notes)}"
        raise RefusedError(
            what, "save the table in UTF-8 with decimal points, or choose another format", "dataset.path"
        )
    return found
