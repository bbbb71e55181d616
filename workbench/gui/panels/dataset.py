"""The dataset panel: where the samples come from, and what they look like."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QAbstractItemView, QPushButton, QTableWidget, QTableWidgetItem, QWidget

from workbench.config.problems import Problem
from workbench.gui.dialogs import ask
from workbench.gui.document.document import Document
from workbench.gui.document.trusted_files import TrustedFiles
from workbench.gui.forms.form import SettingsForm
from workbench.gui.panels.columns import ColumnTable
from workbench.gui.panels.findings import ScanFindings
from workbench.gui.panels.panel import NO_PREVIEW, Panel, PreviewRequester, sentences, show_text
from workbench.gui.panels.thumbnails import PointsPreview, Thumbnails
from workbench.gui.panels.trust_notice import OwnFile
from workbench.gui.plots.ticks import size
from workbench.gui.service.busy_indicator import BusyIndicator
from workbench.gui.service.client import ServiceClient
from workbench.gui.theme import Themes
from workbench.launch.service import RequestType
from workbench.runs.service.data_report import DataReport, Finding
from workbench.runs.service.requests import PreviewDataset
from workbench.runs.service.samples import DatasetPreview, LeftOutSample, PreviewTable

ROWS = 5
LOADING = {"resident": "in memory"}
"""How the samples are loaded, where the setting's value says it less well."""


