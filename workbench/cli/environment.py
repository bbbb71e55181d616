"""The environment report: the machine as the engine sees it, or as much as can be said without torch."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from collections.abc import Iterator
from typing import Any

from workbench import __version__
from workbench.cli.output import size
from workbench.runs.folder import default_root

_PACKAGES = ("torch", "torchvision", "numpy", "pydantic", "polars", "PySide6-Essentials", "pyqtgraph")
_WITHOUT_TORCH = "torch is not installed, so no run can be trained here: install it with pip install torch"


def report() -> dict[str, Any]:
    """All that is known, as plain data. ``devices`` is empty when the engine could not be asked; ``warnings`` says why."""
    return {
        "workbench": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **_machine(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "runs": str(default_root()),
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The report in words."""
    yield f"Workbench   {found['workbench']}"
    yield f"Python      {found['python']} on {found['platform']}"
    yield "Packages    " + ", ".join(f"{name} {version}" for name, version in found["packages"].items())
    if found.get("cuda"):
        yield f"CUDA        {found['cuda']}, {'usable' if found.get('cuda_available') else 'not usable'}"
    for device in found["devices"]:
        chosen = " (taken by auto)" if device["id"] == found.get("chosen") else ""
        memory = size(float(device["memory"]))
        yield f"Device      {device['id']}: {device['name']}, {memory}, {', '.join(device['precisions'])}{chosen}"
    if found.get("threads"):
        yield f"Threads     {found['threads']}"
    yield f"Runs        {found['runs']}"
    for warning in found["warnings"]:
        yield f"Warning     {warning}"


def _machine() -> dict[str, Any]:
    from workbench.cli.service import ask_once

    if importlib.util.find_spec("torch") is None:
        return {"devices": [], "warnings": [_WITHOUT_TORCH]}
    answer = ask_once("machine", {})
    if answer.ok:
        return {"devices": [], "warnings": [], **answer.result}
    return {"devices": [], "warnings": [str(problem) for problem in answer.problems]}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
