"""Runs of a comparison begin alike: the same weights, the same batches, told by their hashes."""

from typing import Any

import pytest

from workbench.config import compare, recipes
from workbench.config.compare import Variant
from workbench.engine.attempts.attempt import run_attempt
from workbench.runs import comparison
from workbench.runs.comparison import Member, Result
from workbench.runs.folder import create


def train_variants(variants: list[Variant]) -> list[Result]:
    """What a run of each came to."""
    group = comparison.new_group("test")
    results = []
    for number, variant in enumerate(variants):
        run = create(variant.config, comparison.run_name("test", variant.values))
        comparison.write(run, Member(group, variant.label, variant.values, number))
        assert run_attempt(run, alone=True) == 0
        results.append(comparison.result(run))
    return results


def shortened(name: str, wanted: list[dict[str, Any]]) -> list[Variant]:
    """Variants of a recipe with an epoch each."""
    recipe = recipes.recipe(name)
    assert recipe is not None
    own = wanted or compare.of_file(recipe.path)
    return compare.variants(recipe.load(), [{**values, "training.epochs": 1} for values in own])


def test_that_the_optimizers_of_the_recipe_begin_with_the_same_weights_and_see_the_same_batches() -> None:
    results = train_variants(shortened("optimizer-comparison", []))
    assert [result.run.config().optimizer.kind for result in results] == ["sgd", "adam", "adagrad", "rmsprop"]
    assert len({result.initial_weights for result in results}) == 1
    assert len({result.first_batches for result in results}) == 1
    assert len(results[0].initial_weights) == 16
    assert results[0].first_batches
    assert len({result.final_loss for result in results}) == 4
    for result in results:
        assert (result.state, result.epochs, result.metric, result.best_epoch) == ("completed", 1, "val accuracy", 1)
        assert result.best == result.final is not None


@pytest.mark.parametrize(
    "values, weights, batches",
    [
        ({"training.batch_size": 32}, True, False),
        ({"model.hidden": [32]}, False, True),
        ({"training.seed": 1}, False, False),
    ],
)
def test_that_what_begins_differently_is_told(values: dict[str, Any], weights: bool, batches: bool) -> None:
    first, other = train_variants(shortened("digits-mlp", [{"training.seed": 0}, {"training.seed": 0, **values}]))
    assert (first.initial_weights == other.initial_weights) is weights
    assert (first.first_batches == other.first_batches) is batches
