"""The named starting points, and what a person may name as a start."""

from pathlib import Path

import pytest

from workbench.config import files, recipes
from workbench.config.dataset import ImageDataset
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig


@pytest.mark.parametrize("name", [recipe.name for recipe in recipes.recipes()])
def test_that_every_recipe_is_valid_and_says_what_it_trains(name: str) -> None:
    recipe = recipes.recipe(name)
    assert recipe is not None
    assert recipe.text.endswith(".")
    assert isinstance(recipe.load(), RunConfig)
    assert recipes.start(name) == (name, recipe.load())


def test_that_the_default_recipe_comes_first() -> None:
    assert recipes.recipes()[0].name == recipes.DEFAULT


def test_that_a_run_file_is_named_by_its_file_and_a_run_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "내 실험.toml").write_text(files.dumps(RunConfig()), encoding="utf-8")
    (tmp_path / "run.toml").write_text("", encoding="utf-8")
    assert recipes.start(str(tmp_path / "내 실험.toml")) == ("내 실험", RunConfig())
    assert recipes.start(str(tmp_path / "run.toml")) == (tmp_path.name, RunConfig())


def test_that_a_name_that_is_neither_is_met_with_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match="digits-cnn"):
        recipes.start("digit-cnn")


def test_that_a_recipe_says_which_augmentations_are_on() -> None:
    on = {}
    for recipe in recipes.recipes():
        dataset = recipe.load().dataset
        on[recipe.name] = dataset.augmentations if isinstance(dataset, ImageDataset) else ()
        told = f"Augmentation: {', '.join(on[recipe.name])}." if on[recipe.name] else ""
        assert told in recipe.text
        assert ("Augmentation" in recipe.text) == bool(told)
    assert on["cifar10-cnn"] == ("Horizontal flip 0.5", "Random crop padding 4 px", "Brightness 0.2", "Contrast 0.2")
    assert on["digits-cnn"] == ()
