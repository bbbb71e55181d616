"""The finders as a person sees them: points that come one after the other, a suggestion, Apply."""

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
from workbench.gui.tuning.plot import FinderPlot, Spot
from workbench.launch.tuning import Found, Kind, Point

BY_FALL = "where the loss falls fastest"
TOO_LARGE = "memory runs out"


@dataclass(frozen=True)
class _Words:
    """What a finder says of itself."""

    title: str
    across: str
    upwards: str
    columns: tuple[str, ...] = ()


WORDS: dict[Kind, _Words] = {
    "lr": _Words("Find a learning rate", "learning rate", "loss, smoothed"),
    "batch": _Words(
        "Find a batch size", "batch size", "samples per second", ("Batch size", "Samples per second", "Memory")
    ),
    "workers": _Words(
        "Find a number of loader workers", "loader workers", "samples per second", ("Workers", "Samples per second")
    ),
}


class FinderDialog(QDialog):
    """Says ``cancelled``, ``applied`` with the suggestion that the person takes, and ``left`` when it was closed."""

    cancelled = Signal()
    applied = Signal(object)
    left = Signal()

    def __init__(self, kind: Kind, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = kind
        self.suggestion: float | int | None = None
        self.points: list[Point] = []
        words = WORDS[kind]
        self.setObjectName("dialog.finder")
        self.setWindowTitle(words.title)
        self.plot = FinderPlot(themes, words.across, words.upwards, logarithmic=kind == "lr", parent=self)
        self.table = self._make_table(words.columns)
        self.progress = QProgressBar(self)
        self.progress.setObjectName("finder.progress")
        self.progress.setAccessibleName("Share that is done")
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.status = self._label("finder.status")
        self.status.setText("Starting an engine that tries it…")
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
        self.cancel.setToolTip("Ends the search at once. What was found so far stays to be seen.")
        self.cancel.clicked.connect(self.cancelled)
        self.leave = self._button("Close", "finder.close", QDialogButtonBox.ButtonRole.RejectRole)
        self.leave.hide()
        self.buttons.rejected.connect(self.reject)
        self.finished.connect(self.left)

    def _button(self, words: str, name: str, role: QDialogButtonBox.ButtonRole) -> QPushButton:
        button = QPushButton(words, self.buttons)
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

    def warn(self, words: str) -> None:
        """Says what stands in the way of good measurements."""
        self.warning.setText(words)
        self.warning.show()

    def add(self, point: Point, share: float) -> None:
        """Shows one more point; ``share`` of the search is done."""
        self.points.append(point)
        self.progress.setValue(round(1000 * share))
        spot = _spot(self.kind, point)
        self.plot.add(spot)
        if self.kind != "lr":
            self._add_row(point)
        self.status.setText(f"Tried {WORDS[self.kind].across} {spot.words}: {_outcome(self.kind, point)}")

    def show_found(self, found: Found) -> None:
        """The end: what is suggested and why, or why nothing is."""
        if found.suggestion is None:
            self.end(f"No suggestion: {found.note}.")
            return
        self.suggestion = found.suggestion
        self.plot.suggest(float(found.suggestion))
        why = BY_FALL if self.kind == "lr" else found.note
        self.end(f"Suggestion: {WORDS[self.kind].across} {found.suggestion:g}, {why}.")
        self.progress.setValue(self.progress.maximum())
        self.apply.setEnabled(True)
        self.apply.setDefault(True)
        self.apply.setFocus()

    def refuse(self, problems: tuple[Problem, ...]) -> None:
        """Says why nothing can be tried."""
        self.end("\n".join(str(problem) for problem in problems), role="error")

    def end(self, words: str, role: str = "") -> None:
        """Nothing is tried any more."""
        self.status.setText(words)
        self.status.setProperty("role", role)
        self.status.style().unpolish(self.status)
        self.status.style().polish(self.status)
        self.cancel.hide()
        self.leave.show()

    def _add_row(self, point: Point) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        for column, text in enumerate(_cells(self.kind, point)):
            item = QTableWidgetItem(text)
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, column, item)
        self.table.scrollToBottom()

    @Slot()
    def _apply(self) -> None:
        if self.suggestion is not None:
            self.applied.emit(self.suggestion)


def _spot(kind: Kind, point: Point) -> Spot:
    if kind == "lr":
        return Spot(point["lr"], point["loss"], ticks.number(point["lr"], 3))
    value = point["batch_size" if kind == "batch" else "workers"]
    fits = point.get("fits", True)
    return Spot(value, point["samples_per_second"] if fits else None, str(value))


def _outcome(kind: Kind, point: Point) -> str:
    if kind == "lr":
        return f"loss {ticks.number(point['loss'])}"
    return f"{point['samples_per_second']:,.0f} samples per second" if point.get("fits", True) else TOO_LARGE


def _cells(kind: Kind, point: Point) -> tuple[str, ...]:
    speed = f"{point['samples_per_second']:,.0f}" if point.get("fits", True) else TOO_LARGE
    if kind == "workers":
        return str(point["workers"]), speed
    return str(point["batch_size"]), speed, ticks.size(point["memory"])
