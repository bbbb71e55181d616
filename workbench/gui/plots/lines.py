"""What is drawn of a series: the visible part, thinned out to what the screen can show, raw and smoothed.

Everything is derived bit by bit while a run is running, so that a frame costs the same after a minute and after a day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.runs.series import Floats, PointSeries, Smoother, decimate, extremes

_COARSE = 128
"""Values per block of the coarse level: a million points are thinned out from 16,000."""
_MARKS = 500
"""At most so many values that are not finite are marked."""

Range = tuple[float, float]


@dataclass(frozen=True)
class PlotPoints:
    """Points to draw; both arrays have shape (n,)."""

    x: Floats
    y: Floats


NOTHING = PlotPoints(np.empty(0), np.empty(0))


class Thinned:
    """A growing array y over x, with the smallest and largest of every block remembered."""

    def __init__(self) -> None:
        self._coarse = np.empty(0, dtype=np.intp)
        self._blocks = 0

    def clear(self) -> None:
        """Forgets everything: the array is another one now."""
        self._coarse = np.empty(0, dtype=np.intp)
        self._blocks = 0

    def visible(self, x: Floats, y: Floats, span: Range, buckets: int) -> PlotPoints:
        """The points with x in ``span`` and one to either side, at most about ``2 * buckets`` of them."""
        first, last = bounds(x, span)
        if last - first <= 2 * _COARSE * buckets:
            return PlotPoints(*decimate(x[first:last], y[first:last], buckets))
        self._append_blocks(y)
        low, high = np.searchsorted(self._coarse, (first, self._blocks * _COARSE))
        high = min(high, int(np.searchsorted(self._coarse, last)))
        rest = np.arange(max(first, self._blocks * _COARSE), last)
        chosen = np.concatenate([[first], self._coarse[low:high], rest, [last - 1]])
        return PlotPoints(*decimate(x[chosen], y[chosen], buckets))

    def _append_blocks(self, y: Floats) -> None:
        blocks = len(y) // _COARSE
        if blocks <= self._blocks:
            return
        begin = self._blocks * _COARSE
        low, high = extremes(y[begin : blocks * _COARSE], _COARSE)
        fresh = np.sort(np.stack([low, high], axis=1), axis=1).reshape(-1) + begin
        self._coarse = np.concatenate([self._coarse, fresh])
        self._blocks = blocks


class SeriesLine:
    """One series as it is drawn. Notices by itself that the series grew, or that points were dropped."""

    def __init__(self, series: PointSeries) -> None:
        self.series = series
        self._raw = Thinned()
        self._smooth = Thinned()
        self._smoother = Smoother(0.5)
        self._smoothed = PointSeries()
        self._drops = series.drops
        self._seen = 0
        self.bad: list[float] = []
        """Where the value is not finite: the first x of these."""

    def visible(self, span: Range, buckets: int) -> PlotPoints:
        """The raw points in ``span``, thinned out."""
        self._follow()
        return self._raw.visible(self.series.x, self.series.y, span, buckets) if len(self.series) else NOTHING

    def smoothed(self, weight: float, span: Range, buckets: int) -> PlotPoints:
        """The smoothed points in ``span``, thinned out. The average itself runs over every point from the first."""
        if weight <= 0:
            return self.visible(span, buckets)
        self._smooth_up_to_now(weight)
        return (
            self._smooth.visible(self._smoothed.x, self._smoothed.y, span, buckets) if len(self._smoothed) else NOTHING
        )

    def smoothed_near(self, x: float, weight: float) -> float | None:
        """The smoothed value at the point nearest to ``x``; None when there is no point."""
        if weight <= 0:
            return nearest_value(self.series, x)
        self._smooth_up_to_now(weight)
        return nearest_value(self._smoothed, x)

    def state(self) -> tuple[int, int]:
        """Differs whenever the series is another."""
        return len(self.series), self.series.drops

    def _smooth_up_to_now(self, weight: float) -> None:
        self._follow()
        if weight != self._smoother.weight:
            self._forget_smoothed(weight)
        done = len(self._smoothed)
        if done < len(self.series):
            self._smoothed.extend(self.series.x[done:], self._smoother.extend(self.series.y[done:]))

    def _follow(self) -> None:
        if self.series.drops != self._drops:
            self._drops = self.series.drops
            self._raw.clear()
            self._forget_smoothed(self._smoother.weight)
            self.bad, self._seen = [], 0
        fresh = self.series.y[self._seen :]
        if len(self.bad) < _MARKS and len(fresh):
            self.bad += self.series.x[self._seen :][~np.isfinite(fresh)][: _MARKS - len(self.bad)].tolist()
        self._seen = len(self.series)

    def _forget_smoothed(self, weight: float) -> None:
        self._smoother = Smoother(weight)
        self._smoothed = PointSeries()
        self._smooth.clear()


class Band:
    """Smallest and largest between two series with the same x, where the engine reported buckets and not single steps."""

    def __init__(self, low: PointSeries, high: PointSeries) -> None:
        self._low, self._high = low, high
        self._seen = 0
        self._differ = False

    def visible(self, span: Range, buckets: int) -> PlotPoints:
        """Pairs of points, low and high, one pair per bucket; nothing where the two series are the same."""
        count = min(len(self._low), len(self._high))
        self._differ = self._differ or bool(np.any(self._low.y[self._seen : count] < self._high.y[self._seen : count]))
        self._seen = count
        if not self._differ:
            return NOTHING
        first, last = bounds(self._low.x[:count], span)
        edges = np.arange(first, last, max(1, -(-(last - first) // buckets)))
        low = np.fmin.reduceat(self._low.y[:last], edges)
        high = np.fmax.reduceat(self._high.y[:last], edges)
        return PlotPoints(np.repeat(self._low.x[edges], 2), np.stack([low, high], axis=1).reshape(-1))


def bounds(x: Floats, span: Range) -> tuple[int, int]:
    """The slice of ``x`` inside ``span`` with one point more to either side, so that lines run to the edge."""
    first = int(np.searchsorted(x, span[0], side="left"))
    last = int(np.searchsorted(x, span[1], side="right"))
    return max(0, first - 1), min(len(x), last + 1)


def nearest_index(series: PointSeries, x: float) -> int | None:
    """The index of the point nearest to ``x``; None when there is no point."""
    if not len(series):
        return None
    right = min(int(np.searchsorted(series.x, x)), len(series) - 1)
    left = max(0, right - 1)
    return left if abs(series.x[left] - x) <= abs(series.x[right] - x) else right


def nearest_value(series: PointSeries, x: float) -> float | None:
    """The value at the point nearest to ``x``; None when there is no point."""
    index = nearest_index(series, x)
    return None if index is None else float(series.y[index])


def steady_range(wanted: Range, shown: Range, room: float) -> Range:
    """The range to show: the one shown as long as it is a good one for ``wanted``, else ``wanted`` with some room.

    An axis that moves at every frame is hard to read, and its ticks are a third of a frame's cost.
    """
    size = wanted[1] - wanted[0]
    spare = 2 * room * size
    low_fits = wanted[0] - spare <= shown[0] <= wanted[0]
    high_fits = wanted[1] <= shown[1] <= wanted[1] + spare
    if low_fits and high_fits:
        return shown
    low = wanted[0] if wanted[0] == shown[0] else wanted[0] - room * size / 2
    return low, wanted[1] + room * size


def y_range(drawn: list[Floats], outliers: bool) -> Range | None:
    """Smallest and largest finite value of what is drawn with a little room; without outliers, of 96 % of each line.

    None when nothing is finite.
    """
    lows, highs = [], []
    for values in drawn:
        finite = values[np.isfinite(values)]
        if not len(finite):
            continue
        low, high = (finite.min(), finite.max()) if outliers else np.percentile(finite, (2, 98))
        lows.append(float(low))
        highs.append(float(high))
    if not lows:
        return None
    low, high = min(lows), max(highs)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return low - room, high + room
