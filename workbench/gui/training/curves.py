"""The curves of a run: loss, metric, learning rate and throughput over the step, and the controls below them."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.theme import STEP, Themes
from workbench.runs.progress import Progress

if TYPE_CHECKING:
    from workbench.gui.training.run_charts import RunCharts

EMPTY = "Press Train to see the curves of a run here."
_DESCRIBE_SECONDS = 1.0
"""Screen readers are given new values at most this often."""


class CurveControls(QWidget):
    """Smoothing, logarithmic axis, outliers, following. Emits ``changed`` when one of them changes."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing.setRange(0, 99)
        self.smoothing.setValue(60)
        self.smoothing.setPageStep(10)
        self.smoothing.setMinimumWidth(72)
        self.smoothing.setMaximumWidth(160)
        self.amount = QLabel()
        self.amount.setMinimumWidth(self.amount.fontMetrics().horizontalAdvance("0.00") + STEP)
        self.logarithmic = QCheckBox("&Log axis")
        self.ignore_outliers = QCheckBox("&Ignore outliers")
        self.follow = QCheckBox("&Follow")
        self.follow.setChecked(True)
        label = QLabel("S&moothing")
        label.setBuddy(self.smoothing)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * STEP, 0, 2 * STEP, 0)
        layout.setSpacing(2 * STEP)
        for widget in (label, self.smoothing, self.amount, self.logarithmic, self.ignore_outliers, self.follow):
            layout.addWidget(widget)
        self.cursor_label = QLabel()
        self.cursor_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.cursor_label.setProperty("role", "muted")
        layout.addWidget(self.cursor_label, 1)
        self._name_all()
        self._smoothing_changed()
        self.smoothing.valueChanged.connect(self._smoothing_changed)
        for box in (self.logarithmic, self.ignore_outliers, self.follow):
            box.toggled.connect(self.changed)

    def _name_all(self) -> None:
        named: tuple[tuple[QWidget, str, str, str], ...] = (
            (
                self.smoothing,
                "smoothing",
                "Smoothing",
                "Weight of the past in each smoothed value. 0 draws the raw values.",
            ),
            (self.logarithmic, "log", "Logarithmic axis", "Draw loss and learning rate on a logarithmic axis."),
            (self.ignore_outliers, "outliers", "Ignore outliers", "Leave rare spikes out of the range that is shown."),
            (self.follow, "follow", "Follow", "Always show the whole run. Dragging or zooming switches it off."),
        )
        for widget, name, title, tip in named:
            widget.setObjectName(f"view.curves.{name}")
            widget.setAccessibleName(title)
            widget.setToolTip(tip)

    @Slot()
    def _smoothing_changed(self) -> None:
        self.amount.setText(f"{self.smoothing.value() / 100:.2f}")
        self.changed.emit()


