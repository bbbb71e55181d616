"""``workbench data``: what is in a dataset, how it was read, and what is open before it can be trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from workbench.cli import arguments, output, tables

if TYPE_CHECKING:
    from workbench.runs.service.data_report import ColumnReport, DataReport

_TITLES = {"error": "Error", "question": "Question", "warning": "Warning", "assumed": "Assumed"}
_NAMES_SHOWN = 5
_SPLITS = {"train": "training", "val": "validation", "test": "test"}


def add(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("data")(data)


def data(
    start: arguments.Start,
    assignments: arguments.Set = None,
    trust: arguments.Trust = None,
    json: arguments.Json = False,
) -> None:
    """Says what is in a dataset: everything found as used or left out, how it was read, and what must be answered."""
    from pathlib import Path

    from workbench.cli.service import request_once
    from workbench.config import files
    from workbench.runs.service.requests import PreviewDataset
    from workbench.runs.service.samples import DatasetPreview

    arguments.trust_once(trust)
    _, config = arguments.read_start(start, assignments, None)
    config = files.with_absolute_paths(config, Path.cwd())
    report = request_once(PreviewDataset(config=config)).require(DatasetPreview).report
    if report is None:
        raise typer.Exit(output.FAILED)
    if json:
        output.result(report.as_data())
    else:
        print_report(report)
    open_ = report.of_severity("error", "question")
    for finding in open_ if json else ():
        output.error_line(": ".join(filter(None, (finding.setting, finding.text))) + f" ({finding.hint})")
    raise typer.Exit(output.WRONG_REQUEST if open_ else output.COMPLETED)


def print_report(report: DataReport) -> None:
    """A report for a person, on standard output."""
    output.line(f"{report.source}: {report.path}" if report.path else report.source)
    output.line(f"  {report.counts_text()}")
    if report.reading is not None:
        output.line(f"  {report.reading.text()}")
    for split in report.splits:
        counts = ", ".join(f"{one.name} {one.samples:,}" for one in split.classes)
        classes = f" ({counts})" if counts else ""
        output.line(f"  {split.samples:,} for {_SPLITS[split.name]}{classes}")
    for group in report.left_out:
        names = ", ".join(group.names[:_NAMES_SHOWN])
        more = f" and {group.count - _NAMES_SHOWN:,} more" if group.count > _NAMES_SHOWN else ""
        output.line(f"  left out: {group.count:,}, {group.why}: {names}{more}")
    if report.columns:
        _print_columns(report)
    for finding in report.findings:
        where = f" [{finding.setting}]" if finding.setting else ""
        hint = f" ({finding.hint})" if finding.hint else ""
        output.line(f"  {_TITLES[finding.severity]}: {finding.text}{hint}{where}")


def _print_columns(report: DataReport) -> None:
    shown = tables.table("Column", "Kind", "Role", "Missing", "Examples", numbers=(3,))
    for column in report.columns:
        examples = ", ".join(column.examples)
        role = f"{column.role}: {column.why}" if column.why else column.role
        shown.add_row(column.name, _kind(column), role, f"{column.missing + column.misfits:,}", examples)
    tables.show(shown)


def _kind(column: ColumnReport) -> str:
    """The kind with how it is written, where that is not as programs write it."""
    marks = [f"in {column.unit}" if column.unit else "", column.order]
    marks += ["decimal comma"] if column.decimal == "," else []
    marks += [f"thousands {column.thousands!r}"] if column.thousands else []
    told = ", ".join(filter(None, marks))
    return f"{column.kind} ({told})" if told else column.kind
