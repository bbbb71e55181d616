"""The charts of a run: what each draws of a Progress. Imports pyqtgraph: import it late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyqtgraph as pg

from workbench.gui.plots import ticks
from workbench.gui.plots.lines import NOTHING, Band, PlotPoints, Range, SeriesLine, nearest_value, steady_range, y_range
from workbench.gui.plots.plot import LegendEntry, TitledPlot, pen
from workbench.gui.theme import Theme
from workbench.runs.progress import Progress
from workbench.runs.series import Floats, PointSeries

Style = Literal["smoothed", "faint", "points", "plain"]
"""``smoothed``: raw faint and smoothed; ``faint``: smoothed alone, faint; ``points``: line with points; ``plain``: line."""
_MOST_POINTS = 300
"""More points than this on the screen are drawn as a line alone."""
_SHORT = 1500
"""Lines up to this many points are drawn smooth-edged; longer ones would cost too much."""


@dataclass(frozen=True)
class CurveOptions:
    """How the curves are drawn."""

    smoothing: float = 0.6
    logarithmic: bool = False
    outliers: bool = True


@dataclass
class Trace:
    """One curve of one run in one chart. The series may appear only later in the run (validation after the first epoch)."""

    name: str
    color: str
    progress: Progress
    find: Callable[[Progress], PointSeries | None]
    style: Style
    named: bool = True
    """Whether the legend names its value."""
    items: list[pg.GraphicsObject] = field(default_factory=list)
    drawn: tuple[tuple[object, ...], list[Floats]] = ((), [])
    """What the items were given for, and what they were given."""
    _line: SeriesLine | None = None

    def line(self) -> SeriesLine | None:
        """Its line, once there is a series."""
        series = self.find(self.progress)
        if series is None or not len(series):
            return None
        if self._line is None or self._line.series is not series:
            self._line = SeriesLine(series)
        return self._line

    def value(self, x: float | None, smoothing: float) -> float | None:
        """The value as drawn, at the point nearest to ``x``; the newest for None."""
        line = self.line()
        if line is None:
            return None
        position = float(line.series.x[-1]) if x is None else x
        if self.style in ("smoothed", "faint"):
            return line.smoothed_near(position, smoothing)
        return nearest_value(line.series, position)


class Chart(TitledPlot):
    """A plot of traces over the step."""

    from_zero = False

    def show_traces(self, traces: list[Trace], theme: Theme, band: Band | None = None) -> None:
        """Draws these from now on, in place of those before."""
        for trace in getattr(self, "traces", []):
            for item in trace.items:
                self.canvas.removeItem(item)
        for item in getattr(self, "_extra", []):
            self.canvas.removeItem(item)
        self.traces = traces
        self.theme = theme
        self.band = band
        self._bad: list[float] = []
        self._recoveries: list[float] = []
        self._best: tuple[object, ...] = ()
        for order, trace in enumerate(reversed(traces)):
            self._create_items(trace, order)
        self._create_extras(theme)

    def _create_items(self, trace: Trace, order: int) -> None:
        faint = pg.PlotCurveItem(pen=pen(trace.color, 0.25), connect="finite")
        main = pg.PlotCurveItem(pen=pen(trace.color, 0.55 if trace.style == "faint" else 1.0), connect="finite")
        dots = pg.ScatterPlotItem(size=5 if trace.named else 3, pen=None, brush=trace.color, pxMode=True)
        trace.items = [faint, main, dots]
        for depth, item in enumerate(trace.items):
            item.setZValue(10 * depth + order)
            self.canvas.addItem(item, ignoreBounds=True)

    def _create_extras(self, theme: Theme) -> None:
        self.band_item = pg.PlotCurveItem(pen=pen(theme.train, 0.15), connect="pairs")
        self.bad_marks = pg.VTickGroup(yrange=(0.0, 0.06), pen=pen(theme.error))
        self.recovery_marks = pg.VTickGroup(yrange=(0.0, 1.0), pen=pen(theme.warning, 0.7))
        self.star = pg.ScatterPlotItem(size=13, symbol="star", pen=pen(theme.plot), brush=theme.best, pxMode=True)
        self.star.setZValue(60)
        self.star_label = pg.TextItem(color=theme.muted)
        font = self.font()
        font.setPointSizeF(max(7.0, font.pointSizeF() * 0.85))
        self.star_label.setFont(font)
        self.star_label.setZValue(61)
        self.star_label.setVisible(False)
        self._extra = [self.band_item, self.bad_marks, self.recovery_marks, self.star, self.star_label]
        for item in self._extra:
            self.canvas.addItem(item, ignoreBounds=True)

    def draw(self, span: Range, options: CurveOptions) -> list[Floats]:
        """Gives every curve its points for ``span``. Returns what was drawn, for the range of y."""
        self.left.logarithmic = options.logarithmic
        buckets = self.pixels()
        drawn: list[Floats] = []
        bad: list[float] = []
        for trace in self.traces:
            line = trace.line()
            drawn += self._draw_trace(trace, line, span, options, buckets)
            bad += line.bad if line is not None and trace.named else []
        band = self.band.visible(span, buckets) if self.band is not None else NOTHING
        _set_points(self.band_item, band, options.logarithmic)
        if bad != self._bad:
            self._bad = bad
            self.bad_marks.setXVals(bad)
            self.bad_marks.setVisible(bool(bad))
        return drawn

    def _draw_trace(
        self, trace: Trace, line: SeriesLine | None, span: Range, options: CurveOptions, buckets: int
    ) -> list[Floats]:
        key = (line.state() if line is not None else None, span, options, buckets)
        if key != trace.drawn[0]:
            trace.drawn = key, self._redraw_trace(trace, line, span, options, buckets)
        return trace.drawn[1]

    def _redraw_trace(
        self, trace: Trace, line: SeriesLine | None, span: Range, options: CurveOptions, buckets: int
    ) -> list[Floats]:
        faint, main, dots = trace.items
        raw = line.visible(span, buckets) if line is not None else NOTHING
        smoothed = raw
        if line is not None and trace.style in ("smoothed", "faint"):
            smoothed = line.smoothed(options.smoothing, span, buckets)
        show_raw = trace.style == "smoothed" and options.smoothing > 0
        with_points = trace.style == "points" and len(raw.x) <= _MOST_POINTS
        used = [_set_points(main, smoothed, options.logarithmic)]
        if trace.style == "smoothed":
            used.append(_set_points(faint, raw if show_raw else NOTHING, options.logarithmic))
        if trace.style == "points":
            dots.setData(raw.x, _as_drawn(raw.y, options.logarithmic)) if with_points else dots.clear()
        return used

    def fit_y(self, drawn: list[Floats], options: CurveOptions) -> None:
        """Shows all of what was drawn, or all but the outliers; from zero where that is what the numbers are about."""
        needed = y_range(drawn, options.outliers)
        if needed is None:
            self.set_ranges(y=(-1.0, 0.0) if options.logarithmic else (0.0, 1.0))
        else:
            if self.from_zero:
                needed = (-0.04 * needed[1], needed[1])
            shown = self.canvas.getViewBox().viewRange()[1]
            self.set_ranges(y=steady_range(needed, (float(shown[0]), float(shown[1])), room=0.04))

    def mark_recoveries(self, steps: list[float]) -> None:
        """Lines over the whole height, where the run recovered from an error."""
        if steps != self._recoveries:
            self._recoveries = steps
            self.recovery_marks.setXVals(steps)
            self.recovery_marks.setVisible(bool(steps))

    def mark_best(self, x: float | None, y: float | None, label: str, options: CurveOptions) -> None:
        """The star at the best epoch, its label turned towards the middle of the plot."""
        (left, right), (low, high) = self.canvas.getViewBox().viewRange()
        best = (x, y, label, options.logarithmic, left, right, low, high)
        if best == self._best:
            return
        self._best = best
        value = _as_drawn(np.array([y if y is not None else np.nan]), options.logarithmic)[0]
        seen = x is not None and bool(np.isfinite(value))
        self.star_label.setVisible(seen)
        if not seen:
            self.star.clear()
            return
        self.star.setData([x], [value])
        to_left = x is not None and x > (left + right) / 2
        self.star_label.setAnchor((1.0 if to_left else 0.0, -0.5 if value > (low + high) / 2 else 1.5))
        self.star_label.setText(label)
        self.star_label.setPos(x, value)

    def name_values(self, x: float | None, options: CurveOptions) -> list[LegendEntry]:
        """Puts the values at ``x``, or the newest, into the legend. Gives them for those who cannot see it."""
        entries = []
        for trace in self.traces:
            value = trace.value(x, options.smoothing) if trace.named else None
            if value is not None:
                entries.append(LegendEntry(trace.name, trace.color, ticks.number(value)))
        bad = sum(len(line.bad) for trace in self.traces if trace.named and (line := trace.line()) is not None)
        if bad:
            entries.append(LegendEntry("not a number", self.theme.error, f"{bad}×", symbol="▎"))
        if self._recoveries:
            entries.append(LegendEntry("recovered", self.theme.warning, f"{len(self._recoveries)}×", symbol="▎"))
        self.set_legend(entries)
        return entries


def _set_points(item: pg.PlotCurveItem, points: PlotPoints, logarithmic: bool) -> Floats:
    """Hands the points to the curve in one call. Returns the y as they are drawn."""
    y = _as_drawn(points.y, logarithmic)
    item.setData(points.x, y, antialias=item.opts["connect"] == "finite" and len(y) <= _SHORT)
    return y


def _as_drawn(y: Floats, logarithmic: bool) -> Floats:
    """Exponents of ten on a logarithmic axis; what has none is a gap."""
    if not logarithmic:
        return y
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(y > 0, np.log10(np.where(y > 0, y, 1.0)), np.nan)
