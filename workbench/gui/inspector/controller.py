"""Between the inspector and the engine: requests about the settings, or about the best checkpoint of the run shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from workbench.gui.document.document import Document
from workbench.gui.inspector.view import InspectorView
from workbench.gui.service.busy_indicator import BusyIndicator
from workbench.gui.service.client import ServiceClient
from workbench.gui.session.session import Session
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


class InspectorController(QObject):
    """One model is inspected at a time; it stays the same, whatever becomes of the settings, until Inspect is pressed again."""

    opened = Signal()
    """The inspector is to be brought to the front."""

    def __init__(
        self,
        session: Session,
        document: Document,
        service: ServiceClient,
        view: InspectorView,
        checkpoint: Callable[[], Path | None],
        parent: QObject,
    ) -> None:
        """``checkpoint`` gives that of the run shown, or None."""
        super().__init__(parent)
        self._session, self._document, self._service, self._view = session, document, service, view
        self._checkpoint = checkpoint
        self._subject: InspectedModel | None = None
        indicator = BusyIndicator(service, dict.fromkeys(REQUESTS, ""), "inspector.waiting", self._view)
        self._view.add_busy_indicator(indicator)
        self._view.subject_chosen.connect(self._inspect)
        self._view.requested.connect(self._send)
        self._view.setting_wanted.connect(self._switch_on)
        service.replied.connect(self._apply_reply)

    @Slot()
    def open(self) -> None:
        """Shows the inspector, and inspects what is chosen there."""
        self.opened.emit()
        self._inspect(self._view.chosen())

    @Slot(str)
    def _inspect(self, subject: str) -> None:
        if subject == "checkpoint":
            path, run = self._checkpoint(), self._session.folder
            if path is None or run is None:
                self._view.show_refusal("The run shown has no checkpoint yet: train first, or inspect the settings.")
                return
            self._subject = InspectedModel(checkpoint=str(path))
            self._view.begin(f"{given_name(run)}, {path.name}")
            return
        config = self._document.config
        if config is None:
            self._view.show_refusal(f"The settings have a problem: {self._document.problems[0]}")
            return
        self._subject = InspectedModel(config=config)
        self._view.begin(f"{self._document.name} with its current settings, fresh weights")

    @Slot(object)
    def _send(self, request: AnyInspection) -> None:
        self._service.send(request.model_copy(update={"subject": self._subject}))

    @Slot(str)
    def _switch_on(self, setting: str) -> None:
        self._document.set(setting, True)

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        if self._subject is None or not isinstance(reply.request, REQUESTS):
            return
        if reply.answer is not None:
            self._view.show_answer(reply.answer)
        else:
            self._view.show_problems(type(reply.request), reply.problems)
