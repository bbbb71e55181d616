"""What is allowed and rarely meant is warned about at its setting, and nothing that is usual."""

import pytest

from workbench.config import files, recipes
from workbench.config.fields import kind_of
from workbench.config.optimizer import USUAL_LR
from workbench.config.run import RunConfig, variants
from workbench.config.warnings import warnings

KINDS = [kind_of(variant) for variant in variants("optimizer")]


def test_that_every_optimizer_has_its_usual_learning_rates_with_the_default_among_them() -> None:
    assert set(USUAL_LR) == set(KINDS)
    for kind, (low, high) in USUAL_LR.items():
        assert low <= files.change(RunConfig(), {"optimizer.kind": kind}).optimizer.lr <= high


@pytest.mark.parametrize("kind", KINDS)
def test_that_a_learning_rate_far_above_the_usual_ones_is_warned_about(kind: str) -> None:
    high = USUAL_LR[kind][1]
    usual = files.change(RunConfig(), {"optimizer.kind": kind, "optimizer.lr": high})
    assert warnings(usual) == ()
    (warning,) = warnings(files.change(usual, {"optimizer.lr": 10 * high}))
    assert warning.path == "optimizer.lr"
    assert f"{10 * high:g} is far above the usual learning rates" in warning.what
    assert warning.hint.startswith("try ")


def test_that_a_batch_larger_than_the_training_set_is_warned_about() -> None:
    config = files.change(RunConfig(), {"training.batch_size": 100})
    assert warnings(config) == warnings(config, 100) == ()
    (warning,) = warnings(config, 99)
    assert warning.path == "training.batch_size"
    assert "the batch size 100 is above the number of training samples, 99" in warning.what
    # It is what LBFGS is for.
    assert warnings(files.change(config, {"optimizer.kind": "lbfgs"}), 99) == ()


def test_that_no_recipe_is_warned_about() -> None:
    for recipe in recipes.recipes():
        assert warnings(recipes.start(recipe.name)[1]) == (), recipe.name
