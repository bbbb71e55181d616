"""A table (CSV, TSV, Parquet): numbers, words and gaps become the network's inputs; one column or several are the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import Tensor

from workbench.config.dataset import Table
from workbench.engine.data.dataset import LeaveOut, LeftOut, Progress, Source, TaskSpec, TensorSplit
from workbench.engine.data.report import assumed, warning
from workbench.engine.data.split import by_group, by_time, split
from workbench.engine.data.table_reader import is_gap, number, read_with_report, require, times
from workbench.engine.runtime.failures import RefusedError

NUMBER_SHARE = 0.8
"""A column whose cells are numbers at least this often is a column of numbers; other cells in it count as missing."""
MAX_CATEGORIES = 50
"""A column with more different values is not a category but a text or a name, and is not used."""
MAX_CLASSES = 1000
MAX_NUMERIC_CLASSES = 20
PREVIEW_ROWS = 50


_Encoded = tuple[Tensor, list[dict[str, Any]], TaskSpec]
"""Inputs of all rows, how they were made of which columns, and the task with the scale of its targets."""


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


def load(config: Table, progress: Progress, learned: Source | None = None) -> Source:
    """The rows of a table. Raises RefusedError."""
    progress("reading the table", None)
    if learned is not None:
        kind = "classification" if learned.task.has_classes else "regression"
        config = config.model_copy(update={"task": kind})
    fitted = learned.preprocessing if learned is not None else {}
    frame, reading = read_with_report(Path(config.path).expanduser(), commas=fitted.get("commas", ()))
    target_names = tuple(fitted["target"]["columns"]) if fitted else (target_name(frame, config), *config.more_targets)
    for name in target_names if fitted else ():
        require(frame, name, "dataset.target")
    keys = tuple(filter(None, (config.group, config.time)))
    _check_names(frame, config)
    leave_out = LeaveOut(config.leave_out)
    used_rows = [row for row in range(len(frame)) if leave_out.keeps(_row_name(row))]
    rows, left_out = _labeled(frame, used_rows, (*target_names, *keys))
    _check_count(config, rows)
    names = [name for name in frame.columns if name not in (*target_names, *keys, *config.ignore)]
    columns = [column for name in names if (column := _column(name, frame[name].gather(rows).to_list())) is not None]
    unused = [name for name in names if name not in {column.name for column in columns}]
    if not columns:
        raise RefusedError("no column is left as an input", "remove a column from the ignored ones", "dataset.ignore")
    if config.missing == "drop":
        rows, columns, dropped = _without_gaps(rows, columns)
        left_out += dropped
        _check_count(config, rows)
    task, targets = _all_targets(frame, rows, target_names, config)
    halves = _divide(frame, rows, task.class_indices(targets), config)
    if learned is None:
        encoded = _learn(config, task, columns, targets, halves[0])
    else:
        described = learned.preprocessing["columns"]
        encoded = _encode(frame[rows], described, config.path), described, _scaled_as(task, learned.task)
    source = _assemble(encoded, targets, rows, halves, target_names)
    commas = {"commas": list(fitted.get("commas", reading.commas))}
    findings = [*reading.findings, *leave_out.findings()]
    findings += [warning(note) for column in columns for note in column.notes]
    if task.kind == "multi-task":
        text = f"multi-task: the class {target_names[0]} and the numbers {', '.join(target_names[1:])}"
        findings.append(assumed(text, "dataset.task"))
    findings += [assumed(f"column {name} is not used: {_why_unused(frame[name])}") for name in unused]
    preview = {
        "columns": frame.columns,
        "rows": [[cell or "" for cell in row] for row in frame.head(PREVIEW_ROWS).rows()],
    }
    return replace(
        source,
        preprocessing={**source.preprocessing, **commas},
        left_out=(*leave_out.left_out, *left_out),
        findings=tuple(findings),
        unit="row",
        preview={"table": preview},
    )


def _check_names(frame: pl.DataFrame, config: Table) -> None:
    wanted = [("dataset.more_targets", name) for name in config.more_targets]
    wanted += [("dataset.group", config.group), ("dataset.time", config.time)]
    for setting, name in wanted:
        if name:
            require(frame, name, setting)


def _row_name(row: int) -> str:
    """The name that is shown for a row: the first below the header is 2, as spreadsheets count."""
    return f"row {row + 2}"


def _labeled(frame: pl.DataFrame, rows: Sequence[int], needed: Sequence[str]) -> tuple[list[int], list[LeftOut]]:
    """Those of the rows that have a value in every column that cannot be filled in, and the others."""
    empty: dict[int, str] = {}
    for name in needed:
        for row, cell in zip(rows, frame[name].gather(list(rows)).to_list(), strict=True):
            if is_gap(cell):
                empty.setdefault(row, name)
    first = needed[0]
    descriptions = {name: f"the {'target ' if name == first else ''}column {name}" for name in needed}
    left_out = [LeftOut(_row_name(row), f"no value in {descriptions[empty[row]]}") for row in sorted(empty)]
    return [row for row in rows if row not in empty], left_out


def _divide(frame: pl.DataFrame, rows: list[int], classes: Tensor | None, config: Table) -> tuple[Tensor, Tensor]:
    """Training and validation: by time, by group, by class or at random. Raises RefusedError."""
    if config.time:
        halves = by_time(times(config.time, frame[config.time].gather(rows).to_list()), config.validation)
        if len(halves[0]) == 0:
            what = f"too many rows have the latest time in {config.time}: none is left for training"
            raise RefusedError(what, "choose a smaller validation split", "dataset.time")
        return halves
    if config.group:
        groups = [str(cell).strip() for cell in frame[config.group].gather(rows).to_list()]
        if len(set(groups)) < 2:
            what = f"the group column {config.group} has only one group"
            raise RefusedError(what, "choose another column", "dataset.group")
        return by_group(groups, config.validation, config.split_seed)
    return split(len(rows), classes if config.split == "per-class" else None, config.validation, config.split_seed)


def _all_targets(frame: pl.DataFrame, rows: list[int], names: Sequence[str], config: Table) -> tuple[TaskSpec, Tensor]:
    """One target; several numbers side by side as a regression; or a class and numbers beside it as two tasks."""
    cells = {name: frame[name].gather(rows).to_list() for name in names}
    if len(names) == 1:
        return _targets(cells[names[0]], names[0], config.task)
    # Numbers beside numbers are numbers, however few there are, unless the settings say that the first is a class.
    has_words = any(number(cell) is None for cell in cells[names[0]])
    beside = config.task == "classification" or (config.task == "auto" and has_words)
    numbers = names[1:] if beside else names
    _check_numbers(cells, numbers)
    values = torch.cat([_targets(cells[name], name, "regression")[1] for name in numbers], dim=1)
    if not beside:
        return TaskSpec("regression", targets=tuple(names)), values
    task, classes = _targets(cells[names[0]], names[0], "classification")
    both = torch.cat([classes[:, None].to(torch.float64), values], dim=1)
    return TaskSpec("multi-task", task.classes, tuple(numbers)), both


def _why_unused(cells: pl.Series) -> str:
    empty = all(is_gap(cell) for cell in cells.to_list())
    return "it is empty" if empty else f"more than {MAX_CATEGORIES} different values"


def _check_count(config: Table, rows: Sequence[int]) -> None:
    if len(rows) < 2:
        count = "only one usable row" if rows else "no usable row"
        what = f"{config.path} has {count}, and at least two are needed"
        raise RefusedError(what, "add rows, or choose another file", "dataset.path")


def target_name(frame: pl.DataFrame, config: Table) -> str:
    """The column to predict. Raises RefusedError."""
    for name in config.ignore:
        require(frame, name, "dataset.ignore")
    if not config.target:
        taken = (*config.ignore, config.group, config.time)
        last = next((name for name in reversed(frame.columns) if name not in taken), None)
        if last is None:
            raise RefusedError(
                "every column is ignored", "remove the target from the ignored columns", "dataset.ignore"
            )
        return last
    require(frame, config.target, "dataset.target")
    return config.target


def _column(name: str, cells: Sequence[str | None]) -> _Column | None:
    """The column as numbers or as categories; None when it is neither."""
    filled = [cell for cell in cells if not is_gap(cell)]
    numbers = [number(cell) for cell in cells]
    numeric_count = sum(value is not None for value in numbers)
    if filled and numeric_count >= NUMBER_SHARE * len(filled):
        values = torch.tensor([float("nan") if n is None else n for n in numbers], dtype=torch.float64)
        column = _Column(name, values)
        if numeric_count < len(filled):
            row = next(row for row, n in enumerate(numbers) if n is None and not is_gap(cells[row]))
            count = len(filled) - numeric_count
            column.notes.append(
                f"column {name}: {count} cells are not numbers (first {cells[row]!r}) and count as missing"
            )
        return column
    words = tuple(sorted({str(cell).strip() for cell in filled}))
    if not words or len(words) > MAX_CATEGORIES:
        return None
    index_of = {word: index for index, word in enumerate(words)}
    values = torch.tensor([-1 if is_gap(cell) else index_of[str(cell).strip()] for cell in cells], dtype=torch.float64)
    return _Column(name, values, words)


def _without_gaps(rows: list[int], columns: list[_Column]) -> tuple[list[int], list[_Column], list[LeftOut]]:
    gaps = torch.stack([column.missing for column in columns]).any(dim=0)
    dropped = [
        LeftOut(_row_name(row), "a value is missing") for row, gap in zip(rows, gaps.tolist(), strict=True) if gap
    ]
    complete = [_Column(column.name, column.values[~gaps], column.words, column.notes) for column in columns]
    return [row for row, gap in zip(rows, gaps.tolist(), strict=True) if not gap], complete, dropped


def _targets(cells: Sequence[str], name: str, task: str) -> tuple[TaskSpec, Tensor]:
    numbers = [number(cell) for cell in cells]
    numeric = all(value is not None for value in numbers)
    different = set(numbers) if numeric else {cell.strip() for cell in cells}
    whole = numeric and all(value == int(value) for value in numbers if value is not None)
    if task == "auto":
        task = "regression" if numeric and (not whole or len(different) > MAX_NUMERIC_CLASSES) else "classification"
    if task == "regression":
        if not numeric:
            word = next(cell for cell, value in zip(cells, numbers, strict=True) if value is None)
            what = f"the target column {name} contains {word!r}, which is not a number"
            raise RefusedError(what, "correct it, or choose classification", "dataset.target")
        return TaskSpec("regression", targets=(name,)), torch.tensor(numbers, dtype=torch.float64)[:, None]
    if len(different) == 1:
        what = f"the target column {name} has only one class ({cells[0]}), and at least two are needed"
        raise RefusedError(what, "choose another target", "dataset.target")
    if len(different) > MAX_CLASSES:
        what = f"the target column {name} has {len(different)} different values"
        raise RefusedError(what, "choose another target, or regression", "dataset.target")
    keys = [float(n) for n in numbers if n is not None] if numeric else [cell.strip() for cell in cells]
    order: dict[Any, int] = {key: index for index, key in enumerate(sorted(set(keys)))}  # type: ignore[type-var]
    classes = tuple(_class_name(key) for key in order)
    return TaskSpec("classification", classes), torch.tensor([order[key] for key in keys])


def _check_numbers(cells: dict[str, list[str]], names: Sequence[str]) -> None:
    """Raises RefusedError where a target that is to be a number is a word."""
    for name in names:
        word = next((cell for cell in cells[name] if number(cell) is None), None)
        if word is not None:
            first = name == next(iter(cells))
            what = f"the target column {name} contains {word!r}, which is not a number"
            hint = (
                "choose classification" if first else "make it the target column, with the numbers as further targets"
            )
            raise RefusedError(what, hint, "dataset.target" if first else "dataset.more_targets")


def _class_name(key: float | str) -> str:
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)


def _learn(config: Table, task: TaskSpec, columns: list[_Column], targets: Tensor, train: Tensor) -> _Encoded:
    """Turns columns into inputs with statistics of the training rows alone, and computes the scale of the targets."""
    parts, described = zip(*(_inputs(column, train, config.standardize) for column in columns), strict=True)
    if task.has_numbers:
        numbers = targets[train][:, -len(task.targets) :]
        statistics = [_mean_std(column) if config.standardize else (0.0, 1.0) for column in numbers.unbind(1)]
        means, stds = (tuple(pair[index] for pair in statistics) for index in (0, 1))
        task = replace(task, means=means, stds=stds)
    return torch.cat(parts, dim=1).to(torch.float32), list(described), task


def _scaled_as(task: TaskSpec, learned: TaskSpec) -> TaskSpec:
    """The task with the scale of the targets that a model learned."""
    return replace(task, means=learned.means, stds=learned.stds) if task.targets == learned.targets else task


def _assemble(
    encoded: _Encoded, targets: Tensor, rows: list[int], halves: tuple[Tensor, Tensor], columns: Sequence[str]
) -> Source:
    inputs, described, task = encoded
    if task.has_numbers:
        first = int(task.has_classes)
        targets = torch.cat([targets[:, :first], task.scaled(targets[:, first:])], dim=1).to(torch.float32)
    names = [_row_name(row) for row in rows]
    splits = [TensorSplit(inputs[i], targets[i], names=tuple(names[k] for k in i.tolist())) for i in halves]
    target = {"names": list(task.targets), "means": list(task.means), "stds": list(task.stds), "columns": list(columns)}
    preprocessing = {"kind": "table", "columns": described, "target": target}
    return Source(task, (inputs.shape[1],), splits[0], splits[1], preprocessing=preprocessing)


def _inputs(column: _Column, train: Tensor, standardize: bool) -> tuple[Tensor, dict[str, Any]]:
    """A column as inputs, shape (n, 1) for numbers and (n, words) for words, and how they were made."""
    if column.words:
        # A gap has a category of its own, where there is one; a word not met in training is met by the same zeros as then.
        width = len(column.words) + int(bool(column.missing.any()))
        indices = torch.where(column.missing, torch.tensor(len(column.words)), column.values).to(torch.int64)
        encoded = torch.nn.functional.one_hot(indices, width)
        return encoded, {
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
    description = {"name": column.name, "kind": "number", "fill": mean, "mean": center, "std": scale}
    return ((values - center) / scale)[:, None], description


def _mean_std(values: Tensor) -> tuple[float, float]:
    if len(values) == 0:
        return 0.0, 1.0
    std = float(values.std(correction=0))
    mean = float(values.mean())
    # What is left of a constant column is rounding: that is relative to its size.
    return mean, std if std > 1e-12 * abs(mean) else 1.0


def prepare(path: Path, described: Sequence[dict[str, Any]], commas: Sequence[str] = ()) -> Tensor:
    """The rows of another table as inputs, by the description that a model keeps of its columns: float32 (rows, inputs).

    ``commas``: those of its columns that had decimal commas in training.

    Raises RefusedError.
    """
    return _encode(read_with_report(path, 1, commas)[0], described, path)


def _encode(frame: pl.DataFrame, described: Sequence[dict[str, Any]], path: Path | str) -> Tensor:
    missing = [column["name"] for column in described if column["name"] not in frame.columns]
    if missing:
        raise RefusedError(
            f"{path} has no column {', '.join(missing)}", "provide a table with the columns of the training"
        )
    parts = []
    for column in described:
        cells = frame[column["name"]].to_list()
        if column["kind"] == "number":
            numbers = [number(cell) for cell in cells]
            values = torch.tensor([column["fill"] if n is None else n for n in numbers], dtype=torch.float64)
            parts.append(((values - column["mean"]) / column["std"])[:, None])
            continue
        words = column["words"]
        encoded = torch.zeros(len(cells), len(words) + int(column["gap"]), dtype=torch.float64)
        for row, cell in enumerate(cells):
            if is_gap(cell):
                encoded[row, len(words) :] = 1
            elif str(cell).strip() in words:
                encoded[row, words.index(str(cell).strip())] = 1
        parts.append(encoded)
    return torch.cat(parts, dim=1).to(torch.float32)
