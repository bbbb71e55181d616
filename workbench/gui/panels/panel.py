"""What the four panels share: a form, what is wrong with the whole, and a preview that is requested and never waited for."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from workbench.config import files
from workbench.config.problems import ConfigError, Problem
from workbench.gui.document.document import Document
from workbench.gui.forms.form import SettingsForm
from workbench.gui.service.client import ServiceClient
from workbench.gui.theme import STEP
from workbench.launch.service import ServiceReply
from workbench.runs.service.requests import PreviewDataset, SummarizeModel

NO_PREVIEW = "No preview: cancelled. The next changed setting starts it again."
DEBOUNCE_MS = 250
"""A preview is requested when nothing was changed for so long."""


class Panel(QWidget):
    """A panel of the settings column."""

    summary_changed = Signal(str)
    """The panel in a few words, for its header."""

    def __init__(self, name: str, document: Document, form: SettingsForm, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.document = document
        self.form = form
        self.summary = ""
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(STEP, 0, STEP, STEP)
        self.body.setSpacing(2 * STEP)
        self.body.addWidget(form)

    def set_summary(self, text: str) -> None:
        """Shows the panel in a few words."""
        if text != self.summary:
            self.summary = text
            self.summary_changed.emit(text)

    def add_label(self, role: str, name: str = "") -> QLabel:
        """A label below what is there: muted, error, warning. Hidden while it is empty."""
        label = QLabel(self)
        label.setObjectName(name)
        label.setProperty("role", role)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.hide()
        self.body.addWidget(label)
        return label


def show_text(label: QLabel, text: str) -> None:
    """Shows a text, or hides the label where there is none."""
    label.setText(text)
    label.setVisible(bool(text))


class PreviewRequester(QObject):
    """Requests one kind of preview whenever the sections that it depends on have changed."""

    answered = Signal(object)
    """The answer."""
    refused = Signal(object)
    """The problems, as a tuple."""
    cancelled = Signal()
    """Nobody waits for the answer any longer."""

    def __init__(
        self,
        document: Document,
        service: ServiceClient,
        request_type: type[PreviewDataset] | type[SummarizeModel],
        sections: tuple[str, ...],
        rest: dict[str, Any],
    ) -> None:
        """``rest`` stands in for the sections that do not matter, so that their problems do not hinder this preview."""
        super().__init__(service)
        self._document = document
        self._service = service
        self._request_type = request_type
        self._sections = sections
        self._rest = rest
        self._seen: dict[str, Any] | None = None
        """The settings that were read last; also those with problems of their own, for which nothing is requested."""
        self._sent: dict[str, Any] | None = None
        """Those of the last request."""
        self._problems: tuple[Problem, ...] = ()
        """What the engine found wrong with them."""
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._debounce.timeout.connect(self._request)
        document.changed.connect(self.request_soon)
        document.opened.connect(self._repeat_problems)
        service.replied.connect(self._apply_reply)
        self.request_soon()

    @Slot()
    def request_soon(self) -> None:
        """Requests soon when what matters is another than what was requested last."""
        wanted = self._wanted()
        if wanted == self._seen:
            self._debounce.stop()
        elif self._seen is None:
            self._request()
        else:
            self._debounce.start()

    @Slot()
    def request_again(self) -> None:
        """Requests the same once more: something else than the settings has changed."""
        self._seen = None
        self.request_soon()

    @Slot()
    def _request(self) -> None:
        self._debounce.stop()
        wanted = self._seen = self._wanted()
        self._problems = ()
        try:
            config = files.parse(wanted)
        except ConfigError:
            # The form says it already, beside the fields.
            self.refused.emit(())
            return
        self._sent = wanted
        self._service.send(self._request_type(config=config))

    @Slot()
    def _repeat_problems(self) -> None:
        """Another document with the same settings has the same problems; there is no other request for it."""
        if self._problems and self._wanted() == self._seen:
            self.refused.emit(self._problems)

    def _wanted(self) -> dict[str, Any]:
        data = self._document.data
        return {**self._rest, **{section: data[section] for section in self._sections}}

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        if not isinstance(reply.request, self._request_type):
            return
        if self._sent != self._seen:
            return  # the settings have become wrong in the meantime, and there was no request for them
        self._problems = reply.problems
        if reply.cancelled:
            self._problems = ()
            self.cancelled.emit()
        elif reply.answer is not None:
            self.answered.emit(reply.answer)
        else:
            self.refused.emit(reply.problems)


def sentences(problems: tuple[Problem, ...]) -> str:
    """Problems that belong to no single field, as text."""
    return "\n".join(problem.what + (f" ({problem.hint})" if problem.hint else "") for problem in problems)
