"""Parameters are frozen by their names in every architecture, and groups of group norms are counted."""

from __future__ import annotations

import fnmatch
from typing import Any

import pytest
import torch
from torch import nn

from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.config.recipes import start
from workbench.config.rules import problems
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.models.freezing import freeze
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training import build


def built(recipe: str, **changes: Any) -> nn.Module:
    config = files.change(start(recipe)[1], {f"model.{name}": value for name, value in changes.items()})
    return build.build_model(config, data.load(config.dataset), torch.device("cpu"))


@pytest.mark.parametrize(
    "recipe, pattern",
    [("digits-mlp", "1.*"), ("digits-cnn", "*.weight"), ("multi-task", "trunk.*"), ("sine-lstm", "*weight_hh*"),
     ("sine-transformer", "*attention*"), ("linear-regression", "0.bias")],
)  # fmt: skip
def test_that_parameters_with_a_name_are_frozen_and_the_others_are_trained(recipe: str, pattern: str) -> None:
    trained = {name: parameter.requires_grad for name, parameter in built(recipe, freeze=[pattern]).named_parameters()}
    assert trained == {name: not fnmatch.fnmatchcase(name, pattern) for name in trained}
    assert {*trained.values()} == {True, False}


def test_that_a_pattern_that_fits_no_parameter_is_refused_with_their_names() -> None:
    with pytest.raises(RefusedError, match=r"no parameter is named body\.\*") as caught:
        built("digits-mlp", freeze=["body.*"])
    assert caught.value.problem.path == "model.freeze"
    assert ".weight" in caught.value.problem.hint


def test_that_a_frozen_batch_norm_keeps_its_statistics() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 4), nn.BatchNorm1d(4))
    freeze(model, ["0.*"])
    model.train()
    model(torch.randn(8, 3) + 5)
    statistics = dict(model.named_buffers())
    assert torch.equal(statistics["0.running_mean"], torch.zeros(3))
    assert not torch.equal(statistics["2.running_mean"], torch.zeros(4))
    assert set(model.state_dict()) == set(
        nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 4), nn.BatchNorm1d(4)).state_dict()
    )


def groups_of(model: nn.Module) -> list[int]:
    return [module.num_groups for module in model.modules() if isinstance(module, nn.GroupNorm)]


def test_that_group_norms_have_the_number_of_groups_that_is_set() -> None:
    cnn: dict[str, Any] = {"channels": [16, 32], "convolutions": 1, "norm": "group"}
    assert groups_of(built("digits-cnn", **cnn)) == [4, 8]
    assert groups_of(built("digits-cnn", **cnn, norm_groups=8)) == [8, 8]
    assert groups_of(built("digits-mlp", hidden=[24], norm="group", norm_groups=6)) == [6]
    resnet = built("digits-cnn", kind="resnet", width=8, blocks=[1, 1], norm="group", norm_groups=2)
    assert {*groups_of(resnet)} == {2}


def test_that_groups_that_do_not_divide_a_layer_are_a_problem() -> None:
    changes = {"model.kind": "mlp", "model.hidden": [64, 12], "model.norm": "group", "model.norm_groups": 8}
    with pytest.raises(ConfigError) as caught:
        files.change(RunConfig(), changes)
    assert [problem.path for problem in caught.value.problems] == ["model.norm_groups"]
    assert "12 units" in caught.value.problems[0].what
    assert not problems(files.change(RunConfig(), {**changes, "model.norm": "layer"}))
