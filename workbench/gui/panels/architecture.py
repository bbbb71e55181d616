"""The architecture panel: the network, and its layers as a real forward pass finds them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from workbench.config.problems import Problem
from workbench.gui.document.document import Document
from workbench.gui.document.trusted_files import TrustedFiles
from workbench.gui.forms.form import SettingsForm
from workbench.gui.panels.panel import NOT_LOOKED_AT, Asker, Panel, sentences, tell
from workbench.gui.panels.trust_notice import OwnFile
from workbench.gui.plots import ticks
from workbench.gui.plots.ticks import size
from workbench.gui.service.busy_indicator import WaitLine
from workbench.gui.service.client import LabClient
from workbench.gui.theme import Themes

MOST_ROWS = 9
ROW_HEIGHT = 22
COLUMNS = ("Layer", "Output", "Parameters", "Mult-adds")


class ArchitecturePanel(Panel):
    """Architecture with its layer table."""

    def __init__(
        self,
        document: Document,
        lab: LabClient,
        themes: Themes,
        own_files: TrustedFiles,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("panel.architecture", document, SettingsForm(document, ("model",), themes), parent)
        self._own_file = OwnFile(document, own_files, "model", self)
        self.body.addWidget(self._own_file)
        self._facts = self.add_label("muted", "architecture.facts")
        self.body.addWidget(WaitLine(lab, {"model": "Building the network…"}, "architecture.waiting", self, wrap=True))
        self._problem = self.add_label("error", "architecture.problem")
        self.table = _table(self)
        self.table.hide()
        self.body.addWidget(self.table)
        self._asker = Asker(document, lab, "model", ("dataset", "model"), {})
        self._asker.answered.connect(self.take)
        self._asker.refused.connect(self._refuse)
        self._asker.cancelled.connect(self._leave_it)
        own_files.trusted.connect(self._asker.again)

    @Slot(object)
    def take(self, result: dict[str, Any]) -> None:
        """Shows what the lab found."""
        self.document.set_outside_problems("model", ())
        tell(self._problem, "")
        layers = result["layers"]
        self.summarise(f"{result['parameters']:,} parameters")
        tell(self._facts, _facts(result))
        self.table.setRowCount(len(layers))
        for row, layer in enumerate(layers):
            output = " x ".join(str(part) for part in layer["output"])
            count = f"{layer['parameters']:,}" if layer["parameters"] else "–"
            work = count_of(layer["multiply_adds"]) if layer["multiply_adds"] else "–"
            for column, text in enumerate((layer["type"], output, count, work)):
                item = QTableWidgetItem(text)
                item.setToolTip(_told(layer, output))
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        shown = min(len(layers), MOST_ROWS)
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + ROW_HEIGHT * shown + 4)
        self.table.show()

    @Slot(object)
    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        problems = self._own_file.without_own(problems)
        own = tuple(problem for problem in problems if not problem.path.startswith("dataset."))
        self.document.set_outside_problems("model", own)
        tell(self._problem, sentences(tuple(problem for problem in own if not self.document.has(problem.path))))
        self.summarise("not buildable yet")
        tell(self._facts, "")
        self.table.hide()

    @Slot()
    def _leave_it(self) -> None:
        """The network was not built to the end, and nothing is known against it."""
        self._refuse(())
        self.summarise("not looked at")
        tell(self._facts, NOT_LOOKED_AT)


def _facts(result: dict[str, Any]) -> str:
    whole, trained = result["parameters"], result["trainable"]
    parameters = f"{whole:,} parameters" + ("" if trained == whole else f", {trained:,} of them trained")
    work = f"{count_of(result['multiply_adds'])} multiply-adds a sample"
    return f"{parameters} · {size(result['bytes'])} · {len(result['layers'])} layers · {work}"


def _told(layer: dict[str, Any], output: str) -> str:
    """A layer in words."""
    found = [f"{layer['name']}: {layer['type']} → {output}"]
    if layer["parameters"]:
        frozen = layer["parameters"] - layer["trainable"]
        held = "all trained" if not frozen else "frozen" if not layer["trainable"] else f"{frozen:,} frozen"
        found.append(f"{layer['parameters']:,} parameters, {held}")
    if layer["multiply_adds"]:
        found.append(f"{layer['multiply_adds']:,} multiply-adds for one sample")
    return "\n".join(found)


def count_of(number: int) -> str:
    """A count in three digits: ``288``, ``1.23 M``."""
    return ticks.count(float(f"{number:.3g}"))


def _table(parent: QWidget) -> QTableWidget:
    table = QTableWidget(0, len(COLUMNS), parent)
    table.setObjectName("architecture.layers")
    table.setAccessibleName("Layers")
    table.setToolTip(
        "Every layer with its output (without the batch axis), its parameters and its multiply-adds for one sample"
    )
    table.setHorizontalHeaderLabels(COLUMNS)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.verticalHeader().setMinimumSectionSize(ROW_HEIGHT)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    return table
