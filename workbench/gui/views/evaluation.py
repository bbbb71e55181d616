"""How well a run's model does on a split: metrics, confusion, figures of each class, predicted against true, worst samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.config.problems import Problem
from workbench.gui.panels.panel import sentences
from workbench.gui.theme import STEP, Themes, mix

SPLITS = (("Validation", "val"), ("Training", "train"), ("Test", "test"))
MOST_CLASSES = 40
"""A confusion of more classes cannot be read; the tables have it."""


class Confusion(QWidget):
    """Counts of truth (rows) against guess (columns), shaded by the share of their row."""

    chosen = Signal(int, int)

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evaluation.confusion")
        self.setAccessibleName("Confusion matrix")
        self.setToolTip(
            "A row for each true class, a column for each class it was taken for. Click a cell to see its samples"
        )
        self._themes = themes
        self._classes: list[str] = []
        self.counts: list[list[int]] = []
        self.setFixedHeight(0)
        themes.changed.connect(self.update)

    def show_counts(self, classes: list[str], counts: list[list[int]]) -> None:
        """Takes classes and counts; hides itself where they are too many."""
        self._classes, self.counts = classes, counts
        shown = 0 < len(classes) <= MOST_CLASSES
        self.setVisible(shown)
        self.setFixedHeight((len(classes) + 1) * self._cell() + 4 * STEP if shown else 0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws names, cells and counts."""
        theme = self._themes.current
        painter = QPainter(self)
        painter.setPen(QColor(theme.muted))
        left, cell, width = self._left(), self._cell(), self._width()
        metrics = self.fontMetrics()
        for place, name in enumerate(self._classes):
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, left - 2 * STEP)
            row = QRectF(0, (place + 1) * cell, left - 2 * STEP, cell)
            painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(width))
            painter.drawText(QRectF(left + place * width, 0, width, cell), Qt.AlignmentFlag.AlignCenter, text)
        for row_number, counts in enumerate(self.counts):
            whole = max(sum(counts), 1)
            for column, count in enumerate(counts):
                box = QRectF(left + column * width, (row_number + 1) * cell, width - 1, cell - 1)
                strength = count / whole
                shade = theme.train if row_number == column else theme.val
                painter.fillRect(box, QColor(mix(shade, theme.plot, 0.08 + 0.72 * strength) if count else theme.plot))
                painter.setPen(QColor(theme.text if count else theme.muted))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"{count:,}")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a cell chooses it."""
        column = int((event.position().x() - self._left()) // self._width())
        row = int(event.position().y() // self._cell()) - 1
        if 0 <= row < len(self._classes) and 0 <= column < len(self._classes):
            self.chosen.emit(row, column)

    def _cell(self) -> int:
        return self.fontMetrics().height() + 2 * STEP

    def _left(self) -> int:
        names = max((self.fontMetrics().horizontalAdvance(name) for name in self._classes), default=0)
        return min(names, 120) + 3 * STEP

    def _width(self) -> float:
        return min(64.0, max(20.0, (self.width() - self._left()) / max(len(self._classes), 1)))


class Pairs(QWidget):
    """Predicted against true numbers; a perfect model lies on the diagonal."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evaluation.pairs")
        self.setAccessibleName("Predicted against true")
        self._themes = themes
        self.pairs: dict[str, Any] = {"true": [], "guess": []}
        self.setFixedHeight(280)
        themes.changed.connect(self.update)

    def show_pairs(self, pairs: dict[str, Any]) -> None:
        """Takes lists ``true`` and ``guess``."""
        self.pairs = pairs
        self.setVisible(bool(pairs["true"]))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws frame, diagonal and points."""
        true, guess = self.pairs["true"], self.pairs["guess"]
        if not true:
            return
        theme = self._themes.current
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width(), self.height()) - 8 * STEP
        frame = QRectF(12 * STEP, STEP, side - 4 * STEP, side - 2 * STEP)
        painter.setPen(QColor(theme.line))
        painter.fillRect(frame, QColor(theme.plot))
        painter.drawRect(frame)
        low, high = min(*true, *guess), max(*true, *guess)
        wide = max(high - low, 1e-12)

        def place(x: float, y: float) -> QPointF:
            return QPointF(
                frame.left() + (x - low) / wide * frame.width(), frame.bottom() - (y - low) / wide * frame.height()
            )

        painter.setPen(QColor(theme.muted))
        painter.drawLine(place(low, low), place(high, high))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.train))
        for x, y in zip(true, guess, strict=True):
            painter.drawEllipse(place(x, y), 2.0, 2.0)
        painter.setPen(QColor(theme.muted))
        below = QRectF(frame.left(), frame.bottom() + STEP, frame.width(), 5 * STEP)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, f"{low:.4g}")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"{high:.4g}")
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "true")
        beside = QRectF(0, frame.top(), 11 * STEP, frame.height())
        painter.drawText(beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "predicted")


class EvaluationView(QWidget):
    """Asks for an evaluation, and shows it."""

    wanted = Signal(str)
    """The split that is to be evaluated."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.evaluation")
        self.result: dict[str, Any] = {}
        self.split = QComboBox(self)
        self.split.setObjectName("evaluation.split")
        self.split.setAccessibleName("Split")
        for words, name in SPLITS:
            self.split.addItem(words, name)
        self.button = QPushButton("Evaluate", self)
        self.button.setObjectName("evaluation.start")
        self.button.setToolTip("Measure the best checkpoint of the run shown on this split")
        self.button.clicked.connect(self._ask)
        self.status = self._label("evaluation.status", "muted")
        self.status.setText("Evaluate the run shown to see what its model gets right, and where it errs.")
        self.metrics = self._label("evaluation.metrics", "title")
        self.confusion = Confusion(themes, self)
        self.confusion.chosen.connect(self._show_cell)
        self.pairs = Pairs(themes, self)
        self.classes = _table(
            "evaluation.classes", "Figures of each class", ("Class", "Precision", "Recall", "F1", "Samples")
        )
        self.worst = _table("evaluation.worst", "Worst samples", ("Sample", "Truth", "Guess", "Loss"))
        self._worst_title = self._label("evaluation.worst.title", "title")
        row = QHBoxLayout()
        row.addWidget(self.split)
        row.addWidget(self.button)
        row.addWidget(self.status, 1)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setSpacing(3 * STEP)
        for widget in (self.metrics, self.confusion, self.pairs, self.classes, self._worst_title, self.worst):
            column.addWidget(widget)
            widget.hide()
        column.addStretch(1)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(area, 1)

    def wait_for(self, words: str) -> None:
        """Says what is waited for."""
        self.button.setEnabled(False)
        self.status.setText(words)

    def refuse(self, problems: tuple[Problem, ...]) -> None:
        """Says why there is nothing to show."""
        self.button.setEnabled(True)
        self.status.setText(sentences(problems))

    def show_result(self, result: dict[str, Any]) -> None:
        """Takes what the lab found."""
        self.result = result
        self.button.setEnabled(True)
        self.status.setText(f"Epoch {result['epoch']}, step {result['step']}")
        words = {"mae": "mean absolute error", "rmse": "root mean squared error", "r2": "R²"}
        found = (f"{words.get(name, name.replace('_', ' '))} {value:.4g}" for name, value in result["metrics"].items())
        self.metrics.setText("   ".join(found))
        self.metrics.show()
        self.confusion.show_counts(result["classes"], result.get("confusion") or [])
        self.pairs.show_pairs(result.get("pairs") or {"true": [], "guess": []})
        rows = [
            (
                one["name"],
                f"{one['precision']:.3f}",
                f"{one['recall']:.3f}",
                f"{one['f1']:.3f}",
                f"{one['samples']:,.0f}",
            )
            for one in result.get("per_class") or []
        ]
        _fill(self.classes, rows)
        self._show_worst(result["worst"], "Worst samples")

    def _show_worst(self, samples: list[dict[str, Any]], title: str) -> None:
        self._worst_title.setText(title)
        self._worst_title.setVisible(bool(samples))
        _fill(self.worst, [(one["what"], one["truth"], one["guess"], f"{one['loss']:.4g}") for one in samples])

    @Slot(int, int)
    def _show_cell(self, row: int, column: int) -> None:
        names = self.result["classes"]
        found = [one for one in self.result["samples"] if one["truth"] == names[row] and one["guess"] == names[column]]
        self._show_worst(
            found, f"{names[row]}, taken for {names[column]}: {self.confusion.counts[row][column]:,} samples"
        )

    @Slot()
    def _ask(self) -> None:
        self.wanted.emit(str(self.split.currentData()))

    def _label(self, name: str, role: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(name)
        label.setProperty("role", role)
        label.setWordWrap(True)
        return label


def _table(name: str, spoken: str, headings: tuple[str, ...]) -> QTableWidget:
    table = QTableWidget(0, len(headings))
    table.setObjectName(name)
    table.setAccessibleName(spoken)
    table.setHorizontalHeaderLabels(list(headings))
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    return table


def _fill(table: QTableWidget, rows: Sequence[tuple[str, ...]]) -> None:
    table.setVisible(bool(rows))
    table.setRowCount(len(rows))
    for place, row in enumerate(rows):
        for column, text in enumerate(row):
            item = QTableWidgetItem(text)
            if column and text[:1].isdigit():
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setItem(place, column, item)
    table.resizeColumnsToContents()
    height = table.horizontalHeader().sizeHint().height() + sum(table.rowHeight(row) for row in range(len(rows))) + 4
    table.setFixedHeight(min(height, 420))
