"""The commands with which a model leaves: ``export`` and ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli import arguments, output
from workbench.export_formats import BY_NAME, SCRIPT

if TYPE_CHECKING:
    from workbench.launch.service import ServiceReply
    from workbench.runs.service.requests import AnyRequest

_Model = Annotated[str, typer.Argument(metavar="RUN or CHECKPOINT", help="A run or a checkpoint.", show_default=False)]
_NAMES = [name for name in BY_NAME if name != SCRIPT]
_FORMATS_HELP = f"{', '.join(_NAMES)} or {SCRIPT} (the run as plain PyTorch code)."
_Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help=_FORMATS_HELP)]
_Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to write it.")]
_Opset = Annotated[int | None, typer.Option("--opset", metavar="N", help="The version of ONNX's operators.")]
_InputNames = Annotated[
    list[str] | None,
    typer.Option(
        "--input-name", metavar="NAME", help="Name of an input of the ONNX file; once for each of its inputs."
    ),
]
_OutputNames = Annotated[
    list[str] | None, typer.Option("--output-name", metavar="NAME", help="Name of the output of the ONNX file.")
]
_CSV = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE", help="Write the predictions as a table, with the columns that are no inputs."
    ),
]
_Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Images, tables, texts.", show_default=False)]


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command("export")(export)
    app.command("predict")(predict)


def export(
    model: _Model,
    form: _Format,
    target: _Output,
    opset: _Opset = None,
    input_names: _InputNames = None,
    output_names: _OutputNames = None,
    runs: arguments.Runs = None,
    trust: arguments.Trust = None,
    json: arguments.Json = False,
) -> None:
    """Exports a trained model: it takes raw values and gives real units, as the file beside it describes."""
    from workbench.runs.folder import unfinished_of
    from workbench.runs.service.answers import ExportedModel
    from workbench.runs.service.requests import ExportModel

    file = target.expanduser().resolve()
    try:
        checkpoint = _find_checkpoint(model, runs, trust)
        request = ExportModel(
            checkpoint=checkpoint,
            format=form,
            file=str(file),
            opset=opset,
            input_names=tuple(input_names or ()),
            output_names=tuple(output_names or ()),
        )
        exported = _request(request).require(ExportedModel)
    except KeyboardInterrupt:
        # What was begun is of no use to anybody.
        unfinished_of(file).unlink(missing_ok=True)
        raise
    if exported.drawback:
        output.error_line(f"note: {exported.drawback}")
    if exported.check is not None:
        output.error_line(exported.check.text)
    if json:
        output.result({**exported.as_data(), "checkpoint": checkpoint, "format": form})
    else:
        output.line(exported.file)


def predict(
    model: _Model,
    files: _Files,
    csv: _CSV = None,
    runs: arguments.Runs = None,
    trust: arguments.Trust = None,
    json: arguments.Json = False,
) -> None:
    """The model on your own files."""
    from workbench.cli.predictions import as_csv, prediction_text
    from workbench.runs.folder import write_whole
    from workbench.runs.service.evaluation import FilePredictions
    from workbench.runs.service.requests import PredictFiles

    paths = tuple(str(file.expanduser().resolve()) for file in files)
    checkpoint = _find_checkpoint(model, runs, trust)
    predicted = _request(PredictFiles(checkpoint=checkpoint, files=paths)).require(FilePredictions)
    for left_out in predicted.left_out:
        output.error_line(f"{left_out.file}: left out: {left_out.why}")
    for unknown in predicted.unknown:
        output.error_line(f"{unknown.file}: {unknown.text}")
    if csv is not None and predicted.predictions:
        write_whole(csv.expanduser(), as_csv(predicted))
    if json:
        output.result({"checkpoint": checkpoint, **predicted.as_data(exclude_none=True)})
    elif csv is None:
        for prediction in predicted.predictions:
            output.line(prediction_text(prediction))
    elif predicted.predictions:
        output.line(str(csv))
    if not predicted.predictions:
        raise typer.Exit(output.WRONG_REQUEST)


def _find_checkpoint(model: str, runs: Path | None, trust: list[Path] | None) -> str:
    from workbench.cli.evaluate import find_checkpoint

    arguments.trust_once(trust)
    return str(find_checkpoint(model, runs))


def _request(request: AnyRequest) -> ServiceReply:
    from workbench.cli.service import request_once

    return request_once(request)
