"""What the window says of itself, of the machine, and of the setting that has the focus."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from typing import Any

import PySide6
from PySide6.QtCore import QPoint, qVersion
from PySide6.QtWidgets import QToolTip, QWidget

from workbench import __version__
from workbench.gui.dialogs import error


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
    """Shows version and licence."""
    text = "A workbench for training PyTorch models.\nFree software under the MIT licence."
    error.show_error(parent, f"Workbench {__version__}", text, title="About Workbench")


def show_environment(parent: QWidget, machine: Mapping[str, Any]) -> None:
    """Shows what the machine has, to be copied into a report."""
    hint = "" if machine else "The engine has not said yet what devices there are. Open this again in a moment."
    error.show_error(parent, "This machine", hint, "\n".join(_lines(machine)), title="This machine")


def _lines(machine: Mapping[str, Any]) -> Iterator[str]:
    yield f"Workbench {__version__}"
    yield f"Python {machine.get('python', platform.python_version())}"
    yield f"PySide6 {PySide6.__version__}, Qt {qVersion()}"
    yield f"System {machine.get('platform', platform.platform())}"
    if not machine:
        return
    yield f"PyTorch {machine['torch']}, torchvision {machine['torchvision']}"
    yield f"CUDA of this PyTorch: {machine['cuda'] or 'none'}; usable: {'yes' if machine['cuda_available'] else 'no'}"
    yield f"CPU threads: {machine['threads']}"
    for device in machine["devices"]:
        memory = f"{device['memory'] / 2**30:.1f} GiB"
        chosen = " (chosen by auto)" if device["id"] == machine["chosen"] else ""
        yield f"{device['id']}: {device['name']}, {memory}, {', '.join(device['precisions'])}{chosen}"
    yield from (f"Warning: {warning}" for warning in machine["warnings"])
