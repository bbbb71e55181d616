"""The commands with which a model leaves: ``export`` and ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli import arguments, output

_Model = Annotated[str, typer.Argument(metavar="RUN or CHECKPOINT", help="A run or a checkpoint.", show_default=False)]
FORMATS = ("onnx", "torchscript", "trace", "torch-export", "safetensors", "state-dict", "model", "script")
_WORDS = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]} (the run as plain PyTorch code)."
_Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help=_WORDS)]
_Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to write it.")]
_Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Pictures, tables, texts.", show_default=False)]


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command("export")(export)
    app.command("predict")(predict)


def export(
    model: _Model,
    form: _Format,
    target: _Output,
    runs: arguments.Runs = None,
    trust: arguments.Trust = None,
    json: arguments.Json = False,
) -> None:
    """Writes a trained model in a form that others take."""
    from workbench.runs.folder import unfinished_of

    file = target.expanduser().resolve()
    try:
        checkpoint, found = _asked("export", model, runs, trust, format=form, file=str(file))
    except KeyboardInterrupt:
        # What was begun is of no use to anybody.
        unfinished_of(file).unlink(missing_ok=True)
        raise
    if found["drawback"]:
        output.error_line(f"note: {found['drawback']}")
    if json:
        output.result({**found, "checkpoint": checkpoint, "format": form})
    else:
        output.line(str(found["file"]))


def predict(
    model: _Model,
    files: _Files,
    runs: arguments.Runs = None,
    trust: arguments.Trust = None,
    json: arguments.Json = False,
) -> None:
    """The model on your own files."""
    paths = [str(file.expanduser().resolve()) for file in files]
    checkpoint, found = _asked("predict", model, runs, trust, files=paths)
    for one in found["left_out"]:
        output.error_line(f"{one['file']}: left out: {one['why']}")
    if json:
        output.result({"checkpoint": checkpoint, **found})
    else:
        for one in found["predictions"]:
            best = one.get("scores") or []
            shares = "   ".join(f"{name} {share:.1%}" for name, share in best[:3])
            beside = ", ".join(f"{name} {output.number(value)}" for name, value in one.get("values", {}).items())
            said = "   ".join(
                filter(None, (str(one["guess"]), f"({shares})" if shares else "", beside if best else ""))
            )
            output.line(f"{one['file']}: {said}")
    if not found["predictions"]:
        raise typer.Exit(output.WRONG_REQUEST)


def _asked(
    method: str, model: str, runs: Path | None, trust: list[Path] | None, **asked: Any
) -> tuple[str, dict[str, Any]]:
    """The checkpoint that is meant, and what the lab answers about it. Raises ConfigError with what it refuses."""
    from workbench.cli.evaluate import chosen_checkpoint
    from workbench.cli.service import ask_once
    from workbench.config.problems import ConfigError

    arguments.trust_once(trust)
    checkpoint = str(chosen_checkpoint(model, runs))
    answer = ask_once(method, {"checkpoint": checkpoint, **asked})
    if not answer.ok:
        raise ConfigError(answer.problems)
    return checkpoint, answer.result
