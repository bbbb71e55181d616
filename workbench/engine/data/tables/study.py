"""A table of which it is decided how its columns are read, and what they are used for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from workbench.config.dataset import Table, TableFileSettings
from workbench.engine.data.dataset import Source
from workbench.engine.data.tables.columns import MOST_DISTINCT, Choices, ColumnEvidence, ColumnReading, decide_columns
from workbench.engine.data.tables.description import Description
from workbench.engine.data.tables.encode import marks_of
from workbench.engine.data.tables.file import TableFile, open_table, options_of
from workbench.engine.data.tables.roles import Roles, assign_roles, require
from workbench.engine.data.tables.targets import TargetPlan, plan_targets
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import FileReading


@dataclass(frozen=True)
class Study:
    """A table of which it is decided how its columns are read and what they are used for."""

    table: TableFile
    evidence: dict[str, ColumnEvidence]
    readings: dict[str, ColumnReading]
    roles: Roles
    plan: TargetPlan
    config: Table
    words: dict[str, tuple[str, ...]]
    """The categories of the inputs that are no numbers and no dates."""


def writes_points(reading: FileReading) -> bool:
    """Whether a file cannot have decimal commas: its numbers are typed, or commas separate its cells, and none is in quotes."""
    return reading.format != "csv" or (reading.separator == "," and not reading.quote)


def choices_of(config: TableFileSettings, table: TableFile) -> Choices:
    """How the settings say that columns are read."""
    return Choices(config.decimal, config.thousands, config.date_order, writes_points(table.reading))


def gather(table: TableFile) -> dict[str, ColumnEvidence]:
    """What all cells of every column show."""
    evidence = {name: ColumnEvidence(name) for name in table.names}
    for rows in table.batches():
        for name, column in evidence.items():
            column.add(rows.cells[name])
    return evidence


def study_table(config: Table, learned: Source | None) -> Study:
    table = open_table(Path(config.path).expanduser(), options_of(config))
    evidence = gather(table)
    check_count(config, max((column.rows for column in evidence.values()), default=0))
    readings = decide_columns(list(evidence.values()), choices_of(config, table))
    facts = learned.preprocessing if learned is not None else {}
    targets = tuple(facts["target"]["columns"]) if facts else ()
    if facts:
        described = [column["name"] for column in facts["columns"]]
        for name in described:
            require(table.names, name, "dataset.path")
        readings |= {
            name: _as_learned(readings[name], facts, name) for name in (*described, *targets) if name in readings
        }
        config = config.model_copy(update={"inputs": tuple(dict.fromkeys(described)), "dates": "calendar"})
    roles = assign_roles(list(evidence.values()), readings, table.nameless, config, targets)
    for name in config.categories:
        readings[name] = replace(readings[name], kind="category", open="")
    known = {column["name"]: tuple(column["words"]) for column in facts.get("columns", ()) if "words" in column}
    words = {
        name: known.get(name) or _categories(evidence[name])
        for name in roles.inputs
        if readings[name].kind not in ("number", "date")
    }
    return Study(
        table, evidence, readings, roles, plan_targets(roles.targets, evidence, readings, config), config, words
    )


def _categories(evidence: ColumnEvidence) -> tuple[str, ...]:
    """The categories of a column, sorted. Raises RefusedError where it has none, or too many to be told apart."""
    if not evidence.values:
        count = f"more than {MOST_DISTINCT:,} different values" if evidence.is_many else "no value"
        what = f"the column {evidence.name} has {count}, so its values cannot be categories"
        raise RefusedError(what, "take it out of dataset.inputs and dataset.categories", "dataset.categories")
    return tuple(sorted(evidence.values))


def _as_learned(reading: ColumnReading, facts: Mapping[str, Any], name: str) -> ColumnReading:
    """A column read as in training, whatever its cells show today."""
    described = next((column for column in facts["columns"] if column["name"] == name), None)
    commas = facts.get("commas", ())
    if described is None:
        marks = facts["target"].get("marks", {}).get(name)
        return (
            replace(reading, marks=marks_of(cast("Description", {"name": name, **marks})), open="")
            if marks
            else reading
        )
    kind = {"words": "category", "number": "number", "date": "date"}[described["kind"]]
    order = described.get("order", reading.order)
    marks = marks_of(described, commas)
    return replace(reading, kind=kind, marks=marks, order=order, open="")  # type: ignore[arg-type]


def check_count(config: Table, rows: int) -> None:
    """Raises RefusedError for a table with fewer than two rows that can be used."""
    if rows < 2:
        count = "only one usable row" if rows else "no usable row"
        what = f"{config.path} has {count}, and at least two are needed"
        raise RefusedError(what, "add rows, or choose another file", "dataset.path")
