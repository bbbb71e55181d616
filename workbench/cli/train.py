"""The commands that train: ``train``, ``resume`` and ``new``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli import arguments, output

if TYPE_CHECKING:
    from workbench.runs.attempt_options import AttemptOptions
    from workbench.runs.folder import RunFolder
    from workbench.runs.progress import Progress

_From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="RUN|CHECKPOINT",
        help="Continue from the newest checkpoint of this run, or from this checkpoint, as a new run.",
    ),
]
_Replay = Annotated[
    int,
    typer.Option(
        "--replay",
        min=0,
        help="Repeat this many steps before the newest checkpoint first and compare their results.",
    ),
]
_Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="New total number of epochs.")]


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command("train")(train)
    app.command("resume")(resume)
    app.command("new")(new)


def train(
    start: arguments.Start,
    assignments: arguments.Set = None,
    runs: arguments.Runs = None,
    name: arguments.Name = None,
    origin: _From = None,
    trust: arguments.Trust = None,
    json: arguments.Json = False,
) -> None:
    """Train without a window. Ctrl-C stops the run after saving its state. A run file with a comparison trains its runs in turn."""
    from workbench.cli.tune import compared
    from workbench.config import compare

    arguments.trust_once(trust)
    run_name, config = arguments.read_start(start, assignments, name)
    if origin is not None:
        from workbench.cli import branch

        raise typer.Exit(_run(branch.branch(branch.origin(origin, runs), config, run_name, runs), json))
    if compare.of_file(arguments.start_file(start)):
        raise typer.Exit(compared(start, run_name, config, [], assignments or [], runs, json))
    raise typer.Exit(_run(arguments.create_run(run_name, config, runs), json))


def resume(
    run: arguments.Run,
    epochs: _Epochs = None,
    replay: _Replay = 0,
    assignments: arguments.Set = None,
    runs: arguments.Runs = None,
    trust: arguments.Trust = None,
    json: arguments.Json = False,
) -> None:
    """Resume a run exactly where it stopped. With --set, continue as a branch: a new run with changed settings.

    With --replay, repeat the steps before its newest checkpoint first, and compare their results.
    """
    arguments.trust_once(trust)
    folder = arguments.find_run(run, runs)
    if assignments:
        from workbench.cli.branch import changed_branch

        branch = changed_branch(folder, assignments, epochs)
        folder, epochs = (branch, None) if branch is not None else (folder, epochs)
    from workbench.runs.attempt_options import AttemptOptions

    known = _check(folder, epochs)
    raise typer.Exit(_run(folder, json, AttemptOptions(epochs, replay), known))


def new(
    start: arguments.Start,
    assignments: arguments.Set = None,
    runs: arguments.Runs = None,
    name: arguments.Name = None,
    trust: arguments.TrustForGood = None,
) -> None:
    """Create a run without starting it, and print its folder."""
    arguments.trust_for_good(trust)
    output.line(str(arguments.create_from_start(start, assignments, name, runs).path))


def _run(folder: RunFolder, as_json: bool, request: AttemptOptions | None = None, known: Progress | None = None) -> int:
    """``known`` is the run's progress before, where it has been read already."""
    from workbench.cli.follow import interrupts, watch
    from workbench.config.problems import ConfigError, Problem
    from workbench.launch import process
    from workbench.runs.attempt_options import PLAIN
    from workbench.runs.folder import RunBusyError

    attempt = _next_attempt(folder, known)
    with interrupts() as interrupted:
        try:
            engine = process.start(folder, request or PLAIN)
        except RunBusyError as error:
            raise ConfigError([Problem("", str(error), f"workbench follow {folder.name} shows it")]) from error
        return watch(engine, attempt, interrupted, as_json)


def _next_attempt(folder: RunFolder, known: Progress | None) -> int:
    """The number that the engine gives its attempt: one more than the run knows of."""
    from workbench.runs import history

    return max((known or history.load(folder)).attempt, folder.attempts()) + 1


def _check(folder: RunFolder, epochs: int | None) -> Progress:
    """The progress of a run that can be resumed. Raises ConfigError with why it cannot; reports a start from the beginning."""
    from workbench.config.problems import ConfigError, Problem
    from workbench.runs import checkpoints, history

    folder.config()  # a damaged run file is refused here, with every problem of it
    if folder.is_running():
        raise ConfigError(
            [Problem("", f"{folder.name} is running already", f"workbench follow {folder.name} shows it")]
        )
    progress = history.load(folder)
    if epochs is not None and epochs <= progress.epoch:
        what = f"{progress.epoch} epochs of {folder.name} are completed already"
        raise ConfigError([Problem("--epochs", what, f"set a total of more than {progress.epoch}")])
    if progress.state == "completed" and epochs is None:
        more = f"resume it with --epochs and a total of more than {progress.epoch}"
        raise ConfigError([Problem("", f"{folder.name} is completed: {progress.epoch} epochs", more)])
    if checkpoints.latest(folder.checkpoints) is None:
        output.error_line(f"{folder.name} has no checkpoint: it starts from the beginning")
    return progress
