"""The layer table of a network, from a real forward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from workbench.engine.failures import RefusedError


def summary(model: nn.Module, shape: tuple[int, ...]) -> dict[str, Any]:
    """Name, type, output shape (without the batch axis) and parameters of every layer, in the order they are passed.

    Raises RefusedError that names the layer where shapes do not fit.
    """
    rows: list[dict[str, Any]] = []
    current = [""]
    handles = []
    for name, module in model.named_modules():
        if next(module.children(), None) is None:
            handles.append(module.register_forward_pre_hook(_entering(name, module, current)))
            handles.append(module.register_forward_hook(_passed(name, module, rows)))
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(2, *shape))
    except (RuntimeError, ValueError) as error:
        raise RefusedError(f"layer {current[0]}: {error}", "change the architecture", "model") from error
    finally:
        for handle in handles:
            handle.remove()
        model.train()
    parameters = list(model.parameters())
    return {
        "layers": rows,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "bytes": sum(parameter.nbytes for parameter in parameters),
    }


def _entering(name: str, module: nn.Module, current: list[str]) -> Any:
    def hook(*_: object) -> None:
        current[0] = f"{name} ({type(module).__name__})"

    return hook


def _passed(name: str, module: nn.Module, rows: list[dict[str, Any]]) -> Any:
    def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        rows.append(
            {
                "name": name,
                "type": type(module).__name__,
                "output": list(output.shape[1:]),
                "parameters": sum(parameter.numel() for parameter in module.parameters()),
            }
        )

    return hook
