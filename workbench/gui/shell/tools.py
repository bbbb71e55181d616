"""What the window can do beside training: evaluate, inspect, export, find settings by trying, compare, queue."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMainWindow

from workbench.config import compare, recipes
from workbench.config.compare import Variant
from workbench.config.problems import ConfigError
from workbench.gui.comparison.controller import Comparing
from workbench.gui.comparison.dialog import CompareDialog
from workbench.gui.dialogs import error
from workbench.gui.document.document import Document
from workbench.gui.evaluation.controller import Evaluating
from workbench.gui.export.dialog import ExportDialog, describe_outcome
from workbench.gui.help.controller import HelpPages
from workbench.gui.inspector.controller import Inspecting
from workbench.gui.panels.memory_plan import MemoryPlan
from workbench.gui.session.run_controller import Desk
from workbench.gui.session.run_queue import RunQueue, Waiting
from workbench.gui.shell.central_tabs import Centre
from workbench.gui.theme import Themes
from workbench.gui.tuning.controller import TuningController
from workbench.launch.service import ServiceReply
from workbench.runs import checkpoints
from workbench.runs.folder import RunFolder, given_name, unfinished_of
from workbench.runs.service.answers import ExportedModel
from workbench.runs.service.requests import ExportModel


class Tools(QObject):
    """One of each at a time."""

    def __init__(self, desk: Desk, centre: Centre, themes: Themes, window: QMainWindow) -> None:
        super().__init__(window)
        self._desk, self._centre, self._window = desk, centre, window
        self.evaluating = Evaluating(desk, centre.evaluation, window)
        self.inspecting = Inspecting(desk, centre, self.evaluating.checkpoint, self)
        self.help_pages = HelpPages(desk.lab, themes, window)
        self._export: ExportDialog | None = None
        self._exported: RunFolder | None = None
        """The run that the dialog was opened for."""
        self._begun: Path | None = None
        """The unfinished file of what is written."""
        self._compare: CompareDialog | None = None
        self._queue = RunQueue(desk.session, self)
        self.finders = TuningController(desk, themes, window)
        self.comparing = Comparing(desk, self._queue, self)
        self.comparing.changed.connect(self._show_comparison)
        centre.comparison.opened.connect(desk.show_run)
        centre.comparison.dropped.connect(self.comparing.drop_waiting)
        desk.lab.replied.connect(self._take)

    # --- evaluation and export ---

    @Slot()
    def evaluate(self) -> None:
        """Shows the evaluation, and measures the run shown on its validation samples."""
        self._centre.tabs.setCurrentWidget(self._centre.evaluation)
        self.evaluating.evaluate(str(self._centre.evaluation.split.currentData()))

    @Slot()
    def export(self) -> None:
        """Asks for form and file, and writes the model of the run shown."""
        self._exported = self._desk.session.folder
        if self._export is not None:
            self._export.close()
        name = given_name(self._exported) if self._exported is not None else "model"
        self._export = ExportDialog(name, self._desk.lab, self._window)
        self._export.wanted.connect(self._write)
        self._export.finished.connect(self._export_closed)
        self._export.show()

    @Slot(str, str)
    def _write(self, form: str, file: str) -> None:
        """Of the run that the dialog was opened for, whichever is shown by now."""
        run = self._exported
        checkpoint = checkpoints.best_else_latest(run.checkpoints) if run is not None else None
        if checkpoint is not None:
            self._begun = unfinished_of(Path(file))
            self._desk.lab.send(ExportModel(checkpoint=str(checkpoint.path), format=form, file=file))
        elif self._export is not None:
            self._export.show_refusal("The run has no checkpoint that could be exported.")

    @Slot()
    def _export_closed(self) -> None:
        if self._export is not None:
            self._export.deleteLater()
            self._export = None

    # --- finders ---

    @Slot()
    def find_lr(self) -> None:
        """Loss against learning rate."""
        self.finders.open("lr")

    @Slot()
    def find_batch_size(self) -> None:
        """Throughput against batch size."""
        self.finders.open("batch")

    @Slot()
    def find_workers(self) -> None:
        """Throughput against loader workers."""
        self.finders.open("workers")

    # --- comparison ---

    @Slot()
    def compare(self) -> None:
        """Asks for settings and their values, and trains a run for each, one after the other."""
        document = self._desk.document
        if document.config is None:
            return
        self._compare = CompareDialog(document.config, _own_variants(document), self._window)
        self._compare.wanted.connect(self._begin_comparison)
        self._compare.finished.connect(self._compare.deleteLater)
        self._compare.open()

    @Slot(object)
    def _begin_comparison(self, variants: list[Variant]) -> None:
        if not all(self._desk.own_files.ask(one.config.as_data()) for one in variants):
            return
        self._centre.tabs.setCurrentWidget(self._centre.comparison)
        self.comparing.begin(self._desk.document.name, variants)

    @Slot()
    def _show_comparison(self) -> None:
        self._centre.comparison.show_entries(list(self.comparing.entries.values()))

    @Slot()
    def queue(self) -> None:
        """Lets a run with the settings as they stand follow the one that goes."""
        config = self._desk.document.config
        if config is not None and self._desk.own_files.ask(config.as_data()):
            self._queue.add(Waiting(config, self._desk.document.name))

    def close(self) -> None:
        """Ends what is at work. Runs that wait are not begun."""
        self._queue.close()
        self.finders.close()
        self.comparing.close()
        for plan in self._window.findChildren(MemoryPlan):
            plan.stop()

    # --- answers ---

    @Slot(object)
    def _take(self, reply: ServiceReply) -> None:
        if not isinstance(reply.request, ExportModel):
            return
        if reply.cancelled and self._begun is not None:
            with contextlib.suppress(OSError):
                self._begun.unlink(missing_ok=True)
        if self._export is not None:
            self._export.apply_reply(reply)
        elif isinstance(reply.answer, ExportedModel):
            # The dialog was closed while it was written.
            self._window.statusBar().showMessage(describe_outcome(reply))
        elif not reply.cancelled:
            error.tell(self._window, "The model could not be exported.", details=describe_outcome(reply))


def _own_variants(document: Document) -> list[dict[str, Any]]:
    """What the recipe or the run file that is open asks to be compared; nothing where it asks for nothing."""
    recipe = recipes.recipe(document.name)
    path = document.path or (recipe.path if recipe is not None else None)
    try:
        return compare.of_file(path) if path is not None else []
    except ConfigError:
        return []
