"""The device panel: where a run is computed, and what the machine has."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from workbench.gui.document.document import Document
from workbench.gui.forms.editors import SuggestionEditor
from workbench.gui.forms.form import SettingsForm
from workbench.gui.panels.memory_plan import MemoryPlan
from workbench.gui.panels.panel import Panel, sentences, show_text
from workbench.gui.plots.ticks import size
from workbench.gui.service.client import ServiceClient
from workbench.gui.theme import Themes
from workbench.launch.service import ServiceReply
from workbench.runs.service.answers import Environment
from workbench.runs.service.requests import DescribeEnvironment


class DevicePanel(Panel):
    """Device, processes, precision; below them every device with its memory."""

    def __init__(
        self, document: Document, service: ServiceClient, themes: Themes, parent: QWidget | None = None
    ) -> None:
        form = SettingsForm(document, ("hardware",), themes, offered=("hardware.device",))
        super().__init__("panel.device", document, form, parent)
        self._environment: Environment | None = None
        self._facts = self.add_label("muted", "device.facts")
        self._warning = self.add_label("warning", "device.warning")
        self.memory = MemoryPlan(document, themes, self)
        self.body.addWidget(self.memory)
        show_text(self._facts, "Looking for devices…")
        service.replied.connect(self._apply_reply)
        document.changed.connect(self.refresh)
        service.send(DescribeEnvironment())
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Says what the settings mean on this machine."""
        config = self.document.config
        if config is None:
            return
        device = config.hardware.device
        if device == "auto" and self._environment is not None:
            chosen = self._environment.chosen
            device = f"Auto → {chosen.upper() if chosen != 'cuda' else 'GPU'}"
        self.set_summary(f"{device} · {config.hardware.precision}")

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        if not isinstance(reply.request, DescribeEnvironment):
            return
        if isinstance(reply.answer, Environment):
            self._show_environment(reply.answer)
        else:
            show_text(self._facts, sentences(reply.problems))

    def _show_environment(self, environment: Environment) -> None:
        self._environment = environment
        devices = [(device.id, f"{device.name}, {size(device.memory)}") for device in environment.devices]
        lines = [f"{name}: {text}" for name, text in devices]
        chosen = environment.chosen
        lines.append(f"Auto uses {chosen} · {environment.threads} CPU threads · PyTorch {environment.torch}")
        if not environment.cuda_available and not environment.mps_available and not environment.warnings:
            lines.append("No GPU found, neither NVIDIA (CUDA) nor Apple (MPS).")
        show_text(self._facts, "\n".join(lines))
        show_text(self._warning, "\n".join(environment.warnings))
        editor = self.form.editor("hardware.device")
        if isinstance(editor, SuggestionEditor):
            editor.offer([("auto", f"uses {chosen}"), *devices])
        self.refresh()
