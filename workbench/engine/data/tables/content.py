"""The rows of a table that are used: inputs, targets and the split; and the others, each with why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from torch import Tensor

from workbench.engine.data.dataset import LeaveOut, LeftOut, Source, TaskSpec
from workbench.engine.data.report import warning
from workbench.engine.data.split import by_group, by_time, split
from workbench.engine.data.tables.columns import ColumnEvidence, number, read_numbers, without_gaps
from workbench.engine.data.tables.encode import InputColumn, date_parts, word_numbers
from workbench.engine.data.tables.rows import RowNumbers
from workbench.engine.data.tables.study import Study, check_count
from workbench.engine.data.tables.targets import TargetPlan, class_targets
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Content:
    """The rows that are used: their numbers, int64 (n,), inputs, and targets; and those that are not."""

    rows: RowNumbers
    columns: list[InputColumn]
    task: TaskSpec
    targets: Tensor
    halves: tuple[Tensor, Tensor]
    left_out: list[LeftOut]
    findings: list[Finding]
    misfits: dict[str, int]
    """Filled cells of the inputs that are not of their column's kind; they count as missing."""


def read_content(study: Study, learned: Source | None) -> Content:
    """Reads the columns that are used, and leaves out the rows that cannot be."""
    config, table, roles, plan = study.config, study.table, study.roles, study.plan
    keys = tuple(filter(None, (config.group, config.time)))
    values: dict[str, list[pl.Series]] = {name: [] for name in (*roles.targets, *keys, *roles.inputs)}
    numbers = [np.arange(0)]
    for rows in table.batches():
        numbers.append(rows.numbers)
        for name, parts in values.items():
            parts.append(_convert(rows.cells[name], name, study))
    # Each column's parts are let go as soon as it is whole: of a long table there is not room for all of it twice.
    columns = {name: _joined(values.pop(name)) for name in list(values)}
    rows_all = np.concatenate(numbers).astype(np.int64)
    used, left_out, findings = _choose_rows(study, rows_all, columns, keys)
    misfits = {name: _misfits(study.evidence[name], columns[name]) for name in roles.inputs if name not in study.words}
    findings += _misfit_findings(study, misfits)
    inputs = [column.rows(used) for name in roles.inputs for column in _input(name, columns.pop(name), study)]
    if config.missing == "drop":
        gaps = np.any([column.missing for column in inputs], axis=0)
        left_out += [LeftOut(table.row_name(row), "a value is missing") for row in rows_all[used][gaps].tolist()]
        used[np.flatnonzero(used)[gaps]] = False
        inputs = [column.rows(~gaps) for column in inputs]
    kept = {name: column.filter(pl.Series(used)) for name, column in columns.items()}
    rows_used = rows_all[used]
    check_count(config, len(rows_used))
    task, targets = _targets(study, plan, kept, rows_used, learned)
    halves = _divide(study, kept, task.class_indices(targets), rows_used)
    return Content(rows_used, inputs, task, targets, halves, left_out, findings, misfits)


def _joined(parts: list[pl.Series]) -> pl.Series:
    return pl.concat(parts, rechunk=True) if parts else pl.Series([], dtype=pl.String)


def _convert(cells: pl.Series, name: str, study: Study) -> pl.Series:
    """A column's cells as what is needed of them: numbers and times as float64, words of inputs by their number, others as text.

    Null where there is no value; of a target or a time NaN where it is none.
    """
    reading, config = study.readings[name], study.config
    if name in study.roles.inputs:
        if reading.kind in ("number", "date"):
            return read_numbers(cells, reading)
        return word_numbers(cells, study.words[name])
    if name == study.plan.classes:
        return cells if config.missing_labels == "class" else without_gaps(cells)
    if name in study.plan.numbers or name == config.time:
        filled = without_gaps(cells)
        kind = "date" if reading.kind == "date" and name == config.time else "number"
        numbers = read_numbers(filled, replace(reading, kind=kind)).fill_null(float("nan"))  # type: ignore[arg-type]
        return pl.select(pl.when(filled.is_null()).then(None).otherwise(numbers)).to_series()
    return without_gaps(cells)


def _input(name: str, values: pl.Series, study: Study) -> list[InputColumn]:
    reading = study.readings[name]
    if reading.kind == "date":
        return date_parts(name, values, reading)
    words = study.words.get(name, ())
    return [InputColumn(name, values.fill_null(float("nan")).to_numpy(writable=True), reading, words)]


def _misfits(evidence: ColumnEvidence, values: pl.Series) -> int:
    """How many filled cells gave no number, or no date."""
    return evidence.filled - (len(values) - values.null_count())


