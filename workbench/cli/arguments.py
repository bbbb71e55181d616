"""Arguments and options that several commands share, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.config.run import RunConfig
    from workbench.runs.folder import RunFolder

Start = Annotated[str, typer.Argument(metavar="START", help="A recipe or a run file.", show_default=False)]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run: its path or its name.", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change a setting, as optimizer.lr=3e-4; may be given several times."
    ),
]
Runs = Annotated[Path | None, typer.Option("--runs", metavar="DIR", help="The folder of all runs.")]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="The run's name; without it that of START.")]
Trust = Annotated[
    list[Path] | None,
    typer.Option("--trust", metavar="FILE", help="Run this Python file of your own, as it is now; once."),
]
TrustForGood = Annotated[
    list[Path] | None,
    typer.Option(
        "--trust", metavar="FILE", help="Let runs execute this Python file of your own, as it is now; for good."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of standard output.")]


def start_file(start: str) -> Path:
    """The run file of a recipe, or the run file itself."""
    from workbench.config import recipes

    found = recipes.recipe(start)
    return found.path if found is not None else Path(start).expanduser()


def trust_once(files: list[Path] | None) -> None:
    """Trusts Python files as they are now, for this command. Raises ConfigError."""
    from workbench.runs import trust

    _trust(files, trust.trust_once)


def trust_for_good(files: list[Path] | None) -> None:
    """Trusts Python files as they are now, also for what is started later. Raises ConfigError."""
    from workbench.runs import trust

    _trust(files, trust.trust)


def _trust(files: list[Path] | None, give: Callable[[Path], object]) -> None:
    from workbench.config.problems import ConfigError, Problem

    for file in files or ():
        try:
            give(file.expanduser().resolve())
        except OSError as error:
            raise ConfigError([Problem("--trust", f"{file} cannot be read: {error.strerror}")]) from error


def configured(start: str, assignments: list[str] | None, name: str | None) -> tuple[str, RunConfig]:
    """The run's name and configuration. Raises ConfigError with every problem of the start and of the settings."""
    from workbench.config import files, recipes

    given, config = recipes.start(start)
    values = files.parse_assignments(assignments or ())
    config = files.change(config, values) if values else config
    return name or given, files.with_whole_paths(config, Path.cwd())


def made(start: str, assignments: list[str] | None, name: str | None, root: Path | None) -> RunFolder:
    """A new run folder, not yet started. Raises ConfigError, also when the folder of runs cannot be used."""
    return created(*configured(start, assignments, name), root)


def created(given: str, config: RunConfig, root: Path | None) -> RunFolder:
    """A new run folder of that name and configuration. Raises ConfigError when the folder of runs cannot be used."""
    from workbench.config.problems import ConfigError, Problem
    from workbench.runs import folder

    try:
        return folder.create(config, given, root)
    except OSError as error:
        where = error.filename or root or folder.default_root()
        problem = Problem("--runs", f"no run can be made in {where}: {error.strerror}", "give another folder")
        raise ConfigError([problem]) from error


def found(name_or_path: str, root: Path | None) -> RunFolder:
    """The run that is meant. Raises ConfigError when there is none."""
    from workbench.config.problems import ConfigError, Problem
    from workbench.runs import folder

    run = folder.find(name_or_path, root)
    if run is None:
        where = root or folder.default_root()
        raise ConfigError(
            [Problem("", f"there is no run {name_or_path!r} in {where}", "workbench runs lists what there is")]
        )
    return run
