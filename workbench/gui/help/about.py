"""The program, the machine, and the setting that has the focus, described."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import PySide6
from PySide6.QtCore import QPoint, qVersion
from PySide6.QtWidgets import QToolTip, QWidget

from workbench import __version__
from workbench.gui.dialogs import error
from workbench.runs.service.answers import Environment


def help_on(widget: QWidget | None) -> str:
    """Shows the tool tip of a setting's editor beside it. Gives what is shown; empty when there is nothing to say."""
    editor = widget
    while editor is not None and not editor.toolTip():
        editor = editor.parentWidget()
    if widget is None or editor is None:
        return ""
    QToolTip.showText(widget.mapToGlobal(QPoint(0, widget.height())), editor.toolTip(), widget)
    return editor.toolTip()


def show_about(parent: QWidget) -> None:
    """Shows version and license."""
    text = "A workbench for training PyTorch models.\nFree software under the MIT license."
    error.show_error(parent, f"Workbench {__version__}", text, title="About Workbench")


def show_environment(parent: QWidget, environment: Environment | None) -> None:
    """Shows what the machine has, to be copied into a report."""
    hint = (
        "" if environment is not None else "The engine has not reported its devices yet. Open this again in a moment."
    )
    error.show_error(parent, "This machine", hint, "\n".join(_lines(environment)), title="This machine")


def _lines(environment: Environment | None) -> Iterator[str]:
    yield f"Workbench {__version__}"
    yield f"Python {environment.python if environment is not None else platform.python_version()}"
    yield f"PySide6 {PySide6.__version__}, Qt {qVersion()}"
    yield f"System {environment.platform if environment is not None else platform.platform()}"
    if environment is None:
        return
    yield f"PyTorch {environment.torch}, torchvision {environment.torchvision}"
    yield f"CUDA of this PyTorch: {environment.cuda or 'none'}; usable: {'yes' if environment.cuda_available else 'no'}"
    yield f"CPU threads: {environment.threads}"
    for device in environment.devices:
        memory = f"{device.memory / 2**30:.1f} GiB"
        chosen = " (chosen by auto)" if device.id == environment.chosen else ""
        yield f"{device.id}: {device.name}, {memory}, {', '.join(device.precisions)}{chosen}"
    yield from (f"Warning: {warning}" for warning in environment.warnings)
