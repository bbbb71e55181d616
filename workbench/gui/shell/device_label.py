"""Where the run shown is computed, or where the next one would be: ``CPU · fp32``."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QWidget

from workbench.gui.session.run_controller import Desk
from workbench.launch.service import ServiceReply
from workbench.runs.service.answers import Environment


class DeviceLabel(QLabel):
    """Kept up to date by the run shown, the settings, and what the lab says of the machine."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar.device")
        self.setAccessibleName("Device and precision")
        self.setProperty("role", "muted")
        self.setContentsMargins(8, 0, 8, 0)
        self._desk = desk
        desk.session.state_changed.connect(self.refresh)
        desk.session.shown_changed.connect(self.refresh)
        desk.document.changed.connect(self.refresh)
        desk.lab.replied.connect(self._take)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Looks again."""
        session = self._desk.session
        started = session.progress.started
        if session.state in ("running", "paused", "stopping") and started is not None:
            self.setText(f"{started.device} · {started.precision}")
            self.setToolTip("What the run shown is computed on, and in what precision")
            return
        hardware: dict[str, Any] = self._desk.document.data["hardware"]
        device = str(hardware["device"])
        chosen = self._desk.machine.chosen if self._desk.machine is not None else ""
        words = f"Auto → {_words(chosen)}" if device == "auto" and chosen else _words(device)
        self.setText(f"{words} · {hardware['precision']}")
        self.setToolTip("What the next run is computed on, and in what precision")

    @Slot(object)
    def _take(self, reply: ServiceReply) -> None:
        if isinstance(reply.answer, Environment):
            self.refresh()


def _words(device: str) -> str:
    kind, _, number = device.partition(":")
    names = {"cpu": "CPU", "cuda": "GPU", "mps": "Apple GPU", "auto": "Auto"}
    return " ".join(part for part in (names.get(kind, kind), number) if part)
