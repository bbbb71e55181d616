"""The command line: all commands put together, and the one place where whatever goes wrong is reported.

``workbench --help`` has to answer at once: what a command needs is imported inside it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli import output
from workbench.cli.gui_request import GuiRequest

_EPILOG = (
    "RUN is a path or a name; if several runs have that name, the newest is used. START is a recipe or a run file. "
    "Runs are saved in --runs, else $WORKBENCH_RUNS, else Workbench/runs in your documents."
)


class Terminal(typer.Typer):
    """The commands. Called, it runs the one that the arguments name, and ends the program with its exit status."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs ``sys.argv``."""
        sys.exit(run(self, sys.argv[1:]))


def build(gui: Callable[[GuiRequest], int]) -> Terminal:
    """The command line. ``gui`` opens the window: the terminal itself knows no Qt."""
    from workbench.cli import control, data, export, inspect, train, tune, window

    app = Terminal(
        name="workbench",
        help="Train PyTorch models. Without a command, the window is opened.",
        epilog=_EPILOG,
        add_completion=False,
        pretty_exceptions_enable=False,
        # Plain help: to bring in rich would cost as much time as all the rest.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(invoke_without_command=True)
    def alone(
        context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
    ) -> None:
        if version:
            from workbench import __version__

            output.line(f"workbench {__version__}")
        elif context.invoked_subcommand is None:
            raise typer.Exit(gui(GuiRequest()))

    window.add(app, gui)
    train.add(app)
    data.add(app)
    control.add(app)
    inspect.add(app)
    export.add(app)
    tune.add(app)
    return app


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Runs one command line and gives its exit status. Nothing is raised: what goes wrong is reported in a sentence."""
    json_wanted = "--json" in arguments
    try:
        return _run(app, arguments, json_wanted)
    except KeyboardInterrupt:
        return output.INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has closed it: no failure.
        output.drop_standard_output()
        return output.COMPLETED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        output.error_line(f"{where}{error.strerror or error}")
        return output.FAILED
    except Exception as error:  # noqa: BLE001 - a person reads a sentence; the traceback is kept in a file
        output.error_line(_sentence(error))
        return output.FAILED


def _run(app: typer.Typer, arguments: Sequence[str], json_wanted: bool) -> int:
    try:
        status = typer.main.get_command(app).main(list(arguments), prog_name="workbench", standalone_mode=False)
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # the parser's own: a wrong command line
            _show_usage_error(error)
            return output.WRONG_REQUEST
        problems = getattr(error, "problems", None)
        if problems is None:
            raise
        output.show_problems(problems)
        if json_wanted:
            output.result({"status": "refused", "problems": [vars(problem) for problem in problems]})
        return output.WRONG_REQUEST
    return status if isinstance(status, int) else output.COMPLETED


def _show_usage_error(error: Any) -> None:
    context = getattr(error, "ctx", None)
    hint = f" (see {context.command_path} --help)" if context is not None else ""
    output.error_line(f"{' '.join(error.format_message().split())}{hint}")


def _sentence(error: Exception) -> str:
    """A sentence for an unexpected error, with the place where its traceback was saved."""
    what = f"Internal error ({type(error).__name__}: {error})".replace("\n", " ")
    try:
        path = _save_report("".join(traceback.format_exception(error)))
    except OSError:
        return f"{what}; its details could not be saved"
    return f"{what}. The details are in {path}: please attach that file to a bug report"


def _save_report(text: str) -> Path:
    import platformdirs

    folder = platformdirs.user_state_path("workbench", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "last-error.txt"
    path.write_text(text, encoding="utf-8")
    return path
