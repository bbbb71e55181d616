"""The layer table of a network, from a real forward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from workbench.engine.data.dataset import Source
from workbench.engine.runtime.failures import RefusedError


def summary(model: nn.Module, source: Source) -> dict[str, Any]:
    """Name, type, output shape (without the batch axis), parameters, how many of them are trained, and multiply-adds of every
    layer for one sample, in the order they are passed.

    Raises RefusedError that names the layer, and both shapes, where shapes do not fit.
    """
    rows: list[dict[str, Any]] = []
    current = ["", ""]
    handles = []
    for name, module in model.named_modules():
        if next(module.children(), None) is None:
            handles.append(module.register_forward_pre_hook(_entering(name, module, current)))
            handles.append(module.register_forward_hook(_passed(name, module, rows)))
    try:
        with torch.inference_mode():
            output = model.eval()(example(source))
    except (RuntimeError, ValueError, IndexError) as error:
        what = f"layer {current[0]}, given {current[1]}: {error}" if current[0] else str(error)
        raise RefusedError(what, "change the architecture", "model") from error
    finally:
        for handle in handles:
            handle.remove()
        model.train()
    wanted = (2, source.task.outputs)
    if tuple(getattr(output, "shape", ())) != wanted:
        what = f"the network gives {tuple(getattr(output, 'shape', ()))} for two samples, and {wanted} is needed"
        raise RefusedError(what, "change its last layer", "model")
    parameters = list(model.parameters())
    return {
        "layers": rows,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "multiply_adds": sum(row["multiply_adds"] for row in rows),
        "bytes": sum(parameter.nbytes for parameter in parameters),
    }


def example(source: Source) -> Tensor:
    """Two samples of the source's form: zeros, or for text the first token that is no padding."""
    if source.vocabulary:
        return torch.ones(2, *source.shape, dtype=torch.int64)
    return torch.zeros(2, *source.shape)


def _entering(name: str, module: nn.Module, current: list[str]) -> Any:
    def hook(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
        current[0] = f"{name} ({type(module).__name__})"
        current[1] = " and ".join(str(tuple(part.shape)) for part in inputs if isinstance(part, Tensor))

    return hook


def _passed(name: str, module: nn.Module, rows: list[dict[str, Any]]) -> Any:
    def hook(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        first = output if isinstance(output, Tensor) else output[0]
        rows.append(
            {
                "name": name,
                "type": type(module).__name__,
                "output": list(first.shape[1:]),
                "parameters": sum(parameter.numel() for parameter in module.parameters()),
                "trainable": sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad),
                "multiply_adds": _multiply_adds(module, inputs, first),
            }
        )

    return hook


def _multiply_adds(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> int:
    """Of one sample. Layers that look up or add only have none."""
    if isinstance(module, nn.Linear):
        return output[0].numel() * module.in_features
    if isinstance(module, nn.Conv2d):
        return output[0].numel() * module.weight[0].numel()
    if isinstance(module, (nn.LSTM, nn.GRU)):
        return int(inputs[0].shape[1]) * sum(weight.numel() for weight in module.parameters() if weight.dim() == 2)
    return 0
