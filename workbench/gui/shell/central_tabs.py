"""The middle of the window: curves above memory and log, all of the run shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QSplitter, QTabWidget, QWidget

from workbench.gui.comparison.view import ComparisonView
from workbench.gui.evaluation.view import EvaluationView
from workbench.gui.inspector.view import InspectorView
from workbench.gui.theme import Themes
from workbench.gui.training.curves import CurvesView
from workbench.gui.training.log import LogView
from workbench.gui.training.memory import MemoryView
from workbench.runs.progress import Progress

SIZES = (460, 130, 100)
"""Heights in pixels at first."""


class CentralTabs(QSplitter):
    """Light until ``fill``: what draws plots takes most of a second to import."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.setObjectName("centre")
        self.setChildrenCollapsible(False)
        self.curves = CurvesView(themes)
        self.memory = MemoryView(themes)
        self.log = LogView(themes)
        tabs = QTabWidget()
        tabs.setObjectName("centre.tabs")
        tabs.setAccessibleName("Views")
        tabs.setDocumentMode(True)
        tabs.addTab(self.curves, "Curves")
        self.evaluation = EvaluationView(themes)
        tabs.addTab(self.evaluation, "Evaluation")
        self.comparison = ComparisonView(themes)
        tabs.addTab(self.comparison, "Comparison")
        self.inspector = InspectorView(themes)
        tabs.addTab(self.inspector, "Inspector")
        self.tabs = tabs
        for view, stretch in ((tabs, 5), (self.memory, 1), (self.log, 1)):
            self.addWidget(view)
            self.setStretchFactor(self.count() - 1, stretch)
        self.setSizes(list(SIZES))

    def fill(self) -> None:
        """Makes the plots, and the inspector's pages."""
        self.curves.fill()
        self.comparison.fill()
        self.memory.fill()
        self.inspector.fill()

    @Slot()
    def show_evaluation(self) -> None:
        """Brings the evaluation to the front."""
        self.tabs.setCurrentWidget(self.evaluation)

    @Slot()
    def show_comparison(self) -> None:
        """Brings the comparison to the front."""
        self.tabs.setCurrentWidget(self.comparison)

    @Slot()
    def show_inspector(self) -> None:
        """Brings the inspector to the front."""
        self.tabs.setCurrentWidget(self.inspector)

    def show_progress(self, progress: Progress | None) -> None:
        """Draws a run; nothing when there is none."""
        for view in (self.curves, self.inspector, self.memory, self.log):
            view.show_progress(progress)
