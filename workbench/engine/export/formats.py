"""A trained model written in every export format. Each file is written whole, and checked where it can be."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from workbench.config import files
from workbench.config.dataset import Torchvision
from workbench.config.run import RunConfig
from workbench.config.schedule import Plateau
from workbench.engine import data
from workbench.engine.checkpoint import format
from workbench.engine.data import fitted
from workbench.engine.data.dataset import Source
from workbench.engine.export.deployed import deploy
from workbench.engine.export.description import describe
from workbench.engine.export.parity import check
from workbench.engine.export.raw_inputs import front_of
from workbench.engine.export.real_samples import ReadSamples, drawn_samples
from workbench.engine.export.script import assemble
from workbench.engine.export.writers import READERS, WRITERS, WriteRequest
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.runtime.state_types import CheckpointState
from workbench.engine.training import build
from workbench.engine.training.monitor import followed_by_plateau
from workbench.export_formats import BY_NAME, SCRIPT
from workbench.runs.branch import parent_of
from workbench.runs.folder import RunFolder, unfinished_of, write_whole
from workbench.runs.service.answers import ExportCheck, ExportedModel


@dataclass(frozen=True)
class OnnxOptions:
    """What can be chosen of an ONNX file; empty names are the usual ones."""

    opset: int | None = None
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()


def export(
    model: nn.Module,
    source: Source,
    form: str,
    path: Path,
    read_samples: ReadSamples = drawn_samples,
    options: OnnxOptions = OnnxOptions(),
) -> ExportedModel:
    """Writes the model, in evaluation mode on the CPU, and compares what it gives. Raises RefusedError, OSError.

    ``read_samples``: the samples that are compared.
    """
    if form not in WRITERS:
        known = ", ".join(BY_NAME)
        raise RefusedError(f"there is no format {form!r}", f"formats are {known}", "--format")
    front = front_of(source)
    names = _names(form, options, [given.name for given in front.inputs])
    description = describe(source, front, form, names)
    deployed = deploy(model.cpu(), source, front)
    example = drawn_samples(source, front, 2).raw
    request = WriteRequest(deployed, example, description, *names, options.opset)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = unfinished_of(path)
    found: ExportCheck | None = None
    try:
        with warnings.catch_warnings():
            # The exporters warn of their own future; what matters of it is said in `drawback`.
            warnings.simplefilter("ignore")
            WRITERS[form](request, unfinished)
            if form in READERS:
                what, read = READERS[form]
                found = check(read(unfinished), deployed.model, source, read_samples(source, front), what)
        unfinished.replace(path)
    except (OSError, RefusedError):
        raise
    # Each exporter refuses in its own way what it cannot express.
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        what = f"the model cannot be exported as {form}: {lines[0] if lines else type(error).__name__}"
        raise RefusedError(what, "choose another format", "--format") from error
    finally:
        unfinished.unlink(missing_ok=True)
    beside = json.dumps(description, ensure_ascii=False, indent=1)
    path.with_name(path.name + ".json").write_text(beside, encoding="utf-8")
    return ExportedModel(file=str(path), bytes=path.stat().st_size, drawback=BY_NAME[form].drawback, check=found)


def _names(form: str, options: OnnxOptions, usual: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of inputs and outputs. Raises RefusedError."""
    if form != "onnx" and options != OnnxOptions():
        what = f"the format {form} has no opset and no names of inputs and outputs"
        raise RefusedError(what, "leave them out, or choose onnx", "--format")
    names = options.input_names or tuple(usual), options.output_names or ("output",)
    for given, count, option in ((names[0], len(usual), "--input-name"), (names[1], 1, "--output-name")):
        if len(given) != count:
            word = "name is" if count == 1 else "names are"
            what = f"{count} {word} needed, and {len(given)} given ({', '.join(given)})"
            raise RefusedError(
                what, f"the model has {', '.join(usual if option == '--input-name' else ['output'])}", option
            )
    every = [name.strip() for name in (*names[0], *names[1])]
    if "" in every or len(set(every)) < len(every):
        what = f"the names of inputs and outputs are empty or not different: {', '.join(every)}"
        raise RefusedError(what, "give each a name of its own", "--input-name")
    return names


def export_script(trained: Path, path: Path) -> ExportedModel:
    """Writes the run of a checkpoint as a plain PyTorch script. Gives what to know of the file. Raises RefusedError, OSError."""
    state = format.load(trained)
    # As the run was set, whether or not this machine could do it.
    config = files.parse(state["config"])
    _check_history(config, state, trained)
    _check_settings(config)
    source = data.load(config.dataset)
    fitted.check_classes(source.task, state)
    model = build.build_model(config, source, torch.device("cpu"), restored=True)
    name = trained.parent.parent.name if trained.parent.name == "checkpoints" else trained.stem
    text = assemble.text(config, source, model, name, state["versions"]["torch"])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return ExportedModel(file=str(path), bytes=path.stat().st_size, drawback=BY_NAME[SCRIPT].drawback)


def _check_settings(config: RunConfig) -> None:
    """Raises RefusedError for settings that a script does not have."""
    if config.model.freeze:
        what = "a script freezes no parameters by name"
        raise RefusedError(what, "choose another format, or leave the frozen parameters out", "model.freeze")
    if isinstance(config.dataset, Torchvision) and config.dataset.validation_from == "test":
        what = "a script cannot validate on the dataset's test set"
        hint = "choose another format, or validate on a part of the training set"
        raise RefusedError(what, hint, "dataset.validation_from")


def _check_history(config: RunConfig, state: CheckpointState, trained: Path) -> None:
    """Raises RefusedError for what happened to a run beside its settings."""
    if parent_of(RunFolder(trained.parent.parent)) is not None:
        what = "the run is a branch: it started from its parent's weights, and a script starts from new ones"
        raise RefusedError(what, "choose another format, or make a new run with these settings", "training")
    recovery = state.get("recovery")
    if recovery and (recovery["returns"] or recovery["calm"] != 1.0 or recovery["limit"] is not None):
        what = "the run helped itself on its way (memory that ran out, or numbers that were not finite), which a script does not do"
        raise RefusedError(what, "choose another format, or make a new run with the settings it came to", "training")
    if int(state["position"]["epochs"]) != config.training.epochs:
        given = state["position"]["epochs"]
        what = f"the run was given {given} epochs on its way, and its schedule is that of {config.training.epochs}"
        raise RefusedError(what, "choose another format, or make a new run with so many epochs", "training.epochs")
    judged_by = state["metrics"]["monitor"]["name"]
    followed = state["schedule"].get("follows", judged_by)
    if isinstance(config.schedule, Plateau) and followed != (followed_by_plateau(config) or judged_by):
        what = "the plateau schedule of the run follows what it did in an earlier version, which a script does not do"
        raise RefusedError(what, "choose another format, or make a new run with these settings", "schedule.kind")
    if int(state["versions"].get("processes", 1)) > 1:
        what = "a script has no counterpart yet of several processes"
        raise RefusedError(what, "train on one process, or choose another format", "hardware.processes")
    if state["schedule"]["base"] != config.optimizer.lr:
        what = "the learning rate was changed by hand during the run, which a script does not do"
        raise RefusedError(what, "make a new run with that learning rate, or choose another format", "optimizer.lr")