def _misfit_findings(study: Study, misfits: Mapping[str, int]) -> Iterator[Finding]:
    for name, count in misfits.items():
        if count:
            reading = study.readings[name]
            kind = "numbers" if reading.kind == "number" else "dates"
            first = study.table.misfit(name, reading)
            text = f"column {name}: {count:,} cells are not {kind} (first {first}) and count as missing"
            yield warning(text, "dataset.ignore")


def _choose_rows(
    study: Study, rows: RowNumbers, columns: Mapping[str, pl.Series], keys: Sequence[str]
) -> tuple[Mask, list[LeftOut], list[Finding]]:
    """Which rows have a value in every column that cannot be filled in and are not left out, the others, and what to say."""
    config, row_name = study.config, study.table.row_name
    left_out, used = list(study.table.left_out), np.ones(len(rows), dtype=bool)
    leave_out = LeaveOut(config.leave_out)
    if config.leave_out:
        used = np.array([leave_out.keeps(row_name(row)) for row in rows.tolist()], dtype=bool)
    for name in (*study.roles.targets, *keys):
        empty = used & columns[name].is_null().to_numpy()
        described = f"the {'target ' if name == study.roles.targets[0] else ''}column {name}"
        left_out += [LeftOut(row_name(row), f"no value in {described}") for row in rows[empty].tolist()]
        used &= ~empty
    return used, [*leave_out.left_out, *left_out], leave_out.findings()


def _targets(
    study: Study, plan: TargetPlan, cells: Mapping[str, pl.Series], rows: RowNumbers, learned: Source | None
) -> tuple[TaskSpec, Tensor]:
    known = learned.task.classes if learned is not None else ()
    numbers = [_number_target(study, name, cells[name], rows) for name in plan.numbers]
    if not plan.classes:
        return TaskSpec("regression", targets=plan.numbers), torch.stack(numbers, dim=1)
    task, classes = class_targets(cells[plan.classes], plan.classes, known)
    if not numbers:
        return task, classes
    return TaskSpec("multi-task", task.classes, plan.numbers), torch.stack([classes.double(), *numbers], dim=1)


def _number_target(study: Study, name: str, values: pl.Series, rows: RowNumbers) -> Tensor:
    """A target of numbers, float64 (n,). Raises RefusedError where there is a word in it."""
    reading, is_first = study.readings[name], name == study.roles.targets[0]
    setting = "dataset.target" if is_first else "dataset.more_targets"
    if reading.why_not_number:
        what = f"the target column {name} is no column of numbers: {reading.why_not_number}"
        raise RefusedError(what, "write all its numbers with the same unit", setting)
    wrong = values.is_nan()
    if wrong.any():
        row, count = int(rows[int(wrong.arg_true()[0])]), int(wrong.sum())
        more = f" ({count:,} such rows)" if count > 1 else ""
        cell, row_name = study.table.cell(row, name), study.table.row_name(row)
        mark = reading.marks.decimal
        what = f"the target column {name} contains {cell!r} in {row_name}, which is not a number{more}"
        hint = "correct it, or choose classification"
        if number(cell) is not None:
            what = f"the target column {name} contains {cell!r} in {row_name}, and its decimal mark is {mark!r}{more}"
            hint = "write all its numbers with the same decimal mark"
        elif not is_first:
            hint = "correct it, or make it the target column, with the numbers as further targets"
        raise RefusedError(what, hint, setting)
    return torch.from_numpy(values.to_numpy().copy())


def _divide(
    study: Study, columns: Mapping[str, pl.Series], classes: Tensor | None, rows: RowNumbers
) -> tuple[Tensor, Tensor]:
    """Training and validation: by time, by group, by class or at random. Raises RefusedError."""
    config = study.config
    if config.time:
        times = columns[config.time]
        wrong = times.is_nan()
        if wrong.any():
            row = int(rows[int(wrong.arg_true()[0])])
            cell = study.table.cell(row, config.time)
            what = (
                f"the time column {config.time} contains {cell!r} in {study.table.row_name(row)}, which is not a time"
            )
            raise RefusedError(what, "write numbers, or dates as 2024-12-31 or 2024-12-31 23:59:59", "dataset.time")
        halves = by_time(torch.from_numpy(times.to_numpy().copy()), config.validation)
        if len(halves[0]) == 0:
            what = f"too many rows have the latest time in {config.time}: none is left for training"
            raise RefusedError(what, "choose a smaller validation split", "dataset.time")
        return halves
    if config.group:
        groups = columns[config.group].to_list()
        if len(set(groups)) < 2:
            what = f"the group column {config.group} has only one group"
            raise RefusedError(what, "choose another column", "dataset.group")
        return by_group(groups, config.validation, config.split_seed)
    return split(len(rows), classes if config.split == "per-class" else None, config.validation, config.split_seed)
