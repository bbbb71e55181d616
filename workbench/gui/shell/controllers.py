"""The controllers of all features, put together: what the menus call."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow

from workbench.gui.comparison.controller import ComparisonController
from workbench.gui.document.controller import DocumentController
from workbench.gui.document.document import Document
from workbench.gui.document.trusted_files import TrustedFiles
from workbench.gui.evaluation.controller import EvaluationController
from workbench.gui.export.controller import ExportController
from workbench.gui.help.controller import HelpPages
from workbench.gui.inspector.controller import InspectorController
from workbench.gui.panels.memory_plan import MemoryPlan
from workbench.gui.preferences import Preferences
from workbench.gui.service.client import ServiceClient
from workbench.gui.session.checkpoint_controller import CheckpointController
from workbench.gui.session.resume import ResumeController
from workbench.gui.session.run_controller import RunController
from workbench.gui.session.run_queue import RunQueue
from workbench.gui.session.session import Session
from workbench.gui.shell.central_tabs import CentralTabs
from workbench.gui.theme import Themes
from workbench.gui.tuning.controller import TuningController


class WindowCommands(Protocol):
    """What the menus ask of the window itself."""

    def close(self) -> bool: ...

    def toggle_theme(self) -> None: ...

    def reset_layout(self) -> None: ...

    def show_setting_help(self) -> None: ...

    def show_environment(self) -> None: ...

    def show_about(self) -> None: ...


class Controllers(QObject):
    """One of each feature, and the things that they act on."""

    def __init__(
        self,
        document: Document,
        session: Session,
        service: ServiceClient,
        preferences: Preferences,
        trusted_files: TrustedFiles,
        central: CentralTabs,
        themes: Themes,
        window: QMainWindow,
        commands: WindowCommands,
    ) -> None:
        """``window`` is in front of which dialogs are shown; ``commands`` is what it offers to the menus."""
        super().__init__(window)
        self.document, self.session, self.preferences, self.window = document, session, preferences, commands
        self._parent = window
        self._queue = RunQueue(session, self)
        self.documents = DocumentController(document, preferences, window)
        self.runs = RunController(session, self.documents, self._queue, trusted_files, preferences, window)
        self.checkpoints = CheckpointController(session, self.documents, self.runs, service, preferences, window)
        self.resume = ResumeController(document, session, trusted_files, window)
        self.evaluation = EvaluationController(session, service, central.evaluation, window)
        self.inspector = InspectorController(
            session, document, service, central.inspector, self.evaluation.checkpoint, self
        )
        self.comparison = ComparisonController(
            session, document, preferences, self._queue, trusted_files, central.comparison, window
        )
        self.export = ExportController(session, service, window)
        self.tuning = TuningController(session, document, themes, window)
        self.help = HelpPages(service, themes, window)
        self.evaluation.opened.connect(central.show_evaluation)
        self.inspector.opened.connect(central.show_inspector)
        self.comparison.opened.connect(central.show_comparison)
        self.comparison.run_wanted.connect(self.runs.show_run)

    def close(self) -> None:
        """Ends what is at work. Queued runs are not started; a run that is running continues."""
        self._queue.close()
        self.tuning.close()
        self.comparison.close()
        for plan in self._parent.findChildren(MemoryPlan):
            plan.stop()
        self.checkpoints.close()
