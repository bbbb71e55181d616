"""Settings as a person reads them."""

from __future__ import annotations

import pytest

from workbench.config.run import RunConfig
from workbench.gui.document.setting_text import change_text, known_settings, setting_title, value_text, values_text
from workbench.runs.branch import Change


@pytest.mark.parametrize(
    "path, title",
    [
        ("optimizer.lr", "Learning rate"),
        ("training.epochs", "Epochs"),
        ("optimizer.nothing", "optimizer.nothing"),
        ("nowhere.lr", "nowhere.lr"),
        ("", ""),
    ],
)
def test_that_a_setting_has_its_title_and_what_is_none_its_path(path: str, title: str) -> None:
    assert setting_title(path) == title


@pytest.mark.parametrize(
    "path, value, text",
    [
        ("optimizer.lr", 0.0003, "0.0003"),
        ("optimizer.kind", "sgd", "SGD"),
        ("training.deterministic", True, "on"),
        ("model.hidden", [64, 32], "64, 32"),
        ("model.hidden", [], "none"),
        ("optimizer.momentum", None, "none"),
    ],
)
def test_that_values_are_shown_without_markup(path: str, value: object, text: str) -> None:
    assert value_text(path, value) == text


def test_that_a_change_goes_from_the_old_value_to_the_new_one() -> None:
    assert change_text(Change("optimizer.lr", 0.0003, 0.001)) == "Learning rate 0.001 → 0.0003"


def test_that_several_settings_are_joined() -> None:
    assert values_text({"optimizer.lr": 0.1, "optimizer.kind": "sgd"}).startswith("Learning rate 0.1, ")
    assert values_text({}) == ""


def test_that_every_setting_of_a_configuration_is_known_by_a_title() -> None:
    known = known_settings(RunConfig())
    assert {"optimizer.kind", "optimizer.lr", "training.epochs"} <= known.keys()
    assert all(setting_title(path) == setting.title for path, setting in known.items() if path.endswith(".kind"))
    assert all(setting.title for setting in known.values())
