"""The inspector: what lies behind the settings, or behind the run shown, in four tabs."""

from __future__ import annotations

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
from workbench.launch.service import RequestType
from workbench.runs.progress import Progress
from workbench.runs.service.answers import AnyAnswer
from workbench.runs.service.inspection import AttentionMaps, BatchInspection, ModelGraph, TensorSlice
from workbench.runs.service.requests import InspectBatch, MapAttention, SliceTensor, TraceGraph

SUBJECTS = (("The settings, with fresh weights", "config"), ("The run shown, its best checkpoint", "checkpoint"))
WAITING: dict[RequestType, str] = {
    InspectBatch: "Passing a batch through the network and back…",
    TraceGraph: "Following a batch through the network…",
    MapAttention: "Computing the attention of each head…",
}


class InspectorView(QWidget):
    """Light until :meth:`fill`: its pages are made once the window is on the screen."""

    subject_chosen = Signal(str)
    """Inspect was pressed: what is to be inspected, ``config`` or ``checkpoint``."""
    requested = Signal(object)
    """A request about it."""
    setting_wanted = Signal(str)
    """A setting that is to be switched on."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.inspector")
        self.setAccessibleName("Inspector")
        self._themes = themes
        self._progress: Progress | None = None
        self._text = ""
        """What is inspected."""
        self._waiting: set[RequestType] = set()
        """Requests about what is inspected now that are still to be sent."""
        self.pages: tuple[Page, ...] = ()
        self.subject = QComboBox(self)
        self.subject.setObjectName("inspector.subject")
        self.subject.setAccessibleName("What to inspect")
        for title, name in SUBJECTS:
            self.subject.addItem(title, name)
        self.button = QPushButton("&Inspect", self)
        self.button.setObjectName("inspector.look")
        self.button.setToolTip("Pass one batch through the network and back, and show all of it. Nothing is trained")
        self.button.clicked.connect(self._choose_subject)
        self.status = label("inspector.status", wrap=True)
        self._row = line = QHBoxLayout()
        line.setContentsMargins(2 * STEP, STEP, 2 * STEP, STEP)
        line.setSpacing(2 * STEP)
        line.addWidget(self.subject)
        line.addWidget(self.button)
        line.addWidget(self.status, 1)
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("inspector.tabs")
        self.tabs.setAccessibleName("View")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setExpanding(False)
        self.tabs.currentChanged.connect(self._on_tab_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(line)
        layout.addWidget(self.tabs, 1)

    def add_busy_indicator(self, indicator: QWidget) -> None:
        """Beside the status: the progress of what is waited for."""
        self._row.addWidget(indicator)

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
            page.requested.connect(self.requested)
            self.tabs.addTab(page, page.title)
        self.layers.setting_wanted.connect(self.setting_wanted)
        self.layers.fill()
        self.layers.show_progress(self._progress)

    def show_progress(self, progress: Progress | None) -> None:
        """The run shown has made progress, or is another."""
        self._progress = progress
        if self.pages:
            self.layers.show_progress(progress)

    def chosen(self) -> str:
        """What is to be inspected: ``config`` or ``checkpoint``."""
        return str(self.subject.currentData())

    def begin(self, text: str) -> None:
        """Something is inspected from now on: the page that is open requests at once, the others when they are opened."""
        self.fill()
        self._text = text
        self._waiting = {page.request_type for page in self.pages}
        self._request()

    def show_refusal(self, text: str) -> None:
        """There is nothing to inspect, and this is why."""
        self.fill()
        self._text, self._waiting = "", set()
        self.status.setText(text)
        for page in self.pages:
            page.show_message(page.empty)

    def show_answer(self, answer: AnyAnswer) -> None:
        """Shows an answer on its pages."""
        match answer:
            case TensorSlice():
                self.tensors.slice.show_slice(answer)
                return
            case BatchInspection():
                self._text = f"{self._text.partition(' · ')[0]} · loss {ticks.number(answer.loss)} · {answer.device}"
                self._show_on_pages(InspectBatch, answer)
            case ModelGraph():
                self._show_on_pages(TraceGraph, answer)
            case AttentionMaps():
                self._show_on_pages(MapAttention, answer)
        self._rest()

    def show_problems(self, request_type: RequestType, problems: tuple[Problem, ...]) -> None:
        """Says why there is no answer to a request of that class."""
        if request_type is SliceTensor:
            self.tensors.slice.show_refusal(sentences(problems))
            return
        self._rest()
        for page in self.pages:
            if page.request_type is request_type:
                page.show_message(_sentence(problems))

    def _show_on_pages(self, request_type: RequestType, answer: AnyAnswer) -> None:
        for page in self.pages:
            if page.request_type is request_type:
                page.show_answer(answer)

    def _rest(self) -> None:
        self.button.setEnabled(True)
        self.status.setText(self._text)

    def _request(self) -> None:
        page = self.tabs.currentWidget()
        if not isinstance(page, Page) or page.request_type not in self._waiting:
            return
        self._waiting.discard(page.request_type)
        self.button.setEnabled(False)
        self.status.setText(self._text)
        for other in self.pages:
            if other.request_type is page.request_type:
                other.show_message(WAITING[page.request_type])
        self.requested.emit(page.build_request())

    @Slot()
    def _choose_subject(self) -> None:
        self.subject_chosen.emit(self.chosen())

    @Slot()
    def _on_tab_changed(self) -> None:
        if self.pages:
            self._request()


def _sentence(problems: tuple[Problem, ...]) -> str:
    """Problems as sentences of their own."""
    lines = []
    for problem in problems:
        parts = [part[:1].upper() + part[1:] for part in (problem.what, problem.hint) if part]
        lines.append(". ".join(part.rstrip(".") for part in parts) + ".")
    return "\n".join(lines)
