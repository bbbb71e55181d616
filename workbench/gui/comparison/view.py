"""Runs that differ in some settings, side by side: their curves, and a table of what each came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.document.setting_text import values_text
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes
from workbench.runs import comparison
from workbench.runs.comparison import Member, Result
from workbench.runs.folder import RunFolder
from workbench.runs.progress import Progress

if TYPE_CHECKING:
    from workbench.gui.comparison.charts import ComparisonCharts

EMPTY = "Run → Compare… trains a run for each value of a setting, with the same initial weights and the same batches."
COLUMNS = ("Run", "State", "Epochs", "Loss", "Final", "Best", "Best epoch", "Time", "Initial weights")
_TIPS = (
    "The settings in which this run differs. Double-click shows the run.",
    "Whether the run is queued, running or has ended.",
    "Completed epochs.",
    "Training loss of the last epoch.",
    "Last value of the monitored metric.",
    "Best value of the monitored metric.",
    "Epoch of the best value.",
    "Time spent training.",
    "Hash of the weights before the first step: the same in runs that start alike.",
)
_WIDEST_RUN = 48 * STEP
_HASH_SHOWN = 8
"""Characters of a hash that are shown."""


@dataclass
class ComparedRun:
    """A run of the comparison. It has no folder before it starts; ``queued`` says that it will start."""

    member: Member
    run: RunFolder | None = None
    progress: Progress = field(default_factory=Progress)
    queued: bool = False

    def state(self) -> str:
        """Its state as it is shown."""
        if self.run is None:
            return "queued" if self.queued else "not started"
        return "starting" if self.progress.state == "new" else self.progress.state

    @property
    def title(self) -> str:
        """The settings in which it differs: ``Learning rate 0.1``."""
        return values_text(self.member.values) or self.member.label

    def result(self) -> Result | None:
        """The run in a few numbers; None before it has started."""
        if self.run is None:
            return None
        return comparison.summarised(self.run, self.member, self.progress.summary(), self.progress.state)


class ComparisonView(QWidget):
    """Emits ``opened`` with a run that is to be shown, and ``cancelled`` when the queued runs are not to be started."""

    opened = Signal(object)
    cancelled = Signal()

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.comparison")
        self.setAccessibleName("Comparison")
        self._themes = themes
        self._entries: list[ComparedRun] = []
        self._charts: ComparisonCharts | None = None
        self._create_widgets()
        self._arrange()
        themes.changed.connect(self._apply_theme)

    def _create_widgets(self) -> None:
        self.empty = QLabel(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setProperty("role", "empty")
        self.status = QLabel()
        self.status.setObjectName("view.comparison.status")
        self.status.setWordWrap(True)
        self.cancel = QPushButton("Cancel queued runs")
        self.cancel.setObjectName("view.comparison.drop")
        self.cancel.setToolTip("Queued runs are not started; the one that is running continues.")
        self.cancel.clicked.connect(self.cancelled)
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setObjectName("view.comparison.table")
        self.table.setAccessibleName("Runs of the comparison")
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self.table.fontMetrics().height() + 2 * STEP)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setHighlightSections(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.table.setColumnWidth(0, _WIDEST_RUN)
        for column, tip in enumerate(_TIPS):
            item = QTableWidgetItem(COLUMNS[column])
            item.setToolTip(tip)
            item.setTextAlignment(_alignment(column))
            self.table.setHorizontalHeaderItem(column, item)
        self.table.doubleClicked.connect(self._open)

    def _arrange(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(2 * STEP)
        line.addWidget(self.status, 1)
        line.addWidget(self.cancel)
        self._plots = QHBoxLayout()
        self._plots.setSpacing(2 * STEP)
        page = QWidget()
        inner = QVBoxLayout(page)
        inner.setContentsMargins(2 * STEP, 2 * STEP, 2 * STEP, 2 * STEP)
        inner.setSpacing(2 * STEP)
        inner.addLayout(self._plots, 3)
        inner.addLayout(line)
        inner.addWidget(self.table, 2)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)

    def fill(self) -> None:
        """Makes the plots."""
        from workbench.gui.comparison.charts import ComparisonCharts

        self._charts = ComparisonCharts(self)
        for chart in self._charts.all:
            self._plots.addWidget(chart, 1)
        self._apply_theme()

    @property
    def charts(self) -> ComparisonCharts | None:
        """The plots, once they are made."""
        return self._charts

    def show_entries(self, entries: list[ComparedRun]) -> None:
        """Shows these, as they are now."""
        self._entries = entries
        self._pages.setCurrentIndex(1 if entries else 0)
        if self.isVisible():
            self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Catches up on what came while nobody looked."""
        super().showEvent(event)
        self._refresh()

    def _refresh(self) -> None:
        results = [entry.result() for entry in self._entries]
        self.table.setRowCount(len(self._entries))
        for row, (entry, result) in enumerate(zip(self._entries, results, strict=True)):
            self._fill_row(row, entry, result)
        self.status.setText(_summary(self._entries, results))
        self.cancel.setVisible(any(entry.queued for entry in self._entries))
        if self._charts is not None:
            self._charts.show_runs([(entry.title, entry.progress) for entry in self._entries], self._colors())

    def _fill_row(self, row: int, entry: ComparedRun, result: Result | None) -> None:
        for column, text in enumerate(_cells(entry, result)):
            item = self.table.item(row, column)
            if item is None:
                item = QTableWidgetItem()
                item.setTextAlignment(_alignment(column))
                self.table.setItem(row, column, item)
            if item.text() != text:
                item.setText(text)
        first = self.table.item(row, 0)
        if first is not None:
            first.setForeground(QColor(self._colors()[row]))
            first.setToolTip("\n".join(f"{path} = {value}" for path, value in entry.member.values.items()))
        last = self.table.item(row, len(COLUMNS) - 1)
        if last is not None and result is not None and result.initial_weights:
            last.setToolTip(
                f"Initial weights {result.initial_weights}\nBatches of the first epoch {result.first_batches}"
            )

    def _colors(self) -> list[str]:
        theme = self._themes.current
        colors = (theme.train, theme.val, *theme.overlays)
        return [colors[index % len(colors)] for index in range(len(self._entries))]

    @Slot()
    def _apply_theme(self) -> None:
        if self._charts is not None:
            self._charts.apply_theme(self._themes.current)
        self._refresh()

    @Slot(QModelIndex)
    def _open(self, index: QModelIndex) -> None:
        entry = self._entries[index.row()]
        if entry.run is not None:
            self.opened.emit(entry.run)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if 2 <= column <= 7 else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _cells(entry: ComparedRun, result: Result | None) -> tuple[str, ...]:
    first = (f"━ {entry.title}", entry.state())
    if result is None or result.state == "new":
        return (*first, *("" for _ in COLUMNS[2:]))
    return (
        *first,
        str(result.epochs),
        *("" if value is None else ticks.number(value) for value in (result.final_loss, result.final, result.best)),
        str(result.best_epoch or ""),
        ticks.duration(result.seconds),
        result.initial_weights[:_HASH_SHOWN],
    )


def _summary(entries: list[ComparedRun], results: list[Result | None]) -> str:
    """How many runs have ended, and whether they can be compared at all."""
    known = [result for result in results if result is not None and result.initial_weights]
    ended = sum(entry.run is not None and entry.progress.ended is not None for entry in entries)
    metric = next((result.metric for result in known if result.metric), "")
    ended_text = f"{ended} of {len(entries)} {'run has' if len(entries) == 1 else 'runs have'} ended."
    metric_text = f" Final and Best are {metric}." if metric else ""
    if len(known) < 2:
        return ended_text + metric_text
    same_weights = len({result.initial_weights for result in known}) == 1
    same_batches = len({result.first_batches for result in known}) == 1
    alike = {
        (True, True): "All start with the same weights and see the same batches.",
        (True, False): "All start with the same weights, but see different batches.",
        (False, True): "They start with different weights, and see the same batches.",
        (False, False): "They start with different weights, and see different batches.",
    }[same_weights, same_batches]
    return f"{ended_text} {alike}{metric_text}"
