"""The dialog of a search: points that come one after the other, a suggestion, Apply."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.config.problems import Problem
from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Themes
from workbench.gui.tuning.plot import TriedValue, TuningPlot
from workbench.launch.tuning import TuningKind, TuningResult
from workbench.runs.service.tuning import BatchSizeTrial, LearningRatePoint, TuningPoint, WorkersTrial

BY_FALL = "where the loss falls fastest"
TOO_LARGE = "memory runs out"


@dataclass(frozen=True)
class _Texts:
    """The texts of a kind of tuning."""

    title: str
    across: str
    upwards: str
    columns: tuple[str, ...] = ()


TEXTS: dict[TuningKind, _Texts] = {
    "lr": _Texts("Find a learning rate", "learning rate", "loss, smoothed"),
    "batch": _Texts(
        "Find a batch size", "batch size", "samples per second", ("Batch size", "Samples per second", "Memory")
    ),
    "workers": _Texts(
        "Find a number of loader workers", "loader workers", "samples per second", ("Workers", "Samples per second")
    ),
}


class TuningDialog(QDialog):
    """Emits ``cancelled``, ``applied`` with the suggestion that the person takes, and ``left`` when it was closed."""

    cancelled = Signal()
    applied = Signal(object)
    left = Signal()

    def __init__(self, kind: TuningKind, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = kind
        self.suggestion: float | int | None = None
        self.points: list[TuningPoint] = []
        texts = TEXTS[kind]
        self.setObjectName("dialog.finder")
        self.setWindowTitle(texts.title)
        self.plot = TuningPlot(themes, texts.across, texts.upwards, logarithmic=kind == "lr", parent=self)
        self.table = self._make_table(texts.columns)
        self.progress = QProgressBar(self)
        self.progress.setObjectName("finder.progress")
        self.progress.setAccessibleName("Share that is done")
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.status = self._label("finder.status")
        self.status.setText("Starting an engine…")
        self.warning = self._label("finder.warning")
        self.warning.setProperty("role", "warning")
        self.warning.hide()
        self._make_buttons()
        self._arrange()

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(name)
        label.setWordWrap(True)
        return label

    def _make_table(self, columns: tuple[str, ...]) -> QTableWidget:
        table = QTableWidget(0, len(columns), self)
        table.setObjectName("finder.table")
        table.setAccessibleName("What was tried")
        table.setHorizontalHeaderLabels(columns)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setStretchLastSection(True)
        table.verticalHeader().hide()
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        table.setShowGrid(False)
        table.setMinimumWidth(92 * STEP)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        table.setVisible(bool(columns))
        return table

    def _make_buttons(self) -> None:
        self.buttons = QDialogButtonBox(self)
        self.apply = self._button("Apply", "finder.apply", QDialogButtonBox.ButtonRole.ApplyRole)
        self.apply.setToolTip("Puts the suggestion into the settings; it can be undone.")
        self.apply.setEnabled(False)
        self.apply.clicked.connect(self._apply)
        self.cancel = self._button("Cancel", "finder.cancel", QDialogButtonBox.ButtonRole.ActionRole)
        self.cancel.setToolTip("Ends the search at once. What was measured so far stays.")
        self.cancel.clicked.connect(self.cancelled)
        self.leave = self._button("Close", "finder.close", QDialogButtonBox.ButtonRole.RejectRole)
        self.leave.hide()
        self.buttons.rejected.connect(self.reject)
        self.finished.connect(self.left)

    def _button(self, text: str, name: str, role: QDialogButtonBox.ButtonRole) -> QPushButton:
        button = QPushButton(text, self.buttons)
        button.setObjectName(name)
        button.setAutoDefault(False)
        self.buttons.addButton(button, role)
        return button

    def _arrange(self) -> None:
        seen = QHBoxLayout()
        seen.setSpacing(3 * STEP)
        seen.addWidget(self.plot, 1)
        seen.addWidget(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * STEP, 4 * STEP, 4 * STEP, 4 * STEP)
        layout.setSpacing(3 * STEP)
        layout.addLayout(seen, 1)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        layout.addWidget(self.warning)
        layout.addWidget(self.buttons)
        self.resize(220 * STEP, 110 * STEP)

    def show_warning(self, text: str) -> None:
        """Says what stands in the way of good measurements."""
        self.warning.setText(text)
        self.warning.show()

    def add_point(self, point: TuningPoint, share: float) -> None:
        """Shows one more point; ``share`` of the search is done."""
        self.points.append(point)
        self.progress.setValue(round(1000 * share))
        tried, outcome, cells = _describe(point)
        self.plot.add_value(tried)
        if cells:
            self._add_row(cells)
        self.status.setText(f"Tried {TEXTS[self.kind].across} {tried.text}: {outcome}")

    def show_result(self, result: TuningResult) -> None:
        """The end: what is suggested and why, or why nothing is."""
        if result.suggestion is None:
            self.end_search(f"No suggestion: {result.note}.")
            return
        self.suggestion = result.suggestion
        self.plot.show_suggestion(float(result.suggestion))
        why = BY_FALL if self.kind == "lr" else result.note
        self.end_search(f"Suggestion: {TEXTS[self.kind].across} {result.suggestion:g}, {why}.")
        self.progress.setValue(self.progress.maximum())
        self.apply.setEnabled(True)
        self.apply.setDefault(True)
        self.apply.setFocus()

    def show_problems(self, problems: tuple[Problem, ...]) -> None:
        """Says why nothing can be tried."""
        self.end_search("\n".join(str(problem) for problem in problems), role="error")

    def end_search(self, text: str, role: str = "") -> None:
        """Nothing is tried any more."""
        self.status.setText(text)
        self.status.setProperty("role", role)
        self.status.style().unpolish(self.status)
        self.status.style().polish(self.status)
        self.cancel.hide()
        self.leave.show()

    def _add_row(self, cells: tuple[str, ...]) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, column, item)
        self.table.scrollToBottom()

    @Slot()
    def _apply(self) -> None:
        if self.suggestion is not None:
            self.applied.emit(self.suggestion)


def _describe(point: TuningPoint) -> tuple[TriedValue, str, tuple[str, ...]]:
    """A point on the plot, its outcome in the status, and its row in the table (none for a sweep)."""
    match point:
        case LearningRatePoint():
            tried = TriedValue(point.lr, point.loss, ticks.number(point.lr, 3))
            return tried, f"loss {ticks.number(point.loss)}", ()
        case WorkersTrial():
            tried = TriedValue(point.workers, point.samples_per_second, str(point.workers))
            speed = f"{point.samples_per_second:,.0f}"
            return tried, f"{speed} samples per second", (str(point.workers), speed)
        case BatchSizeTrial():
            y = point.samples_per_second if point.fits else None
            speed = f"{point.samples_per_second:,.0f}" if point.fits else TOO_LARGE
            outcome = f"{speed} samples per second" if point.fits else TOO_LARGE
            row = (str(point.batch_size), speed, ticks.size(point.memory))
            return TriedValue(point.batch_size, y, str(point.batch_size)), outcome, row
        case _:
            raise TypeError(f"{point.kind} is not shown as a search")
