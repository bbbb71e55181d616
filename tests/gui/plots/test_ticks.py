"""Numbers are written as people read them."""

from __future__ import annotations

import math

import pytest

from workbench.gui.plots import ticks


@pytest.mark.parametrize(
    "value,words",
    [(0.08125, "0.08125"), (3.2e-4, "3.2e-4"), (1e-3, "0.001"), (12345.6, "12,346"), (2.5e6, "2.5e6"), (0, "0")],
)
def test_that_a_value_is_short_and_exact_enough(value: float, words: str) -> None:
    assert ticks.number(value) == words


def test_that_values_that_are_no_numbers_are_named() -> None:
    assert [ticks.number(value) for value in (math.nan, math.inf, -math.inf)] == ["not a number", "∞", "-∞"]


@pytest.mark.parametrize("value,words", [(500, "500"), (10_000, "10 k"), (1500, "1.5 k"), (2e6, "2 M"), (0, "0")])
def test_that_counts_are_written_with_a_letter(value: float, words: str) -> None:
    assert ticks.count(value) == words


@pytest.mark.parametrize(
    "value,spacing,words",
    [
        (1e-3, 2e-4, "1e-3"),
        (8e-4, 2e-4, "8e-4"),
        (0.25, 0.05, "0.25"),
        (2, 1, "2"),
        (0.0, 0.1, "0"),
        (20000, 5000, "20 k"),
    ],
)
def test_that_a_tick_is_as_exact_as_its_distance_to_the_next(value: float, spacing: float, words: str) -> None:
    assert ticks.tick(value, spacing) == words


def test_that_neighbouring_ticks_never_read_the_same() -> None:
    for spacing in (1e-6, 5e-5, 2e-4, 1e-3, 0.05, 0.5, 2, 500):
        words = [ticks.tick(number * spacing, spacing) for number in range(-5, 15)]
        assert len(set(words)) == len(words), (spacing, words)


@pytest.mark.parametrize(
    "exponent,words",
    [
        (-3, "1e-3"),
        (0, "1"),
        (1, "10"),
        (-1, "0.1"),
        (5, "1e5"),
        (0.30103, "2"),
        (-3.01, "9.77e-4"),
        (-3.02, "9.55e-4"),
    ],
)
def test_that_powers_of_ten_are_short(exponent: float, words: str) -> None:
    assert ticks.power(exponent) == words


@pytest.mark.parametrize(
    "seconds,words",
    [(31, "31 s"), (150, "2:30 min"), (3900, "1:05 h"), (273_600, "3 d 4 h"), (-1, "0 s"), (59.6, "1:00 min")],
)
def test_that_durations_read_as_a_clock_does(seconds: float, words: str) -> None:
    assert ticks.duration(seconds) == words


@pytest.mark.parametrize(
    "amount,words",
    [(640 * 2**20, "640 MiB"), (1.5 * 2**30, "1.5 GiB"), (0, "0 B"), (2048, "2 KiB"), (16 * 2**30, "16 GiB")],
)
def test_that_memory_is_written_with_its_unit(amount: float, words: str) -> None:
    assert ticks.size(amount) == words
