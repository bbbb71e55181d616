"""A CSV file: numbers, words and gaps become the network's inputs; one column is the target."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import Tensor

from workbench.config.dataset import Table
from workbench.engine.data.source import LeftOut, Progress, Source, Task, TensorSplit
from workbench.engine.data.split import split
from workbench.engine.failures import RefusedError

NUMBER_SHARE = 0.8
"""A column whose cells are numbers at least this often is a column of numbers; other cells in it count as missing."""
MOST_CATEGORIES = 50
"""A column with more different words is no category but a text or a name, and is not used."""
MOST_CLASSES = 1000
CLASSES_FROM_NUMBERS = 20
GAPS = ("", "na", "n/a", "nan", "null", "none", "?")
PREVIEW_ROWS = 50


@dataclass
class _Column:
    """An input column read: its values (NaN or -1 where missing), and for words the known ones."""

    name: str
    values: Tensor
    words: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def missing(self) -> Tensor:
        return self.values < 0 if self.words else self.values.isnan()


def load(config: Table, progress: Progress) -> Source:
    """The rows of a CSV file. Raises RefusedError."""
    progress("reading the table", None)
    frame = _read(Path(config.path).expanduser())
    target = _target_name(frame, config)
    labelled = [not _is_gap(cell) for cell in frame[target].to_list()]
    left_out = [
        LeftOut(f"row {row + 2}", f"no value in the target column {target}")
        for row, has in enumerate(labelled)
        if not has
    ]
    rows = [row for row, has in enumerate(labelled) if has]
    _check_count(config, rows)
    names = [name for name in frame.columns if name != target and name not in config.ignore]
    columns = [column for name in names if (column := _column(name, frame[name].gather(rows).to_list())) is not None]
    unused = [name for name in names if name not in {column.name for column in columns}]
    if not columns:
        raise RefusedError("no column is left as an input", "take a column off the columns left out", "dataset.ignore")
    if config.missing == "drop":
        rows, columns, dropped = _without_gaps(rows, columns)
        left_out += dropped
        _check_count(config, rows)
    task, targets = _targets(frame[target].gather(rows).to_list(), target, config)
    source = _assemble(config, task, target, columns, targets, rows)
    notes = [note for column in columns for note in column.notes]
    notes += [f"column {name} is not used: {_why_unused(frame[name])}" for name in unused]
    preview = {
        "columns": frame.columns,
        "rows": [[cell or "" for cell in row] for row in frame.head(PREVIEW_ROWS).rows()],
    }
    return Source(**{**vars(source), "left_out": tuple(left_out), "notes": tuple(notes), "preview": {"table": preview}})


def _why_unused(cells: pl.Series) -> str:
    empty = all(_is_gap(cell) for cell in cells.to_list())
    return "it is empty" if empty else f"more than {MOST_CATEGORIES} different words"


def _check_count(config: Table, rows: Sequence[int]) -> None:
    if len(rows) < 2:
        count = "one row only" if rows else "no row"
        raise RefusedError(f"{config.path} has {count} that can be used", "at least two are needed", "dataset.path")


def _read(path: Path) -> pl.DataFrame:
    """Every cell as text: what a cell means is decided here, not guessed by the reader."""
    if not path.is_file():
        what = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
        raise RefusedError(what, "choose a CSV file", "dataset.path")
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            start = file.read(65536)
        separator = _separator(start)
        frame = pl.read_csv(
            path, separator=separator, infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RefusedError(f"{path} cannot be read as a table: {first}", "save it as CSV", "dataset.path") from error
    if frame.width < 2:
        what = f"{path} has one column only"
        raise RefusedError(
            what, "a table needs inputs and a target, divided by commas, semicolons or tabs", "dataset.path"
        )
    names = [name.strip().lstrip("\ufeff") for name in frame.columns]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise RefusedError(f"{path} has two columns named {twice!r}", "give them different names", "dataset.path")
    return frame.rename(dict(zip(frame.columns, names, strict=True)))


def _separator(start: str) -> str:
    """What divides the first line into the most columns."""
    first = start.splitlines()[:1]
    return max(",;\t|", key=lambda mark: max((len(cells) for cells in csv.reader(first, delimiter=mark)), default=0))


def _target_name(frame: pl.DataFrame, config: Table) -> str:
    known = ", ".join(frame.columns)
    for name in config.ignore:
        if name not in frame.columns:
            raise RefusedError(f"the table has no column {name!r}", f"its columns are {known}", "dataset.ignore")
    if not config.target:
        last = next((name for name in reversed(frame.columns) if name not in config.ignore), None)
        if last is None:
            raise RefusedError("every column is left out", "take the target off the list", "dataset.ignore")
        return last
    if config.target not in frame.columns:
        raise RefusedError(f"the table has no column {config.target!r}", f"its columns are {known}", "dataset.target")
    return config.target


def _column(name: str, cells: Sequence[str | None]) -> _Column | None:
    """The column as numbers or as categories; None when it is neither."""
    filled = [cell for cell in cells if not _is_gap(cell)]
    numbers = [_number(cell) for cell in cells]
    found = sum(number is not None for number in numbers)
    if filled and found >= NUMBER_SHARE * len(filled):
        values = torch.tensor([float("nan") if n is None else n for n in numbers], dtype=torch.float64)
        column = _Column(name, values)
        if found < len(filled):
            row = next(row for row, n in enumerate(numbers) if n is None and not _is_gap(cells[row]))
            count = len(filled) - found
            column.notes.append(
                f"column {name}: {count} cells are no numbers (first {cells[row]!r}) and count as missing"
            )
        return column
    words = tuple(sorted({str(cell).strip() for cell in filled}))
    if not words or len(words) > MOST_CATEGORIES:
        return None
    place = {word: number for number, word in enumerate(words)}
    values = torch.tensor([-1 if _is_gap(cell) else place[str(cell).strip()] for cell in cells], dtype=torch.float64)
    return _Column(name, values, words)


def _without_gaps(rows: list[int], columns: list[_Column]) -> tuple[list[int], list[_Column], list[LeftOut]]:
    gaps = torch.stack([column.missing for column in columns]).any(dim=0)
    dropped = [
        LeftOut(f"row {row + 2}", "a value is missing") for row, gap in zip(rows, gaps.tolist(), strict=True) if gap
    ]
    kept = [_Column(column.name, column.values[~gaps], column.words, column.notes) for column in columns]
    return [row for row, gap in zip(rows, gaps.tolist(), strict=True) if not gap], kept, dropped


def _targets(cells: Sequence[str], name: str, config: Table) -> tuple[Task, Tensor]:
    numbers = [_number(cell) for cell in cells]
    numeric = all(number is not None for number in numbers)
    different = set(numbers) if numeric else {cell.strip() for cell in cells}
    whole = numeric and all(number == int(number) for number in numbers if number is not None)
    task = config.task
    if task == "auto":
        task = "regression" if numeric and (not whole or len(different) > CLASSES_FROM_NUMBERS) else "classification"
    if task == "regression":
        if not numeric:
            word = next(cell for cell, number in zip(cells, numbers, strict=True) if number is None)
            what = f"the target column {name} holds {word!r}, which is no number"
            raise RefusedError(what, "correct it, or choose classification", "dataset.target")
        return Task("regression", targets=(name,)), torch.tensor(numbers, dtype=torch.float64)[:, None]
    if len(different) == 1:
        what = f"the target column {name} holds one class only ({cells[0]}): there is nothing to learn"
        raise RefusedError(what, "choose another target", "dataset.target")
    if len(different) > MOST_CLASSES:
        what = f"the target column {name} holds {len(different)} different values"
        raise RefusedError(what, "choose another target, or regression", "dataset.target")
    keys = [float(n) for n in numbers if n is not None] if numeric else [cell.strip() for cell in cells]
    order: dict[Any, int] = {key: place for place, key in enumerate(sorted(set(keys)))}  # type: ignore[type-var]
    classes = tuple(_class_name(key) for key in order)
    return Task("classification", classes), torch.tensor([order[key] for key in keys])


def _class_name(key: float | str) -> str:
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)


def _assemble(config: Table, task: Task, name: str, columns: list[_Column], targets: Tensor, rows: list[int]) -> Source:
    """Splits, and turns columns into inputs with what the training rows alone tell."""
    classes = targets if task.kind == "classification" and config.split == "per-class" else None
    train, val = split(len(targets), classes, config.validation, config.split_seed)
    parts, described = zip(*(_inputs(column, train, config.standardize) for column in columns), strict=True)
    inputs = torch.cat(parts, dim=1).to(torch.float32)
    if task.kind == "regression":
        mean, std = _mean_std(targets[train].flatten()) if config.standardize else (0.0, 1.0)
        task = Task("regression", targets=task.targets, mean=mean, std=std)
        targets = ((targets - mean) / std).to(torch.float32)
    names = [f"row {row + 2}" for row in rows]
    halves = [TensorSplit(inputs[i], targets[i], names=tuple(names[k] for k in i.tolist())) for i in (train, val)]
    target = {"name": name, "mean": task.mean, "std": task.std}
    preprocessing = {"kind": "table", "columns": list(described), "target": target}
    return Source(task, (inputs.shape[1],), halves[0], halves[1], preprocessing=preprocessing)


def _inputs(column: _Column, train: Tensor, standardize: bool) -> tuple[Tensor, dict[str, Any]]:
    """A column as inputs, shape (n, 1) for numbers and (n, words) for words, and how they were made."""
    if column.words:
        # A gap has a category of its own, where there is one; a word not met in training is met by the same zeros as then.
        width = len(column.words) + int(bool(column.missing.any()))
        places = torch.where(column.missing, torch.tensor(len(column.words)), column.values).to(torch.int64)
        found = torch.nn.functional.one_hot(places, width)
        return found, {
            "name": column.name,
            "kind": "words",
            "words": list(column.words),
            "gap": width > len(column.words),
        }
    known = column.values[train]
    known = known[~known.isnan()]
    mean, std = _mean_std(known)
    values = torch.where(column.missing, torch.tensor(mean, dtype=torch.float64), column.values)
    center, scale = (mean, std) if standardize else (0.0, 1.0)
    made = {"name": column.name, "kind": "number", "fill": mean, "mean": center, "std": scale}
    return ((values - center) / scale)[:, None], made


def _mean_std(values: Tensor) -> tuple[float, float]:
    if len(values) == 0:
        return 0.0, 1.0
    std = float(values.std(correction=0))
    mean = float(values.mean())
    # What is left of a constant column is rounding: that is relative to its size.
    return mean, std if std > 1e-12 * abs(mean) else 1.0


def _is_gap(cell: str | None) -> bool:
    return cell is None or cell.strip().lower() in GAPS


def _number(cell: str | None) -> float | None:
    if _is_gap(cell):
        return None
    try:
        value = float(str(cell))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def prepare(path: Path, described: Sequence[dict[str, Any]]) -> Tensor:
    """The rows of another table as inputs, by the description that a model keeps of its columns: float32 (rows, inputs).

    Raises RefusedError.
    """
    frame = _read(path)
    missing = [column["name"] for column in described if column["name"] not in frame.columns]
    if missing:
        raise RefusedError(
            f"{path} has no column {', '.join(missing)}", "give a table with the columns of the training"
        )
    parts = []
    for column in described:
        cells = frame[column["name"]].to_list()
        if column["kind"] == "number":
            numbers = [_number(cell) for cell in cells]
            values = torch.tensor([column["fill"] if n is None else n for n in numbers], dtype=torch.float64)
            parts.append(((values - column["mean"]) / column["std"])[:, None])
            continue
        words = column["words"]
        found = torch.zeros(len(cells), len(words) + int(column["gap"]), dtype=torch.float64)
        for row, cell in enumerate(cells):
            if _is_gap(cell):
                found[row, len(words) :] = 1
            elif str(cell).strip() in words:
                found[row, words.index(str(cell).strip())] = 1
        parts.append(found)
    return torch.cat(parts, dim=1).to(torch.float32)