class DatasetPanel(Panel):
    """Source, split, and a preview by the code that trains."""

    found = Signal(str)
    """How many samples of what there are: ``1,797 handwritten digits``; empty when they cannot be used."""

    def __init__(
        self,
        document: Document,
        service: ServiceClient,
        themes: Themes,
        own_files: TrustedFiles,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("panel.dataset", document, SettingsForm(document, ("dataset",), themes), parent)
        self._left_out: Sequence[LeftOutSample] = ()
        self._own_file = OwnFile(document, own_files, "dataset", self)
        self.body.addWidget(self._own_file)
        self._facts = self.add_label("muted", "dataset.facts")
        texts: dict[RequestType, str] = {PreviewDataset: "Reading the samples…"}
        self.body.addWidget(BusyIndicator(service, texts, "dataset.waiting", self, wrap=True))
        self._problem = self.add_label("error", "dataset.problem")
        self._questions = self.add_label("error", "dataset.questions")
        self._warning = self.add_label("warning", "dataset.warning")
        self._assumed = self.add_label("muted", "dataset.assumed")
        self._list = QPushButton("Show what is left out", self)
        self._list.setObjectName("dataset.left_out")
        self._list.setAccessibleName("Show what is left out")
        self._list.setToolTip("List the samples that cannot be used, each with the reason")
        self._list.clicked.connect(self._show_left_out)
        self._list.hide()
        self.body.addWidget(self._list, 0, Qt.AlignmentFlag.AlignLeft)
        self.findings = ScanFindings(document, service, self)
        self.body.addWidget(self.findings)
        self.thumbnails = Thumbnails(themes, self)
        self.augmented = Thumbnails(themes, self, "dataset.augmented", "Augmented training images")
        self.augmented.setToolTip("Training images as read, and as the augmentation changes them in two epochs")
        self.points = PointsPreview(themes, self)
        self.columns = ColumnTable(document, self)
        self.body.addWidget(self.columns)
        self.table = _table(self)
        for preview in (self.thumbnails, self.augmented, self.points, self.table):
            preview.hide()
            self.body.addWidget(preview)
        # Of the whole configuration only the dataset matters here; the simplest network goes with any.
        rest = {"model": {"kind": "linear"}}
        self._requester = PreviewRequester(document, service, PreviewDataset, ("dataset",), rest)
        self._requester.answered.connect(self.show_dataset)
        self._requester.refused.connect(self._show_problems)
        self._requester.cancelled.connect(self._show_cancelled)
        own_files.trusted.connect(self._requester.request_again)

    @Slot(object)
    def show_dataset(self, dataset: DatasetPreview) -> None:
        """Shows the samples and their numbers."""
        self._show_report(dataset.report)
        show_text(self._problem, "")
        self._left_out = dataset.left_out
        self._list.setVisible(dataset.left_out_count > 0)
        whole = dataset.train + dataset.val
        word = "images" if len(dataset.shape) == 3 else "rows" if dataset.table else "samples"
        classes = f" · {len(dataset.classes)} classes" if dataset.classes else " · regression"
        self.set_summary(f"{whole:,} {word}{classes}")
        digits = self.document.value("dataset.kind") == "digits"
        self.found.emit(f"{whole:,} {'handwritten digits' if digits else word}")
        shape = " x ".join(str(part) for part in dataset.shape)
        loading = LOADING.get(dataset.loading, dataset.loading)
        test = f", {dataset.test:,} for testing" if dataset.test else ""
        split = f"{dataset.train:,} for training, {dataset.val:,} for validation{test}"
        show_text(
            self._facts,
            f"{whole:,} {word}{classes}\n{split}\nEach {shape} · {size(dataset.bytes)} · {loading}",
        )
        self._show_preview(dataset)

    def _show_report(self, report: DataReport | None) -> None:
        """Shows what is open, what is doubtful and what was assumed. What is open stands at its setting too, and Train waits."""
        open_ = report.of_severity("error", "question") if report is not None else ()
        problems = tuple(Problem(finding.setting, finding.text, finding.hint) for finding in open_)
        self.document.set_outside_problems("dataset", problems)
        show_text(self._questions, _sentences(open_))
        warnings = report.of_severity("warning") if report is not None else ()
        at_settings = self._warnings_at_settings(warnings)
        self.document.set_warnings("dataset", at_settings)
        there = {warning.what for warning in at_settings}
        show_text(self._warning, _sentences([finding for finding in warnings if finding.text not in there]))
        assumed = report.of_severity("assumed") if report is not None else ()
        counted = [_sentence(report.counts_text())] if report is not None and report.left_out else []
        show_text(self._assumed, "\n".join(filter(None, (*counted, _sentences(assumed)))))
        self.columns.show_report(report)

    def _warnings_at_settings(self, warnings: Sequence[Finding]) -> tuple[Problem, ...]:
        """The warnings that are shown beside the setting that they are about; the others are listed below the form."""
        editors = {each.setting: self.form.editor(each.setting) for each in warnings}
        shown = {path for path, editor in editors.items() if editor is not None and not editor.setting.advanced}
        return tuple(Problem(each.setting, each.text, each.hint) for each in warnings if each.setting in shown)

    def _show_preview(self, dataset: DatasetPreview) -> None:
        self.thumbnails.setVisible(bool(dataset.thumbnails))
        self.points.setVisible(dataset.points is not None)
        self.table.setVisible(dataset.table is not None)
        if dataset.thumbnails:
            self.thumbnails.show_classes(dataset.thumbnails, dataset.classes)
        self.augmented.setVisible(bool(dataset.augmented))
        if dataset.augmented:
            self.augmented.show_rows(dataset.augmented)
        if dataset.points is not None:
            self.points.show_points(dataset.points)
        if dataset.table is not None:
            _fill(self.table, dataset.table)

    @Slot(object)
    def _show_problems(self, problems: tuple[Problem, ...]) -> None:
        problems = self._own_file.without_own(problems)
        self.document.set_outside_problems("dataset", problems)
        self.document.set_warnings("dataset", ())
        loose = tuple(problem for problem in problems if not self.document.has(problem.path))
        show_text(self._problem, sentences(loose))
        self.set_summary("not usable yet")
        self.found.emit("")
        for preview in (self.thumbnails, self.augmented, self.points, self.table, self._list):
            preview.hide()
        for label in (self._questions, self._warning, self._assumed, self._facts):
            show_text(label, "")
        self.columns.show_report(None)

    @Slot()
    def _show_cancelled(self) -> None:
        """The samples were not read to the end, and nothing is known against them."""
        self._show_problems(())
        self.set_summary("no preview")
        show_text(self._facts, NO_PREVIEW)

    @Slot()
    def _show_left_out(self) -> None:
        lines = "\n".join(f"{sample.what}: {sample.why}" for sample in self._left_out)
        ask.message(self, "Left out", "These samples cannot be used. They are left out of training.", lines)


def _sentences(findings: Sequence[Finding]) -> str:
    return "\n".join(_sentence(finding.text) + (f" ({finding.hint})" if finding.hint else "") for finding in findings)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


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


def _fill(table: QTableWidget, content: PreviewTable) -> None:
    rows = content.rows[:ROWS]
    table.setColumnCount(len(content.columns))
    table.setRowCount(len(rows))
    table.setHorizontalHeaderLabels(content.columns)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            table.setItem(row, column, QTableWidgetItem(cell))
    table.resizeColumnsToContents()
    table.setFixedHeight(table.horizontalHeader().sizeHint().height() + 24 * len(rows) + 18)
