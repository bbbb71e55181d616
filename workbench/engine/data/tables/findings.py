"""What a person should know of how columns were read: marks, units and orders that are not what every program writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from workbench.engine.data.report import assumed, question
from workbench.engine.data.tables.columns import ColumnEvidence, ColumnReading
from workbench.runs.service.data_report import ColumnReport, Finding, Role


def reading_findings(
    used: Sequence[str], evidence: Mapping[str, ColumnEvidence], readings: Mapping[str, ColumnReading]
) -> Iterator[Finding]:
    """How the numbers and dates of the columns that are used were read, and what only the person knows."""
    numbers = [(name, readings[name].marks) for name in used if readings[name].kind == "number"]
    commas = [name for name, marks in numbers if marks.decimal == "," and not readings[name].open]
    if commas:
        yield assumed(f"decimal commas are read as points in {', '.join(commas)}", "dataset.decimal")
    grouped = [f"{name} ({marks.thousands!r})" for name, marks in numbers if marks.thousands]
    if grouped:
        yield assumed(f"digits are grouped by a thousands mark in {', '.join(grouped)}", "dataset.thousands")
    units = [f"{name} ({marks.unit})" for name, marks in numbers if marks.unit]
    if units:
        yield assumed(f"numbers are read without their unit in {', '.join(units)}")
    for name in used:
        yield from _open_questions(evidence[name], readings[name])


def column_report(
    evidence: ColumnEvidence, reading: ColumnReading, role: Role, why: str = "", misfits: int = 0
) -> ColumnReport:
    """A column as the data report has it. ``why``: why it is left out. ``misfits``: filled cells that are not of its kind."""
    is_number = reading.kind == "number"
    return ColumnReport(
        name=evidence.name,
        kind=reading.kind,
        role=role,
        why=why,
        decimal=reading.marks.decimal if is_number else "",
        thousands=reading.marks.thousands if is_number else "",
        unit=reading.marks.unit if is_number else "",
        order=reading.order if reading.kind == "date" else "",
        missing=evidence.missing,
        misfits=misfits,
        distinct=0 if evidence.is_many else len(evidence.values),
        examples=tuple(evidence.first),
    )


def _open_questions(evidence: ColumnEvidence, reading: ColumnReading) -> Iterator[Finding]:
    if reading.open == "decimal":
        mark = reading.marks.decimal
        example = next((text for text in (*evidence.values, *evidence.first) if mark in text), "")
        text = f"column {evidence.name}: {mark!r} may be a decimal or a thousands mark, as in {example!r}"
        cure = "set dataset.decimal to ',' or '.', or dataset.thousands to 'comma' or 'dot'"
        yield question(text, "dataset.decimal", cure)
    elif reading.open == "date":
        text = f"column {evidence.name}: day and month cannot be told apart, as in {next(iter(evidence.first), '')!r}"
        yield question(text, "dataset.date_order", "set dataset.date_order to 'day first' or 'month first'")
