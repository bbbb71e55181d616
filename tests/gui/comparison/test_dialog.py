"""Asking what is to be compared: what is proposed, what is refused and with which words, what is wanted in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt

from workbench.config import compare, recipes
from workbench.config.compare import Variant
from workbench.gui.comparison.dialog import CompareDialog

Make = Callable[..., CompareDialog]


@pytest.fixture
def make(qapp: Any, qtbot: Any) -> Iterator[Make]:
    """A dialog on a recipe, shown."""
    made: list[CompareDialog] = []

    def show(recipe: str = "digits-mlp", own: list[dict[str, Any]] | None = None) -> CompareDialog:
        made.append(CompareDialog(recipes.start(recipe)[1], own or []))
        made[-1].show()
        return made[-1]

    yield show
    for dialog in made:
        dialog.close()
        dialog.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def wanted(dialog: CompareDialog, qtbot: Any) -> list[Variant]:
    """What the dialog says it wants once its button is pressed."""
    said: list[list[Variant]] = []
    dialog.wanted.connect(said.append)
    qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    assert len(said) == 1
    return said[0]


def test_that_the_learning_rate_is_proposed(make: Make, qtbot: Any) -> None:
    dialog = make()
    assert dialog.settings[0].currentText() == "Learning rate"
    assert "2 runs: Learning rate 0.001; Learning rate 0.0001." in dialog.status.text()
    found = wanted(dialog, qtbot)
    assert [one.config.optimizer.lr for one in found] == [0.001, 0.0001]


@pytest.mark.parametrize(
    "path, values",
    [
        ("dataset.loading", "auto, resident, streamed"),
        ("training.batch_size", "64, 32"),
        ("optimizer.kind", "adam, sgd, adamw"),
        ("model.hidden", ""),
        ("no.setting", ""),
    ],
)
def test_that_values_which_suit_the_setting_are_proposed(make: Make, path: str, values: str) -> None:
    dialog = make()
    dialog.settings[0].setCurrentText(path)
    assert dialog.values[0].text() == values


@pytest.mark.parametrize(
    "path, values, words",
    [
        ("optimizer.lr", "0.1, -1", "optimizer.lr"),
        ("optimizer.lr", "", "optimizer.lr: has no values"),
        ("optimizer.lrr", "1, 2", "optimizer.lrr"),
        ("lr", "1, 2", "lr: is not a setting"),
        ("optimizer.kind", "sgd, nobody", "nobody"),
        ("", "1", "no setting is chosen"),
    ],
)
def test_that_problems_are_said_in_words(make: Make, path: str, values: str, words: str) -> None:
    dialog = make()
    dialog.settings[0].setCurrentText(path)
    dialog.values[0].setText(values)
    assert words in dialog.status.text()
    assert not dialog.start.isEnabled()
    dialog.settings[0].setCurrentText("optimizer.lr")
    dialog.values[0].setText("0.1, 0.2")
    assert dialog.start.isEnabled()


def test_that_two_settings_make_every_combination(make: Make, qtbot: Any) -> None:
    dialog = make()
    dialog.values[0].setText("0.1, 0.01")
    dialog.settings[1].setCurrentText("optimizer.kind")
    dialog.values[1].setText("sgd, adam")
    assert [one.label for one in wanted(dialog, qtbot)] == [
        "lr 0.1, optimizer sgd",
        "lr 0.1, optimizer adam",
        "lr 0.01, optimizer sgd",
        "lr 0.01, optimizer adam",
    ]


@pytest.mark.parametrize("text", ["Weight decay", "weight decay", "optimizer.weight_decay"])
def test_that_a_setting_is_chosen_by_its_title_or_by_its_path(make: Make, qtbot: Any, text: str) -> None:
    dialog = make()
    dialog.settings[0].setCurrentText(text)
    dialog.values[0].setText("0.1, 0.2")
    assert [variant.values for variant in wanted(dialog, qtbot)] == [
        {"optimizer.weight_decay": 0.1},
        {"optimizer.weight_decay": 0.2},
    ]


def test_that_titles_of_settings_are_told_apart(make: Make) -> None:
    box = make().settings[1]
    titles = [box.itemText(index) for index in range(box.count())]
    assert len(set(titles)) == len(titles)


def test_that_a_setting_is_chosen_once(make: Make) -> None:
    dialog = make()
    dialog.settings[1].setCurrentText("optimizer.lr")
    assert "chosen twice" in dialog.status.text()


def test_that_lists_are_values_too(make: Make, qtbot: Any) -> None:
    dialog = make()
    dialog.settings[0].setCurrentText("model.hidden")
    dialog.values[0].setText("[32], [64, 32]")
    assert [one.values["model.hidden"] for one in wanted(dialog, qtbot)] == [[32], [64, 32]]


def test_that_a_recipes_own_runs_are_proposed_first(make: Make, qtbot: Any) -> None:
    recipe = recipes.recipe("optimizer-comparison")
    assert recipe is not None
    dialog = make("optimizer-comparison", compare.of_file(recipe.path))
    assert dialog.settings[0].currentText() == "The 4 runs of this recipe"
    assert not dialog.values[0].isEnabled()
    dialog.settings[0].setCurrentText("optimizer.lr")
    assert dialog.values[0].isEnabled()
    dialog.settings[0].setCurrentIndex(0)
    assert [one.values["optimizer.kind"] for one in wanted(dialog, qtbot)] == ["sgd", "adam", "adagrad", "rmsprop"]
