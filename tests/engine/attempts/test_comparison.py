"""Runs of a comparison begin alike: the same weights, the same batches, told by their hashes."""

from typing import Any

import pytest

from workbench.config import compare, recipes
from workbench.config.compare import Variant
from workbench.engine.attempts.attempt import run_attempt
from workbench.runs import comparison
from workbench.runs.comparison import Member, Result
from workbench.runs.folder import create


def trained(variants: list[Variant]) -> list[Result]:
    """What a run of each came to."""
    group = comparison.new_group("test")
    found = []
    for place, variant in enumerate(variants):
        run = create(variant.config, comparison.run_name("test", variant.values))
        comparison.write(run, Member(group, variant.label, variant.values, place))
        assert run_attempt(run, alone=True) == 0
        found.append(comparison.result(run))
    return found


def shortened(name: str, wanted: list[dict[str, Any]]) -> list[Variant]:
    """Variants of a recipe with an epoch each."""
    recipe = recipes.recipe(name)
    assert recipe is not None
    own = wanted or compare.of_file(recipe.path)
    return compare.variants(recipe.load(), [{**values, "training.epochs": 1} for values in own])


def test_that_the_optimizers_of_the_recipe_begin_with_the_same_weights_and_see_the_same_batches() -> None:
    found = trained(shortened("optimizer-comparison", []))
    assert [one.run.config().optimizer.kind for one in found] == ["sgd", "adam", "adagrad", "rmsprop"]
    assert len({one.initial_weights for one in found}) == 1
    assert len({one.first_batches for one in found}) == 1
    assert len(found[0].initial_weights) == 16
    assert found[0].first_batches
    assert len({one.final_loss for one in found}) == 4
    for one in found:
        assert (one.state, one.epochs, one.metric, one.best_epoch) == ("completed", 1, "val accuracy", 1)
        assert one.best == one.final is not None


@pytest.mark.parametrize(
    "values, weights, batches",
    [
        ({"training.batch_size": 32}, True, False),
        ({"model.hidden": [32]}, False, True),
        ({"training.seed": 1}, False, False),
    ],
)
def test_that_what_begins_differently_is_told(values: dict[str, Any], weights: bool, batches: bool) -> None:
    one, other = trained(shortened("digits-mlp", [{"training.seed": 0}, {"training.seed": 0, **values}]))
    assert (one.initial_weights == other.initial_weights) is weights
    assert (one.first_batches == other.first_batches) is batches
