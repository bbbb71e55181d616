"""The commands that try several things: ``compare`` and ``tune``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli import arguments, output, tables

if TYPE_CHECKING:
    from workbench.config.run import RunConfig
    from workbench.launch.tuning import Kind, Point
    from workbench.runs.comparison import Member, Result

_Vary = Annotated[
    list[str] | None,
    typer.Option("--vary", metavar="PATH=A,B,C", help="A setting and its values; several make every combination."),
]

_MOST_LINES = 24
"""Of a sweep's points so many are printed."""
_TITLES = {"lr": "learning rate", "batch": "batch size", "workers": "loader workers", "memory": "memory"}
_TUNERS: dict[Kind, str] = {
    "lr": "Loss against learning rate, and a suggestion: where the loss falls steepest.",
    "batch": "Throughput and memory against batch size; each trial in a process of its own.",
    "workers": "Throughput against loader workers, for data that is streamed.",
    "memory": "Memory that a run will need, measured by one real step, and the largest batch that fits.",
}


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command("compare")(compare)
    tune = typer.Typer(
        help="Find a learning rate, a batch size, a number of loader workers, or the memory that is needed, by trying."
    )
    for kind, words in _TUNERS.items():
        tune.command(kind, help=words)(_tuner(kind))
    app.add_typer(tune, name="tune")


def compare(
    start: arguments.Start,
    vary: _Vary = None,
    assignments: arguments.Set = None,
    runs: arguments.Runs = None,
    name: arguments.Name = None,
    trust: arguments.Trust = None,
    json: arguments.Json = False,
) -> None:
    """Trains one run for each value, from the same weights and with the same batches, and compares them."""
    arguments.trust_once(trust)
    given, config = arguments.configured(start, assignments, name)
    raise typer.Exit(compared(start, given, config, vary or [], assignments or [], runs, json))


def compared(
    start: str, name: str, config: RunConfig, vary: list[str], assignments: list[str], root: Path | None, as_json: bool
) -> int:
    """Trains the variants one after the other; prints their table. Gives the exit status. Raises ConfigError.

    What ``assignments`` set holds for every variant whose kind has such a setting.
    """
    from workbench.config import compare as settings
    from workbench.config import files
    from workbench.runs import comparison

    wanted = settings.of_text(vary) or settings.of_file(arguments.start_file(start))
    variants = settings.variants(config, wanted, files.parse_assignments(assignments))
    variants = [replace(one, config=files.with_whole_paths(one.config, Path.cwd())) for one in variants]
    group = comparison.new_group(name)
    results: list[Result] = []
    for place, variant in enumerate(variants):
        output.error_line(f"run {place + 1} of {len(variants)}: {variant.label}")
        member = comparison.Member(group, variant.label, variant.values, place)
        results.append(_train(variant.config, comparison.run_name(name, variant.values), member, root))
        if results[-1].state == "stopped":
            break
    if as_json:
        rows = [_row(result, variant.values) for result, variant in zip(results, variants, strict=False)]
        output.result({"group": group, "runs": rows})
    else:
        _print_results(results)
    if any(result.state == "stopped" for result in results):
        return output.INTERRUPTED
    return output.COMPLETED if all(result.state == "completed" for result in results) else output.FAILED


def _train(config: RunConfig, name: str, member: Member, root: Path | None) -> Result:
    from workbench.cli.follow import interrupts, watch
    from workbench.launch import process
    from workbench.runs import comparison, folder

    run = folder.create(config, name, root)
    comparison.write(run, member)
    with interrupts() as interrupted:
        watch(process.start(run), 1, interrupted, False)
    return comparison.result(run)


def _row(result: Result, values: dict[str, Any]) -> dict[str, Any]:
    from workbench.runs.folder import read_json

    summary = read_json(result.run.summary_file)
    return {
        "label": result.label,
        "values": values,
        "run": str(result.run.path.resolve()),
        "status": result.state,
        "metric": result.metric,
        "final": result.final,
        "best": summary.get("best"),
        "train": summary.get("train", {}),
        "val": summary.get("val", {}),
        "seconds": result.seconds,
        "initial_weights": result.initial_weights,
        "first_batches": result.first_batches,
    }


def _print_results(results: list[Result]) -> None:
    metric = next((result.metric for result in results if result.metric), "value")
    columns = (
        "run",
        "status",
        "train loss",
        f"final {metric}",
        f"best {metric}",
        "epoch",
        "time",
        "weights",
        "batches",
    )
    table = tables.table(*columns, numbers=(2, 3, 4, 5, 6))
    for result in results:
        table.add_row(
            result.label,
            result.state,
            output.number(result.final_loss),
            output.number(result.final),
            output.number(result.best),
            output.number(result.best_epoch),
            output.duration(result.seconds),
            result.initial_weights[:8],
            result.first_batches[:8],
        )
    tables.show(table)


def _tuner(kind: Kind) -> Callable[..., None]:
    """The command of one finder."""

    def command(
        start: arguments.Start,
        assignments: arguments.Set = None,
        trust: arguments.Trust = None,
        json: arguments.Json = False,
    ) -> None:
        _tune(kind, start, assignments, trust, json)

    return command


def _tune(kind: Kind, start: str, assignments: list[str] | None, trust: list[Path] | None, as_json: bool) -> None:
    from workbench.cli.progress_line import display
    from workbench.launch.tuning import Search

    arguments.trust_once(trust)
    _, config = arguments.configured(start, assignments, None)
    with display(_TITLES[kind]) as shown:
        found = Search(kind, config).run(lambda point, share: shown.share(share, _words(kind, point)))
    if as_json:
        output.result({"points": found.points, "suggestion": found.suggestion, "note": found.note})
        return
    _print_points(kind, found.points)
    if kind == "memory":
        output.line(found.note)
    elif found.suggestion is None:
        output.error_line(found.note)
    else:
        output.line(f"suggestion: {found.setting} = {found.suggestion:g}")


def _words(kind: Kind, point: Point) -> str:
    """A point as a line that a log keeps; of the many of a sweep, nothing."""
    return "" if kind in ("lr", "memory") else ", ".join(f"{name} {value}" for name, value in _cells(kind, point))


def _cells(kind: Kind, point: Point) -> list[tuple[str, str]]:
    if kind == "lr":
        return [("learning rate", f"{point['lr']:.3g}"), ("loss", output.number(point["loss"]))]
    if kind == "memory":
        return [(name, output.size(held)) for name, held in {**point["parts"], "whole": point["needs"]}.items()]
    speed = ("samples/s", f"{point['samples_per_second']:,.0f}" if point.get("fits", True) else "memory runs out")
    if kind == "workers":
        return [("workers", str(point["workers"])), speed]
    return [("batch size", str(point["batch_size"])), speed, ("memory", output.size(point["memory"]))]


def _print_points(kind: Kind, points: list[Point]) -> None:
    shown = points[:: max(1, len(points) // _MOST_LINES)]
    if not shown:
        return
    table = tables.table(*(name for name, _ in _cells(kind, shown[0])), numbers=range(9))
    for point in shown:
        table.add_row(*(value for _, value in _cells(kind, point)))
    tables.show(table)
