"""The commands that try several things: ``compare`` and ``tune``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli import arguments, output

if TYPE_CHECKING:
    from workbench.config.compare import Variant
    from workbench.config.run import RunConfig

_Vary = Annotated[
    list[str] | None,
    typer.Option("--vary", metavar="PATH=A,B,C", help="A setting and its values; several make every combination."),
]
LARGEST_BATCH = 65536
WORKERS = (0, 1, 2, 4, 8)
GOOD_ENOUGH = 0.95
"""Of several that are as good, the smallest: within this share of the best throughput."""


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command("compare")(compare)
    tune = typer.Typer(help="Find a learning rate, a batch size or a number of loader workers by trying.")
    tune.command("lr")(tune_lr)
    tune.command("batch")(tune_batch)
    tune.command("workers")(tune_workers)
    app.add_typer(tune, name="tune")


def compare(
    start: arguments.Start,
    vary: _Vary = None,
    assignments: arguments.Set = None,
    runs: arguments.Runs = None,
    name: arguments.Name = None,
    json: arguments.Json = False,
) -> None:
    """Trains one run for each value, from the same weights and with the same batches, and compares them."""
    given, config = arguments.configured(start, assignments, name)
    raise typer.Exit(compared(start, given, config, vary or [], runs, json))


def compared(start: str, name: str, config: RunConfig, vary: list[str], root: Path | None, as_json: bool) -> int:
    """Trains the variants one after the other; prints their table. Gives the exit status. Raises ConfigError."""
    from workbench.config import compare as comparison

    wanted = comparison.of_text(vary) or comparison.of_file(arguments.start_file(start))
    variants = comparison.variants(config, wanted)
    rows = []
    for number, variant in enumerate(variants, start=1):
        output.tell(f"run {number} of {len(variants)}: {variant.label}")
        row = _train(variant, name, root)
        rows.append(row)
        if row["status"] == "stopped":
            break
    if as_json:
        output.result({"runs": rows})
    else:
        _print_table(rows)
    return output.COMPLETED if all(row["status"] == "completed" for row in rows) else output.FAILED


def _train(variant: Variant, name: str, root: Path | None) -> dict[str, Any]:
    from workbench.cli.following import interrupts, watch
    from workbench.launch import process
    from workbench.runs import folder, history

    words = "-".join(str(value) for value in variant.values.values())
    run = folder.create(variant.config, f"{name}-{words}"[:80], root)
    with interrupts() as interrupted:
        watch(process.start(run), 1, interrupted, False)
    progress = history.load(run)
    summary = progress.summary()
    return {
        "label": variant.label,
        "values": variant.values,
        "run": str(run.path.resolve()),
        "status": progress.state,
        "train": summary["train"],
        "val": summary["val"],
        "best": summary["best"],
        "seconds": summary["seconds"],
        "initial_weights": progress.started.initial_weights if progress.started is not None else "",
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Comparison")
    for heading in (
        "run",
        "status",
        "final train loss",
        "final value",
        "best value",
        "epoch",
        "seconds",
        "initial weights",
    ):
        table.add_column(heading, justify="left" if heading in ("run", "status") else "right")
    for row in rows:
        final, best = row["val"] or row["train"], row["best"] or {}
        value = next((final[key] for key in ("balanced_accuracy", "accuracy", "mae") if key in final), None)
        table.add_row(
            row["label"],
            row["status"],
            output.number(row["train"].get("loss")),
            output.number(value),
            output.number(best.get("value")),
            str(best.get("epoch", "")),
            output.number(row["seconds"]),
            row["initial_weights"][:8],
        )
    Console(width=max(100, Console().width)).print(table)


def tune_lr(start: arguments.Start, assignments: arguments.Set = None, json: arguments.Json = False) -> None:
    """Loss against learning rate, and a suggestion."""
    _, config = arguments.configured(start, assignments, None)
    found = _ask("find_lr", config)
    if not json:
        for point in found["points"][:: max(1, len(found["points"]) // 24)]:
            output.line(f"{point['lr']:10.3g}  {output.number(point['loss'])}")
        output.line(f"suggestion: optimizer.lr = {found['suggestion']:g}")
        return
    output.result(found)


def tune_batch(start: arguments.Start, assignments: arguments.Set = None, json: arguments.Json = False) -> None:
    """Throughput and memory against batch size; each trial in a process of its own."""
    from workbench.config import files

    _, config = arguments.configured(start, assignments, None)
    points: list[dict[str, Any]] = []
    size = 8
    while size <= LARGEST_BATCH:
        point = _ask("try_batch", files.change(config, {"training.batch_size": size}))
        points.append(point)
        said = f"{point['samples_per_second']:,.0f} samples/s" if point["fits"] else "memory runs out"
        output.tell(f"batch size {size}: {said}, {point['memory'] / 2**20:,.0f} MiB")
        # Beyond its best, throughput only falls; a larger batch is not worth more memory.
        slower = len(points) > 2 and all(
            p["samples_per_second"] < points[-3]["samples_per_second"] for p in points[-2:]
        )
        if not point["fits"] or slower:
            break
        size *= 2
    _suggest(points, "batch_size", "training.batch_size", json)


def tune_workers(start: arguments.Start, assignments: arguments.Set = None, json: arguments.Json = False) -> None:
    """Throughput against loader workers, for data that is streamed."""
    from workbench.config import files

    _, config = arguments.configured(start, assignments, None)
    points = []
    for count in (count for count in WORKERS if count <= max(2, os.cpu_count() or 1)):
        point = _ask("try_workers", files.change(config, {"dataset.workers": count}))
        points.append(point)
        output.tell(f"{count} workers: {point['samples_per_second']:,.0f} samples/s")
    _suggest(points, "workers", "dataset.workers", json)


def _suggest(points: list[dict[str, Any]], key: str, setting: str, as_json: bool) -> None:
    fits = [point for point in points if point.get("fits", True)]
    most = max((point["samples_per_second"] for point in fits), default=0.0)
    best = next((point[key] for point in fits if point["samples_per_second"] >= GOOD_ENOUGH * most), None)
    if as_json:
        output.result({"points": points, "suggestion": best})
    elif best is not None:
        output.line(f"suggestion: {setting} = {best}")


def _ask(method: str, config: RunConfig) -> dict[str, Any]:
    from workbench.config.problems import ConfigError
    from workbench.launch.lab import ask_once

    answer = ask_once(method, {"config": config.as_data()})
    if not answer.ok:
        raise ConfigError(answer.problems)
    return dict(answer.result)
