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
"""Screen readers are told new values at most this often."""


class CurveControls(QWidget):
    """Smoothing, logarithmic axis, outliers, following. Says ``changed`` when one of them is another."""

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
        self.place = QLabel()
        self.place.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.place.setProperty("role", "muted")
        layout.addWidget(self.place, 1)
        self._name_all()
        self._smoothing_changed()
        self.smoothing.valueChanged.connect(self._smoothing_changed)
        for box in (self.logarithmic, self.ignore_outliers, self.follow):
            box.toggled.connect(self.changed)

    def _name_all(self) -> None:
        named: tuple[tuple[QWidget, str, str, str], ...] = (
            (self.smoothing, "smoothing", "Smoothing", "How much of the past each smoothed value carries: 0 is none."),
            (self.logarithmic, "log", "Logarithmic axis", "Draws loss and learning rate over powers of ten."),
            (self.ignore_outliers, "outliers", "Ignore outliers", "Lets rare spikes leave the picture."),
            (self.follow, "follow", "Follow", "Always shows the whole run. Dragging or zooming switches it off."),
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
        themes.changed.connect(self._dress)
        self.controls.changed.connect(self._look_changed)

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
    def invite(self, samples: str) -> None:
        """Where there is no run to show, says what one would begin with: ``1,797 handwritten digits``."""
        self.empty.setText(f"Press Train to start with {samples}." if samples else EMPTY)

    def fill(self) -> None:
        """Makes the plots. Call it when the window is on the screen: it imports pyqtgraph."""
        if self._charts is not None:
            return
        from workbench.gui.training.run_charts import RunCharts

        self._charts = RunCharts(self)
        for place, chart in enumerate(self._charts.all):
            self._grid.addWidget(chart, place // 2, place % 2)
            chart.canvas.hovered.connect(self._hovered)
            chart.canvas.moved.connect(self._user_moved)
            chart.canvas.reset_wanted.connect(self._follow_again)
        self._dress()

    @property
    def charts(self) -> RunCharts | None:
        """The plots, once they are made."""
        return self._charts

    def show_progress(self, progress: Progress | None) -> None:
        """Draws what is new in ``progress``; another one is another run. Cheap when nothing is new, or nobody looks."""
        if progress is not self._progress:
            self._progress = progress
            self._rebuild()
        self._pages.setCurrentIndex(0 if self._charts is None or not _has_begun(progress) else 1)
        if self.isVisible():
            self._draw()

    def set_overlays(self, overlays: list[tuple[str, Progress]]) -> None:
        """Draws the smoothed curves of these runs, by their labels, beside those of the run shown."""
        self._overlays = list(overlays)
        self._rebuild()
        if self.isVisible():
            self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Catches up on what came while nobody looked."""
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
        names = zip(self._overlays, self._overlay_colours(), strict=False)
        self.overlay_legend.setText(
            "&nbsp;&nbsp; ".join(
                f'<span style="color:{colour}">━</span>&nbsp;{escape(label)}' for (label, _), colour in names
            )
        )
        self.overlay_legend.setVisible(bool(self._overlays))

    def _overlay_colours(self) -> list[str]:
        colours = self._themes.current.overlays
        return [colours[place % len(colours)] for place in range(len(self._overlays))]

    def _draw(self) -> None:
        if self._charts is None or self._progress is None:
            return
        fingerprint = _fingerprint(self._progress, self._overlays)
        if fingerprint == self._drawn:
            return
        self._drawn = fingerprint
        self._charts.draw(self._read_look(), self.controls.follow.isChecked())
        self._describe()

    def _read_look(self) -> tuple[float, bool, bool]:
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
    def _dress(self) -> None:
        if self._charts is not None:
            self._charts.dress(self._themes.current)
        self._rebuild()
        self.show_progress(self._progress)

    @Slot()
    def _look_changed(self) -> None:
        self._drawn = ()
        if self.isVisible():
            self._draw()

    @Slot(object)
    def _hovered(self, x: float | None) -> None:
        if self._charts is not None:
            self._charts.hover(x)
            self.controls.place.setText(self._charts.cursor_words())

    @Slot()
    def _user_moved(self) -> None:
        sender = self.sender()
        if self._charts is not None:
            self._charts.moved_by_hand(sender)
        self.controls.follow.setChecked(False)
        self._look_changed()

    @Slot()
    def _follow_again(self) -> None:
        self.controls.follow.setChecked(True)


def _has_begun(progress: Progress | None) -> bool:
    return progress is not None and (progress.attempt > 0 or progress.started is not None)


def _fingerprint(progress: Progress, overlays: list[tuple[str, Progress]]) -> tuple[object, ...]:
    """Something that differs whenever there is something new to draw."""
    parts: list[object] = [progress.state, progress.best, len(progress.recoveries)]
    for one in (progress, *(other for _, other in overlays)):
        parts += [(len(series), series.drops) for series in one.curves.all()]
    return tuple(parts)
