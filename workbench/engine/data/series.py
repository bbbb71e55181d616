"""Series in time: cut into windows, split by time, so that nothing that is predicted has been seen in training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workbench.config.dataset import Series, Sine, Windowed
from workbench.engine.data.dataset import LeftOut, Progress, Source, Split, TaskSpec, TensorSplit
from workbench.engine.data.report import assumed, warning
from workbench.engine.data.tables.columns import (
    Choices,
    ColumnEvidence,
    ColumnReading,
    decide_columns,
    read_numbers,
    without_gaps,
)
from workbench.engine.data.tables.encode import marks_of, with_marks
from workbench.engine.data.tables.file import TableFile, open_table, options_of
from workbench.engine.data.tables.findings import column_report, reading_findings
from workbench.engine.data.tables.roles import require
from workbench.engine.data.tables.rows import Rows
from workbench.engine.data.tables.study import choices_of, gather, writes_points
from workbench.engine.data.tables.time_order import Segment, SeriesOrder, arrange, moments
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import ColumnReport, Finding, Role

Evidence = Mapping[str, ColumnEvidence]
Readings = Mapping[str, ColumnReading]
Scale = tuple[Tensor, Tensor]
"""Mean and deviation of each column."""
SHOWN = 2000
"""Points of the series in the preview."""


def load_sine(config: Sine, progress: Progress, learned: Source | None = None) -> Source:
    """sin(frequency t) + noise N(0, 1) at evenly spaced t, as windows (n, window, 1) and the values that follow."""
    progress("drawing samples", None)
    draw = torch.Generator().manual_seed(config.seed)
    t = torch.linspace(0, config.length, config.points)
    values = torch.sin(config.frequency * t) + config.noise * torch.randn(config.points, generator=draw)
    return _windows(config, values[:, None], ("sin",), 0, _learned_scale(learned))


def load(config: Series, progress: Progress, learned: Source | None = None) -> Source:
    """The columns of a table in a file, one series or several below one another. Raises RefusedError."""
    progress("reading the series", None)
    table = open_table(Path(config.path).expanduser(), options_of(config), 1)
    facts = learned.preprocessing if learned is not None else {}
    evidence = gather(table)
    readings = decide_columns(list(evidence.values()), choices_of(config, table))
    for column in facts.get("columns", ()):
        if column["name"] in readings:
            marks = marks_of(column, facts.get("commas", ()))
            readings[column["name"]] = replace(readings[column["name"]], marks=marks, open="")
    names, target = _chosen(config, evidence, readings, facts, table)
    rows = table.whole()
    order = arrange(table, rows, readings, config)
    values, filled = _filled(_numbers(rows, names, readings, table)[order.rows])
    findings = [*table.findings, *order.findings, *_unused(config, evidence, readings, table)]
    if filled:
        findings.append(warning(f"{filled} rows with missing values were filled with the values before them"))
    findings += reading_findings((*names, *filter(None, (config.time,))), evidence, readings)
    source = _joined(config, values.to(torch.float32), tuple(names), names.index(target), learned, order)
    described = [with_marks(column, readings[column["name"]].marks) for column in source.preprocessing["columns"]]
    kept = {"time": config.time, "series": config.series_column, "columns": described}
    return replace(
        source,
        preprocessing={**source.preprocessing, **kept},
        findings=(*source.findings, *findings),
        left_out=(*table.left_out, *source.left_out),
        unit="row",
        used=len(values) - len(source.left_out),
        reading=table.reading,
        columns=_column_reports(evidence, readings, names, target, config),
        stamp=table.stamp,
    )


def _chosen(
    config: Series, evidence: Evidence, readings: Readings, facts: Mapping[str, Any], table: TableFile
) -> tuple[list[str], str]:
    """The columns that are used, and the target among them. Raises RefusedError."""
    for setting in ("time", "series_column"):
        if name := getattr(config, setting):
            require(list(evidence), name, f"dataset.{setting}")
    numbers = [name for name in _free(config, evidence) if _is_numeric(evidence[name])]
    chosen = [column["name"] for column in facts["columns"]] if facts else list(config.columns)
    names = chosen or numbers
    target = config.target or (names[-1] if names else "")
    for name in {*names, target} - set(numbers):
        what = f"the table has no numeric column {name!r}"
        why = f" ({_why_not_numeric(evidence[name], readings[name], table)})" if name in evidence else ""
        hint = f"choose one of its numeric columns: {', '.join(numbers) or 'none'}"
        raise RefusedError(what + why, hint, "dataset.columns")
    return (list(names) if target in names else [*names, target]), target


def _free(config: Series, evidence: Evidence) -> list[str]:
    return [name for name in evidence if name not in (config.time, config.series_column)]


def _is_numeric(evidence: ColumnEvidence) -> bool:
    """Whether every filled cell is a number: a gap in time is filled with the value before it, a word is not."""
    numbers = evidence.numbers
    return evidence.filled > 0 and numbers.numbers == evidence.filled and numbers.units_agree()


def _why_not_numeric(evidence: ColumnEvidence, reading: ColumnReading, table: TableFile) -> str:
    if not evidence.filled:
        return f"{evidence.name}, which is empty"
    return (
        reading.why_not_number or f"{evidence.name} with {table.misfit(evidence.name, replace(reading, kind='number'))}"
    )


def _numbers(rows: Rows, names: Sequence[str], readings: Readings, table: TableFile) -> Tensor:
    """Columns side by side, float64 (rows, columns), NaN where a cell is a gap. Raises RefusedError for a word."""
    columns = []
    for name in names:
        filled = without_gaps(rows.cells[name])
        values = read_numbers(filled, replace(readings[name], kind="number"))
        wrong = values.is_null() & filled.is_not_null()
        if wrong.any():
            row = int(wrong.arg_true()[0])
            what = f"the column {name} contains {filled[row]!r} in {table.row_name(int(rows.numbers[row]))}, which is not a number"
            raise RefusedError(what, "correct it, or choose other columns", "dataset.columns")
        columns.append(torch.from_numpy(values.fill_null(math.nan).to_numpy().copy()))
    return torch.stack(columns, dim=1)


def _unused(config: Series, evidence: Evidence, readings: Readings, table: TableFile) -> list[Finding]:
    """Which columns are not used, where nobody chose them."""
    unused = [
        _why_not_numeric(evidence[name], readings[name], table)
        for name in _free(config, evidence)
        if not _is_numeric(evidence[name]) and not config.columns
    ]
    text = f"columns that are not numeric are not used: {'; '.join(unused)}"
    return [assumed(text, "dataset.columns")] if unused else []


def _column_reports(
    evidence: Evidence, readings: Readings, names: Sequence[str], target: str, config: Series
) -> tuple[ColumnReport, ...]:
    roles: dict[str, Role] = {**dict.fromkeys(names, "input"), target: "target"}
    roles |= {config.time: "time"} if config.time else {}
    roles |= {config.series_column: "series"} if config.series_column else {}
    return tuple(
        column_report(column, readings[name], roles.get(name, "left out")) for name, column in evidence.items()
    )


def columns_of(path: Path, facts: Mapping[str, Any]) -> Tensor:
    """The columns of a model's training in another file, in the order of its time column: float32 (rows, columns).

    ``facts``: the model's preprocessing. Raises RefusedError.
    """
    table = open_table(path, least=1)
    names = [column["name"] for column in facts["columns"]]
    missing = [name for name in names if name not in table.names]
    if missing:
        raise RefusedError(f"it has no column {', '.join(missing)}")
    rows, commas = table.whole(), facts.get("commas", ())
    readings = {column["name"]: ColumnReading("number", marks_of(column, commas)) for column in facts["columns"]}
    values = _numbers(rows, names, readings, table)
    if time := facts.get("time", ""):
        require(table.names, time, "dataset.time")
        decided = decide_columns(list(gather(table).values()), Choices(writes_points=writes_points(table.reading)))
        values = values[torch.argsort(moments(table, rows, time, decided[time]), stable=True)]
    return _filled(values)[0].to(torch.float32)


def _filled(values: Tensor) -> tuple[Tensor, int]:
    """Rows with every gap filled with the value before it, and how many rows had one. To leave a row out would shift time."""
    gaps = torch.nonzero(torch.isnan(values).any(dim=1)).flatten().tolist()
    known = ~torch.isnan(values)
    first = torch.stack([column[there][0] for column, there in zip(values.T, known.T, strict=True)])
    for row in gaps:
        before = values[row - 1] if row else first
        values[row] = torch.where(known[row], values[row], before)
    return values, len(gaps)


def _joined(
    config: Series, values: Tensor, names: tuple[str, ...], target: int, learned: Source | None, order: SeriesOrder
) -> Source:
    """The windows of every series, none of them across two. Each is split by its own time. Raises RefusedError."""
    scale = _learned_scale(learned)
    if len(order.segments) == 1:
        return _windows(config, values, names, target, scale)
    span = config.window + config.horizon
    long = [segment for segment in order.segments if segment.rows > span]
    if not long:
        what = f"no series is longer than a window of {config.window} steps and a horizon of {config.horizon}"
        raise RefusedError(what, "choose a shorter window", "dataset.window")
    if scale is None:
        known = [values[segment.start : segment.start + _known(config, segment.rows)] for segment in long]
        scale = _scale_of(torch.cat(known))
    parts = [_windows(config, values[segment.start : segment.stop], names, target, scale) for segment in long]
    left_out = [
        LeftOut(f"row {row + 2} of {segment.name}", "its series is shorter than a window")
        for segment in order.segments
        if segment.rows <= span
        for row in range(segment.rows)
    ]
    weights = [max(len(part.val), 1) for part in parts]
    naive = sum(part.preprocessing["naive_mae"] * w for part, w in zip(parts, weights, strict=True)) / sum(weights)
    text = f"{len(long):,} series are told apart by {config.series_column}; no window goes from one into another"
    return replace(
        parts[0],
        train=_one_split([part.train for part in parts], long),
        val=_one_split([part.val for part in parts], long),
        preprocessing={**parts[0].preprocessing, "naive_mae": naive},
        findings=(assumed(text, "dataset.series_column"), _naive_finding(naive)),
        left_out=tuple(left_out),
    )


def _known(config: Series, rows: int) -> int:
    """Rows of a series from its beginning that its training windows see; as in :func:`_windows`."""
    span = config.window + config.horizon
    count = rows - span + 1
    held_out = round(count * config.validation)
    return max(count - held_out - (config.horizon - 1 if held_out else 0), 1) + span - 1


def _one_split(splits: Sequence[Split], segments: Sequence[Segment]) -> TensorSplit:
    """The windows of several series one after the other."""
    tensors = [split for split in splits if isinstance(split, TensorSplit)]
    inputs = torch.cat([split.inputs for split in tensors])
    targets = torch.cat([split.targets for split in tensors])
    names = [f"{of.name} {name}" for of, split in zip(segments, tensors, strict=True) for name in split.names]
    return TensorSplit(inputs, targets, "window", tuple(names))


def _naive_finding(naive: float) -> Finding:
    return assumed(f"the naive baseline, which repeats the last value, has an MAE of {naive:.4g} in validation")


def _windows(config: Windowed, values: Tensor, names: tuple[str, ...], target: int, scale: Scale | None) -> Source:
    """Windows of ``values`` (rows, columns) and the ``horizon`` values of the target column that follow each.

    ``scale``: mean and deviation of each column; None for those of the rows that training sees.
    """
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
    mean, std = _scale_of(values[: train_end + span - 1]) if scale is None else scale
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
    window_names = tuple(f"from row {row + 1}" for row in range(count))
    return Source(
        task=task,
        shape=(config.window, len(names)),
        train=TensorSplit(inputs[:train_end], ahead[:train_end], "window", window_names[:train_end]),
        val=TensorSplit(inputs[first:], ahead[first:], "window", window_names[first:])
        if held_out
        else _none(inputs, ahead),
        preprocessing=preprocessing,
        findings=(_naive_finding(naive),),
        preview={"points": _points(values[:, target], first + span - 1)},
    )


def _scale_of(known: Tensor) -> Scale:
    """Mean and deviation of each column, (columns,)."""
    mean, std = known.mean(dim=0), known.std(dim=0, correction=0)
    return mean, torch.where(std > 1e-12, std, 1.0)


def _learned_scale(learned: Source | None) -> Scale | None:
    """The same as a model learned it; None without one."""
    if learned is None:
        return None
    described = learned.preprocessing["columns"]
    mean, std = (torch.tensor([column[key] for column in described]) for key in ("mean", "std"))
    return mean, std


def _points(values: Tensor, first_validated: int) -> dict[str, list[int] | list[float]]:
    """The series as points to be drawn, thinned out; those that validation predicts have the label 1."""
    rows = range(0, len(values), max(1, len(values) // SHOWN))
    labels = [int(row >= first_validated) for row in rows]
    return {"x": list(rows), "y": values[:: rows.step].tolist(), "label": labels}


def _none(inputs: Tensor, targets: Tensor) -> TensorSplit:
    return TensorSplit(inputs[:0], targets[:0], "window")
