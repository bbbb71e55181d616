"""What the four panels share: a form, what is wrong with the whole, and a preview that is asked for and never waited for."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from workbench.config import files
from workbench.config.problems import ConfigError, Problem
from workbench.gui.document.document import Document
from workbench.gui.forms.form import SettingsForm
from workbench.gui.service.client import LabClient
from workbench.gui.theme import STEP
from workbench.launch.service import Answer

NOT_LOOKED_AT = "Not looked at: cancelled. The next changed setting looks again."
DEBOUNCE_MS = 250
"""A preview is asked for when nothing was changed for so long."""


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

    def summarise(self, text: str) -> None:
        """Says the panel in a few words."""
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


def tell(label: QLabel, text: str) -> None:
    """Shows a text, or hides the label where there is none."""
    label.setText(text)
    label.setVisible(bool(text))


class Asker(QObject):
    """Asks the lab one kind of question whenever the sections that it depends on have changed."""

    answered = Signal(object)
    """The result, as a dictionary."""
    refused = Signal(object)
    """The problems, as a tuple."""
    cancelled = Signal()
    """Nobody waits for the answer any longer."""

    def __init__(
        self, document: Document, lab: LabClient, method: str, sections: tuple[str, ...], rest: dict[str, Any]
    ) -> None:
        """``rest`` stands in for the sections that do not matter, so that their problems do not hinder this preview."""
        super().__init__(lab)
        self._document = document
        self._lab = lab
        self._method = method
        self._sections = sections
        self._rest = rest
        self._asked: dict[str, Any] | None = None
        """The settings that were looked at last; also those with problems of their own, about which nobody is asked."""
        self._sent: dict[str, Any] | None = None
        """Those that the lab was asked about last."""
        self._problems: tuple[Problem, ...] = ()
        """What it found wrong with them."""
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._debounce.timeout.connect(self._ask)
        document.changed.connect(self.look)
        document.opened.connect(self._say_again)
        lab.answered.connect(self._take)
        self.look()

    @Slot()
    def look(self) -> None:
        """Asks soon when what matters is another than what was asked last."""
        wanted = self._wanted()
        if wanted == self._asked:
            self._debounce.stop()
        elif self._asked is None:
            self._ask()
        else:
            self._debounce.start()

    @Slot()
    def again(self) -> None:
        """Asks what was asked last once more: something else than the settings has changed."""
        self._asked = None
        self.look()

    @Slot()
    def _ask(self) -> None:
        self._debounce.stop()
        wanted = self._asked = self._wanted()
        self._problems = ()
        try:
            files.parse(wanted)
        except ConfigError:
            # The form says it already, beside the fields.
            self.refused.emit(())
            return
        self._sent = wanted
        self._lab.ask(self._method, {"config": wanted})

    @Slot()
    def _say_again(self) -> None:
        """Another document with the same settings has the same problems; it is not asked about again."""
        if self._problems and self._wanted() == self._asked:
            self.refused.emit(self._problems)

    def _wanted(self) -> dict[str, Any]:
        data = self._document.data
        return {**self._rest, **{section: data[section] for section in self._sections}}

    @Slot(object)
    def _take(self, answer: Answer) -> None:
        if answer.method != self._method:
            return
        if self._sent != self._asked:
            return  # the settings have become wrong in the meantime, and were not asked about
        self._problems = answer.problems
        if answer.cancelled:
            self._problems = ()
            self.cancelled.emit()
        elif answer.ok:
            self.answered.emit(answer.result)
        else:
            self.refused.emit(answer.problems)


def sentences(problems: tuple[Problem, ...]) -> str:
    """Problems that belong to no single field, as text."""
    return "\n".join(problem.what + (f" ({problem.hint})" if problem.hint else "") for problem in problems)
