"""The lab engine: answers questions one line of JSON at a time. It keeps nothing, trains nothing, and leaves with its asker."""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch
from torch import nn

from workbench.config import files
from workbench.config.export_formats import SCRIPT
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.checkpoint import format
from workbench.engine.checkpoint.saver import deployed_weights
from workbench.engine.data import fitted
from workbench.engine.data.dataset import Progress, Source
from workbench.engine.export import formats
from workbench.engine.runtime import devices
from workbench.engine.runtime.checkpoint_state import CheckpointState
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import RefusedError, explain
from workbench.engine.service import attention, examples, graph, inspect, predict, preview, scan, summary
from workbench.engine.tasks import samples, task_of
from workbench.engine.training import build
from workbench.engine.training.evaluation import closer_look

Params = dict[str, Any]
TOLD_EVERY = 0.2
"""Seconds between two lines about the same piece of work."""


def serve(questions: IO[bytes], answers: IO[bytes]) -> int:
    """Answers until the questions end. Gives the exit status."""
    # What libraries print must not come between the answers.
    own = os.fdopen(os.dup(answers.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), answers.fileno())
    # It shares the machine with training: previews may take a little longer.
    torch.set_num_threads(1)

    def say(told: dict[str, Any]) -> None:
        own.write(json.dumps(told).encode() + b"\n")
        own.flush()

    for line in questions:
        say(answer(json.loads(line), say))
    return 0


def _to_nobody(told: dict[str, Any]) -> None:
    """Nobody wants to know."""


def answer(question: dict[str, Any], say: Callable[[dict[str, Any]], None] = _to_nobody) -> dict[str, Any]:
    """The answer to one question (``id``, ``method``, ``params``): ``ok`` with a result, or not with problems.

    Meanwhile ``say`` is given what is being done: ``doing`` in words, and its ``share`` from 0 to 1, None where it is not known.
    """
    told = {"id": question["id"], "method": question["method"]}
    progress = _telling(told, say)
    try:
        return {**told, "ok": True, "result": METHODS[question["method"]](question["params"], progress)}
    except ConfigError as error:
        problems = error.problems
    except RefusedError as error:
        problems = (error.problem,)
    except Exception as error:  # noqa: BLE001 - a preview that fails is said in words, and the lab goes on
        traceback.print_exc()
        failure = explain(error)
        problems = (Problem("", failure.what, failure.hint),)
    return {**told, "ok": False, "problems": [vars(problem) for problem in problems]}


