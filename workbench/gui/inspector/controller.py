"""Between the inspector and the engine: requests about the settings, or about the best checkpoint of the run shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from workbench.gui.service.busy_indicator import BusyIndicator
from workbench.gui.session.run_controller import Desk
from workbench.gui.shell.central_tabs import Centre
from workbench.launch.service import RequestType, ServiceReply
from workbench.runs.folder import given_name
from workbench.runs.service.requests import (
    AnyInspection,
    InspectBatch,
    InspectedModel,
    MapAttention,
    SliceTensor,
    TraceGraph,
)

REQUESTS: tuple[RequestType, ...] = (InspectBatch, SliceTensor, TraceGraph, MapAttention)


class Inspecting(QObject):
    """One model is inspected at a time; it stays the same, whatever becomes of the settings, until Inspect is pressed again."""

    def __init__(self, desk: Desk, centre: Centre, checkpoint: Callable[[], Path | None], parent: QObject) -> None:
        """``checkpoint`` gives that of the run shown, or None."""
        super().__init__(parent)
        self._desk, self._centre, self._view = desk, centre, centre.inspector
        self._checkpoint = checkpoint
        self._subject: InspectedModel | None = None
        indicator = BusyIndicator(desk.lab, dict.fromkeys(REQUESTS, ""), "inspector.waiting", self._view)
        self._view.add_busy_indicator(indicator)
        self._view.subject_chosen.connect(self._inspect)
        self._view.requested.connect(self._send)
        self._view.setting_wanted.connect(self._switch_on)
        desk.lab.replied.connect(self._apply_reply)

    @Slot()
    def look(self) -> None:
        """Shows the inspector, and inspects what is chosen there."""
        self._centre.tabs.setCurrentWidget(self._view)
        self._inspect(self._view.chosen())

    @Slot(str)
    def _inspect(self, subject: str) -> None:
        if subject == "checkpoint":
            path, run = self._checkpoint(), self._desk.session.folder
            if path is None or run is None:
                self._view.show_refusal("The run shown has no checkpoint yet: train first, or inspect the settings.")
                return
            self._subject = InspectedModel(checkpoint=str(path))
            self._view.begin(f"{given_name(run)}, {path.name}")
            return
        config = self._desk.document.config
        if config is None:
            self._view.show_refusal(f"The settings have a problem: {self._desk.document.problems[0]}")
            return
        self._subject = InspectedModel(config=config)
        self._view.begin(f"{self._desk.document.name} with its current settings, fresh weights")

    @Slot(object)
    def _send(self, request: AnyInspection) -> None:
        self._desk.lab.send(request.model_copy(update={"subject": self._subject}))

    @Slot(str)
    def _switch_on(self, setting: str) -> None:
        self._desk.document.set(setting, True)

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        if self._subject is None or not isinstance(reply.request, REQUESTS):
            return
        if reply.answer is not None:
            self._view.show_answer(reply.answer)
        else:
            self._view.show_problems(type(reply.request), reply.problems)