class CurvesView(QWidget):
    """Shows the curves of one run, and beside them those of others. Empty until :meth:`fill` has made the plots."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("view.curves")
        self.setAccessibleName("Curves")
        self._themes = themes
        self._progress: Progress | None = None
        self._overlays: list[tuple[str, Progress]] = []
        self._charts: RunCharts | None = None
        self._drawn: tuple[object, ...] = ()
        self._described = 0.0
        self.empty = QLabel(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setProperty("role", "empty")
        self.controls = CurveControls()
        self.overlay_legend = QLabel()
        self.overlay_legend.setTextFormat(Qt.TextFormat.RichText)
        self.overlay_legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.overlay_legend.setContentsMargins(2 * STEP, 0, 2 * STEP, 0)
        self.overlay_legend.hide()
        self._grid = QGridLayout()
        self._arrange()
        themes.changed.connect(self._apply_theme)
        self.controls.changed.connect(self._options_changed)

    def _arrange(self) -> None:
        page = QWidget()
        inner = QVBoxLayout(page)
        inner.setContentsMargins(2 * STEP, 2 * STEP, 2 * STEP, STEP)
        inner.setSpacing(STEP)
        self._grid.setSpacing(2 * STEP)
        inner.addLayout(self._grid, 1)
        inner.addWidget(self.overlay_legend)
        inner.addWidget(self.controls)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)

    @Slot(str)
    def set_start_hint(self, samples: str) -> None:
        """Sets what is shown while there is no run. ``samples`` names the data: ``1,797 handwritten digits``."""
        self.empty.setText(f"Press Train to start with {samples}." if samples else EMPTY)

    def fill(self) -> None:
        """Makes the plots. Call it when the window is on the screen: it imports pyqtgraph."""
        if self._charts is not None:
            return
        from workbench.gui.training.run_charts import RunCharts

        self._charts = RunCharts(self)
        for index, chart in enumerate(self._charts.all):
            self._grid.addWidget(chart, index // 2, index % 2)
            chart.canvas.hovered.connect(self._hovered)
            chart.canvas.moved.connect(self._user_moved)
            chart.canvas.reset_wanted.connect(self._follow_again)
        self._apply_theme()

    @property
    def charts(self) -> RunCharts | None:
        """The plots, once they are made."""
        return self._charts

    def show_progress(self, progress: Progress | None) -> None:
        """Draws what is new in ``progress``; another one is another run. Cheap when nothing is new, or the view is hidden."""
        if progress is not self._progress:
            self._progress = progress
            self._rebuild()
        self._pages.setCurrentIndex(0 if self._charts is None or not _has_started(progress) else 1)
        if self.isVisible():
            self._draw()

    def set_overlays(self, overlays: list[tuple[str, Progress]]) -> None:
        """Draws the smoothed curves of these runs, by their labels, beside those of the run shown."""
        self._overlays = list(overlays)
        self._rebuild()
        if self.isVisible():
            self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Draws what came while the view was hidden."""
        super().showEvent(event)
        self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More pixels take more points."""
        super().resizeEvent(event)
        self._drawn = ()
        if self.isVisible():
            self._draw()

    def _rebuild(self) -> None:
        self._drawn = ()
        if self._charts is not None:
            self._charts.build(self._progress, self._overlays, self._themes.current)
        names = zip(self._overlays, self._overlay_colors(), strict=False)
        self.overlay_legend.setText(
            "&nbsp;&nbsp; ".join(
                f'<span style="color:{color}">━</span>&nbsp;{escape(label)}' for (label, _), color in names
            )
        )
        self.overlay_legend.setVisible(bool(self._overlays))

    def _overlay_colors(self) -> list[str]:
        colors = self._themes.current.overlays
        return [colors[index % len(colors)] for index in range(len(self._overlays))]

    def _draw(self) -> None:
        if self._charts is None or self._progress is None:
            return
        fingerprint = _fingerprint(self._progress, self._overlays)
        if fingerprint == self._drawn:
            return
        self._drawn = fingerprint
        self._charts.draw(self._read_options(), self.controls.follow.isChecked())
        self._describe()

    def _read_options(self) -> tuple[float, bool, bool]:
        controls = self.controls
        return (
            controls.smoothing.value() / 100,
            controls.logarithmic.isChecked(),
            not controls.ignore_outliers.isChecked(),
        )

    def _describe(self) -> None:
        ended = self._progress is not None and self._progress.ended is not None
        now = time.monotonic()
        if self._charts is not None and (ended or now - self._described >= _DESCRIBE_SECONDS):
            self._described = now
            self._charts.describe()

    @Slot()
    def _apply_theme(self) -> None:
        if self._charts is not None:
            self._charts.apply_theme(self._themes.current)
        self._rebuild()
        self.show_progress(self._progress)

    @Slot()
    def _options_changed(self) -> None:
        self._drawn = ()
        if self.isVisible():
            self._draw()

    @Slot(object)
    def _hovered(self, x: float | None) -> None:
        if self._charts is not None:
            self._charts.hover(x)
            self.controls.cursor_label.setText(self._charts.cursor_text())

    @Slot()
    def _user_moved(self) -> None:
        sender = self.sender()
        if self._charts is not None:
            self._charts.moved_by_hand(sender)
        self.controls.follow.setChecked(False)
        self._options_changed()

    @Slot()
    def _follow_again(self) -> None:
        self.controls.follow.setChecked(True)


def _has_started(progress: Progress | None) -> bool:
    return progress is not None and (progress.attempt > 0 or progress.started is not None)


def _fingerprint(progress: Progress, overlays: list[tuple[str, Progress]]) -> tuple[object, ...]:
    """Something that differs whenever there is something new to draw."""
    parts: list[object] = [progress.state, progress.best, len(progress.recoveries)]
    for run in (progress, *(other for _, other in overlays)):
        parts += [(len(series), series.drops) for series in run.curves.all()]
    return tuple(parts)
