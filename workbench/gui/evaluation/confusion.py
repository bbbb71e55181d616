"""The confusion matrix: counts of true against predicted classes, to be walked with the arrow keys and opened cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from workbench.gui.evaluation.canvas import PaintedPlot
from workbench.gui.theme import STEP, Themes, mix

MOST_CLASSES = 40
"""A confusion of more classes cannot be read; the tables have it."""
NARROWEST, WIDEST = 12.0, 64.0
"""Pixels of a column. A count that does not fit is left to the tool tip; nothing scrolls sideways."""
LONGEST_NAME = 120
Cell = tuple[int, int]
STEPS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}
OPENS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class Confusion(PaintedPlot):
    """Counts of true (rows) against predicted classes (columns), shaded by the share of their row."""

    chosen = Signal(int, int)
    """The cell that is to be opened."""
    walked = Signal(object)
    """Where the cell lies (a QRect) that an arrow key has come to."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(themes, "evaluation.confusion", "Confusion matrix", parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.classes: Sequence[str] = ()
        self.counts: Sequence[Sequence[int]] = ()
        self.here: Cell = (0, 0)
        """The cell that the arrow keys have come to."""
        self.open_cell: Cell | None = None
        self.setFixedHeight(0)

    def show_counts(self, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Shows classes and counts; hides itself where there are none, or too many."""
        self.classes, self.counts = classes, counts
        self.here, self.open_cell = (0, 0), None
        shown = bool(counts) and 0 < len(classes) <= MOST_CLASSES
        self.setVisible(shown)
        self._fit()
        self._describe_cell()
        self.update()

    def cell_text(self, cell: Cell) -> str:
        """A cell in a few words."""
        label, prediction = (self.classes[index] for index in cell)
        count = self.counts[cell[0]][cell[1]]
        samples = f"{count:,} sample{'' if count == 1 else 's'}"
        return f"{label}, correct: {samples}" if cell[0] == cell[1] else f"{label}, predicted {prediction}: {samples}"

    def open(self, cell: Cell) -> None:
        """Chooses a cell, as a click or Enter does."""
        self.here = self.open_cell = cell
        self._describe_cell()
        self.update()
        self.chosen.emit(*cell)

    def cell_box(self, cell: Cell) -> QRectF:
        """Where a cell lies."""
        width, height = self._width(), self._cell()
        return QRectF(self._left() + cell[1] * width, self._head() + cell[0] * height, width - 1, height - 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws names, cells and counts."""
        painter = QPainter(self)
        self._draw_names(painter)
        self._draw_cells(painter)
        theme = self._themes.current
        for cell, color, width in ((self.open_cell, theme.text, 2.0), (self.here, theme.accent, 2.0)):
            if cell is None or not self.counts or (cell is self.here and not self.hasFocus()):
                continue
            painter.setPen(QPen(QColor(color), width))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.cell_box(cell).adjusted(1, 1, -1, -1))

    def _draw_names(self, painter: QPainter) -> None:
        painter.setPen(QColor(self._themes.current.muted))
        metrics, left, head, cell = self.fontMetrics(), self._left(), self._head(), self._cell()
        upright = self._upright()
        for index, name in enumerate(self.classes):
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, LONGEST_NAME)
            row = QRectF(0, head + index * cell, left - 2 * STEP, cell)
            painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
            x = left + index * self._width()
            if not upright:
                painter.drawText(QRectF(x, 0, self._width(), head), Qt.AlignmentFlag.AlignCenter, text)
                continue
            painter.save()
            painter.translate(x, head - STEP)
            painter.rotate(-90)
            column = QRectF(0, 0, head, self._width())
            painter.drawText(column, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
            painter.restore()

    def _draw_cells(self, painter: QPainter) -> None:
        theme, metrics = self._themes.current, self.fontMetrics()
        for row, counts in enumerate(self.counts):
            whole = max(sum(counts), 1)
            for column, count in enumerate(counts):
                box = self.cell_box((row, column))
                shade = theme.train if row == column else theme.val
                strength = 0.08 + 0.62 * count / whole
                painter.fillRect(box, QColor(mix(shade, theme.plot, strength) if count else theme.plot))
                painter.setPen(QColor(theme.text if count else theme.muted))
                text = f"{count:,}"
                if metrics.horizontalAdvance(text) <= box.width():
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a cell opens it."""
        cell = self._cell_at(event.position().toPoint())
        if cell is not None:
            self.open(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys walk, Enter opens."""
        key = Qt.Key(event.key())
        last = len(self.counts) - 1
        if not self.counts:
            super().keyPressEvent(event)
        elif key in OPENS:
            self.open(self.here)
        elif key in STEPS:
            down, right = STEPS[key]
            self._walk((min(max(self.here[0] + down, 0), last), min(max(self.here[1] + right, 0), last)))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._walk((self.here[0], 0 if key == Qt.Key.Key_Home else last))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Shows where the arrow keys are."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hides it."""
        super().focusOutEvent(event)
        self.update()

    def event(self, event: QEvent) -> bool:
        """Describes the cell where the pointer rests."""
        if isinstance(event, QHelpEvent):
            cell = self._cell_at(event.pos())
            if cell is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), f"{self.cell_text(cell)}. Click to see them", self)
            return True
        return super().event(event)

    def _walk(self, cell: Cell) -> None:
        self.here = cell
        self._describe_cell()
        self.update()
        self.walked.emit(self.cell_box(cell).toRect().adjusted(-self._left(), -self._head(), STEP, STEP))

    def _describe_cell(self) -> None:
        self.setAccessibleDescription(self.cell_text(self.here) if self.counts and self.classes else "")

    def _fit(self) -> None:
        shown = bool(self.counts) and len(self.classes) <= MOST_CLASSES
        self.setFixedHeight(self._head() + len(self.classes) * self._cell() + STEP if shown else 0)

    def _cell_at(self, point: QPoint) -> Cell | None:
        column = int((point.x() - self._left()) // self._width())
        row = int((point.y() - self._head()) // self._cell())
        size = len(self.counts)
        return (row, column) if 0 <= row < size and 0 <= column < size else None

    def _cell(self) -> int:
        return self.fontMetrics().height() + 2 * STEP

    def _names(self) -> int:
        widest = max((self.fontMetrics().horizontalAdvance(name) for name in self.classes), default=0)
        return min(widest, LONGEST_NAME)

    def _upright(self) -> bool:
        """Whether the names of the columns stand on end: lying they would not fit."""
        return self._names() > WIDEST - STEP or (self._names() > 2 * STEP and len(self.classes) > 12)

    def _head(self) -> int:
        return self._names() + 2 * STEP if self._upright() else self._cell()

    def _left(self) -> int:
        return self._names() + 3 * STEP

    def _width(self) -> float:
        room = (self.width() - self._left()) / max(len(self.classes), 1)
        return min(WIDEST, max(NARROWEST, room))
