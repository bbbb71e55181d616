"""Predictions of one's own files as lines for a person and as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from workbench.cli import output
from workbench.runs.service.evaluation import FilePrediction, FilePredictions

_BEST, _IDENTIFIERS_SHOWN, _CELL_SHOWN = 3, 3, 30
_Cell = Callable[[FilePrediction], object]


def prediction_text(prediction: FilePrediction) -> str:
    """The file or row, what identifies it, and what the model computed."""
    cells = list((prediction.identifiers or {}).items())[:_IDENTIFIERS_SHOWN]
    identifiers = ", ".join(f"{name} {cell[:_CELL_SHOWN]}" for name, cell in cells)
    return f"{prediction.file}{f' ({identifiers})' if identifiers else ''}: {_computed(prediction)}"


def as_csv(predicted: FilePredictions) -> str:
    """A row for each prediction: its file where there are several, what identifies it, then what the model computed.

    A computed column has its target's name, with *predicted* before it where the file has a column of that name.
    """
    columns = _columns(predicted)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([name for name, _ in columns])
    writer.writerows([[cell(prediction) for _, cell in columns] for prediction in predicted.predictions])
    return text.getvalue()


def _columns(predicted: FilePredictions) -> list[tuple[str, _Cell]]:
    predictions, first = predicted.predictions, predicted.predictions[0]
    files = {_file_of(prediction) for prediction in predictions}
    identifiers = list(dict.fromkeys(name for prediction in predictions for name in prediction.identifiers or ()))
    columns: list[tuple[str, _Cell]] = []
    if len(files) > 1 or first.row is None:
        columns.append(("file", _file_of))
    if first.row is not None and not identifiers:
        columns.append(("row", lambda prediction: prediction.row))
    columns += [(name, _identifier(name)) for name in identifiers]
    computed: list[tuple[str, _Cell]] = []
    if first.scores:
        computed.append((predicted.target or "prediction", lambda prediction: prediction.prediction))
        computed.append(("score", lambda prediction: prediction.scores[0][1] if prediction.scores else ""))
    computed += [(name, _value(name)) for name in first.values or ()]
    return columns + [(f"predicted {name}" if name in identifiers else name, cell) for name, cell in computed]


def _file_of(prediction: FilePrediction) -> str:
    return prediction.file if prediction.row is None else prediction.file.removesuffix(f" row {prediction.row}")


def _identifier(name: str) -> _Cell:
    return lambda prediction: (prediction.identifiers or {}).get(name, "")


def _value(name: str) -> _Cell:
    return lambda prediction: (prediction.values or {}).get(name, "")


def _computed(prediction: FilePrediction) -> str:
    best = prediction.scores or ()
    shares = "   ".join(f"{name} {share:.1%}" for name, share in best[:_BEST])
    values = ", ".join(f"{name} {output.number(value)}" for name, value in (prediction.values or {}).items())
    parts = (prediction.prediction, f"({shares})" if shares else "", values if best else "")
    return "   ".join(part for part in parts if part)
