"""The commands that only show something: ``runs``, ``recipes``, ``env`` and ``evaluate``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli import arguments, output, tables

if TYPE_CHECKING:
    from workbench.runs.history import Row

_Target = Annotated[str, typer.Argument(metavar="RUN|CHECKPOINT", help="A run (its best checkpoint), or a checkpoint.")]
_Split = Annotated[
    str, typer.Option("--split", metavar="SPLIT", help="train, val or test; several with commas between.")
]


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (runs, recipes, env, evaluate):
        app.command(command.__name__)(command)


def runs(root: arguments.Runs = None, json: arguments.Json = False) -> None:
    """Lists all runs, the newest first."""
    from workbench.runs import folder, history

    rows = history.rows(root)
    if json:
        output.result({"runs": [_row(row) for row in rows]})
    elif rows:
        _print_runs(rows)
    else:
        output.error_line(f"there are no runs in {root or folder.default_root()} yet")


def recipes(json: arguments.Json = False) -> None:
    """Lists the named starting points."""
    from workbench.config import recipes as known

    listed = known.recipes()
    if json:
        rows = [{"name": recipe.name, "text": recipe.text, "path": str(recipe.path)} for recipe in listed]
        output.result({"recipes": rows})
        return
    table = tables.table("recipe", "trains")
    for recipe in listed:
        table.add_row(recipe.name, recipe.text)
    tables.show(table)


def env(json: arguments.Json = False) -> None:
    """Reports the machine, its devices and versions."""
    from workbench.cli.environment import build_report, report_lines

    report = build_report()
    if json:
        output.result(report.as_data())
        return
    for line in report_lines(report):
        output.line(line)


def evaluate(
    target: _Target,
    split: _Split = "val",
    root: arguments.Runs = None,
    trust: arguments.Trust = None,
    json: arguments.Json = False,
) -> None:
    """Evaluates a checkpoint: metrics, confusion and the samples with the highest loss."""
    from workbench.cli.evaluate import evaluate_splits, print_evaluation

    arguments.trust_once(trust)
    evaluations = evaluate_splits(target, split, root)
    results = [evaluation.as_data(exclude_none=True) for evaluation in evaluations]
    if not json:
        for evaluation in evaluations:
            print_evaluation(evaluation)
    elif len(results) == 1:
        output.result(results[0])
    else:
        splits = {result["split"]: result for result in results}
        output.result({"checkpoint": evaluations[0].checkpoint, "splits": splits})


def _row(row: Row) -> dict[str, Any]:
    return {
        "run": str(row.run.path),
        "name": row.run.name,
        "state": row.state,
        "epochs": row.epochs,
        "total_epochs": row.total_epochs,
        "seconds": row.seconds,
        "metric": row.metric,
        "value": row.value,
        "changed": dict(row.changed),
        "parent": asdict(row.parent) if row.parent is not None else None,
    }


def _print_runs(rows: list[Row]) -> None:
    table = tables.table("run", "state", "best", "epochs", "time", "changed settings")
    for row in rows:
        best = f"{row.metric} {row.value:.4g}" if row.value is not None else ""
        epochs = f"{row.epochs}/{row.total_epochs}" if row.total_epochs else ""
        changed = ", ".join(f"{path}={value}" for path, value in row.changed)
        if row.parent is not None:
            changed = "; ".join(part for part in (changed, str(row.parent)) if part)
        seconds = output.duration(row.seconds) if row.seconds else ""
        table.add_row(row.run.name, row.state, best, epochs, seconds, changed)
    tables.show(table)
