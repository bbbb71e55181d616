"""Series in time: cut into windows, split by time, so that nothing that is predicted has been seen in training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import Tensor

from workbench.config.dataset import Series, Sine, Windowed
from workbench.engine.data import table_reader
from workbench.engine.data.dataset import Progress, Source, TaskSpec, TensorSplit
from workbench.engine.data.report import assumed, warning
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

MAX_DATES_READ = 10_000
SHOWN = 2000
"""Points of the series in the preview."""


def load_sine(config: Sine, progress: Progress, learned: Source | None = None) -> Source:
    """sin(frequency t) + noise N(0, 1) at evenly spaced t, as windows (n, window, 1) and the values that follow."""
    progress("drawing samples", None)
    draw = torch.Generator().manual_seed(config.seed)
    t = torch.linspace(0, config.length, config.points)
    values = torch.sin(config.frequency * t) + config.noise * torch.randn(config.points, generator=draw)
    return _windows(config, values[:, None], ("sin",), 0, learned)


def load(config: Series, progress: Progress, learned: Source | None = None) -> Source:
    """The columns of a CSV file. Raises RefusedError."""
    progress("reading the series", None)
    preprocessing = learned.preprocessing if learned is not None else {}
    frame, reading = table_reader.read_with_report(Path(config.path).expanduser(), 1, preprocessing.get("commas", ()))
    order, order_finding = _in_time(frame, config.time)
    frame = frame.drop(config.time) if config.time else frame
    columns = {name: _column(frame, name) for name in frame.columns}
    numbers = [name for name, column in columns.items() if not column.wrong]
    chosen = [column["name"] for column in preprocessing["columns"]] if preprocessing else list(config.columns)
    names = chosen or numbers
    target = config.target or (names[-1] if names else "")
    for name in {*names, target} - set(numbers):
        what = f"the table has no numeric column {name!r}"
        why = f" ({columns[name].wrong})" if name in columns else ""
        raise RefusedError(
            what + why, f"choose one of its numeric columns: {', '.join(numbers) or 'none'}", "dataset.columns"
        )
    if target not in names:
        names.append(target)
    values, filled = _filled(_rows([columns[name] for name in names], order))
    unused = [columns[name].wrong for name in frame.columns if columns[name].wrong and not config.columns]
    source = _windows(config, values.to(torch.float32), tuple(names), names.index(target), learned)
    findings = [order_finding] if order_finding is not None else []
    if filled:
        findings.append(warning(f"{filled} rows with missing values were filled with the values before them"))
    if unused:
        findings.append(assumed(f"columns that are not numeric are not used: {'; '.join(unused)}", "dataset.columns"))
    reading_options = {"time": config.time, "commas": list(preprocessing.get("commas", reading.commas))}
    return replace(
        source,
        preprocessing={**source.preprocessing, **reading_options},
        findings=(*reading.findings, *source.findings, *findings),
        unit="row",
        used=len(values),
    )


def _in_time(frame: pl.DataFrame, name: str) -> tuple[Tensor, Finding | None]:
    """The rows' numbers in the order of their times, and what that changes. Raises RefusedError."""
    straight = torch.arange(len(frame))
    if not name:
        return straight, _out_of_order(frame)
    table_reader.require(frame, name, "dataset.time")
    order = torch.argsort(table_reader.times(name, frame[name].to_list()), stable=True)
    return order, None if torch.equal(order, straight) else assumed(f"the rows were sorted by {name}", "dataset.time")


def _rows(columns: Sequence[_Column], order: Tensor) -> Tensor:
    """Columns side by side, their rows in an order: float64 (rows, columns)."""
    return torch.tensor([column.values for column in columns], dtype=torch.float64).T[order].contiguous()


def _out_of_order(frame: pl.DataFrame) -> Finding | None:
    """The column of dates by which the rows are not sorted, where no time column is set."""
    for name in frame.columns if len(frame) else ():
        try:
            times = table_reader.times(name, frame[name].head(MAX_DATES_READ).to_list())
        except RefusedError:
            continue
        if table_reader.number(frame[name][0]) is None and bool((times.diff() < 0).any()):
            text = f"the rows are not sorted by {name}: set dataset.time = {name!r} to sort them"
            return warning(text, "dataset.time", "choose the column by which they are to be sorted")
    return None


