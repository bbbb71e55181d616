"""One function for each format that writes a model, and one that reads it again where there is a network to compare."""

from __future__ import annotations

import os
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbench.engine.export.deployed import Deployed, DeployedTable
from workbench.engine.export.description import as_metadata
from workbench.engine.export.parity import UseFile
from workbench.engine.runtime.failures import RefusedError
from workbench.export_formats import BY_NAME, OPSETS


@dataclass(frozen=True)
class WriteRequest:
    """What is written and how: ``example`` are raw inputs of a batch of two; names and opset are those of ONNX."""

    deployed: Deployed | DeployedTable
    example: tuple[Tensor, ...]
    description: dict[str, Any]
    input_names: Sequence[str] = ("input",)
    output_names: Sequence[str] = ("output",)
    opset: int | None = None


def _onnx(request: WriteRequest, path: Path) -> None:
    try:
        import onnx
        import onnxruntime  # type: ignore[import-untyped]  # noqa: F401 - it reads the file afterwards
        import tqdm  # type: ignore[import-untyped]
    except ImportError as error:
        extra = BY_NAME["onnx"].extra
        raise RefusedError("ONNX is not installed", f"pip install 'workbench[{extra}]'") from error
    if request.opset is not None and request.opset not in OPSETS:
        what = f"the opset {request.opset} cannot be written"
        raise RefusedError(what, f"choose one from {OPSETS.start} to {OPSETS.stop - 1}", "--opset")
    # Its bar is shown nowhere, and would leave a thread that watches it.
    tqdm.tqdm.monitor_interval = 0
    program = torch.onnx.export(
        request.deployed,
        request.example,
        dynamo=True,
        input_names=list(request.input_names),
        output_names=list(request.output_names),
        opset_version=request.opset,
        dynamic_shapes=_any_batch(request),
        verbose=False,
    )
    if program is None:
        raise RefusedError("the model cannot be exported as onnx", "choose another format")
    program.model.metadata_props.update(as_metadata(request.description))
    program.save(str(path))
    onnx.checker.check_model(str(path))
    written = onnx.load(str(path), load_external_data=False).opset_import[0].version
    if request.opset is not None and written != request.opset:
        what = f"the model cannot be written with opset {request.opset}: it needs {written}"
        raise RefusedError(what, f"choose {written} or leave the opset out", "--opset")


def _script(request: WriteRequest, path: Path) -> None:
    for module in request.deployed.modules():
        kind = type(module)
        if any(isinstance(hint, str) for hint in vars(kind).get("__annotations__", {}).values()):
            # The compiler wants types, and cannot read annotations that are still text.
            hints = typing.get_type_hints(kind)
            kind.__annotations__ = {name: hints[name] for name in kind.__annotations__}
    torch.jit.script(request.deployed).save(str(path))  # type: ignore[no-untyped-call]


def _trace(request: WriteRequest, path: Path) -> None:
    torch.jit.trace(request.deployed, request.example).save(str(path))  # type: ignore[no-untyped-call]


def _torch_export(request: WriteRequest, path: Path) -> None:
    program = torch.export.export(request.deployed, request.example, dynamic_shapes=_any_batch(request))
    with path.open("wb") as file:
        torch.export.save(program, file)


def _safetensors(request: WriteRequest, path: Path) -> None:
    from safetensors.torch import save_file

    weights = {name: value.contiguous().clone() for name, value in request.deployed.model.state_dict().items()}
    save_file(weights, str(path), as_metadata(request.description))


def _state_dict(request: WriteRequest, path: Path) -> None:
    torch.save(request.deployed.model.state_dict(), path)


def _whole(request: WriteRequest, path: Path) -> None:
    torch.save(request.deployed, path)


def _any_batch(request: WriteRequest) -> tuple[dict[int, Any], ...]:
    batch = torch.export.Dim("batch", min=1)
    return tuple({0: batch} for _ in request.example)


WRITERS: dict[str, Callable[[WriteRequest, Path], None]] = {
    "onnx": _onnx,
    "torchscript": _script,
    "trace": _trace,
    "torch-export": _torch_export,
    "safetensors": _safetensors,
    "state-dict": _state_dict,
    "model": _whole,
}
"""All formats but the script, which is written from a run's settings."""


def _read_onnx(path: Path) -> UseFile:
    import onnxruntime

    # Nothing of what a user does is told to anyone.
    onnxruntime.disable_telemetry_events()
    session = onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def use(raw: tuple[Tensor, ...]) -> Tensor:
        given = {name: values.numpy() for name, values in zip(names, raw, strict=True)}
        return torch.from_numpy(session.run(None, given)[0])

    return use


def _read_script(path: Path) -> UseFile:
    return _taking_all(torch.jit.load(str(path)))  # type: ignore[no-untyped-call]


def _read_program(path: Path) -> UseFile:
    return _taking_all(torch.export.load(path).module())


def _read_whole(path: Path) -> UseFile:
    # It was written a moment ago, by this process.
    return _taking_all(torch.load(path, weights_only=False))


def _taking_all(module: nn.Module) -> UseFile:
    def use(raw: tuple[Tensor, ...]) -> Tensor:
        outputs: Tensor = module(*raw)
        return outputs

    return use


READERS: dict[str, tuple[str, Callable[[Path], UseFile]]] = {
    "onnx": ("ONNX Runtime", _read_onnx),
    "torchscript": ("the compiled model", _read_script),
    "trace": ("the traced model", _read_script),
    "torch-export": ("the exported program", _read_program),
    "model": ("the saved model", _read_whole),
}
"""What reads a file, and how; for the formats that hold a network."""
