"""The commands that try several things: ``compare`` and ``tune``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli import arguments, output, tables

if TYPE_CHECKING:
    from workbench.config.run import RunConfig
    from workbench.launch.tuning import TuningKind
    from workbench.runs.comparison import Member, Result
    from workbench.runs.service.tuning import TuningPoint

_Vary = Annotated[
    list[str] | None,
    typer.Option("--vary", metavar="PATH=A,B,C", help="A setting and its values; several make every combination."),
]

_MOST_LINES = 24
"""Of a sweep's points so many are printed."""
_TITLES = {"lr": "learning rate", "batch": "batch size", "workers": "loader workers", "memory": "memory"}
_TUNERS: dict[TuningKind, str] = {
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
    for kind, text in _TUNERS.items():
        tune.command(kind, help=text)(_tuner(kind))
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
    given, config = arguments.read_start(start, assignments, name)
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
    variants = [replace(one, config=files.with_absolute_paths(one.config, Path.cwd())) for one in variants]
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


def _tuner(kind: TuningKind) -> Callable[..., None]:
    """The command that tunes one setting."""

    def command(
        start: arguments.Start,
        assignments: arguments.Set = None,
        trust: arguments.Trust = None,
        json: arguments.Json = False,
    ) -> None:
        _tune(kind, start, assignments, trust, json)

    return command


def _tune(kind: TuningKind, start: str, assignments: list[str] | None, trust: list[Path] | None, as_json: bool) -> None:
    from workbench.cli.progress_line import display
    from workbench.launch.tuning import TuningSearch

    arguments.trust_once(trust)
    _, config = arguments.read_start(start, assignments, None)
    with display(_TITLES[kind]) as shown:
        tuned = TuningSearch(kind, config).run(lambda point, share: shown.share(share, _point_text(point)))
    if as_json:
        points = [point.as_data(exclude_none=True) for point in tuned.points]
        output.result({"points": points, "suggestion": tuned.suggestion, "note": tuned.note})
        return
    _print_points(tuned.points)
    if kind == "memory":
        output.line(tuned.note)
    elif tuned.suggestion is None:
        output.error_line(tuned.note)
    else:
        output.line(f"suggestion: {tuned.setting} = {tuned.suggestion:g}")


def _point_text(point: TuningPoint) -> str:
    """A point as a line that a log keeps; of the many of a sweep, nothing."""
    from workbench.runs.service.tuning import LearningRatePoint, MemoryEstimate

    if isinstance(point, LearningRatePoint | MemoryEstimate):
        return ""
    return ", ".join(f"{name} {value}" for name, value in _cells(point))


def _cells(point: TuningPoint) -> list[tuple[str, str]]:
    from workbench.runs.service.tuning import BatchSizeTrial, LearningRatePoint, MemoryEstimate, WorkersTrial

    match point:
        case LearningRatePoint():
            return [("learning rate", f"{point.lr:.3g}"), ("loss", output.number(point.loss))]
        case MemoryEstimate():
            return [(name, output.size(held)) for name, held in {**point.parts, "whole": point.needs}.items()]
        case WorkersTrial():
            return [("workers", str(point.workers)), ("samples/s", f"{point.samples_per_second:,.0f}")]
        case BatchSizeTrial():
            speed = f"{point.samples_per_second:,.0f}" if point.fits else "memory runs out"
            return [("batch size", str(point.batch_size)), ("samples/s", speed), ("memory", output.size(point.memory))]


def _print_points(points: Sequence[TuningPoint]) -> None:
    shown = points[:: max(1, len(points) // _MOST_LINES)]
    if not shown:
        return
    table = tables.table(*(name for name, _ in _cells(shown[0])), numbers=range(9))
    for point in shown:
        table.add_row(*(value for _, value in _cells(point)))
    tables.show(table)
