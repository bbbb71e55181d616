"""The commands with which a model leaves: ``export`` and ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    from workbench.cli.evaluating import chosen_checkpoint
    from workbench.cli.waiting import ask_once
    from workbench.config.problems import ConfigError

    arguments.trust_once(trust)
    checkpoint = chosen_checkpoint(model, runs)
    asked = {"checkpoint": str(checkpoint), "format": form, "file": str(target.expanduser().resolve())}
    try:
        answer = ask_once("export", asked)
    except KeyboardInterrupt:
        # What was begun is of no use to anybody.
        target.with_name(target.name + ".tmp").unlink(missing_ok=True)
        raise
    if not answer.ok:
        raise ConfigError(answer.problems)
    if answer.result["drawback"]:
        output.tell(f"note: {answer.result['drawback']}")
    if json:
        output.result({**answer.result, "checkpoint": str(checkpoint), "format": form})
    else:
        output.line(str(answer.result["file"]))


def predict(
    model: _Model,
    files: _Files,
    runs: arguments.Runs = None,
    trust: arguments.Trust = None,
    json: arguments.Json = False,
) -> None:
    """The model on your own files."""
    from workbench.cli.evaluating import chosen_checkpoint
    from workbench.cli.waiting import ask_once
    from workbench.config.problems import ConfigError

    arguments.trust_once(trust)
    checkpoint = chosen_checkpoint(model, runs)
    answer = ask_once(
        "predict", {"checkpoint": str(checkpoint), "files": [str(file.expanduser().resolve()) for file in files]}
    )
    if not answer.ok:
        raise ConfigError(answer.problems)
    for one in answer.result["left_out"]:
        output.tell(f"{one['file']}: left out: {one['why']}")
    if json:
        output.result({"checkpoint": str(checkpoint), **answer.result})
    else:
        for one in answer.result["predictions"]:
            best = one.get("scores") or []
            shares = "   ".join(f"{name} {share:.1%}" for name, share in best[:3])
            beside = ", ".join(f"{name} {output.number(value)}" for name, value in one.get("values", {}).items())
            said = "   ".join(
                filter(None, (str(one["guess"]), f"({shares})" if shares else "", beside if best else ""))
            )
            output.line(f"{one['file']}: {said}")
    if not answer.result["predictions"]:
        raise typer.Exit(output.WRONG_REQUEST)
