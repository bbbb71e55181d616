"""The command that opens the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli import arguments

if TYPE_CHECKING:
    from workbench.cli.gui_request import GuiRequest

_Start = Annotated[str | None, typer.Argument(metavar="[START|RUN]", help="A recipe, a run file or a run.")]
_Train = Annotated[bool, typer.Option("--train", help="Start training at once.")]
_Quit = Annotated[bool, typer.Option("--quit-when-done", help="Close the window when the run has ended.")]
_Screenshot = Annotated[Path | None, typer.Option("--screenshot", metavar="FILE", help="Save a screenshot at the end.")]


def add(app: typer.Typer, show: Callable[[GuiRequest], int]) -> None:
    """Adds ``gui`` to the commands."""

    @app.command("gui")
    def gui(
        start: _Start = None,
        train: _Train = False,
        quit_when_done: _Quit = False,
        screenshot: _Screenshot = None,
        assignments: arguments.Set = None,
        runs: arguments.Runs = None,
    ) -> None:
        """Open the window."""
        from workbench.cli.gui_request import GuiRequest

        _check(start, assignments, runs)
        raise typer.Exit(show(GuiRequest(start, train, quit_when_done, screenshot, tuple(assignments or ()), runs)))


def _check(start: str | None, assignments: list[str] | None, runs: Path | None) -> None:
    """Reports a wrong start here, in the terminal that it was typed in. Raises ConfigError.

    Without a start, only the window knows what was open last, and whether these are settings of it.
    """
    from workbench.config import files, recipes
    from workbench.runs import folder

    if start is None:
        files.parse_assignments(assignments or ())
        return
    run = None if recipes.recipe(start) else folder.find(start, runs)
    if run is None:
        arguments.read_start(start, assignments, None)
    else:
        files.change(run.config(), files.parse_assignments(assignments or ()))
