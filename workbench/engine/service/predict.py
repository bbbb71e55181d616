"""The model on the user's own files: images, rows of a table, texts, series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import torch
from torch import Tensor, nn

from workbench.engine.data import series, text
from workbench.engine.data.dataset import Progress, Source, no_progress
from workbench.engine.data.images import ImageError, decode, form_of
from workbench.engine.data.tables.columns import without_gaps
from workbench.engine.data.tables.encoding import decode_text
from workbench.engine.data.tables.file import TableFile, open_table
from workbench.engine.data.tables.roles import require
from workbench.engine.data.tables.rows import Rows
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.tasks import task_of
from workbench.runs.service.evaluation import FilePrediction, FilePredictions, LeftOutFile, UnknownWords

BATCH = 64
MOST_ROWS = 100_000
TABLES = (".csv", ".tsv", ".parquet", ".xlsx", ".xls")
WORDS_NAMED = 5
"""Words that training never saw and that are named; the others are counted."""


@dataclass(frozen=True)
class _Sample:
    """A file, or a row of it, prepared for the network."""

    file: str
    values: Tensor
    row: int | None = None
    identifiers: dict[str, str] | None = None

    @property
    def head(self) -> dict[str, object]:
        """What its record begins with."""
        name = self.file if self.row is None else f"{self.file} row {self.row}"
        return {"file": name, "row": self.row, "identifiers": self.identifiers or None}


@dataclass
class _Findings:
    """What a person should know of the files."""

    left_out: list[LeftOutFile] = field(default_factory=list)
    unknown: list[UnknownWords] = field(default_factory=list)

    def leave_out(self, path: Path, why: str) -> None:
        self.left_out.append(LeftOutFile(file=str(path), why=why))


def predict(
    model: nn.Module, source: Source, files: list[Path], device: torch.device, progress: Progress = no_progress
) -> FilePredictions:
    """What the model computes for each file, and the files that could not be used. Raises RefusedError."""
    findings = _Findings()
    samples = list(_samples(source, files, findings, progress))
    task, scale = task_of(source.task), source.scaling.on(device, len(source.shape) + 1)
    predictions: list[FilePrediction] = []
    model.eval()
    for start in range(0, len(samples), BATCH):
        progress("predicting", start / len(samples))
        part = samples[start : start + BATCH]
        with torch.inference_mode():
            outputs = model(scale(torch.stack([sample.values for sample in part]).to(device))).float().cpu()
        predictions += [
            FilePrediction.model_validate({**sample.head, **task.record(output)})
            for sample, output in zip(part, outputs, strict=True)
        ]
    return FilePredictions(
        predictions=tuple(predictions),
        left_out=tuple(findings.left_out),
        target=_class_column(source),
        unknown=tuple(findings.unknown),
    )


def _class_column(source: Source) -> str:
    target = source.preprocessing.get("target")
    return str(target["columns"][0]) if source.task.has_classes and isinstance(target, dict) else ""


def _samples(source: Source, files: list[Path], findings: _Findings, progress: Progress) -> Iterator[_Sample]:
    kind = source.preprocessing.get("kind")
    for number, path in enumerate(files):
        progress("reading the files", number / len(files))
        try:
            if not path.is_file():
                findings.leave_out(path, "there is no such file")
            elif kind == "pictures":
                yield _Sample(str(path), _image(path, source))
            elif kind == "text":
                yield from _texts(path, source, findings)
            elif kind == "table":
                yield from _rows(path, source, findings)
            elif kind == "series":
                yield _Sample(str(path), _series(path, source))
            else:
                findings.leave_out(
                    path, "a model of samples from a formula, or of a Dataset of one's own, takes no files"
                )
        except (RefusedError, ImageError, OSError, ValueError) as error:
            findings.leave_out(path, str(error))


def _image(path: Path, source: Source) -> Tensor:
    facts = source.preprocessing
    image = decode(path, form_of(facts))
    white = facts.get("white", 255)
    return image if white == 255 else (image.to(torch.float32) * (white / 255)).round().to(torch.uint8)


def _texts(path: Path, source: Source, findings: _Findings) -> Iterator[_Sample]:
    """A text file is one text; of a table each row, in the column of the training, or in the only one that there is."""
    facts = source.preprocessing
    if path.suffix.lower() not in TABLES:
        tokens, _ = text.encode(text.tokenizer_from(facts), [decode_text(path)], int(facts["length"]))
        yield _Sample(str(path), tokens[0])
        return
    table = _open_table(path, findings)
    rows = table.whole()
    frame = rows.cells
    column = facts["column"] if facts["column"] in frame.columns or frame.width > 1 else frame.columns[0]
    require(frame.columns, column, "")
    texts = [cell or "" for cell in frame[column].to_list()]
    tokens, _ = text.encode(text.tokenizer_from(facts), texts, int(facts["length"]))
    yield from _each_row(table, rows, tokens, [column])


def _rows(path: Path, source: Source, findings: _Findings) -> Iterator[_Sample]:
    from workbench.engine.data import table

    described, commas = source.preprocessing["columns"], source.preprocessing.get("commas", ())
    file = _open_table(path, findings)
    inputs, rows = table.prepare(file, described, commas), file.whole()
    findings.unknown += _unknown_words(path, rows.cells, described)
    yield from _each_row(file, rows, inputs[:MOST_ROWS], [column["name"] for column in described])
    if len(inputs) > MOST_ROWS:
        raise RefusedError(f"only its first {MOST_ROWS:,} rows are predicted", "divide the table")


def _open_table(path: Path, findings: _Findings) -> TableFile:
    """A table, with its rows that cannot be read among what is left out."""
    table = open_table(path, least=1)
    for left_out in table.left_out:
        findings.left_out.append(LeftOutFile(file=f"{path} {left_out.what}", why=left_out.why))
    return table


def _each_row(table: TableFile, rows: Rows, samples: Tensor, inputs: Sequence[str]) -> Iterator[_Sample]:
    """The rows of a table with what tells them apart: their numbers, and the columns that are no inputs."""
    others = rows.cells.select(name for name in rows.cells.columns if name not in inputs)
    for index, values in enumerate(samples):
        named = others.row(index, named=True) if others.width else {}
        identifiers = {name: cell or "" for name, cell in named.items()} or None
        yield _Sample(str(table.path), values, int(rows.numbers[index]) + table.row_name.first, identifiers)


def _unknown_words(path: Path, frame: pl.DataFrame, described: Sequence[dict[str, object]]) -> Iterator[UnknownWords]:
    for column in described:
        words = column.get("words")
        if not isinstance(words, list):
            continue
        name = str(column["name"])
        counts = Counter(cell for cell in without_gaps(frame[name]).drop_nulls() if cell not in words)
        if counts:
            first = tuple(counts.most_common(WORDS_NAMED))
            yield UnknownWords(file=str(path), column=name, cells=counts.total(), words=first, distinct=len(counts))


def _series(path: Path, source: Source) -> Tensor:
    """The last window of a CSV file with the columns of the training."""
    facts = source.preprocessing
    frame = series.columns_of(path, facts)
    if len(frame) < facts["window"]:
        raise RefusedError(f"it has {len(frame)} rows, and a window has {facts['window']}")
    mean = torch.tensor([column["mean"] for column in facts["columns"]])
    std = torch.tensor([column["std"] for column in facts["columns"]])
    return ((frame[-facts["window"] :] - mean) / std).to(torch.float32)