def columns_of(path: Path, names: list[str], time: str = "", commas: Sequence[str] = ()) -> Tensor:
    """Columns of numbers of another file, in the order of its column ``time``: float32 (rows, columns).

    ``commas``: those that had decimal commas in training. Raises RefusedError.
    """
    frame = table_reader.read_with_report(path, 1, commas)[0]
    order, _ = _in_time(frame, time)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise RefusedError(f"it has no column {', '.join(missing)}")
    columns = [_column(frame, name) for name in names]
    wrong = [column.wrong for column in columns if column.wrong]
    if wrong:
        raise RefusedError(f"it has columns that are not numeric: {'; '.join(wrong)}")
    return _filled(_rows(columns, order))[0].to(torch.float32)


@dataclass(frozen=True)
class _Column:
    """Numbers of a column, NaN where it has a gap; ``wrong`` says, where it holds something else, what and where."""

    values: list[float]
    wrong: str


def _column(frame: pl.DataFrame, name: str) -> _Column:
    cells, values = frame[name].to_list(), list[float]()
    for row, cell in enumerate(cells):
        value = table_reader.number(cell)
        if value is None and not table_reader.is_gap(cell):
            return _Column([], f"{name} with {str(cell)[:40]!r} in row {row + 2}")
        values.append(math.nan if value is None else value)
    return _Column(values, "" if any(value == value for value in values) else f"{name}, which is empty")


def _filled(values: Tensor) -> tuple[Tensor, int]:
    """Rows with every gap filled with the value before it, and how many rows had one. To leave a row out would shift time."""
    gaps = torch.nonzero(torch.isnan(values).any(dim=1)).flatten().tolist()
    known = ~torch.isnan(values)
    first = torch.stack([column[there][0] for column, there in zip(values.T, known.T, strict=True)])
    for row in gaps:
        before = values[row - 1] if row else first
        values[row] = torch.where(known[row], values[row], before)
    return values, len(gaps)


def _windows(config: Windowed, values: Tensor, names: tuple[str, ...], target: int, learned: Source | None) -> Source:
    """Windows of ``values`` (rows, columns) and the ``horizon`` values of the target column that follow each."""
    rows = len(values)
    span = config.window + config.horizon
    count = rows - span + 1
    if count < 2:
        what = f"{rows} rows are too few for windows of {config.window} steps and a horizon of {config.horizon}"
        raise RefusedError(what, "choose a shorter window", "dataset.window")
    held_out = round(count * config.validation)
    # What a validation window predicts, no training window has seen or predicted: the first `span - 1` after the cut go.
    first = count - held_out
    train_end = max(first - (config.horizon - 1 if held_out else 0), 1)
    known = values[: train_end + span - 1]
    mean, std = known.mean(dim=0), known.std(dim=0, correction=0)
    std = torch.where(std > 1e-12, std, 1.0)
    if learned is not None:
        described = learned.preprocessing["columns"]
        mean, std = (torch.tensor([column[key] for column in described]) for key in ("mean", "std"))
    scaled = (values - mean) / std
    inputs = scaled.unfold(0, config.window, 1)[:count].transpose(1, 2).contiguous()
    ahead = scaled[config.window :, target].unfold(0, config.horizon, 1)[:count].contiguous()
    labels = values[config.window :, target].unfold(0, config.horizon, 1)[:count]
    last = values[config.window - 1 : config.window - 1 + count, target, None]
    tail = slice(first, count) if held_out else slice(0, count)
    naive = float((labels[tail] - last[tail]).abs().mean())
    targets = tuple(f"{names[target]} +{step + 1}" for step in range(config.horizon))
    task = TaskSpec("regression", targets=targets, means=(float(mean[target]),), stds=(float(std[target]),))
    preprocessing: dict[str, Any] = {
        "kind": "series",
        "columns": [{"name": n, "mean": float(m), "std": float(s)} for n, m, s in zip(names, mean, std, strict=True)],
        "target": names[target],
        "window": config.window,
        "horizon": config.horizon,
        "naive_mae": naive,
    }
    step = max(1, rows // SHOWN)
    shown = values[::step, target]
    points = {
        "x": list(range(0, rows, step)),
        "y": shown.tolist(),
        "label": [int(i >= first + span - 1) for i in range(0, rows, step)],
    }
    window_names = tuple(f"from row {row + 1}" for row in range(count))
    return Source(
        task=task,
        shape=(config.window, len(names)),
        train=TensorSplit(inputs[:train_end], ahead[:train_end], "window", window_names[:train_end]),
        val=TensorSplit(inputs[first:], ahead[first:], "window", window_names[first:])
        if held_out
        else _none(inputs, ahead),
        preprocessing=preprocessing,
        findings=(
            assumed(f"the naive baseline, which repeats the last value, has an MAE of {naive:.4g} in validation"),
        ),
        preview={"points": points},
    )


def _none(inputs: Tensor, targets: Tensor) -> TensorSplit:
    return TensorSplit(inputs[:0], targets[:0], "window")
