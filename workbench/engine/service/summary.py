"""The layer table of a network, from a real forward pass."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from workbench.engine.data.dataset import Source
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.inspection import LayerSummary, ModelSummary


def summarize(model: nn.Module, source: Source) -> ModelSummary:
    """Name, type, output shape (without the batch axis), parameters, how many of them are trained, and multiply-adds of every
    layer for one sample, in the order they are passed.

    Raises RefusedError that names the layer, and both shapes, where shapes do not fit.
    """
    layers: list[LayerSummary] = []
    current = ["", ""]
    handles = []
    for name, module in model.named_modules():
        if next(module.children(), None) is None:
            handles.append(module.register_forward_pre_hook(_record_input(name, module, current)))
            handles.append(module.register_forward_hook(_record_output(name, module, layers)))
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
    return ModelSummary(
        layers=tuple(layers),
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        bytes=sum(parameter.nbytes for parameter in parameters),
    )


def example(source: Source) -> Tensor:
    """Two samples of the source's form: zeros, or for text the first token that is no padding."""
    if source.vocabulary:
        return torch.ones(2, *source.shape, dtype=torch.int64)
    return torch.zeros(2, *source.shape)


def _record_input(name: str, module: nn.Module, current: list[str]) -> Callable[[nn.Module, tuple[object, ...]], None]:
    def hook(_module: nn.Module, inputs: tuple[object, ...]) -> None:
        current[0] = f"{name} ({type(module).__name__})"
        current[1] = " and ".join(str(tuple(part.shape)) for part in inputs if isinstance(part, Tensor))

    return hook


def _record_output(
    name: str, module: nn.Module, layers: list[LayerSummary]
) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor | tuple[Tensor, ...]], None]:
    def hook(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor | tuple[Tensor, ...]) -> None:
        first = output if isinstance(output, Tensor) else output[0]
        layers.append(
            LayerSummary(
                name=name,
                type=type(module).__name__,
                output=tuple(first.shape[1:]),
                parameters=sum(parameter.numel() for parameter in module.parameters()),
                trainable=sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad),
                multiply_adds=_multiply_adds(module, inputs, first),
            )
        )

    return hook


def _multiply_adds(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> int:
    """Of one sample. Layers that look up or add only have none."""
    if isinstance(module, nn.Linear):
        return output[0].numel() * module.in_features
    if isinstance(module, nn.Conv2d):
        return output[0].numel() * module.weight[0].numel()
    if isinstance(module, (nn.LSTM, nn.GRU)):
        return int(inputs[0].shape[1]) * sum(weight.numel() for weight in module.parameters() if weight.dim() == 2)
    return 0
