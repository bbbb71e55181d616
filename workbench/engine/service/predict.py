"""The model on the user's own files: images, rows of a table, texts, series."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from workbench.engine.data import series, table_reader, text
from workbench.engine.data.dataset import Progress, Source, no_progress
from workbench.engine.data.images import ImageError, decode, form_of
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.tasks import task_of
from workbench.runs.service.evaluation import FilePrediction, FilePredictions, LeftOutFile

BATCH = 64
MOST_ROWS = 100_000
TABLES = (".csv", ".tsv", ".parquet")
Named = tuple[str, Tensor]


def predict(
    model: nn.Module, source: Source, files: list[Path], device: torch.device, progress: Progress = no_progress
) -> FilePredictions:
    """What the model computes for each file, and the files that could not be used. Raises RefusedError."""
    left_out: list[LeftOutFile] = []
    named = list(_samples(source, files, left_out, progress))
    task, scale = task_of(source.task), source.scaling.on(device, len(source.shape) + 1)
    predictions: list[FilePrediction] = []
    model.eval()
    for start in range(0, len(named), BATCH):
        progress("predicting", start / len(named))
        part = named[start : start + BATCH]
        with torch.inference_mode():
            outputs = model(scale(torch.stack([sample for _, sample in part]).to(device))).float().cpu()
        predictions += [
            FilePrediction.model_validate({"file": name, **task.record(output)})
            for (name, _), output in zip(part, outputs, strict=True)
        ]
    return FilePredictions(predictions=tuple(predictions), left_out=tuple(left_out))


def _samples(source: Source, files: list[Path], left_out: list[LeftOutFile], progress: Progress) -> Iterator[Named]:
    kind = source.preprocessing.get("kind")
    for number, path in enumerate(files):
        progress("reading the files", number / len(files))
        try:
            if not path.is_file():
                left_out.append(LeftOutFile(file=str(path), why="there is no such file"))
            elif kind == "pictures":
                yield str(path), _image(path, source)
            elif kind == "text":
                yield from _texts(path, source)
            elif kind == "table":
                yield from _rows(path, source)
            elif kind == "series":
                yield str(path), _series(path, source)
            else:
                what = "a model of samples from a formula, or of a Dataset of one's own, takes no files"
                left_out.append(LeftOutFile(file=str(path), why=what))
        except (RefusedError, ImageError, OSError, ValueError) as error:
            left_out.append(LeftOutFile(file=str(path), why=str(error)))


def _image(path: Path, source: Source) -> Tensor:
    facts = source.preprocessing
    image = decode(path, form_of(facts))
    white = facts.get("white", 255)
    return image if white == 255 else (image.to(torch.float32) * (white / 255)).round().to(torch.uint8)


def _texts(path: Path, source: Source) -> Iterator[Named]:
    """A text file is one text; of a table each row, in the column of the training, or in the only one that there is."""
    facts = source.preprocessing
    if path.suffix.lower() in TABLES:
        frame = table_reader.read(path, least=1)
        column = facts["column"] if facts["column"] in frame.columns or frame.width > 1 else frame.columns[0]
        table_reader.require(frame, column, "")
        names = [f"{path} row {row + 2}" for row in range(len(frame))]
        texts = [cell or "" for cell in frame[column].to_list()]
    else:
        names, texts = [str(path)], [table_reader.decode_text(path)[0]]
    tokens, _ = text.encode(text.tokenizer_from(facts), texts, int(facts["length"]))
    yield from zip(names, tokens, strict=True)


def _rows(path: Path, source: Source) -> Iterator[Named]:
    from workbench.engine.data import table

    inputs = table.prepare(path, source.preprocessing["columns"], source.preprocessing.get("commas", ()))
    yield from ((f"{path} row {row + 2}", values) for row, values in enumerate(inputs[:MOST_ROWS]))
    if len(inputs) > MOST_ROWS:
        raise RefusedError(f"only its first {MOST_ROWS:,} rows are predicted", "divide the table")


def _series(path: Path, source: Source) -> Tensor:
    """The last window of a CSV file with the columns of the training."""
    facts = source.preprocessing
    frame = series.columns_of(
        path, [column["name"] for column in facts["columns"]], facts.get("time", ""), facts.get("commas", ())
    )
    if len(frame) < facts["window"]:
        raise RefusedError(f"it has {len(frame)} rows, and a window has {facts['window']}")
    mean = torch.tensor([column["mean"] for column in facts["columns"]])
    std = torch.tensor([column["std"] for column in facts["columns"]])
    return ((frame[-facts["window"] :] - mean) / std).to(torch.float32)
