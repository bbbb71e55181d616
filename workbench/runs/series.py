"""Growing arrays behind the curves, and their decimation to what a plot can display."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


class PointSeries:
    """Points (x, y), appended in order of x and kept in full: nothing is thinned out. Appending is amortized O(1)."""

    def __init__(self) -> None:
        self._x: Floats = np.empty(256)
        self._y: Floats = np.empty(256)
        self._size = 0
        self.drops = 0
        """How often points were dropped: what was derived from them earlier is then no longer valid."""

    def __len__(self) -> int:
        return self._size

    @property
    def x(self) -> Floats:
        """The x of all points: a view, shape (n,)."""
        return self._x[: self._size]

    @property
    def y(self) -> Floats:
        """The y of all points: a view, shape (n,)."""
        return self._y[: self._size]

    def extend(self, x: tuple[float, ...] | Floats, y: tuple[float, ...] | Floats) -> None:
        """Appends points. Raises ValueError when ``x`` and ``y`` differ in length."""
        if len(x) != len(y):
            raise ValueError(f"{len(x)} values of x for {len(y)} of y")
        needed = self._size + len(x)
        if needed > len(self._x):
            size = max(needed, 2 * len(self._x))
            self._x = np.concatenate([self.x, np.empty(size - self._size)])
            self._y = np.concatenate([self.y, np.empty(size - self._size)])
        self._x[self._size : needed] = x
        self._y[self._size : needed] = y
        self._size = needed

    def append(self, x: float, y: float) -> None:
        """Appends one point."""
        self.extend((x,), (y,))

    def drop_beyond(self, x: float) -> None:
        """Drops the points whose x is larger."""
        size = int(np.searchsorted(self.x, x, side="right"))
        self.drops += size < self._size
        self._size = size

    def last(self) -> float | None:
        """The newest y; None when there is no point."""
        return float(self._y[self._size - 1]) if self._size else None


def decimate(x: Floats, y: Floats, buckets: int) -> tuple[Floats, Floats]:
    """At most ``2 * buckets`` + 2 of the points, such that the drawn line looks the same.

    They are the smallest and largest y of each bucket, the first point and the last, in order of x. Not-a-number counts
    neither as smallest nor as largest, but a bucket of nothing else stays a gap.
    """
    count = len(x)
    if buckets < 1 or count <= 2 * buckets:
        return x, y
    size = -(-count // buckets)
    whole = count // size * size
    low, high = extremes(y[:whole], size)
    parts = [np.array([0, count - 1]), low, high]
    if whole < count:
        parts += [indices + whole for indices in extremes(y[whole:], count - whole)]
    picked = np.unique(np.concatenate(parts))
    return x[picked], y[picked]


def extremes(y: Floats, size: int) -> tuple[Indices, Indices]:
    """Indices in ``y`` of the smallest and the largest of each ``size`` values; ``size`` divides its length."""
    blocks = y.reshape(-1, size)
    gaps = np.isnan(blocks)
    if gaps.any():
        low = np.where(gaps, np.inf, blocks).argmin(axis=1)
        high = np.where(gaps, -np.inf, blocks).argmax(axis=1)
    else:
        low, high = blocks.argmin(axis=1), blocks.argmax(axis=1)
    starts = np.arange(len(blocks)) * size
    return starts + low, starts + high


def smooth(y: Floats, weight: float) -> Floats:
    """Exponential moving average of ``y`` without bias at the start; ``weight`` from 0 (none) to just below 1.

    s_t = sum(weight^(t-i) y_i) / sum(weight^(t-i)), over the finite values as if there were no others; in a gap it
    keeps its value, before the first it is not-a-number.
    """
    return Smoother(weight).extend(y) if weight > 0 else y


class Smoother:
    """:func:`smooth` for values that arrive in pieces: what :meth:`extend` gave before does not change."""

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._sum = 0.0
        self._norm = 0.0

    def extend(self, y: Floats) -> Floats:
        """The smoothed values that go with the next ``y``."""
        if len(y) == 0:
            return y
        finite = np.isfinite(y)
        if not finite.all():
            return self._around_gaps(y, finite)
        total = _recurrence(y, self.weight, self._sum)
        norm = self._norms(len(y))
        self._sum, self._norm = float(total[-1]), float(norm[-1])
        result: Floats = total / norm
        return result

    def _around_gaps(self, y: Floats, finite: NDArray[np.bool_]) -> Floats:
        """The average of the finite values; in a gap it keeps its value."""
        before = self._sum / self._norm if self._norm else np.nan
        known = np.concatenate([[before], self.extend(y[finite])])
        result: Floats = known[np.cumsum(finite)]
        return result

    def _norms(self, count: int) -> Floats:
        """The sums of weights of the next ``count`` values: they soon converge to 1 / (1 - weight)."""
        limit = 1 / (1 - self.weight)
        moving = min(count, int(-40 / np.log(self.weight)) + 1)
        norms = np.full(count, limit)
        norms[:moving] = limit - (limit - self._norm) * self.weight ** np.arange(1.0, moving + 1)
        return norms


_BLOCK = 64
"""Values per row in :func:`_recurrence`: fewer where the weight to that power would leave the range of numbers."""
_SMALLEST_POWER = 1e-200


def _recurrence(values: Floats, weight: float, before: float = 0.0) -> Floats:
    """a_t = weight a_(t-1) + values_t, starting with ``before``: all rows at once, then their ends the same way."""
    count = len(values)
    if count == 0 or weight < 1e-20:  # beyond the neighbor nothing is left that a float could represent
        shifted = np.concatenate([[before], values[:-1]]) if count else values
        return values + weight * shifted
    block = min(_BLOCK, int(np.log(_SMALLEST_POWER) / np.log(weight)))
    rows = -(-count // block)
    powers = weight ** np.arange(block, dtype=np.float64)
    local = np.zeros((rows, block))
    local.reshape(-1)[:count] = values
    local /= powers
    np.cumsum(local, axis=1, out=local)
    local *= powers
    if rows > 1:
        ends = _recurrence(local[:-1, -1].copy(), float(weight**block), before)
        carries = np.concatenate([[before], ends])
    else:
        carries = np.array([before])
    local += carries[:, None] * (weight * powers)
    return local.reshape(-1)[:count]
