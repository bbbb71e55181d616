"""The dataset panel: where the samples come from, and what they look like."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QAbstractItemView, QPushButton, QTableWidget, QTableWidgetItem, QWidget

from workbench.config.problems import Problem
from workbench.gui.dialogs import ask
from workbench.gui.document.document import Document
from workbench.gui.document.trusted_files import TrustedFiles
from workbench.gui.forms.form import SettingsForm
from workbench.gui.panels.findings import Findings
from workbench.gui.panels.panel import NOT_LOOKED_AT, Asker, Panel, sentences, tell
from workbench.gui.panels.thumbnails import Points, Thumbnails
from workbench.gui.panels.trust_notice import OwnFile
from workbench.gui.plots.ticks import size
from workbench.gui.service.busy_indicator import WaitLine
from workbench.gui.service.client import LabClient
from workbench.gui.theme import Themes

ROWS = 5


class DatasetPanel(Panel):
    """Source, split, and a preview by the code that trains."""

    found = Signal(str)
    """How many samples of what there are: ``1,797 handwritten digits``; empty when they cannot be used."""

    def __init__(
        self,
        document: Document,
        lab: LabClient,
        themes: Themes,
        own_files: TrustedFiles,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("panel.dataset", document, SettingsForm(document, ("dataset",), themes), parent)
        self._left_out: list[dict[str, str]] = []
        self._own_file = OwnFile(document, own_files, "dataset", self)
        self.body.addWidget(self._own_file)
        self._facts = self.add_label("muted", "dataset.facts")
        self.body.addWidget(WaitLine(lab, {"dataset": "Reading the samples…"}, "dataset.waiting", self, wrap=True))
        self._problem = self.add_label("error", "dataset.problem")
        self._warning = self.add_label("warning", "dataset.warning")
        self._list = QPushButton("Show what is left out", self)
        self._list.setObjectName("dataset.left_out")
        self._list.setAccessibleName("Show what is left out")
        self._list.setToolTip("List the samples that cannot be used, each with the reason")
        self._list.clicked.connect(self._show_left_out)
        self._list.hide()
        self.body.addWidget(self._list, 0, Qt.AlignmentFlag.AlignLeft)
        self.findings = Findings(document, lab, self)
        self.body.addWidget(self.findings)
        self.thumbnails = Thumbnails(themes, self)
        self.augmented = Thumbnails(themes, self, "dataset.augmented", "Training pictures as they are changed")
        self.augmented.setToolTip("Training pictures as read, and as the augmentation changes them in two epochs")
        self.points = Points(themes, self)
        self.table = _table(self)
        for preview in (self.thumbnails, self.augmented, self.points, self.table):
            preview.hide()
            self.body.addWidget(preview)
        # Of the whole configuration only the dataset matters here; the simplest network goes with any.
        self._asker = Asker(document, lab, "dataset", ("dataset",), {"model": {"kind": "linear"}})
        self._asker.answered.connect(self.take)
        self._asker.refused.connect(self._refuse)
        self._asker.cancelled.connect(self._leave_it)
        own_files.trusted.connect(self._asker.again)

    @Slot(object)
    def take(self, result: dict[str, Any]) -> None:
        """Shows what the lab found."""
        self.document.set_outside_problems("dataset", ())
        tell(self._problem, "")
        self._left_out = result["left_out"]
        count = result["left_out_count"]
        notes = (
            [f"{count:,} {'sample cannot be used and is' if count == 1 else 'samples cannot be used and are'} left out"]
            if count
            else []
        )
        tell(self._warning, "\n".join(notes + [note[:1].upper() + note[1:] for note in result["notes"]]))
        self._list.setVisible(count > 0)
        whole = result["train"] + result["val"]
        word = "pictures" if len(result["shape"]) == 3 else "rows" if result["table"] else "samples"
        classes = f" · {len(result['classes'])} classes" if result["classes"] else " · regression"
        self.summarise(f"{whole:,} {word}{classes}")
        digits = self.document.value("dataset.kind") == "digits"
        self.found.emit(f"{whole:,} {'handwritten digits' if digits else word}")
        shape = " x ".join(str(part) for part in result["shape"])
        test = f", {result['test']:,} for testing" if result["test"] else ""
        split = f"{result['train']:,} for training, {result['val']:,} for validation{test}"
        tell(
            self._facts,
            f"{whole:,} {word}{classes}\n{split}\nEach {shape} · {size(result['bytes'])} · {result['loading']}",
        )
        self._show_preview(result)

    def _show_preview(self, result: dict[str, Any]) -> None:
        self.thumbnails.setVisible(bool(result["thumbnails"]))
        self.points.setVisible(bool(result["points"]))
        self.table.setVisible(bool(result["table"]))
        if result["thumbnails"]:
            self.thumbnails.show_pictures(result["thumbnails"], result["classes"])
        self.augmented.setVisible(bool(result["augmented"]))
        if result["augmented"]:
            self.augmented.show_rows(result["augmented"])
        if result["points"]:
            self.points.show_points(result["points"])
        if result["table"]:
            _fill(self.table, result["table"])

    @Slot(object)
    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        problems = self._own_file.without_own(problems)
        self.document.set_outside_problems("dataset", problems)
        loose = tuple(problem for problem in problems if not self.document.has(problem.path))
        tell(self._problem, sentences(loose))
        self.summarise("not usable yet")
        self.found.emit("")
        for preview in (self.thumbnails, self.augmented, self.points, self.table, self._list):
            preview.hide()
        tell(self._warning, "")
        tell(self._facts, "")

    @Slot()
    def _leave_it(self) -> None:
        """The samples were not looked at to the end, and nothing is known against them."""
        self._refuse(())
        self.summarise("not looked at")
        tell(self._facts, NOT_LOOKED_AT)

    @Slot()
    def _show_left_out(self) -> None:
        lines = "\n".join(f"{one['what']}: {one['why']}" for one in self._left_out)
        ask.message(self, "Left out", "These samples cannot be used. Training goes on without them.", lines)


def _table(parent: QWidget) -> QTableWidget:
    table = QTableWidget(parent)
    table.setObjectName("dataset.rows")
    table.setAccessibleName("First rows")
    table.setToolTip("The first rows of the table")
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(24)
    return table


def _fill(table: QTableWidget, content: dict[str, Any]) -> None:
    rows = content["rows"][:ROWS]
    table.setColumnCount(len(content["columns"]))
    table.setRowCount(len(rows))
    table.setHorizontalHeaderLabels(content["columns"])
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            table.setItem(row, column, QTableWidgetItem(cell))
    table.resizeColumnsToContents()
    table.setFixedHeight(table.horizontalHeader().sizeHint().height() + 24 * len(rows) + 18)
