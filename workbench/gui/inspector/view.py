"""The inspector: what lies behind the settings, or behind the run shown, in four tabs. Asks, and shows what the lab found."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

from workbench.config.problems import Problem
from workbench.gui.inspector.attention import AttentionPage
from workbench.gui.inspector.graph import GraphPage
from workbench.gui.inspector.layers import LayersPage
from workbench.gui.inspector.page import Page, label
from workbench.gui.inspector.tensors import TensorsPage
from workbench.gui.panels.panel import sentences
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes
from workbench.runs.progress import Progress

SUBJECTS = (("The settings, with fresh weights", "config"), ("The run shown, its best checkpoint", "checkpoint"))
WAIT = {
    "inspect": "Passing a batch through the network and back…",
    "graph": "Following a batch through the network…",
    "attention": "Asking each head what it looks at…",
}


class InspectorView(QWidget):
    """Light until :meth:`fill`: its pages are made once the window is on the screen."""

    looked = Signal(str)
    """Look was pressed: what is to be inspected, ``config`` or ``checkpoint``."""
    asked = Signal(str, object)
    """A question about it: method and parameters."""
    setting_wanted = Signal(str)
    """A setting that is to be switched on."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.inspector")
        self.setAccessibleName("Inspector")
        self._themes = themes
        self._progress: Progress | None = None
        self._words = ""
        self._waiting: set[str] = set()
        """Questions about what is inspected now that are still to be asked."""
        self.pages: tuple[Page, ...] = ()
        self.subject = QComboBox(self)
        self.subject.setObjectName("inspector.subject")
        self.subject.setAccessibleName("What to inspect")
        for words, name in SUBJECTS:
            self.subject.addItem(words, name)
        self.button = QPushButton("&Look", self)
        self.button.setObjectName("inspector.look")
        self.button.setToolTip("Pass one batch through the network and back, and show all of it. Nothing is trained")
        self.button.clicked.connect(self._look)
        self.status = label("inspector.status", wrap=True)
        self._row = line = QHBoxLayout()
        line.setContentsMargins(2 * STEP, STEP, 2 * STEP, STEP)
        line.setSpacing(2 * STEP)
        line.addWidget(self.subject)
        line.addWidget(self.button)
        line.addWidget(self.status, 1)
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("inspector.tabs")
        self.tabs.setAccessibleName("What to see of it")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setExpanding(False)
        self.tabs.currentChanged.connect(self._turned)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(line)
        layout.addWidget(self.tabs, 1)

    def put_wait_line(self, line: QWidget) -> None:
        """Beside the status: how far the lab is."""
        self._row.addWidget(line)

    def fill(self) -> None:
        """Makes the pages."""
        if self.pages:
            return
        self.tensors = TensorsPage(self._themes)
        self.layers = LayersPage(self._themes)
        self.graph = GraphPage(self._themes)
        self.attention = AttentionPage(self._themes)
        self.pages = (self.tensors, self.layers, self.graph, self.attention)
        for page in self.pages:
            page.asked.connect(self.asked)
            self.tabs.addTab(page, page.title)
        self.layers.setting_wanted.connect(self.setting_wanted)
        self.layers.fill()
        self.layers.show_progress(self._progress)

    def show_progress(self, progress: Progress | None) -> None:
        """The run shown has said something, or is another."""
        self._progress = progress
        if self.pages:
            self.layers.show_progress(progress)

    def chosen(self) -> str:
        """What is to be inspected: ``config`` or ``checkpoint``."""
        return str(self.subject.currentData())

    def begin(self, words: str) -> None:
        """Something is inspected from now on: the page that is open asks at once, the others when they are opened."""
        self.fill()
        self._words = words
        self._waiting = {page.method for page in self.pages}
        self._ask()

    def refuse(self, words: str) -> None:
        """There is nothing to inspect, and this is why."""
        self.fill()
        self._words, self._waiting = "", set()
        self.status.setText(words)
        for page in self.pages:
            page.say(page.empty)

    def take(self, method: str, result: dict[str, Any]) -> None:
        """Shows what the lab found."""
        if method == "slice":
            self.tensors.slice.show_result(result)
            return
        self._answered()
        for page in self.pages:
            if page.method == method:
                page.show_result(result)
        if method == "inspect":
            self._words = (
                f"{self._words.partition(' · ')[0]} · loss {ticks.number(result['loss'])} · {result['device']}"
            )
            self.status.setText(self._words)

    def take_refusal(self, method: str, problems: tuple[Problem, ...]) -> None:
        """Says why the lab found nothing."""
        if method == "slice":
            self.tensors.slice.refuse(sentences(problems))
            return
        self._answered()
        for page in self.pages:
            if page.method == method:
                page.say(_sentence(problems))

    def _answered(self) -> None:
        self.button.setEnabled(True)
        self.status.setText(self._words)

    def _ask(self) -> None:
        page = self.tabs.currentWidget()
        if not isinstance(page, Page) or page.method not in self._waiting:
            return
        self._waiting.discard(page.method)
        self.button.setEnabled(False)
        self.status.setText(self._words)
        for other in self.pages:
            if other.method == page.method:
                other.say(WAIT[page.method])
        self.asked.emit(page.method, page.question())

    @Slot()
    def _look(self) -> None:
        self.looked.emit(self.chosen())

    @Slot()
    def _turned(self) -> None:
        if self.pages:
            self._ask()


def _sentence(problems: tuple[Problem, ...]) -> str:
    """Problems as sentences of their own."""
    lines = []
    for problem in problems:
        parts = [part[:1].upper() + part[1:] for part in (problem.what, problem.hint) if part]
        lines.append(". ".join(part.rstrip(".") for part in parts) + ".")
    return "\n".join(lines)
