"""Memory per device: how it is divided now, and its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from workbench.gui.plots import ticks
from workbench.gui.theme import STEP, Theme, Themes
from workbench.runs.events import DeviceMemory
from workbench.runs.progress import Progress
from workbench.runs.series import PointSeries

if TYPE_CHECKING:
    from workbench.gui.training.memory_chart import MemoryChart

EMPTY = "The memory of a run’s devices is shown here while it is running."


@dataclass(frozen=True)
class MemoryShares:
    """How a device's memory is divided, in bytes. ``run`` counts what the run has reserved, whether it uses it now or not."""

    run: int
    others: int
    free: int


def shares(device: DeviceMemory) -> MemoryShares:
    """Splits a device's memory. Samples taken one after the other need not add up: nothing becomes negative."""
    run = max(device.allocated, device.reserved)
    others = max(0, device.used - run)
    return MemoryShares(run, others, max(0, device.total - run - others))


class MemoryBar(QWidget):
    """Three parts side by side: this run, others, free."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parts = MemoryShares(0, 0, 0)
        self.colors = ("#000000", "#000000", "#000000")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As high as a line of text."""
        return QSize(160, 4 * STEP)

    def show_parts(self, parts: MemoryShares, theme: Theme) -> None:
        """Draws these."""
        colors = (theme.memory_run, theme.memory_other, theme.memory_free)
        if (parts, colors) != (self.parts, self.colors):
            self.parts, self.colors = parts, colors
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A bar with round ends."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), STEP, STEP)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), QColor(self.colors[2]))
        total = self.parts.run + self.parts.others + self.parts.free
        left = 0.0
        for part, color in zip((self.parts.run, self.parts.others), self.colors, strict=False):
            width = self.width() * part / total if total else 0.0
            width = max(width, 2.0) if part else 0.0
            painter.fillRect(QRectF(left, 0, width, self.height()), QColor(color))
            left += width
        painter.end()


class DeviceRow(QWidget):
    """One device: name, bar, numbers; and its history at the right once plots can be made."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QLabel(name)
        self.name.setProperty("role", "title")
        self.bar = MemoryBar()
        self.numbers = QLabel()
        self.numbers.setTextFormat(Qt.TextFormat.RichText)
        self.numbers.setWordWrap(True)
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.note.setWordWrap(True)
        self.chart: MemoryChart | None = None
        left = QVBoxLayout()
        left.setSpacing(STEP)
        for widget in (self.name, self.bar, self.numbers, self.note):
            left.addWidget(widget)
        left.addStretch(1)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(2 * STEP, STEP, 2 * STEP, STEP)
        self._layout.setSpacing(3 * STEP)
        self._layout.addLayout(left, 1)
        self.setMinimumHeight(26 * STEP)

    def add_chart(self) -> None:
        """Makes the history. Imports pyqtgraph."""
        if self.chart is None:
            from workbench.gui.training.memory_chart import MemoryChart

            self.chart = MemoryChart(self)
            self._layout.addWidget(self.chart, 1)

    def show_memory(self, device: DeviceMemory, ram: int, ram_total: int, theme: Theme) -> None:
        """The numbers of now."""
        parts = shares(device)
        self.bar.show_parts(parts, theme)
        named = (
            ("■", "this run", parts.run, theme.memory_run),
            ("■", "other processes", parts.others, theme.memory_other),
            ("□", "free", parts.free, theme.muted),
        )
        shown = [
            f'<span style="color:{color}">{symbol}</span>&nbsp;{_unbroken(name)}&nbsp;<b>{_unbroken(ticks.size(n))}</b>'
            for symbol, name, n, color in named
        ]
        self.numbers.setText("&nbsp; ".join(shown))
        notes = [f"{ticks.size(device.total)} total"]
        if device.reserved > device.allocated:
            notes.append(f"{ticks.size(device.allocated)} allocated of {ticks.size(device.reserved)} reserved")
        notes.append(f"engine process {ticks.size(ram)} of {ticks.size(ram_total)} RAM")
        self.note.setText(" · ".join(notes))
        plain = f"this run {ticks.size(parts.run)}, other processes {ticks.size(parts.others)}, free {ticks.size(parts.free)}"
        self.setAccessibleName(f"Memory of {device.name}")
        if self.accessibleDescription() != plain:
            self.setAccessibleDescription(plain)
            self.bar.setToolTip(plain)

    def show_history(self, curves: tuple[PointSeries, PointSeries], theme: Theme) -> None:
        """The curves so far."""
        if self.chart is not None:
            self.chart.show_curves(curves, theme)


class MemoryView(QWidget):
    """A row per device. Empty until a run says what its devices have."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.memory")
        self.setAccessibleName("Memory")
        self._themes = themes
        self._progress: Progress | None = None
        self._filled = False
        self._drawn: tuple[object, ...] = ()
        self.rows: dict[str, DeviceRow] = {}
        self.empty = QLabel(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setProperty("role", "empty")
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, STEP, 0, STEP)
        self._column.setSpacing(STEP)
        self._column.addWidget(self.empty, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        themes.changed.connect(self._apply_theme)

    def fill(self) -> None:
        """Makes the histories. Call it when the window is on the screen: it imports pyqtgraph."""
        self._filled = True
        self._apply_theme()

    def show_progress(self, progress: Progress | None) -> None:
        """Draws what is new. Cheap when nothing is, or the view is hidden."""
        self._progress = progress
        if self.isVisible():
            self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Draws what came while the view was hidden."""
        super().showEvent(event)
        self._draw()

    def _draw(self) -> None:
        progress = self._progress
        devices = progress.memory if progress is not None else ()
        fingerprint = (id(progress), self._filled, devices, *(len(c[0]) for c in self._curves().values()))
        if fingerprint == self._drawn:
            return
        self._drawn = fingerprint
        self._match_rows(devices)
        for device in devices:
            if progress is not None:
                self._draw_device(self.rows[device.name], device, progress)

    def _draw_device(self, row: DeviceRow, device: DeviceMemory, progress: Progress) -> None:
        theme = self._themes.current
        if self._filled:
            row.add_chart()
        row.show_memory(device, progress.ram, progress.ram_total, theme)
        curves = self._curves().get(device.name)
        if curves is not None:
            row.show_history(curves, theme)

    def _curves(self) -> dict[str, tuple[PointSeries, PointSeries]]:
        return self._progress.memory_curves if self._progress is not None else {}

    def _match_rows(self, devices: tuple[DeviceMemory, ...]) -> None:
        self.empty.setVisible(not devices)
        wanted = {device.name for device in devices}
        for name in [name for name in self.rows if name not in wanted]:
            row = self.rows.pop(name)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for device in devices:
            if device.name not in self.rows:
                self.rows[device.name] = DeviceRow(device.name)
                self._column.addWidget(self.rows[device.name], 1)

    @Slot()
    def _apply_theme(self) -> None:
        self._drawn = ()
        self.show_progress(self._progress)


def _unbroken(text: str) -> str:
    """Spaces at which no line ends."""
    return text.replace(" ", "&nbsp;")
