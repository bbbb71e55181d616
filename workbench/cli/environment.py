"""The environment report: the machine as the engine sees it, or as much as can be said without torch."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench import __version__
from workbench.cli.output import size
from workbench.runs.folder import default_root
from workbench.runs.service.answers import Environment
from workbench.runs.service.requests import DescribeEnvironment

_PACKAGES = ("torch", "torchvision", "numpy", "pydantic", "polars", "PySide6-Essentials", "pyqtgraph")
_WITHOUT_TORCH = "torch is not installed, so no run can be trained here: install it with pip install torch"


@dataclass(frozen=True)
class EnvironmentReport:
    """The program and the machine. ``environment`` is None when the engine could not be asked; ``warnings`` says why."""

    packages: dict[str, str]
    runs: str
    environment: Environment | None
    warnings: tuple[str, ...]

    def as_data(self) -> dict[str, Any]:
        """What ``--json`` shows."""
        machine = self.environment.as_data() if self.environment is not None else {"devices": []}
        return {
            "workbench": __version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            **machine,
            "warnings": list(self.warnings),
            "packages": self.packages,
            "runs": self.runs,
        }


def build_report() -> EnvironmentReport:
    """All that is known."""
    environment, warnings = _ask_engine()
    packages = {name: version for name in _PACKAGES if (version := _version(name))}
    return EnvironmentReport(packages, str(default_root()), environment, warnings)


def report_lines(report: EnvironmentReport) -> Iterator[str]:
    """The report for a person."""
    yield f"Workbench   {__version__}"
    yield f"Python      {platform.python_version()} on {platform.platform()}"
    yield "Packages    " + ", ".join(f"{name} {version}" for name, version in report.packages.items())
    if report.environment is not None:
        yield from _machine_lines(report.environment)
    yield f"Runs        {report.runs}"
    for warning in report.warnings:
        yield f"Warning     {warning}"


def _machine_lines(environment: Environment) -> Iterator[str]:
    if environment.cuda:
        yield f"CUDA        {environment.cuda}, {'usable' if environment.cuda_available else 'not usable'}"
    yield f"MPS         {'usable' if environment.mps_available else 'not usable'}"
    yield f"GPUs        {sum(device.id.startswith('cuda') for device in environment.devices)}"
    for device in environment.devices:
        chosen = " (chosen by auto)" if device.id == environment.chosen else ""
        precisions = ", ".join(device.precisions)
        yield f"Device      {device.id}: {device.name}, {size(device.memory)}, {precisions}{chosen}"
    yield f"Threads     {environment.threads}"


def _ask_engine() -> tuple[Environment | None, tuple[str, ...]]:
    from workbench.cli.service import request_once

    if importlib.util.find_spec("torch") is None:
        return None, (_WITHOUT_TORCH,)
    reply = request_once(DescribeEnvironment())
    if isinstance(reply.answer, Environment):
        return reply.answer, reply.answer.warnings
    return None, tuple(str(problem) for problem in reply.problems)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
