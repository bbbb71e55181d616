"""A table (CSV, TSV, Excel, Parquet): numbers, words and gaps become the network's inputs; one column or several are the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from workbench.config.dataset import Table
from workbench.engine.data.dataset import Progress, Source, TaskSpec, TensorSplit
from workbench.engine.data.report import assumed
from workbench.engine.data.tables.content import Content, read_content
from workbench.engine.data.tables.description import Description
from workbench.engine.data.tables.encode import (
    InputColumn,
    describe,
    encode,
    mean_std,
    values_of,
    width,
)
from workbench.engine.data.tables.file import NumberedNames, TableFile
from workbench.engine.data.tables.findings import reading_findings
from workbench.engine.data.tables.roles import column_reports
from workbench.engine.data.tables.study import Study, study_table
from workbench.engine.data.tables.targets import missing_labels
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

PREVIEW_ROWS = 50


def load(config: Table, progress: Progress, learned: Source | None = None) -> Source:
    """The rows of a table. Raises RefusedError."""
    progress("reading the table", None)
    if learned is not None:
        kind = "classification" if learned.task.has_classes else "regression"
        config = config.model_copy(update={"task": kind})
    study = study_table(config, learned)
    content = read_content(study, learned)
    if learned is None:
        encoded, described, task = _learn(config, content)
    else:
        described, task = learned.preprocessing["columns"], _scaled_as(content.task, learned.task)
        encoded = _encode_columns(content.columns, described)
    source = _assemble(encoded, described, task, content, study)
    return replace(source, findings=tuple(_findings(study, content)), preview=_preview(study))


def _learn(config: Table, content: Content) -> tuple[Tensor, list[Description], TaskSpec]:
    """Turns columns into inputs with statistics of the training rows alone, and computes the scale of the targets."""
    train, task = content.halves[0], content.task
    # A part of a date that is the same in every row says nothing.
    columns = [column for column in content.columns if not column.part or column.varies]
    content.columns.clear()
    described = [describe(column, train, config.standardize) for column in columns]
    if task.has_numbers:
        numbers = content.targets[train][:, -len(task.targets) :]
        statistics = [mean_std(column) if config.standardize else (0.0, 1.0) for column in numbers.unbind(1)]
        means, stds = (tuple(pair[index] for pair in statistics) for index in (0, 1))
        task = replace(task, means=means, stds=stds)
    return _encode_columns(columns, described), described, task


def _encode_columns(columns: list[InputColumn], described: Sequence[Description]) -> Tensor:
    """Inputs, float32 (n, inputs). Takes the columns away one by one: of a long table there is not room for all of it twice."""
    rows = len(columns[0].values)
    inputs = torch.empty(rows, sum(map(width, described)), dtype=torch.float32)
    at = 0
    by_name = {(column.name, column.part): column for column in columns}
    columns.clear()
    for description in described:
        column = by_name.pop((description["name"], description.get("part", "")))
        end = at + width(description)
        inputs[:, at:end] = encode(torch.from_numpy(column.values), description)
        at = end
    return inputs


def _scaled_as(task: TaskSpec, learned: TaskSpec) -> TaskSpec:
    """The task with the scale of the targets that a model learned."""
    return replace(task, means=learned.means, stds=learned.stds) if task.targets == learned.targets else task


def _assemble(
    inputs: Tensor, described: Sequence[Description], task: TaskSpec, content: Content, study: Study
) -> Source:
    targets, rows, table = content.targets, content.rows, study.table
    if task.has_numbers:
        first = int(task.has_classes)
        targets = torch.cat([targets[:, :first], task.scaled(targets[:, first:])], dim=1).to(torch.float32)
    splits = [
        TensorSplit(inputs[i], targets[i], names=NumberedNames(rows[i.numpy()], table.row_name)) for i in content.halves
    ]
    return Source(
        task,
        (inputs.shape[1],),
        splits[0],
        splits[1],
        preprocessing={"kind": "table", "columns": list(described), "target": _target_facts(task, study)},
        left_out=tuple(content.left_out),
        unit="row",
        reading=table.reading,
        columns=column_reports(
            list(study.evidence.values()), study.readings, study.roles, table.nameless, study.config, content.misfits
        ),
        stamp=table.stamp,
    )


def _target_facts(task: TaskSpec, study: Study) -> dict[str, Any]:
    """What a model keeps of its targets: scale, columns, and how their numbers are written."""
    marks = {}
    for name in study.plan.numbers:
        given = study.readings[name].marks
        marks[name] = {"decimal": given.decimal, "thousands": given.thousands, "unit": given.unit}
    return {
        "names": list(task.targets),
        "means": list(task.means),
        "stds": list(task.stds),
        "columns": list(study.roles.targets),
        "marks": marks,
    }


# --- what a person should know ---


def _findings(study: Study, content: Content) -> Iterator[Finding]:
    """How the table was read, what was assumed, and what is open."""
    table, roles, config = study.table, study.roles, study.config
    yield from (*table.findings, *content.findings)
    target = roles.targets[0]
    if roles.is_target_assumed:
        yield assumed(f"the target is the last column, {target}", "dataset.target")
    if study.plan.kind == "multi-task":
        text = f"multi-task: the class {study.plan.classes} and the numbers {', '.join(study.plan.numbers)}"
        yield assumed(text, "dataset.task")
    elif config.task == "auto":
        yield assumed(f"the task is a {study.plan.kind} of {target}", "dataset.task")
    if study.plan.classes:
        yield from missing_labels(study.evidence[study.plan.classes], config.missing_labels)
    for name, why in roles.left_out.items():
        if name not in config.ignore:
            yield assumed(f"column {name} is not used: {why}", "dataset.inputs")
    used = (*roles.inputs, *study.plan.numbers, *filter(None, (config.time,)))
    yield from reading_findings(used, study.evidence, study.readings)


def _preview(study: Study) -> dict[str, Any]:
    rows = next(study.table.batches(), None)
    cells = rows.cells.head(PREVIEW_ROWS).rows() if rows is not None else []
    return {"table": {"columns": list(study.table.names), "rows": [[cell or "" for cell in row] for row in cells]}}


# --- another table ---


def prepare(table: TableFile, described: Sequence[Description], commas: Sequence[str] = ()) -> Tensor:
    """The rows of another table as inputs, by the description that a model keeps of its columns: float32 (rows, inputs).

    ``commas``: those of its columns that had decimal commas in training, as early versions kept it.

    Raises RefusedError.
    """
    missing = [column["name"] for column in described if column["name"] not in table.names]
    if missing:
        raise RefusedError(
            f"{table.path} has no column {', '.join(missing)}", "provide a table with the columns of the training"
        )
    parts = []
    for rows in table.batches():
        encoded = [encode(values_of(rows.cells[column["name"]], column, commas), column) for column in described]
        parts.append(torch.cat(encoded, dim=1).to(torch.float32))
    return torch.cat(parts) if parts else torch.empty(0, sum(map(width, described)))
