"""The device panel: where a run is computed, and what the machine has."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from workbench.gui.document.document import Document
from workbench.gui.forms.editors import SuggestionEditor
from workbench.gui.forms.form import SettingsForm
from workbench.gui.panels.memory_plan import MemoryPlan
from workbench.gui.panels.panel import Panel, sentences, tell
from workbench.gui.plots.ticks import size
from workbench.gui.service.client import LabClient
from workbench.gui.theme import Themes
from workbench.launch.service import Answer


class DevicePanel(Panel):
    """Device, processes, precision; below them every device with its memory."""

    def __init__(self, document: Document, lab: LabClient, themes: Themes, parent: QWidget | None = None) -> None:
        form = SettingsForm(document, ("hardware",), themes, offered=("hardware.device",))
        super().__init__("panel.device", document, form, parent)
        self._machine: dict[str, Any] = {}
        self._facts = self.add_label("muted", "device.facts")
        self._warning = self.add_label("warning", "device.warning")
        self.memory = MemoryPlan(document, themes, self)
        self.body.addWidget(self.memory)
        tell(self._facts, "Looking for devices…")
        lab.answered.connect(self._take)
        document.changed.connect(self.refresh)
        lab.ask("machine", {})
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Says what the settings mean on this machine."""
        config = self.document.config
        if config is None:
            return
        device = config.hardware.device
        if device == "auto" and self._machine:
            chosen = str(self._machine["chosen"])
            device = f"Auto → {chosen.upper() if chosen != 'cuda' else 'GPU'}"
        self.summarise(f"{device} · {config.hardware.precision}")

    @Slot(object)
    def _take(self, answer: Answer) -> None:
        if answer.method != "machine":
            return
        if not answer.ok:
            tell(self._facts, sentences(answer.problems))
            return
        machine = self._machine = answer.result
        lines = [f"{one['id']}: {one['name']}, {size(one['memory'])}" for one in machine["devices"]]
        lines.append(f"Auto takes {machine['chosen']} · {machine['threads']} CPU threads · PyTorch {machine['torch']}")
        if not machine["cuda_available"] and not machine["mps_available"] and not machine["warnings"]:
            lines.append("No GPU: looked for NVIDIA (CUDA) and Apple (MPS) devices.")
        tell(self._facts, "\n".join(lines))
        tell(self._warning, "\n".join(machine["warnings"]))
        editor = self.form.editor("hardware.device")
        if isinstance(editor, SuggestionEditor):
            offers = [("auto", f"takes {machine['chosen']}")]
            offers += [(one["id"], f"{one['name']}, {size(one['memory'])}") for one in machine["devices"]]
            editor.offer(offers)
        self.refresh()
