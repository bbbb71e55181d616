"""The history of a device's memory. Imports pyqtgraph: import it late."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from workbench.gui.plots import ticks
from workbench.gui.plots.axes import TimeAxis, size_axis
from workbench.gui.plots.lines import nearest_index
from workbench.gui.plots.plot import LegendEntry, TitledPlot, pen
from workbench.gui.theme import Theme
from workbench.runs.series import PointSeries, decimate


class MemoryChart(TitledPlot):
    """Memory of this run, and used by all processes, over the time since the run's start."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("History", TimeAxis("bottom"), size_axis("memory"), parent)
        self.setAccessibleName("History of memory")
        self.title.hide()
        self.run = pg.PlotCurveItem(connect="finite")
        self.all_processes = pg.PlotCurveItem(connect="finite")
        for item in (self.all_processes, self.run):
            self.canvas.addItem(item, ignoreBounds=True)
        self.canvas.setMouseEnabled(x=False, y=False)
        self.canvas.hovered.connect(self._hover)
        self._curves: tuple[PointSeries, PointSeries] | None = None
        self._theme: Theme | None = None
        self._cursor: float | None = None

    def show_curves(self, curves: tuple[PointSeries, PointSeries], theme: Theme) -> None:
        """Draws the history up to now."""
        if theme is not self._theme:
            self._theme = theme
            self.apply_theme(theme)
            self.run.setPen(pen(theme.memory_run))
            self.all_processes.setPen(pen(theme.memory_other))
        self._curves = curves
        run, all_processes = curves
        for item, series in ((self.run, run), (self.all_processes, all_processes)):
            item.setData(*decimate(series.x, series.y, self.pixels()))
        if len(run):
            most = max(float(run.y.max()), float(all_processes.y.max()))
            self.set_ranges((0.0, max(10.0, 1.06 * float(run.x[-1]))), (-0.04 * most, 1.1 * most or 1.0))
        self._hover(self._cursor)

    def _hover(self, x: float | None) -> None:
        self._cursor = x
        if self._curves is None or self._theme is None or not len(self._curves[0]):
            return
        run, all_processes = self._curves
        index = len(run) - 1 if x is None else nearest_index(run, x)
        if index is None:
            return
        self.set_cursor(None if x is None else float(run.x[index]))
        entries = [
            LegendEntry("this run", self._theme.memory_run, ticks.size(float(run.y[index]))),
            LegendEntry("all processes", self._theme.memory_other, ticks.size(float(all_processes.y[index]))),
        ]
        if x is not None:
            entries.append(LegendEntry("at", "transparent", ticks.duration(float(run.x[index])), symbol=""))
        self.set_legend(entries)
