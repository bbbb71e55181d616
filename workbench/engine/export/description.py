"""What an exported file says of itself: in the file beside it, in ONNX's metadata and in safetensors' header."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from workbench.engine.data.dataset import Source
from workbench.engine.export.deployed import unscales
from workbench.engine.export.raw_inputs import UNITS, Front
from workbench.export_formats import BY_NAME


def describe(source: Source, front: Front, form: str, names: tuple[Sequence[str], Sequence[str]]) -> dict[str, Any]:
    """How a file of this format is used, as plain data. ``names``: those of its inputs and of its outputs."""
    task = source.task
    weights_only = BY_NAME[form].weights_only
    inside = [] if weights_only else [*front.inside, *[UNITS] * unscales(task)]
    outside = [*front.outside]
    if weights_only:
        outside += [*front.inside, *[UNITS] * unscales(task)]
    return {
        "format": form,
        "task": task.kind,
        "classes": list(task.classes),
        "targets": [
            {"name": name, "mean": mean, "std": std}
            for name, mean, std in zip(task.targets, _each(task.means, task), _each(task.stds, task), strict=True)
        ],
        "inputs": _network_input(source) if weights_only else _inputs(front, names[0]),
        "outputs": [_output(source, "" if weights_only else names[1][0], scaled=weights_only and unscales(task))],
        "inside": inside,
        "outside": outside,
        "preprocessing": source.preprocessing,
    }


def as_metadata(description: dict[str, Any]) -> dict[str, str]:
    """The same as texts by name, for the headers of files."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in description.items()
    }


def _each(values: Sequence[float], task: Any) -> Sequence[float]:
    return values if len(values) == len(task.targets) else [*values] * len(task.targets)


def _inputs(front: Front, names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "shape": ["batch", *given.shape],
            "dtype": str(given.dtype).removeprefix("torch."),
            "about": given.about,
            **({"columns": list(given.columns)} if given.columns else {}),
        }
        for name, given in zip(names, front.inputs, strict=True)
    ]


def _network_input(source: Source) -> list[dict[str, Any]]:
    """Where there is no graph, what is described is what the network itself takes."""
    dtype, about = ("int64", "token ids") if source.vocabulary else ("float32", "inputs as the network takes them")
    return [{"name": "", "shape": ["batch", *source.shape], "dtype": dtype, "about": about}]


def _output(source: Source, name: str, *, scaled: bool) -> dict[str, Any]:
    """One output, whose columns are the classes, then the numbers."""
    task = source.task
    about = list[str]()
    if task.has_classes:
        about.append("scores of the classes before softmax")
    if task.has_numbers:
        about.append("numbers on the network's scale: value × std + mean" if scaled else "numbers in their own units")
    columns = [*task.classes, *(task.targets or (["value"] if task.has_numbers else []))]
    return {"name": name, "shape": ["batch", task.outputs], "about": ", then ".join(about), "columns": columns}
