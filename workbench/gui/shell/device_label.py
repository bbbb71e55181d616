"""Where the run shown is computed, or where the next one would be: ``CPU · fp32``."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QWidget

from workbench.gui.document.document import Document
from workbench.gui.service.client import ServiceClient
from workbench.gui.session.session import Session
from workbench.launch.service import ServiceReply
from workbench.runs.service.answers import Environment


class DeviceLabel(QLabel):
    """Kept up to date by the run shown, the settings, and what the engine reports of the machine."""

    def __init__(
        self, session: Session, document: Document, service: ServiceClient, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar.device")
        self.setAccessibleName("Device and precision")
        self.setProperty("role", "muted")
        self.setContentsMargins(8, 0, 8, 0)
        self._session, self._document = session, document
        self.environment: Environment | None = None
        """What the engine reported of this machine; None before it did."""
        session.state_changed.connect(self.refresh)
        session.shown_changed.connect(self.refresh)
        document.changed.connect(self.refresh)
        service.replied.connect(self._apply_reply)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Shows the device as it is now."""
        session = self._session
        started = session.progress.started
        if session.state in ("running", "paused", "stopping") and started is not None:
            self.setText(f"{started.device} · {started.precision}")
            self.setToolTip("Device and precision of the run shown")
            return
        hardware: dict[str, Any] = self._document.data["hardware"]
        device = str(hardware["device"])
        chosen = self.environment.chosen if self.environment is not None else ""
        text = f"Auto → {_device_text(chosen)}" if device == "auto" and chosen else _device_text(device)
        self.setText(f"{text} · {hardware['precision']}")
        self.setToolTip("Device and precision of the next run")

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        if isinstance(reply.answer, Environment):
            self.environment = reply.answer
            self.refresh()


def _device_text(device: str) -> str:
    kind, _, number = device.partition(":")
    names = {"cpu": "CPU", "cuda": "GPU", "mps": "Apple GPU", "auto": "Auto"}
    return " ".join(part for part in (names.get(kind, kind), number) if part)
