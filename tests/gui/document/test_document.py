"""The document: what is edited is what runs, and every step has a way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.waiting import HANG_MS
from workbench.config import files
from workbench.config.fields import Setting, kind_of, settings
from workbench.config.problems import ConfigError, Problem
from workbench.config.run import RunConfig, sections, variants
from workbench.gui.document.document import Document


def _values(one: Setting) -> st.SearchStrategy[Any]:
    """Values of the right shape for a setting, in bounds or not."""
    numbers = st.floats(-1e4, 1e4, allow_nan=False) | st.integers(-5, 500)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "switch": st.booleans(),
        "integer": st.integers(-5, 10_000),
        "number": numbers,
        "text": st.text(max_size=12),
        "path": st.text(max_size=12),
        "choice": st.sampled_from(one.choices or ("",)),
        "integers": st.lists(st.integers(-1, 300), max_size=4),
        "numbers": st.lists(st.floats(0, 1), max_size=4),
        "texts": st.lists(st.text(max_size=5), max_size=3),
    }
    return kinds[one.kind] | st.sampled_from(one.words) if one.words else kinds[one.kind]


@st.composite
def _edits(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Edits as a person makes them: a kind is chosen, settings of it are changed."""
    edits: list[tuple[str, Any]] = []
    for section in draw(st.lists(st.sampled_from(sections()), max_size=6)):
        variant = draw(st.sampled_from(variants(section)))
        if kind_of(variant):
            edits.append((f"{section}.kind", kind_of(variant)))
        for one in draw(st.lists(st.sampled_from(settings(variant)), max_size=4)):
            edits.append((f"{section}.{one.name}", draw(_values(one))))
    return edits


@given(_edits())
def test_that_what_is_set_is_what_a_run_gets(edits: list[tuple[str, Any]]) -> None:
    document = Document()
    for path, value in edits:
        document.set(path, value)
        assert document.value(path) == value
    if document.config is not None:
        assert files.parse(document.data) == document.config
    else:
        with pytest.raises(ConfigError) as caught:
            files.parse(document.data)
        assert document.problems == caught.value.problems


@given(_edits())
def test_that_undo_and_redo_restore_exactly(edits: list[tuple[str, Any]]) -> None:
    document = Document()
    first = document.data
    for path, value in edits:
        document.set(path, value)
    last = document.data
    states = [last]
    while document.undo_stack.canUndo():
        document.undo_stack.undo()
        states.append(document.data)
    assert document.data == first
    assert not document.modified
    for state in reversed(states[:-1]):
        document.undo_stack.redo()
        assert document.data == state
    assert document.data == last


def test_that_a_kind_switched_back_has_its_earlier_values() -> None:
    document = Document()
    document.set("optimizer.lr", 0.5)
    document.set("optimizer.kind", "sgd")
    document.set("optimizer.momentum", 0.25)
    document.set("optimizer.kind", "adamw")
    assert document.value("optimizer.lr") == 0.5
    document.set("optimizer.kind", "sgd")
    assert document.value("optimizer.momentum") == 0.25


def test_that_a_new_kind_begins_with_its_own_defaults() -> None:
    document = Document()
    document.set("optimizer.lr", 0.5)
    document.set("optimizer.kind", "adagrad")
    assert document.value("optimizer.lr") == 0.01


def test_that_typing_into_one_field_makes_one_step_back() -> None:
    document = Document()
    for lr in (0.3, 0.03, 0.003):
        document.set("optimizer.lr", lr)
    document.set("training.epochs", 7)
    assert document.undo_stack.count() == 2
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert document.data == RunConfig().as_data()


def test_that_typing_back_to_the_first_value_leaves_no_step() -> None:
    document = Document()
    document.set("training.epochs", 21)
    document.set("training.epochs", 20)
    assert document.undo_stack.count() == 0
    assert not document.modified


def test_that_reset_takes_the_variants_default() -> None:
    document = Document()
    document.set("optimizer.kind", "sgd")
    document.set("optimizer.lr", 0.7)
    document.reset("optimizer.lr")
    assert document.value("optimizer.lr") == 0.01
    assert document.default("optimizer.kind") == "adamw"


def test_that_a_wrong_setting_is_named_and_leaves_no_configuration() -> None:
    document = Document()
    document.set("optimizer.lr", -1.0)
    assert document.config is None
    assert [problem.path for problem in document.problems] == ["optimizer.lr"]
    document.undo_stack.undo()
    assert document.config == RunConfig()


def test_that_what_the_lab_finds_wrong_is_told_beside_the_settings_own_problems(qtbot: Any) -> None:
    document = Document()
    with qtbot.waitSignal(document.changed, timeout=HANG_MS):
        document.set_outside_problems("dataset", (Problem("dataset.path", "the folder is empty"),))
    assert [problem.what for problem in document.problems] == ["the folder is empty"]
    assert document.config is not None
    with qtbot.waitSignal(document.changed, timeout=HANG_MS):
        document.set_outside_problems("dataset", ())
    assert not document.problems


def test_that_what_is_saved_is_what_a_run_file_loads(tmp_path: Path) -> None:
    document = Document()
    document.set("training.epochs", 7)
    assert document.modified
    document.save(tmp_path / "mine.toml")
    assert files.load(tmp_path / "mine.toml") == document.config
    assert (document.name, document.path, document.modified) == ("mine", tmp_path / "mine.toml", False)
    document.undo_stack.undo()
    assert document.modified


def test_that_settings_with_problems_never_replace_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    document = Document()
    document.save(path)
    before = path.read_bytes()
    document.set("training.epochs", 0)
    with pytest.raises(ConfigError, match="at least 1"):
        document.save(path)
    assert path.read_bytes() == before


def test_that_the_data_handed_out_is_a_copy() -> None:
    document = Document()
    document.data["optimizer"]["lr"] = 5
    hidden = document.value("model.channels")
    assert isinstance(hidden, list)
    hidden.append(1)
    assert document.data == RunConfig().as_data()


def test_that_opening_another_run_file_forgets_the_steps_of_the_first() -> None:
    document = Document()
    document.set("training.epochs", 7)
    document.open(RunConfig(), "other", None)
    assert not document.undo_stack.canUndo()
    assert not document.modified
    assert document.name == "other"


def test_that_a_default_that_was_given_out_can_be_changed_without_changing_the_next() -> None:
    document = Document()
    document.set("model.kind", "mlp")
    given = document.default("model.hidden")
    assert isinstance(given, list)
    given.append(7)
    assert document.default("model.hidden") == given[:-1]
    document.set("model.hidden", given)
    document.reset("model.hidden")
    assert document.value("model.hidden") == given[:-1]
