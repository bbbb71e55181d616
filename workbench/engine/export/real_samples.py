"""Samples with which an exported model is checked: those of the run, raw as an exported model takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from workbench.config.dataset import Dataset
from workbench.engine import data
from workbench.engine.data.dataset import Progress, Source, no_progress
from workbench.engine.data.tables.description import Description
from workbench.engine.export.raw_inputs import GAP, Front
from workbench.engine.runtime.failures import RefusedError

COUNT = 64
"""Samples that are compared."""


@dataclass(frozen=True)
class RawSamples:
    """``raw`` as an exported model takes them, one tensor for each of its inputs; ``prepared`` as the network takes them."""

    raw: tuple[Tensor, ...]
    prepared: Tensor
    origin: str

    def __len__(self) -> int:
        return len(self.prepared)


ReadSamples = Callable[[Source, Front], RawSamples]


def of_run(config: Dataset, progress: Progress = no_progress) -> ReadSamples:
    """Reads the samples of a run's dataset, or draws some where it cannot be read any more."""

    def read(source: Source, front: Front) -> RawSamples:
        try:
            if config.kind == "table" and len(front.inputs[0].columns):
                return table_rows(Path(config.path).expanduser(), source, front)
            return _of_split(data.load(config, progress, source), front)
        except (RefusedError, OSError) as error:
            drawn = drawn_samples(source, front)
            return RawSamples(drawn.raw, drawn.prepared, f"random samples, as the data could not be read ({error})")

    return read


def drawn_samples(source: Source, front: Front, count: int = COUNT) -> RawSamples:
    """Random samples of the source's form, a gap among them where there can be one."""
    draw = torch.Generator().manual_seed(0)
    raw = list[Tensor]()
    for described in front.inputs:
        shape = (count, *described.shape)
        if source.vocabulary:
            values = torch.randint(1, source.vocabulary, shape, generator=draw)
        elif described.name == "categories":
            known = torch.tensor([len(column["words"]) for column in described.columns])
            values = (torch.rand(shape, generator=draw) * (known + 1)).long() + GAP
        elif described.columns:
            mean, std = (torch.tensor([float(column[key]) for column in described.columns]) for key in ("mean", "std"))
            values = (mean + std * torch.randn(shape, generator=draw)).to(described.dtype)
            values[0].view(-1)[0] = float("nan")
        else:
            values = torch.rand(shape, generator=draw) * float(source.preprocessing.get("white", 1))
        raw.append(values)
    return RawSamples(tuple(raw), _prepared(front, raw), "random samples")


def table_rows(path: Path, source: Source, front: Front) -> RawSamples:
    """Rows of a table, those with a gap first: their cells as numbers and as categories. Raises RefusedError."""
    from workbench.engine.data import table
    from workbench.engine.data.tables.encode import values_of
    from workbench.engine.data.tables.file import open_table

    commas = source.preprocessing.get("commas", ())
    described = source.preprocessing["columns"]
    file = open_table(path, least=1)
    prepared, cells = table.prepare(file, described, commas), file.whole().cells
    values = {column["name"]: values_of(cells[column["name"]], column, commas) for column in described}
    gaps = torch.stack([column.isnan() | (column == GAP) for column in values.values()]).any(dim=0).nonzero().flatten()
    rows = list(dict.fromkeys([*gaps.tolist()[: COUNT // 4], *range(0, len(cells), max(1, len(cells) // COUNT))]))[
        :COUNT
    ]
    raw = [
        torch.stack([_as_given(values[column["name"]][rows], column) for column in given.columns], dim=1).to(
            given.dtype
        )
        for given in front.inputs
    ]
    return RawSamples(tuple(raw), prepared[rows], "rows of the table")


def _as_given(values: Tensor, column: Description) -> Tensor:
    """A column's values as an exported model takes them: a word that it does not know has the number after the last."""
    if column["kind"] == "number":
        return values
    return torch.where(values < GAP, torch.tensor(float(len(column["words"])), dtype=values.dtype), values)


def _of_split(source: Source, front: Front) -> RawSamples:
    """Samples of the validation split, or of the training split where there is no other."""
    name, split = ("validation", source.val) if len(source.val) else ("training", source.train)
    indices = range(0, len(split), max(1, len(split) // COUNT))[:COUNT]
    read, given = split.read(indices), front.inputs[0]
    prepared = source.scaling.on(torch.device("cpu"), len(source.shape) + 1)(read)
    if given.columns:
        # Windows are kept standardized.
        mean, std = (torch.tensor([float(column[key]) for column in given.columns]) for key in ("mean", "std"))
        read = read * std + mean
    return RawSamples((read.to(given.dtype),), prepared, f"samples of the {name} split")


def _prepared(front: Front, raw: list[Tensor]) -> Tensor:
    with torch.inference_mode():
        prepared: Tensor = front.module(*raw)
    return prepared
