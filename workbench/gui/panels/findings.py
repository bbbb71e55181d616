"""A look through the samples for what is wrong with them, and the samples that are to be left out for it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.gui.document.document import Document
from workbench.gui.panels.panel import sentences, tell
from workbench.gui.service.busy_indicator import WaitLine
from workbench.gui.service.client import LabClient
from workbench.gui.theme import STEP
from workbench.launch.service import Answer

SETTING = "dataset.leave_out"
SHOWN_CLASSES = 5
SHOWN_ROWS = 4
SPLITS = {"train": "training", "val": "validation", "test": "the test"}
FINDINGS = {
    "unreadable": ("sample cannot be read", "samples cannot be read"),
    "duplicates": (
        "sample is the same as one in another split: what is measured there is too good",
        "samples are the same as some in another split: what is measured there is too good",
    ),
    "contradictions": ("sample is the same as one of another class", "samples are the same as some of another class"),
}


class Findings(QWidget):
    """A button, what was found in words, and a list to choose from."""

    def __init__(self, document: Document, lab: LabClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dataset.findings")
        self._document, self._lab = document, lab
        self._asked: dict[str, Any] | None = None
        """The section that was looked through."""
        self.button = QPushButton("Look for problems", self)
        self.button.setObjectName("dataset.scan")
        self.button.setToolTip(
            "Read every sample: which cannot be read, which are in two splits, which classes are empty"
        )
        self.button.clicked.connect(self._look)
        self.words = QLabel(self)
        self.words.setObjectName("dataset.scan.words")
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
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
        layout.addWidget(
            WaitLine(lab, {"scan": "Looking through the samples…"}, "dataset.scan.waiting", self, wrap=True)
        )
        layout.addWidget(self.words)
        layout.addWidget(self.samples)
        layout.addWidget(self.leave_out, 0, Qt.AlignmentFlag.AlignLeft)
        document.changed.connect(self._forget)
        lab.answered.connect(self._take)
        self._clear()

    @Slot()
    def _look(self) -> None:
        section = self._document.data["dataset"]
        config = {"dataset": section, "model": {"kind": "linear"}}
        try:
            files.parse(config)
        except ConfigError as problems:
            tell(self.words, sentences(problems.problems))
            return
        self._clear()
        self._asked = section
        self._lab.ask("scan", {"config": config})

    @Slot(object)
    def _take(self, answer: Answer) -> None:
        if answer.method != "scan":
            return
        if self._asked is None:
            return
        if not answer.ok:
            self._asked = None
            tell(self.words, sentences(answer.problems))
            return
        tell(self.words, "\n".join(summary(answer.result)))
        self._list(answer.result)

    def _list(self, found: dict[str, Any]) -> None:
        can = self._document.has(SETTING)
        blocked = self.samples.blockSignals(True)
        for name, text in _named(found, can and self._document.value("dataset.kind") == "table").items():
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
        kept = [str(name) for name in before] if isinstance(before, list | tuple) else []
        self._document.set(SETTING, [*kept, *(name for name in marked if name not in kept)])
        count = f"{len(marked):,} {'sample is' if len(marked) == 1 else 'samples are'}"
        tell(self.words, f"{count} left out from the next run on. Look again to see whether that is all.")

    @Slot()
    def _forget(self) -> None:
        """What was found holds only for the settings that it was found with."""
        if self._asked is not None and self._asked != self._document.data["dataset"]:
            self._clear()

    def _clear(self) -> None:
        self._asked = None
        tell(self.words, "")
        self.samples.clear()
        self.samples.hide()
        self.leave_out.hide()


def summary(found: dict[str, Any]) -> list[str]:
    """What was found, a line for each sort."""
    counts = found["counts"]
    lines = []
    for key, (one, several) in FINDINGS.items():
        if counts[key]:
            lines.append(f"{counts[key]:,} {one if counts[key] == 1 else several}.")
    lines += [f"Class {one['name']} has no sample in {SPLITS[one['split']]}." for one in found["empty"][:SHOWN_CLASSES]]
    more = counts["empty"] - SHOWN_CLASSES
    if more > 0:
        lines.append(f"{more:,} more classes have none.")
    return lines or ["No problems found."]


def _named(found: dict[str, Any], rows: bool) -> dict[str, str]:
    """The samples that a problem was found with, by name, each with the problem. ``rows``: rows can be left out by number."""
    told: dict[str, str] = {}
    for one in found["unreadable"]:
        if rows or not one["what"].startswith("row "):
            told[one["what"]] = f"{_short(one['what'])}\n{one['why']}"
    for one in found["duplicates"]:
        there = f"{_short(one['same'])} in {SPLITS[one['other']]}"
        told.setdefault(one["what"], f"{_short(one['what'])} in {SPLITS[one['split']]}\nthe same as {there}")
    for one in found["contradictions"]:
        told.setdefault(one["what"], f"{_short(one['what'])}\n{one['why']}")
    return told


def _short(name: str) -> str:
    """A path by its folder and file."""
    return "/".join(PurePath(name).parts[-2:])
