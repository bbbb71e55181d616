"""A trained model written in every export format. Each file is written whole, and checked where it can be."""

from __future__ import annotations

import json
import typing
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.config.schedule import Plateau
from workbench.engine import data
from workbench.engine.checkpoint import format
from workbench.engine.data import fitted
from workbench.engine.data.dataset import Source
from workbench.engine.export.script import assemble
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.runtime.state_types import CheckpointState
from workbench.engine.training import build
from workbench.engine.training.monitor import followed_by_plateau
from workbench.export_formats import BY_NAME, SCRIPT
from workbench.runs.branch import parent_of
from workbench.runs.folder import RunFolder, unfinished_of, write_whole


class Deployed(nn.Module):
    """The model with its scaling in front: it takes raw samples (images from 0 to ``white``) as float32, or token ids."""

    factor: Tensor
    offset: Tensor

    def __init__(self, model: nn.Module, source: Source) -> None:
        super().__init__()
        self.model = model
        shape = (1, -1, *[1] * (len(source.shape) - 1))
        self.scaled = not source.scaling.idle and source.vocabulary == 0
        self.register_buffer("factor", torch.tensor(source.scaling.factor).view(shape))
        self.register_buffer("offset", torch.tensor(source.scaling.offset).view(shape))

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, ...) to (b, outputs): scores of the classes before softmax, or scaled numbers."""
        if self.scaled:
            inputs = inputs * self.factor + self.offset
        result: Tensor = self.model(inputs)
        return result


def export(model: nn.Module, source: Source, form: str, path: Path) -> dict[str, Any]:
    """Writes the model, in evaluation mode on the CPU. Gives what to know of the file. Raises RefusedError, OSError."""
    if form not in WRITERS:
        known = ", ".join(BY_NAME)
        raise RefusedError(f"there is no format {form!r}", f"formats are {known}", "--format")
    deployed = Deployed(model.cpu(), source).eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = unfinished_of(path)
    try:
        with warnings.catch_warnings():
            # The exporters warn of their own future; what matters of it is said in `drawback`.
            warnings.simplefilter("ignore")
            WRITERS[form](deployed, source, unfinished)
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
    beside = {
        "format": form,
        "input": {"shape": ["batch", *source.shape], "dtype": "int64" if source.vocabulary else "float32"},
        "scaling_inside": not BY_NAME[form].weights_only,
        "task": source.task.kind,
        "classes": list(source.task.classes),
        "targets": list(source.task.targets),
        "preprocessing": source.preprocessing,
    }
    path.with_name(path.name + ".json").write_text(json.dumps(beside, ensure_ascii=False, indent=1), encoding="utf-8")
    return {"file": str(path), "bytes": path.stat().st_size, "drawback": BY_NAME[form].drawback}


def export_script(trained: Path, path: Path) -> dict[str, Any]:
    """Writes the run of a checkpoint as a plain PyTorch script. Gives what to know of the file. Raises RefusedError, OSError."""
    state = format.load(trained)
    # As the run was set, whether or not this machine could do it.
    config = files.parse(state["config"])
    _check_history(config, state, trained)
    source = data.load(config.dataset)
    fitted.check_classes(source.task, state)
    model = build.build_model(config, source, torch.device("cpu"), restored=True)
    name = trained.parent.parent.name if trained.parent.name == "checkpoints" else trained.stem
    text = assemble.text(config, source, model, name, state["versions"]["torch"])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return {"file": str(path), "bytes": path.stat().st_size, "drawback": BY_NAME[SCRIPT].drawback}


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


def sample(source: Source, count: int) -> Tensor:
    """Random samples of the source's form: (count, ...)."""
    draw = torch.Generator().manual_seed(0)
    if source.vocabulary:
        return torch.randint(1, source.vocabulary, (count, *source.shape), generator=draw)
    white = float(source.preprocessing.get("white", 1))
    return torch.rand(count, *source.shape, generator=draw) * white


def _onnx(deployed: Deployed, source: Source, path: Path) -> None:
    try:
        import onnx
        import onnxruntime  # type: ignore[import-untyped]
        import tqdm  # type: ignore[import-untyped]
    except ImportError as error:
        extra = BY_NAME["onnx"].extra
        raise RefusedError("ONNX is not installed", f"pip install 'workbench[{extra}]'") from error
    # Its bar is shown nowhere, and would leave a thread that watches it.
    tqdm.tqdm.monitor_interval = 0
    batch = torch.export.Dim("batch", min=1)
    program = torch.onnx.export(
        deployed,
        (sample(source, 2),),
        dynamo=True,
        input_names=["input"],
        output_names=["output"],
        dynamic_shapes=({0: batch},),
        verbose=False,
    )
    if program is None:
        raise RefusedError("the model cannot be exported as onnx", "choose another format")
    program.save(str(path))
    onnx.checker.check_model(str(path))
    # Nothing of what a user does is told to anyone.
    onnxruntime.disable_telemetry_events()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for count in (1, 3):
        given = sample(source, count)
        with torch.inference_mode():
            wanted = deployed(given)
        outputs = torch.from_numpy(session.run(None, {"input": given.numpy()})[0])
        if not torch.allclose(outputs, wanted, rtol=1e-3, atol=1e-4):
            raise RefusedError(f"ONNX Runtime gives other results at a batch of {count}", "choose another format")


def _script(deployed: Deployed, source: Source, path: Path) -> None:
    for module in deployed.modules():
        kind = type(module)
        if any(isinstance(hint, str) for hint in vars(kind).get("__annotations__", {}).values()):
            # The compiler wants types, and cannot read annotations that are still text.
            hints = typing.get_type_hints(kind)
            kind.__annotations__ = {name: hints[name] for name in kind.__annotations__}
    torch.jit.script(deployed).save(str(path))  # type: ignore[no-untyped-call]


def _trace(deployed: Deployed, source: Source, path: Path) -> None:
    torch.jit.trace(deployed, sample(source, 2)).save(str(path))  # type: ignore[no-untyped-call]


def _torch_export(deployed: Deployed, source: Source, path: Path) -> None:
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(deployed, (sample(source, 2),), dynamic_shapes=({0: batch},))
    with path.open("wb") as file:
        torch.export.save(program, file)


def _safetensors(deployed: Deployed, source: Source, path: Path) -> None:
    from safetensors.torch import save_file

    metadata = {"classes": json.dumps(source.task.classes), "preprocessing": json.dumps(source.preprocessing)}
    save_file(
        {name: value.contiguous().clone() for name, value in deployed.model.state_dict().items()}, str(path), metadata
    )


def _state_dict(deployed: Deployed, source: Source, path: Path) -> None:
    torch.save(deployed.model.state_dict(), path)


def _whole(deployed: Deployed, source: Source, path: Path) -> None:
    torch.save(deployed, path)


WRITERS: dict[str, Callable[[Deployed, Source, Path], None]] = {
    "onnx": _onnx,
    "torchscript": _script,
    "trace": _trace,
    "torch-export": _torch_export,
    "safetensors": _safetensors,
    "state-dict": _state_dict,
    "model": _whole,
}
"""All formats but the script, which is written from a run's settings."""
