"""What is allowed alone but not together."""

from typing import Any

import pytest

from workbench.config import files
from workbench.config.problems import ConfigError

PICTURES = {"kind": "image-folder", "path": "/pictures"}


@pytest.mark.parametrize(
    "data, path",
    [
        ({"dataset": {"kind": "image-folder"}}, "dataset.path"),
        ({"dataset": {"kind": "table", "path": " "}, "model": {"kind": "mlp"}}, "dataset.path"),
        (
            {"dataset": {"kind": "table", "path": "t", "target": "a", "ignore": ["a"]}, "model": {"kind": "mlp"}},
            "dataset.ignore",
        ),
        ({"dataset": {"kind": "synthetic", "loading": "streamed"}, "model": {"kind": "mlp"}}, "dataset.loading"),
        ({"dataset": {"kind": "synthetic"}, "model": {"kind": "cnn"}}, "model.kind"),
        ({"model": {"kind": "cnn", "channels": []}}, "model.channels"),
        ({"model": {"kind": "cnn", "channels": [8, 8, 8, 8]}}, "model.channels"),
        ({"dataset": {**PICTURES, "size": 4}, "model": {"kind": "cnn", "channels": [8, 8, 8]}}, "model.channels"),
        ({"model": {"kind": "mlp", "hidden": [8, 8, 8], "dropout": [0.1, 0.2]}}, "model.dropout"),
        ({"model": {"kind": "cnn", "head": [8], "head_dropout": [0.1, 0.2]}}, "model.head_dropout"),
        ({"dataset": {"validation": 0}, "training": {"early_stopping": 3}}, "training.early_stopping"),
        ({"dataset": {"validation": 0}, "schedule": {"kind": "plateau"}}, "schedule.kind"),
        ({"hardware": {"device": "cpu", "precision": "fp16"}}, "hardware.precision"),
        ({"hardware": {"device": "mps", "precision": "tf32"}}, "hardware.precision"),
        ({"hardware": {"device": "cuda:1", "processes": 2}}, "hardware.processes"),
        (
            {"dataset": {"target": "digit-and-ink", "augment_mixup": 0.5}, "model": {"kind": "heads"}},
            "dataset.augment_mixup",
        ),
        (
            {"dataset": {"target": "digit-and-ink", "augment_cutmix": 0.5}, "model": {"kind": "heads"}},
            "dataset.augment_cutmix",
        ),
    ],
)
def test_that_settings_that_do_not_go_together_are_refused(data: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        files.parse(data)
    assert [problem.path for problem in caught.value.problems] == [path]
    assert caught.value.problems[0].hint


@pytest.mark.parametrize(
    "data",
    [
        {"model": {"kind": "cnn", "channels": [8, 8, 8]}},
        {"model": {"kind": "mlp", "hidden": [8, 8, 8], "dropout": [0.1, 0.2, 0.3]}},
        {"model": {"kind": "mlp", "hidden": [8, 8, 8], "dropout": 0.1}},
        {"model": {"kind": "mlp", "hidden": [], "dropout": []}},
        {"dataset": {**PICTURES, "validation": 0}, "training": {"early_stopping": 3}},
        {"hardware": {"device": "cuda", "precision": "fp16", "processes": 4}},
        {"hardware": {"device": "cpu", "processes": 2}},
    ],
)
def test_that_settings_that_go_together_are_taken(data: dict[str, Any]) -> None:
    files.parse(data)
