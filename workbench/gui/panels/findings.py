"""A scan of the samples for problems, and the samples that are to be left out for them."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.gui.document.document import Document
from workbench.gui.panels.panel import sentences, show_text
from workbench.gui.service.busy_indicator import BusyIndicator
from workbench.gui.service.client import ServiceClient
from workbench.gui.theme import STEP
from workbench.launch.service import RequestType, ServiceReply
from workbench.runs.service.requests import ScanDataset
from workbench.runs.service.samples import ScanReport

SETTING = "dataset.leave_out"
SHOWN_CLASSES = 5
SHOWN_ROWS = 4
SPLITS = {"train": "training", "val": "validation", "test": "the test"}
UNREADABLE = ("sample cannot be read", "samples cannot be read")
DUPLICATES = (
    "sample is the same as one in another split: the metrics there are too good",
    "samples are the same as some in another split: the metrics there are too good",
)
CONTRADICTIONS = ("sample is the same as one of another class", "samples are the same as some of another class")


class ScanFindings(QWidget):
    """A button, a summary of the scan, and a list to choose from."""

    def __init__(self, document: Document, service: ServiceClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dataset.findings")
        self._document, self._service = document, service
        self._scanned: dict[str, Any] | None = None
        """The section that was scanned."""
        self.button = QPushButton("Look for problems", self)
        self.button.setObjectName("dataset.scan")
        self.button.setToolTip(
            "Read every sample: which cannot be read, which are in two splits, which classes are empty"
        )
        self.button.clicked.connect(self._scan)
        self.text = QLabel(self)
        self.text.setObjectName("dataset.scan.words")
        self.text.setProperty("role", "muted")
        self.text.setWordWrap(True)
        self.samples = QListWidget(self)
        self.samples.setObjectName("dataset.scan.samples")
        self.samples.setAccessibleName("Samples with problems")
        self.samples.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.samples.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.samples.itemChanged.connect(self._count)
        self.leave_out = QPushButton("Leave out", self)
        self.leave_out.setObjectName("dataset.scan.leave_out")
        self.leave_out.setToolTip("The next run is trained and measured without the samples that are marked")
        self.leave_out.clicked.connect(self._leave_out)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(STEP)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        texts: dict[RequestType, str] = {ScanDataset: "Scanning the samples…"}
        layout.addWidget(BusyIndicator(service, texts, "dataset.scan.waiting", self, wrap=True))
        layout.addWidget(self.text)
        layout.addWidget(self.samples)
        layout.addWidget(self.leave_out, 0, Qt.AlignmentFlag.AlignLeft)
        document.changed.connect(self._forget)
        service.replied.connect(self._apply_reply)
        self._clear()

    @Slot()
    def _scan(self) -> None:
        section = self._document.data["dataset"]
        try:
            config = files.parse({"dataset": section, "model": {"kind": "linear"}})
        except ConfigError as problems:
            show_text(self.text, sentences(problems.problems))
            return
        self._clear()
        self._scanned = section
        self._service.send(ScanDataset(config=config))

    @Slot(object)
    def _apply_reply(self, reply: ServiceReply) -> None:
        if not isinstance(reply.request, ScanDataset) or self._scanned is None:
            return
        if not isinstance(reply.answer, ScanReport):
            self._scanned = None
            show_text(self.text, sentences(reply.problems))
            return
        show_text(self.text, "\n".join(summary(reply.answer)))
        self._list_samples(reply.answer)

    def _list_samples(self, report: ScanReport) -> None:
        can = self._document.has(SETTING)
        blocked = self.samples.blockSignals(True)
        for name, text in _problem_samples(report, can and self._document.value("dataset.kind") == "table").items():
            item = QListWidgetItem(text)
            item.setToolTip(f"{name}\n{text}")
            item.setData(Qt.ItemDataRole.UserRole, name)
            if can:
                item.setCheckState(Qt.CheckState.Checked)
            self.samples.addItem(item)
        self.samples.blockSignals(blocked)
        rows = self.samples.count()
        self.samples.setVisible(rows > 0)
        if rows:
            self.samples.setFixedHeight(min(rows, SHOWN_ROWS) * self.samples.sizeHintForRow(0) + 2 * STEP)
        self.leave_out.setVisible(can and rows > 0)
        self._count()

    @Slot()
    def _count(self) -> None:
        count = len(self._marked())
        self.leave_out.setText(f"Leave out {count:,} sample{'' if count == 1 else 's'}")
        self.leave_out.setEnabled(count > 0)

    def _marked(self) -> list[str]:
        items = (self.samples.item(row) for row in range(self.samples.count()))
        return [
            str(item.data(Qt.ItemDataRole.UserRole)) for item in items if item.checkState() == Qt.CheckState.Checked
        ]

    @Slot()
    def _leave_out(self) -> None:
        marked = self._marked()
        before = self._document.value(SETTING)
        names = [str(name) for name in before] if isinstance(before, list | tuple) else []
        self._document.set(SETTING, [*names, *(name for name in marked if name not in names)])
        count = f"{len(marked):,} {'sample is' if len(marked) == 1 else 'samples are'}"
        show_text(self.text, f"{count} left out from the next run on. Scan again to see whether that is all.")

    @Slot()
    def _forget(self) -> None:
        """A scan holds only for the settings that it was made with."""
        if self._scanned is not None and self._scanned != self._document.data["dataset"]:
            self._clear()

    def _clear(self) -> None:
        self._scanned = None
        show_text(self.text, "")
        self.samples.clear()
        self.samples.hide()
        self.leave_out.hide()


def summary(report: ScanReport) -> list[str]:
    """The problems, a line for each sort."""
    counts = report.counts
    lines = []
    for count, (singular, plural) in (
        (counts.unreadable, UNREADABLE),
        (counts.duplicates, DUPLICATES),
        (counts.contradictions, CONTRADICTIONS),
    ):
        if count:
            lines.append(f"{count:,} {singular if count == 1 else plural}.")
    shown = report.empty[:SHOWN_CLASSES]
    lines += [f"Class {empty.name} has no sample in {SPLITS[empty.split]}." for empty in shown]
    more = counts.empty - SHOWN_CLASSES
    if more > 0:
        lines.append(f"{more:,} more classes have none.")
    return lines or ["No problems found."]


def _problem_samples(report: ScanReport, rows: bool) -> dict[str, str]:
    """The samples with a problem, by name, each with the problem. ``rows``: rows can be left out by number."""
    texts: dict[str, str] = {}
    for sample in report.unreadable:
        if rows or not sample.what.startswith("row "):
            texts[sample.what] = f"{_short(sample.what)}\n{sample.why}"
    for duplicate in report.duplicates:
        there = f"{_short(duplicate.same)} in {SPLITS[duplicate.other]}"
        here = f"{_short(duplicate.what)} in {SPLITS[duplicate.split]}"
        texts.setdefault(duplicate.what, f"{here}\nthe same as {there}")
    for sample in report.contradictions:
        texts.setdefault(sample.what, f"{_short(sample.what)}\n{sample.why}")
    return texts


def _short(name: str) -> str:
    """A path by its folder and file."""
    return "/".join(PurePath(name).parts[-2:])