def _telling(told: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> Progress:
    last = ("", 0.0)

    def progress(text: str, share: float | None = None) -> None:
        nonlocal last
        now = time.monotonic()
        if text != last[0] or now - last[1] >= TOLD_EVERY:
            last = (text, now)
            say({**told, "doing": text, "share": share})

    return progress


def machine(params: Params, progress: Progress) -> dict[str, Any]:
    """What the machine has."""
    return devices.machine()


def dataset(params: Params, progress: Progress) -> dict[str, Any]:
    """What a dataset holds: sizes, classes, some samples, what is left out."""
    config = files.parse(params["config"])
    return preview.preview(config, data.load(config.dataset, progress))


def look_through(params: Params, progress: Progress) -> dict[str, Any]:
    """What is wrong with a dataset's samples: unreadable, empty classes, the same in two splits."""
    return scan.scan(data.load(files.parse(params["config"]).dataset, progress), progress)


def model(params: Params, progress: Progress) -> dict[str, Any]:
    """The layer table of an architecture on its dataset."""
    config = files.parse(params["config"])
    source = data.load(config.dataset, progress)
    network = build.make_model(config, source, torch.device("cpu"), progress=progress)
    return summary.summary(network, source)


def evaluate(params: Params, progress: Progress) -> dict[str, Any]:
    """A checkpoint's metrics on a split of its dataset."""
    path = Path(params["checkpoint"])
    state = format.load(path)
    config = files.parse(state["config"])
    device = torch.device(devices.choose(config.hardware.model_copy(update={"device": "auto"})))
    torch.set_num_threads(devices.available_cpus())
    config = _computable(config, str(device))
    parts = build.build(config, device, World(), progress, restored=True, learned=fitted.from_state(state))
    try:
        _check_split(parts, params["split"])
        fitted.check_classes(parts.source.task, state)
        _load_weights(parts, state, path)
        return {
            **closer_look(parts, params["split"], progress),
            "checkpoint": str(path),
            "epoch": state["position"]["epoch"],
            "step": state["position"]["step"],
        }
    finally:
        parts.loader.close()


def describe_samples(params: Params, progress: Progress) -> dict[str, Any]:
    """Some samples of a checkpoint's dataset to be looked at: ``checkpoint``, ``split``, ``indices``."""
    state = format.load(Path(params["checkpoint"]))
    source = data.load(files.parse(state["config"]).dataset, progress, fitted.from_state(state))
    split = source.split(params["split"])
    here = [index for index in params["indices"] if split is not None and 0 <= index < len(split)]
    return {"samples": samples.describe(source, split, here) if split is not None else []}


def inspect_batch(params: Params, progress: Progress) -> dict[str, Any]:
    """The tensors of a batch: ``checkpoint``, or ``config`` with fresh weights."""
    return inspect.inspect(_subject(params, progress))


def look_inside(params: Params, progress: Progress) -> dict[str, Any]:
    """A slice of one of them: ``group``, ``name``, ``index`` beside what is inspected."""
    return inspect.look(_subject(params, progress), params["group"], params["name"], params["index"])


def draw_graph(params: Params, progress: Progress) -> dict[str, Any]:
    """The graph of an architecture from input to loss: ``checkpoint`` or ``config``."""
    config = files.parse(_state(params)["config"] if params.get("checkpoint") else params["config"])
    source = data.load(config.dataset, progress)
    network = build.make_model(config, source, torch.device("cpu"), progress=progress)
    return graph.graph(network, source, task_of(source.task).loss_name(config.training.loss))


def attention_maps(params: Params, progress: Progress) -> dict[str, Any]:
    """What a transformer looks at: ``split``, ``index``, ``layer`` beside what is inspected."""
    parts = _subject(params, progress)
    _check_split(parts, params["split"])
    split = parts.source.split(params["split"])
    assert split is not None
    return attention.attention(parts, split, params["index"], params["layer"])


def run_examples(params: Params, progress: Progress) -> dict[str, Any]:
    """A help page with what its examples print: ``page``."""
    return examples.run(params["page"])


def _state(params: Params) -> CheckpointState:
    return format.load(Path(params["checkpoint"]))


def _subject(params: Params, progress: Progress) -> build.Parts:
    """Everything of a checkpoint's run, or of a configuration with fresh weights, without what a single batch does not need."""
    state = _state(params) if params.get("checkpoint") else None
    config = files.parse(state["config"] if state is not None else params["config"])
    device = devices.choose(config.hardware.model_copy(update={"device": "auto"}) if state else config.hardware)
    config = _computable(_lean(config), device)
    known = fitted.from_state(state) if state is not None else None
    parts = build.build(config, torch.device(device), World(), progress, learned=known)
    if state is not None:
        fitted.check_classes(parts.source.task, state)
        _load_weights(parts, state, Path(params["checkpoint"]))
    return parts


def _lean(config: RunConfig) -> RunConfig:
    """One that reads what is asked for and no more of the data, and starts no worker for it."""
    lean = config.dataset.model_copy(update={"loading": "streamed", "workers": 0})
    return config.model_copy(update={"dataset": lean})


def export_model(params: Params, progress: Progress) -> dict[str, Any]:
    """A checkpoint's model written in another form: ``checkpoint``, ``format``, ``file``."""
    path = Path(params["checkpoint"])
    if params["format"] == SCRIPT:
        return formats.export_script(path, Path(params["file"]))
    model, source = _model_alone(format.load(path), path, torch.device("cpu"), progress)
    progress("writing the model", None)
    return formats.export(model, source, params["format"], Path(params["file"]))


def predict_files(params: Params, progress: Progress) -> dict[str, Any]:
    """A checkpoint's model on the user's own files: ``checkpoint``, ``files``."""
    path = Path(params["checkpoint"])
    state = format.load(path)
    device = torch.device(devices.choose(files.parse(state["config"]).hardware.model_copy(update={"device": "auto"})))
    model, source = _model_alone(state, path, device, progress)
    return predict.predict(model, source, [Path(file) for file in params["files"]], device, progress)


def _model_alone(
    state: CheckpointState, path: Path, device: torch.device, progress: Progress
) -> tuple[nn.Module, Source]:
    """A checkpoint's model as it is to be used, and what it was trained on: all from the checkpoint, none from the data."""
    progress("building the model", None)
    source = fitted.from_state(state)
    model = build.make_model(files.parse(state["config"]), source, device, restored=True)
    try:
        model.load_state_dict(deployed_weights(state))
    except RuntimeError as error:
        raise RefusedError(f"the weights of {path} do not fit its own settings: {error}", "was it changed?") from error
    return model.eval(), source


def describe_checkpoint(params: Params, progress: Progress) -> dict[str, Any]:
    """What a checkpoint is of."""
    path = Path(params["path"])
    state = format.load(path)
    kept = {key: value for key, value in state["metrics"].items() if key in ("train", "val")}
    run = path.parent.parent
    return {
        "config": state["config"],
        "step": state["position"]["step"],
        "epoch": state["position"]["epoch"],
        "metrics": kept,
        "classes": state["classes"],
        "versions": state["versions"],
        "run": str(run) if path.parent.name == "checkpoints" and (run / "run.toml").is_file() else "",
    }


METHODS: dict[str, Callable[[Params, Progress], dict[str, Any]]] = {
    "machine": machine,
    "export": export_model,
    "predict": predict_files,
    "dataset": dataset,
    "scan": look_through,
    "model": model,
    "evaluate": evaluate,
    "checkpoint": describe_checkpoint,
    "samples": describe_samples,
    "inspect": inspect_batch,
    "slice": look_inside,
    "graph": draw_graph,
    "attention": attention_maps,
    "examples": run_examples,
}


def _computable(config: RunConfig, device: str) -> RunConfig:
    """The configuration in fp32 where the device lacks the precision that the run was trained in. A look is not worth compiling."""
    changes: dict[str, Any] = {"compile": False}
    try:
        devices.check_precision(config.hardware, device)
    except RefusedError:
        changes["precision"] = "fp32"
    return config.model_copy(update={"hardware": config.hardware.model_copy(update=changes)})


def _check_split(parts: build.Parts, name: str) -> None:
    split = parts.source.split(name)
    if split is None or len(split) == 0:
        has = ", ".join(n for n in ("train", "val", "test") if (s := parts.source.split(n)) is not None and len(s))
        raise RefusedError(f"the data has no {name} split", f"it has {has}")


def _load_weights(parts: build.Parts, state: CheckpointState, path: Path) -> None:
    try:
        parts.model.load_state_dict(deployed_weights(state))
        parts.ema = None
    except RuntimeError as error:
        raise RefusedError(f"{path} does not fit its dataset any more: {error}", "was the data changed?") from error
