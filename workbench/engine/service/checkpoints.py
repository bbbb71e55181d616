"""Answers about a checkpoint: its evaluation, its samples, its model in other formats and on other files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.checkpoint import format
from workbench.engine.checkpoint.saver import deployed_weights
from workbench.engine.data import fitted
from workbench.engine.data.dataset import Progress, Source
from workbench.engine.export import formats, real_samples
from workbench.engine.runtime import devices
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.runtime.state_types import CheckpointState
from workbench.engine.service import predict
from workbench.engine.tasks import samples
from workbench.engine.training import build
from workbench.engine.training.evaluation import evaluate_in_detail
from workbench.engine.training.linear_equations import linear_equations
from workbench.engine.training.resumable_state import changed_files
from workbench.export_formats import SCRIPT
from workbench.runs.service.answers import CheckpointDescription, ExportedModel
from workbench.runs.service.evaluation import Evaluation, FilePredictions
from workbench.runs.service.requests import (
    DescribeCheckpoint,
    DescribeSamples,
    EvaluateCheckpoint,
    ExportModel,
    PredictFiles,
)
from workbench.runs.service.samples import SampleDescription, SampleDescriptions

NO_VALIDATION = "The data has no validation split, so the training split was evaluated."


def evaluate_checkpoint(request: EvaluateCheckpoint, progress: Progress) -> Evaluation:
    """A checkpoint's metrics on a split of its dataset."""
    path = Path(request.checkpoint)
    state = format.load(path)
    config = files.parse(state["config"])
    device = torch.device(_free_device(config))
    torch.set_num_threads(devices.available_cpus())
    config = computable(config, str(device))
    parts = build.build(config, device, World(), progress, restored=True, learned=fitted.from_state(state))
    try:
        split, note = _evaluated_split(parts, request.split)
        load_weights(parts, state, path)
        evaluated = Evaluation.model_validate(evaluate_in_detail(parts, split, progress))
        equations = linear_equations(parts) or None
        warnings = tuple(filter(None, [changed_files(state, parts.source.stamp)]))
    finally:
        parts.loader.close()
    position = state["position"]
    at = {"checkpoint": str(path), "epoch": position["epoch"], "step": position["step"]}
    return evaluated.model_copy(update={**at, "equations": equations, "note": note, "warnings": warnings})


def describe_samples(request: DescribeSamples, progress: Progress) -> SampleDescriptions:
    """Some samples of a checkpoint's dataset to be looked at; indices that the split does not have are left out."""
    state = format.load(Path(request.checkpoint))
    source = data.load(files.parse(state["config"]).dataset, progress, fitted.from_state(state))
    split = source.split(request.split)
    if split is None:
        return SampleDescriptions(samples=())
    indices = [index for index in request.indices if 0 <= index < len(split)]
    described = samples.describe(source, split, indices)
    return SampleDescriptions(samples=tuple(SampleDescription.model_validate(sample) for sample in described))


def describe_checkpoint(request: DescribeCheckpoint) -> CheckpointDescription:
    """What a checkpoint is of."""
    path = Path(request.path)
    state = format.load(path)
    run = path.parent.parent
    is_of_run = path.parent.name == "checkpoints" and (run / "run.toml").is_file()
    return CheckpointDescription.model_validate(
        {
            "config": state["config"],
            "step": state["position"]["step"],
            "epoch": state["position"]["epoch"],
            "metrics": {key: value for key, value in state["metrics"].items() if key in ("train", "val")},
            "classes": tuple(state["classes"]),
            "versions": state["versions"],
            "run": str(run) if is_of_run else "",
        }
    )


def export_model(request: ExportModel, progress: Progress) -> ExportedModel:
    """A checkpoint's model written in another format."""
    path, target = Path(request.checkpoint), Path(request.file)
    if request.format == SCRIPT:
        return formats.export_script(path, target)
    state = format.load(path)
    model, source = _restored_model(state, path, torch.device("cpu"), progress)
    progress("writing the model", None)
    samples_of_run = real_samples.of_run(files.parse(state["config"]).dataset, progress)
    options = formats.OnnxOptions(request.opset, request.input_names, request.output_names)
    return formats.export(model, source, request.format, target, samples_of_run, options)


def predict_files(request: PredictFiles, progress: Progress) -> FilePredictions:
    """A checkpoint's model on the user's own files."""
    path = Path(request.checkpoint)
    state = format.load(path)
    device = torch.device(_free_device(files.parse(state["config"])))
    model, source = _restored_model(state, path, device, progress)
    return predict.predict(model, source, [Path(file) for file in request.files], device, progress)


def computable(config: RunConfig, device: str) -> RunConfig:
    """The configuration in fp32 where the device lacks the precision of the run, and never compiled: that takes longer."""
    changes: dict[str, object] = {"compile": False}
    try:
        devices.check_precision(config.hardware, device)
    except RefusedError:
        changes["precision"] = "fp32"
    return config.model_copy(update={"hardware": config.hardware.model_copy(update=changes)})


def _evaluated_split(parts: build.Parts, name: str) -> tuple[str, str | None]:
    """The split to evaluate: the training split, with a sentence, where there is no validation. Raises RefusedError."""
    if name == "val" and len(parts.source.val) == 0:
        return "train", NO_VALIDATION
    check_split(parts, name)
    return name, None


def check_split(parts: build.Parts, name: str) -> None:
    """Raises RefusedError where the data has no sample in that split."""
    split = parts.source.split(name)
    if split is None or len(split) == 0:
        has = ", ".join(n for n in ("train", "val", "test") if (s := parts.source.split(n)) is not None and len(s))
        raise RefusedError(f"the data has no {name} split", f"it has {has}")


def load_weights(parts: build.Parts, state: CheckpointState, path: Path) -> None:
    """Puts a checkpoint's weights into the model. Raises RefusedError where they do not fit its data any more."""
    fitted.check_classes(parts.source.task, state)
    try:
        parts.model.load_state_dict(deployed_weights(state))
        parts.ema = None
    except RuntimeError as error:
        raise RefusedError(f"{path} does not fit its dataset any more: {error}", "was the data changed?") from error


def _free_device(config: RunConfig) -> str:
    """The device of this machine, whatever the run was computed on."""
    return devices.choose(config.hardware.model_copy(update={"device": "auto"}))


def _restored_model(
    state: CheckpointState, path: Path, device: torch.device, progress: Progress
) -> tuple[nn.Module, Source]:
    """A checkpoint's model as it is to be used, and what it was trained on: all from the checkpoint, none from the data."""
    progress("building the model", None)
    source = fitted.from_state(state)
    model = build.build_model(files.parse(state["config"]), source, device, restored=True)
    try:
        model.load_state_dict(deployed_weights(state))
    except RuntimeError as error:
        raise RefusedError(f"the weights of {path} do not fit its own settings: {error}", "was it changed?") from error
    return model.eval(), source
