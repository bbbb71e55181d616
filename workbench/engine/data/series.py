"""Series in time: cut into windows, split by time, so that nothing that is predicted has been seen in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import Tensor

from workbench.config.dataset import Series, Sine, Windowed
from workbench.engine.data.source import Progress, Source, Task, TensorSplit
from workbench.engine.failures import RefusedError

SHOWN = 2000
"""Points of the series in the preview."""


def load_sine(config: Sine, progress: Progress) -> Source:
    """sin(frequency t) + noise N(0, 1) at evenly spaced t, as windows (n, window, 1) and the values that follow."""
    progress("drawing samples", None)
    draw = torch.Generator().manual_seed(config.seed)
    t = torch.linspace(0, config.length, config.points)
    values = torch.sin(config.frequency * t) + config.noise * torch.randn(config.points, generator=draw)
    return _windows(config, values[:, None], ("sin",), 0, config.points)


def load(config: Series, progress: Progress) -> Source:
    """The columns of a CSV file. Raises RefusedError."""
    progress("reading the series", None)
    frame = _read(Path(config.path).expanduser())
    numbers = [name for name in frame.columns if frame[name].dtype.is_numeric()]
    names = list(config.columns) or numbers
    target = config.target or (names[-1] if names else "")
    for name in {*names, target} - set(numbers):
        what = f"the table has no column of numbers {name!r}"
        raise RefusedError(what, f"its columns of numbers are {', '.join(numbers) or 'none'}", "dataset.columns")
    if target not in names:
        names.append(target)
    values = torch.from_numpy(frame.select(pl.col(names).cast(pl.Float64)).to_numpy().copy()).to(torch.float64)
    gaps = ~torch.isfinite(values).all(dim=1)
    left_out = int(gaps.sum())
    # A gap is filled with the value before it: leaving the row out would shift time.
    for row in torch.nonzero(gaps).flatten().tolist():
        before = values[row - 1] if row else values[~gaps][0] if left_out < len(values) else torch.zeros(len(names))
        values[row] = torch.where(torch.isfinite(values[row]), values[row], before)
    source = _windows(config, values.to(torch.float32), tuple(names), names.index(target), len(values))
    notes = (f"{left_out} rows with gaps were filled with the values before them",) if left_out else ()
    return Source(**{**vars(source), "notes": (*source.notes, *notes)})


def columns_of(path: Path, names: list[str]) -> Tensor:
    """Columns of numbers of another file: float32 (rows, columns). Raises RefusedError."""
    frame = _read(path)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise RefusedError(f"it has no column {', '.join(missing)}")
    values = frame.select(pl.col(names).cast(pl.Float64, strict=False)).to_numpy().copy()
    return torch.from_numpy(values).to(torch.float32)


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, infer_schema_length=None, try_parse_dates=False)
    except FileNotFoundError:
        raise RefusedError(f"there is no file {path}", "choose a CSV file", "dataset.path") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise RefusedError(f"{path} cannot be read as a table: {error}", "choose a CSV file", "dataset.path") from error


def _windows(config: Windowed, values: Tensor, names: tuple[str, ...], target: int, rows: int) -> Source:
    """Windows of ``values`` (rows, columns) and the ``horizon`` values of the target column that follow each."""
    span = config.window + config.horizon
    count = rows - span + 1
    if count < 2:
        what = f"{rows} rows are too few for windows of {config.window} steps and {config.horizon} to come"
        raise RefusedError(what, "make the window shorter", "dataset.window")
    kept = round(count * config.validation)
    # What a validation window predicts, no training window has seen or predicted: the first `span - 1` after the cut go.
    first = count - kept
    train_end = max(first - (config.horizon - 1 if kept else 0), 1)
    known = values[: train_end + span - 1]
    mean, std = known.mean(dim=0), known.std(dim=0, correction=0)
    std = torch.where(std > 1e-12, std, 1.0)
    scaled = (values - mean) / std
    inputs = scaled.unfold(0, config.window, 1)[:count].transpose(1, 2).contiguous()
    ahead = scaled[config.window :, target].unfold(0, config.horizon, 1)[:count].contiguous()
    truth = values[config.window :, target].unfold(0, config.horizon, 1)[:count]
    last = values[config.window - 1 : config.window - 1 + count, target, None]
    tail = slice(first, count) if kept else slice(0, count)
    naive = float((truth[tail] - last[tail]).abs().mean())
    targets = tuple(f"{names[target]} +{step + 1}" for step in range(config.horizon))
    task = Task("regression", targets=targets, means=(float(mean[target]),), stds=(float(std[target]),))
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
    names_of = tuple(f"from row {row + 1}" for row in range(count))
    return Source(
        task=task,
        shape=(config.window, len(names)),
        train=TensorSplit(inputs[:train_end], ahead[:train_end], "window", names_of[:train_end]),
        val=TensorSplit(inputs[first:], ahead[first:], "window", names_of[first:]) if kept else _none(inputs, ahead),
        preprocessing=preprocessing,
        notes=(f"the forecast that repeats the last value has a mean error of {naive:.4g} in validation",),
        preview={"points": points},
    )


def _none(inputs: Tensor, targets: Tensor) -> TensorSplit:
    return TensorSplit(inputs[:0], targets[:0], "window")
