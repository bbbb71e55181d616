"""Brings the inspector's questions to the lab with what they are about: the settings, or the best checkpoint of the run shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from workbench.gui.document.document import Document
from workbench.gui.inspector.view import InspectorView
from workbench.gui.service.busy_indicator import WaitLine
from workbench.gui.service.client import LabClient
from workbench.gui.session.session import Session
from workbench.launch.service import Answer
from workbench.runs.folder import given_name

METHODS = ("inspect", "slice", "graph", "attention")


class InspectorController(QObject):
    """One thing is inspected at a time; it stays the same, whatever becomes of the settings, until Look is pressed again."""

    opened = Signal()
    """The inspector is to be brought to the front."""

    def __init__(
        self,
        session: Session,
        document: Document,
        lab: LabClient,
        view: InspectorView,
        checkpoint: Callable[[], Path | None],
        parent: QObject,
    ) -> None:
        """``checkpoint`` gives that of the run shown, or None."""
        super().__init__(parent)
        self._session, self._document, self._lab, self._view = session, document, lab, view
        self._checkpoint = checkpoint
        self._about: dict[str, Any] = {}
        self._view.put_wait_line(WaitLine(lab, dict.fromkeys(METHODS, ""), "inspector.waiting", self._view))
        self._view.looked.connect(self._look)
        self._view.asked.connect(self._ask)
        self._view.setting_wanted.connect(self._switch_on)
        lab.answered.connect(self._take)

    @Slot()
    def open(self) -> None:
        """Shows the inspector, and inspects what is chosen there."""
        self.opened.emit()
        self._look(self._view.chosen())

    @Slot(str)
    def _look(self, subject: str) -> None:
        if subject == "checkpoint":
            path, run = self._checkpoint(), self._session.folder
            if path is None or run is None:
                self._view.refuse("The run shown has no checkpoint yet: train first, or look at the settings.")
                return
            self._about = {"checkpoint": str(path)}
            self._view.begin(f"{given_name(run)}, {path.name}")
            return
        config = self._document.config
        if config is None:
            self._view.refuse(f"The settings have a problem: {self._document.problems[0]}")
            return
        self._about = {"config": config.as_data()}
        self._view.begin(f"{self._document.name} as it stands, fresh weights")

    @Slot(str, object)
    def _ask(self, method: str, params: dict[str, Any]) -> None:
        self._lab.ask(method, {**params, **self._about})

    @Slot(str)
    def _switch_on(self, setting: str) -> None:
        self._document.set(setting, True)

    @Slot(object)
    def _take(self, answer: Answer) -> None:
        if answer.method not in METHODS or not self._about:
            return
        if answer.ok:
            self._view.take(answer.method, answer.result)
        else:
            self._view.take_refusal(answer.method, answer.problems)
