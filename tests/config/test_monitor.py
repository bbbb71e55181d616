"""The monitored metric is one that there is, and each has a direction."""

import pytest

from workbench.config import files, monitor
from workbench.config.problems import ConfigError
from workbench.config.run import RunConfig


@pytest.mark.parametrize(
    "name, higher",
    [
        ("val.loss", False),
        ("val.accuracy", True),
        ("val.balanced_accuracy", True),
        ("val.f1", True),
        ("val.mae", False),
        ("val.rmse", False),
        ("val.r2", True),
        ("val.recall[cat]", True),
        ("val.precision[a [b] c]", True),
        ("val.f1[7]", True),
        ("train.loss", False),
    ],
)
def test_that_every_metric_is_known_with_its_direction(name: str, higher: bool) -> None:
    config = files.change(RunConfig(), files.parse_assignments([f"training.monitor={name}"]))
    assert config.training.monitor == name
    assert monitor.higher_is_better(name.partition(".")[2]) is higher


@pytest.mark.parametrize(
    "name",
    ["", "loss", "val", "val.", "val.acuracy", "val.recall", "val.recall[]", "val.mae[cat]", "test.loss", "train.f1"],
)
def test_that_an_unknown_metric_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        files.change(RunConfig(), {"training.monitor": name})
    (problem,) = caught.value.problems
    assert problem.path == "training.monitor"
    assert f"there is no metric “{name}”" in problem.what
    for there in (
        "auto",
        "val.loss",
        "val.accuracy",
        "val.balanced_accuracy",
        "val.f1",
        "val.mae",
        "val.rmse",
        "val.r2",
    ):
        assert there in problem.hint
    assert "val.recall[class]" in problem.hint


def test_that_a_metric_of_validation_needs_validation_samples() -> None:
    changes = {"dataset.kind": "synthetic", "dataset.validation": 0.0, "model.kind": "mlp"}
    with pytest.raises(ConfigError) as caught:
        files.change(RunConfig(), {**changes, "training.monitor": "val.loss"})
    assert [problem.path for problem in caught.value.problems] == ["training.monitor"]
    assert files.change(RunConfig(), {**changes, "training.monitor": "train.loss"}).training.monitor == "train.loss"
