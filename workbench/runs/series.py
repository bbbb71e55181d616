"""Growing arrays behind the curves, and their decimation to what a plot can show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Series:
    """Points (x, y) that are appended in order of x, kept whole. Appending is amortised O(1); nothing is ever thinned out."""

    def __init__(self) -> None:
        self._x: Floats = np.empty(256)
        self._y: Floats = np.empty(256)
        self._size = 0

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
        """Forgets the points whose x is larger."""
        self._size = int(np.searchsorted(self.x, x, side="right"))

    def last(self) -> float | None:
        """The newest y; None when there is no point."""
        return float(self._y[self._size - 1]) if self._size else None


def decimate(x: Floats, y: Floats, buckets: int) -> tuple[Floats, Floats]:
    """At most ``2 * buckets`` + 2 of the points, such that the drawn line looks the same: smallest and largest y of each bucket.

    Points stay in order of x. Not-a-number counts neither as smallest nor as largest, but a bucket of nothing else stays a gap.
    """
    count = len(x)
    if count <= 2 * buckets or buckets < 1:
        return x, y
    size = count // buckets
    whole = size * buckets
    blocks = y[:whole].reshape(buckets, size)
    low = np.where(np.isnan(blocks), np.inf, blocks).argmin(axis=1)
    high = np.where(np.isnan(blocks), -np.inf, blocks).argmax(axis=1)
    starts = np.arange(buckets) * size
    chosen = np.sort(np.stack([starts + low, starts + high], axis=1), axis=1).reshape(-1)
    tail = (
        np.array([], dtype=chosen.dtype)
        if whole == count
        else np.array([whole + int(np.nanargmax(_safe(y[whole:]))), count - 1])
    )
    picked = np.unique(np.concatenate([chosen, tail]))
    return x[picked], y[picked]


def smooth(y: Floats, weight: float) -> Floats:
    """Exponential moving average of ``y`` without bias at the start; ``weight`` from 0 (none) to just below 1.

    s_t = sum(weight^(t-i) y_i) / sum(weight^(t-i)), over the finite values only; where nothing finite came yet, not-a-number.
    """
    if weight <= 0 or len(y) == 0:
        return y
    finite = np.isfinite(y)
    total = _recurrence(np.where(finite, y, 0.0), weight)
    norm = _recurrence(finite.astype(np.float64), weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Floats = total / norm
    return result


def _recurrence(values: Floats, weight: float) -> Floats:
    """a_t = weight a_(t-1) + values_t, in blocks short enough that the powers of ``weight`` neither vanish nor overflow."""
    block = max(1, min(len(values), int(600 / -np.log2(weight))))
    powers = weight ** np.arange(block, dtype=np.float64)
    result = np.empty_like(values)
    carry = 0.0
    for start in range(0, len(values), block):
        part = values[start : start + block]
        scale = powers[: len(part)]
        result[start : start + block] = scale * (np.cumsum(part / scale) + weight * carry)
        carry = float(result[start + len(part) - 1])
    return result


def _safe(y: Floats) -> Floats:
    return np.where(np.isnan(y), -np.inf, y)
