"""Text and value are two faces of one thing: nothing is rounded on the way there and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config.fields import Setting, kind_of, settings
from workbench.config.run import sections, variants
from workbench.gui.forms.values import number_text, same, short_number, stepped, text_of, value_of


def named(path: str, kind: str = "") -> Setting:
    section, _, name = path.partition(".")
    return next(
        setting
        for variant in variants(section)
        for setting in settings(variant)
        if setting.name == name and kind in ("", kind_of(variant))
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_that_every_number_comes_back_from_its_text_exactly(value: float) -> None:
    assert same(value_of(named("dataset.slope"), text_of(named("dataset.slope"), value)), value)


@given(st.integers())
def test_that_every_whole_number_comes_back_from_its_text_exactly(value: int) -> None:
    assert same(value_of(named("dataset.seed"), text_of(named("dataset.seed"), value)), value)


@given(st.lists(st.text()))
def test_that_every_list_of_texts_comes_back_whatever_stands_in_it(value: list[str]) -> None:
    assert value_of(named("dataset.ignore"), text_of(named("dataset.ignore"), value)) == value


@given(st.sampled_from([s for name in sections() for v in variants(name) for s in settings(v)]), st.text())
def test_that_any_text_is_read_as_a_value_or_kept_as_it_is(setting: Setting, text: str) -> None:
    value = value_of(setting, text)
    assert value == text or same(value_of(setting, text_of(setting, value)), value)


@pytest.mark.parametrize(
    "value, text",
    [(3e-4, "0.0003"), (1e-10, "1e-10"), (0.1 + 0.2, "0.30000000000000004"), (20000.0, "20000"), (1e22, "1e22")],
)
def test_that_numbers_are_written_as_people_write_them(value: float, text: str) -> None:
    assert number_text(value) == text


def test_that_a_small_number_in_a_summary_is_written_with_its_power_of_ten() -> None:
    assert [short_number(v) for v in (1e-3, 3e-4, 0.05, 2.5e-5, 0.0)] == ["1e-3", "3e-4", "0.05", "2.5e-5", "0"]


@pytest.mark.parametrize("text", ["3e-", "nan", "1e999", "--1", "0x10", "", "1 2", "1_000"])
def test_that_text_which_is_no_number_is_kept_as_text(text: str) -> None:
    assert value_of(named("optimizer.lr"), text) == text


@pytest.mark.parametrize(
    "path, text, value",
    [
        ("training.clip_norm", "", "off"),
        ("training.clip_norm", " off ", "off"),
        ("training.clip_norm", "1", 1.0),
        ("dataset.workers", "4", 4),
        ("model.hidden", "256, 128", [256, 128]),
        ("model.hidden", "256,", [256]),
        ("model.hidden", "", []),
        ("model.hidden", "256,,128", "256,,128"),
        ("dataset.ignore", 'id, "last, first"', ["id", "last, first"]),
        ("dataset.ignore", 'id, "last', 'id, "last'),
    ],
)
def test_that_words_and_lists_are_read_as_they_are_typed(path: str, text: str, value: Any) -> None:
    assert same(value_of(named(path), text), value)


@pytest.mark.parametrize(
    "path, text, up, result",
    [
        ("optimizer.lr", "0.001", True, "0.002"),
        ("optimizer.lr", "0.003", False, "0.002"),
        ("optimizer.lr", "1000", True, None),
        ("optimizer.weight_decay", "0", True, "0.001"),
        ("dataset.validation", "0.2", True, "0.25"),
        ("dataset.validation", "0.95", True, None),
        ("dataset.validation", "0", False, None),
        ("training.epochs", "20", True, "21"),
        ("training.epochs", "1", False, None),
        ("dataset.slope", "-0.1", True, "0"),
        ("training.epochs", "many", True, None),
    ],
)
def test_that_a_step_stays_within_the_bounds(path: str, text: str, up: bool, result: str | None) -> None:
    assert stepped(named(path), text, up) == result
