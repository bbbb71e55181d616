"""The architecture panel: the network, and its layers as a real forward pass finds them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from workbench.config.problems import Problem
from workbench.gui.document.document import Document
from workbench.gui.document.trusted_files import TrustedFiles
from workbench.gui.forms.form import SettingsForm
from workbench.gui.panels.panel import NO_PREVIEW, Panel, PreviewRequester, sentences, show_text
from workbench.gui.panels.trust_notice import OwnFile
from workbench.gui.plots import ticks
from workbench.gui.plots.ticks import size
from workbench.gui.service.busy_indicator import BusyIndicator
from workbench.gui.service.client import ServiceClient
from workbench.gui.theme import Themes
from workbench.launch.service import RequestType
from workbench.runs.service.inspection import LayerSummary, ModelSummary
from workbench.runs.service.requests import SummarizeModel

MOST_ROWS = 9
ROW_HEIGHT = 22
COLUMNS = ("Layer", "Output", "Parameters", "Mult-adds")


class ArchitecturePanel(Panel):
    """Architecture with its layer table."""

    def __init__(
        self,
        document: Document,
        service: ServiceClient,
        themes: Themes,
        own_files: TrustedFiles,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("panel.architecture", document, SettingsForm(document, ("model",), themes), parent)
        self._own_file = OwnFile(document, own_files, "model", self)
        self.body.addWidget(self._own_file)
        self._facts = self.add_label("muted", "architecture.facts")
        texts: dict[RequestType, str] = {SummarizeModel: "Building the network…"}
        self.body.addWidget(BusyIndicator(service, texts, "architecture.waiting", self, wrap=True))
        self._problem = self.add_label("error", "architecture.problem")
        self.table = _table(self)
        self.table.hide()
        self.body.addWidget(self.table)
        self._requester = PreviewRequester(document, service, SummarizeModel, ("dataset", "model"), {})
        self._requester.answered.connect(self.show_model)
        self._requester.refused.connect(self._show_problems)
        self._requester.cancelled.connect(self._show_cancelled)
        own_files.trusted.connect(self._requester.request_again)

    @Slot(object)
    def show_model(self, model: ModelSummary) -> None:
        """Shows the layers of the network."""
        self.document.set_outside_problems("model", ())
        show_text(self._problem, "")
        layers = model.layers
        self.set_summary(f"{model.parameters:,} parameters")
        show_text(self._facts, _facts(model))
        self.table.setRowCount(len(layers))
        for row, layer in enumerate(layers):
            output = " x ".join(str(part) for part in layer.output)
            count = f"{layer.parameters:,}" if layer.parameters else "–"
            work = count_of(layer.multiply_adds) if layer.multiply_adds else "–"
            for column, text in enumerate((layer.type, output, count, work)):
                item = QTableWidgetItem(text)
                item.setToolTip(_layer_text(layer, output))
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        shown = min(len(layers), MOST_ROWS)
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + ROW_HEIGHT * shown + 4)
        self.table.show()

    @Slot(object)
    def _show_problems(self, problems: tuple[Problem, ...]) -> None:
        problems = self._own_file.without_own(problems)
        own = tuple(problem for problem in problems if not problem.path.startswith("dataset."))
        self.document.set_outside_problems("model", own)
        show_text(self._problem, sentences(tuple(problem for problem in own if not self.document.has(problem.path))))
        self.set_summary("not buildable yet")
        show_text(self._facts, "")
        self.table.hide()

    @Slot()
    def _show_cancelled(self) -> None:
        """The network was not built to the end, and nothing is known against it."""
        self._show_problems(())
        self.set_summary("no preview")
        show_text(self._facts, NO_PREVIEW)


def _facts(model: ModelSummary) -> str:
    whole, trained = model.parameters, model.trainable
    parameters = f"{whole:,} parameters" + ("" if trained == whole else f", {trained:,} of them trained")
    work = f"{count_of(model.multiply_adds)} multiply-adds a sample"
    return f"{parameters} · {size(model.bytes)} · {len(model.layers)} layers · {work}"


def _layer_text(layer: LayerSummary, output: str) -> str:
    """All that is known of a layer."""
    lines = [f"{layer.name}: {layer.type} → {output}"]
    if layer.parameters:
        frozen = layer.parameters - layer.trainable
        held = "all trained" if not frozen else "frozen" if not layer.trainable else f"{frozen:,} frozen"
        lines.append(f"{layer.parameters:,} parameters, {held}")
    if layer.multiply_adds:
        lines.append(f"{layer.multiply_adds:,} multiply-adds for one sample")
    return "\n".join(lines)


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
