"""Whether a file that was written gives what the model gives: read again, and compared on raw samples at two batch sizes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from workbench.engine.data.dataset import Source, TaskSpec
from workbench.engine.export.deployed import unscales
from workbench.engine.export.real_samples import RawSamples
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.answers import ExportCheck

RELATIVE, ABSOLUTE = 1e-3, 1e-4
"""How far outputs may differ, on the network's scale."""
UseFile = Callable[[tuple[Tensor, ...]], Tensor]
"""A file as others use it: raw inputs to outputs."""


def check(use: UseFile, model: nn.Module, source: Source, samples: RawSamples, what: str) -> ExportCheck:
    """The largest difference, in the units of the outputs. Raises RefusedError where it is no matter of rounding.

    ``what`` is the program that reads the file.
    """
    with torch.inference_mode():
        outputs = torch.cat([model(part) for part in torch.split(samples.prepared, 16)]).double()
    wanted = _in_own_units(outputs, source.task)
    largest = 0.0
    sizes = tuple(dict.fromkeys((1, min(len(samples), 16))))
    for size in sizes:
        with torch.inference_mode():
            parts = [
                use(tuple(raw[start : start + size] for raw in samples.raw)) for start in range(0, len(samples), size)
            ]
        difference = (torch.cat(parts).double() - wanted).abs()
        allowed = (ABSOLUTE + RELATIVE * outputs.abs()) * _scale(source.task, outputs)
        if not bool((difference <= allowed).all()):
            found = f"by up to {float(difference.nan_to_num(torch.inf).max()):.3g}"
            raise RefusedError(f"{what} gives other results at a batch of {size} ({found})", "choose another format")
        largest = max(largest, float(difference.max()))
    return ExportCheck(samples=len(samples), origin=samples.origin, batch_sizes=sizes, difference=largest)


def _in_own_units(outputs: Tensor, spec: TaskSpec) -> Tensor:
    if not unscales(spec):
        return outputs
    classes = len(spec.classes)
    return torch.cat([outputs[:, :classes], spec.in_own_units(outputs[:, classes:])], dim=1)


def _scale(spec: TaskSpec, outputs: Tensor) -> Tensor:
    """What one step on the network's scale is in the units of each output: (outputs,)."""
    scale = torch.ones(outputs.shape[1], dtype=torch.float64)
    if spec.has_numbers:
        scale[len(spec.classes) :] = torch.tensor(spec.stds, dtype=torch.float64)
    return scale
