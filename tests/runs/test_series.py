"""The arrays behind the curves: whole, thinned out for the screen without losing a spike, and smoothed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.runs.series import PointSeries, Smoother, decimate, smooth

values = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=400)
weights = st.floats(0.0, 0.99)


def averaged(y: list[float], weight: float) -> list[float]:
    """The same average, one value at a time, as the docstring writes it."""
    total = norm = 0.0
    result = []
    for value in y:
        if math.isfinite(value):
            total, norm = weight * total + value, weight * norm + 1
        result.append(total / norm if norm else math.nan)
    return result


def test_that_a_series_keeps_every_point() -> None:
    series = PointSeries()
    for start in range(0, 5000, 7):
        series.extend(tuple(range(start, start + 7)), tuple(float(n) for n in range(start, start + 7)))
    assert len(series) == 5005
    assert np.array_equal(series.x, np.arange(5005.0))
    assert series.last() == 5004


def test_that_x_and_y_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 values of x for 1 of y"):
        PointSeries().extend((1, 2), (1,))


def test_that_taking_points_back_is_noticed_even_when_as_many_come_anew() -> None:
    series = PointSeries()
    series.extend((1, 2, 3), (1, 1, 1))
    before = series.drops
    series.drop_beyond(2)
    series.append(3, 5)
    assert (len(series), series.drops) == (3, before + 1)


def test_that_taking_nothing_back_changes_nothing() -> None:
    series = PointSeries()
    series.extend((1, 2, 3), (1, 1, 1))
    series.drop_beyond(3)
    assert (len(series), series.drops) == (3, 0)


@given(values, st.integers(1, 60))
def test_that_thinning_out_keeps_the_ends_the_extremes_and_the_order(y: list[float], buckets: int) -> None:
    array = np.array(y)
    x, found = decimate(np.arange(float(len(y))), array, buckets)
    assert len(x) <= max(2 * buckets + 2, 2 * buckets)
    assert np.all(np.diff(x) > 0)
    finite = array[np.isfinite(array)]
    if len(finite):
        assert np.nanmin(found) == finite.min()
        assert np.nanmax(found) == finite.max()
    if y:
        assert (x[0], x[-1]) == (0, len(y) - 1)


@pytest.mark.parametrize("count", [2001, 2999, 3999, 4001, 5999, 100_003])
def test_that_thinning_out_represents_every_stretch_of_the_line(count: int) -> None:
    x, _ = decimate(np.arange(float(count)), np.random.default_rng(0).random(count), 1000)
    assert np.diff(x).max() <= 2 * -(-count // 1000)


def test_that_a_single_spike_survives() -> None:
    y = np.zeros(1_000_000)
    y[654_321] = 9.0
    x, found = decimate(np.arange(1e6), y, 500)
    assert len(x) <= 1002
    assert x[found.argmax()] == 654_321


def test_that_a_stretch_of_nothing_but_gaps_stays_a_gap() -> None:
    y = np.ones(10_000)
    y[4000:6000] = np.nan
    x, found = decimate(np.arange(1e4), y, 100)
    assert np.isnan(found[(x > 4100) & (x < 5900)]).all()
    assert np.isfinite(found[(x < 3900) | (x > 6100)]).all()


@given(values, weights)
def test_that_smoothing_is_the_average_it_says_it_is(y: list[float], weight: float) -> None:
    expected = averaged(y, weight) if weight > 0 else y
    scale = max((abs(value) for value in y if math.isfinite(value)), default=1.0)
    np.testing.assert_allclose(smooth(np.array(y), weight), expected, rtol=1e-9, atol=1e-9 * scale)


@given(values, st.floats(0.01, 0.99), st.integers(1, 50))
def test_that_smoothing_bit_by_bit_gives_the_same(y: list[float], weight: float, size: int) -> None:
    smoother = Smoother(weight)
    array = np.array(y)
    parts = [smoother.extend(array[start : start + size]) for start in range(0, len(y), size)]
    together = np.concatenate([np.empty(0), *parts])
    scale = max((abs(value) for value in y if math.isfinite(value)), default=1.0)
    np.testing.assert_allclose(together, smooth(array, weight), rtol=1e-9, atol=1e-9 * scale)


def test_that_smoothing_goes_on_behind_a_value_that_is_no_number() -> None:
    found = smooth(np.array([1.0, np.nan, np.inf, 1.0]), 0.9)
    assert np.allclose(found, 1.0)
