"""Arguments and options that several commands share, and what they refer to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli import output

if TYPE_CHECKING:
    from workbench.config.run import RunConfig
    from workbench.runs.folder import RunFolder

Start = Annotated[str, typer.Argument(metavar="START", help="A recipe or a run file.", show_default=False)]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run: its path or its name.", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change a setting, for example optimizer.lr=3e-4; can be given several times.",
    ),
]
Runs = Annotated[Path | None, typer.Option("--runs", metavar="DIR", help="The folder of all runs.")]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="Name of the run; by default that of START.")]
Trust = Annotated[
    list[Path] | None,
    typer.Option("--trust", metavar="FILE", help="Trust your own Python file as it is now, for this command only."),
]
TrustForGood = Annotated[
    list[Path] | None,
    typer.Option("--trust", metavar="FILE", help="Trust your own Python file as it is now, permanently."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of standard output.")]


def start_file(start: str) -> Path:
    """The run file of a recipe, or the run file itself."""
    from workbench.config import recipes

    recipe = recipes.recipe(start)
    return recipe.path if recipe is not None else Path(start).expanduser()


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


def read_start(start: str, assignments: list[str] | None, name: str | None) -> tuple[str, RunConfig]:
    """The run's name and configuration. Raises ConfigError with every problem of the start and of the settings."""
    from workbench.config import files, recipes

    notes: list[str] = []
    start_name, config = recipes.start(start, notes)
    values = files.parse_assignments(assignments or ())
    config = files.change(config, values, notes) if values else config
    show_notes(notes)
    return name or start_name, files.with_absolute_paths(config, Path.cwd())


def show_notes(notes: list[str]) -> None:
    """Reports settings that were given under an old name, each once."""
    for note in dict.fromkeys(notes):
        output.error_line(note)


def create_from_start(start: str, assignments: list[str] | None, name: str | None, root: Path | None) -> RunFolder:
    """A new run folder, not yet started. Raises ConfigError, also when the folder of runs cannot be used."""
    return create_run(*read_start(start, assignments, name), root)


def create_run(name: str, config: RunConfig, root: Path | None) -> RunFolder:
    """A new run folder of that name and configuration. Raises ConfigError when the folder of runs cannot be used."""
    from workbench.config.problems import ConfigError, Problem
    from workbench.runs import folder

    try:
        return folder.create(config, name, root)
    except OSError as error:
        where = error.filename or root or folder.default_root()
        problem = Problem("--runs", f"no run can be created in {where}: {error.strerror}", "choose another folder")
        raise ConfigError([problem]) from error


def find_run(name_or_path: str, root: Path | None) -> RunFolder:
    """The run of that name or path. Raises ConfigError when there is none."""
    from workbench.config.problems import ConfigError, Problem
    from workbench.runs import folder

    run = folder.find(name_or_path, root)
    if run is None:
        where = root or folder.default_root()
        raise ConfigError(
            [Problem("", f"there is no run {name_or_path!r} in {where}", "workbench runs lists all runs")]
        )
    return run
