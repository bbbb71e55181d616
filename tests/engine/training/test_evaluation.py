"""The numbers of an evaluation, against hands and against definitions."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.asking import answer_to, problems_of
from tests.engine.runtime.worlds import Stub, run_ranks
from workbench.config import files
from workbench.config.recipes import start
from workbench.engine.attempts.attempt import run_attempt
from workbench.engine.data.dataset import TaskSpec
from workbench.engine.runtime.distributed import World
from workbench.engine.tasks import class_figures, number_figures
from workbench.engine.training import build
from workbench.engine.training.evaluation import evaluate
from workbench.runs import history
from workbench.runs.checkpoints import latest
from workbench.runs.folder import RunFolder, create
from workbench.runs.service.evaluation import Evaluation
from workbench.runs.service.inspection import BatchInspection
from workbench.runs.service.requests import DescribeSamples, EvaluateCheckpoint, InspectBatch, InspectedModel
from workbench.runs.service.samples import SampleDescriptions

CLASSES = ("a", "b", "c")


def train_run(recipe: str, changes: dict[str, Any]) -> Path:
    name, config = start(recipe)
    folder = create(files.change(config, {"training.epochs": 1, **changes}), name)
    run_attempt(folder, alone=True)
    newest = latest(folder.checkpoints)
    assert newest is not None
    return newest.path


def evaluated(checkpoint: Path, split: str = "val") -> Evaluation:
    return answer_to(EvaluateCheckpoint(checkpoint=str(checkpoint), split=split), Evaluation)


def test_that_confusion_and_figures_by_class_are_right() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 2, -100])
    predictions = torch.tensor([0, 0, 1, 1, 2, 2, 0])
    figures = class_figures.per_class(CLASSES, predictions, labels)
    assert figures["confusion"] == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    first, second, third = figures["per_class"]
    assert (first["precision"], first["recall"], first["f1"]) == pytest.approx((1, 2 / 3, 0.8))
    assert (second["precision"], second["recall"], second["f1"]) == pytest.approx((0.5, 0.5, 0.5))
    assert (third["precision"], third["recall"], third["f1"]) == pytest.approx((0.5, 1, 2 / 3))
    assert [one["samples"] for one in figures["per_class"]] == [3, 2, 1]


def test_that_a_class_nobody_guessed_has_no_division_by_zero() -> None:
    figures = class_figures.per_class(CLASSES, torch.tensor([0, 0]), torch.tensor([0, 1]))
    assert [one["f1"] for one in figures["per_class"]] == pytest.approx([2 / 3, 0, 0])


def test_that_cells_hold_their_samples_with_the_worst_first() -> None:
    labels, predictions = torch.tensor([0, 0, 1, 0]), torch.tensor([1, 1, 1, 0])
    assert class_figures.cells(predictions, labels, [1, 0, 3, 2]) == [[0, 1, [1, 0]], [0, 0, [3]], [1, 1, [2]]]


def test_that_residuals_are_in_the_targets_unit() -> None:
    spec = TaskSpec("regression", targets=("y",), means=(5.0,), stds=(2.0,))
    (told,) = number_figures._residuals(spec, torch.tensor([[1.0], [0.0]]), torch.tensor([[0.0], [0.0]]))
    assert (told["mean"], told["std"], told["mae"]) == pytest.approx((1.0, 1.0, 1.0))
    assert told["rmse"] == pytest.approx(2**0.5)
    assert sum(told["counts"]) == 2


def test_that_an_evaluation_shows_its_samples() -> None:
    path = train_run("digits-mlp", {})
    found = evaluated(path)
    confusion = torch.tensor(found.confusion)
    assert int(confusion.sum()) == found.samples == found.metrics["samples"]
    assert float(confusion.diag().sum() / confusion.sum()) == pytest.approx(found.metrics["accuracy"])
    assert all(
        len(cell[2]) == min(confusion[cell[0], cell[1]], class_figures.SAMPLES_PER_CELL) for cell in found.cells or ()
    )
    losses = [sample.loss or 0.0 for sample in found.worst]
    assert losses == sorted(losses, reverse=True)
    assert found.worst[0].thumbnail is not None
    assert found.worst[0].thumbnail.width == 8
    assert found.cells
    wanted = found.cells[0][2][:3]
    request = DescribeSamples(checkpoint=str(path), split="val", indices=(*wanted, 10**9))
    shown = answer_to(request, SampleDescriptions).samples
    assert tuple(sample.index for sample in shown) == wanted
    assert shown[0].thumbnail is not None
    inspected = answer_to(InspectBatch(subject=InspectedModel(checkpoint=str(path))), BatchInspection)
    assert inspected.loss < 2.3  # trained weights, not fresh ones


def test_that_a_forecast_stands_beside_the_naive_one() -> None:
    found = evaluated(train_run("sine-gru", {}))
    forecast, residuals, pairs = found.forecast, found.residuals, found.pairs
    assert forecast is not None
    assert residuals is not None
    assert pairs is not None
    assert len(forecast.true) == len(forecast.predicted) == len(forecast.baseline)
    # The baseline predicts for a step the true value of the step before.
    assert forecast.baseline[1:] == pytest.approx(forecast.true[:-1], abs=1e-5)
    errors = [abs(a - b) for a, b in zip(forecast.true, forecast.baseline, strict=True)]
    assert forecast.baseline_mae == pytest.approx(sum(errors) / len(errors), rel=1e-3)
    assert forecast.mae == pytest.approx(residuals[0].mae, rel=1e-3)
    (target,) = pairs.targets
    assert len(target.true) == len(pairs.names) == found.samples
    assert "…" in (found.worst[0].text or "")


def test_that_every_target_of_a_table_has_its_pairs_and_residuals_in_its_own_unit(tmp_path: Path) -> None:
    table = tmp_path / "two targets.csv"
    rows = [f"{x},{3 * x + 2},{1000 - 50 * x}" for x in range(100)]
    table.write_text("\n".join(["x,small,large", *rows]), encoding="utf-8")
    changes = {
        "dataset.kind": "table",
        "dataset.path": str(table),
        "dataset.target": "small",
        "dataset.more_targets": ["large"],
        "model.kind": "linear",
    }
    found = evaluated(train_run("linear-regression", changes))
    residuals = found.residuals or ()
    assert found.pairs is not None
    small, large = found.pairs.targets
    assert [small.target, large.target] == ["small", "large"] == [target.target for target in residuals]
    xs = [(value - 2) / 3 for value in small.true]
    assert large.true == pytest.approx([1000 - 50 * x for x in xs], rel=1e-4)
    errors = [predicted - true for predicted, true in zip(large.predicted, large.true, strict=True)]
    assert sum(errors) / len(errors) == pytest.approx(residuals[1].mean, rel=1e-3)


def test_that_a_linear_regression_says_what_it_has_learned_at_its_end_and_when_it_is_evaluated() -> None:
    checkpoint = train_run("linear-regression", {"training.epochs": 300})
    progress = history.load(RunFolder(checkpoint.parent.parent))
    assert progress.ended is not None
    (equation,) = progress.ended.equations
    ((name, slope),) = equation.weights
    # 200 evenly spaced points with noise of 0.5: the slope's own error is about 0.01, that of the intercept 0.04.
    assert (equation.target, name) == ("y", "x")
    assert slope == pytest.approx(3.0, abs=0.06)
    assert equation.intercept == pytest.approx(2.0, abs=0.2)
    found = evaluated(checkpoint)
    assert found.equations is not None
    assert found.equations[0].weights[0][1] == pytest.approx(slope)
    assert found.equations[0].text.startswith("y = ")


def test_that_a_linear_regression_on_a_table_is_told_in_the_units_of_its_columns(tmp_path: Path) -> None:
    rows = [f"{1000 + x},{('red', 'blue')[x % 2]},{3 * (1000 + x) - 7 + 5 * (x % 2)}" for x in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["length,color,price", *rows]), encoding="utf-8")
    changes = {"dataset.kind": "table", "dataset.path": str(tmp_path / "t.csv"), "training.epochs": 2000}
    found = evaluated(train_run("linear-regression", {**changes, "optimizer.lr": 0.1}))
    assert found.equations is not None
    weights = dict(found.equations[0].weights)
    assert weights["length"] == pytest.approx(3.0, rel=1e-2)
    assert weights["(color is blue)"] - weights["(color is red)"] == pytest.approx(5.0, rel=5e-2)
    # At any point the equation gives what the table has.
    at = 1030 * weights["length"] + weights["(color is red)"] + found.equations[0].intercept
    assert at == pytest.approx(3 * 1030 - 7, abs=1)


def test_that_what_is_no_linear_regression_has_no_equation() -> None:
    assert evaluated(train_run("digits-mlp", {"training.epochs": 1})).equations is None


def test_that_a_run_without_validation_is_evaluated_on_its_training_samples_with_a_sentence() -> None:
    checkpoint = train_run("linear-regression", {"training.epochs": 2})
    found = evaluated(checkpoint)
    assert (found.split, found.samples) == ("train", 200)
    assert found.note == "The data has no validation split, so the training split was evaluated."
    (problem,) = problems_of(EvaluateCheckpoint(checkpoint=str(checkpoint), split="test"))
    assert "no test split" in problem.what


def test_that_noise_on_two_levels_has_no_r2_in_one_process_and_in_two(tmp_path: Path) -> None:
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(601, 3, generator=draw).tolist()
    table = tmp_path / "noise.csv"
    table.write_text("\n".join(["x,a,b", *(f"{x},{a},{1000 + b}" for x, a, b in rows)]), encoding="utf-8")
    changes = {
        "dataset.kind": "table",
        "dataset.path": str(table),
        "dataset.target": "a",
        "dataset.more_targets": ["b"],
        "model.kind": "linear",
    }
    config = files.change(start("linear-regression")[1], changes)

    def measure(world: World) -> dict[str, float]:
        parts = build.build(config, torch.device("cpu"), World())
        for parameter in parts.model.parameters():
            torch.nn.init.zeros_(parameter)
        parts.world = world
        return evaluate(parts, "train") or {}

    def measure_rank(world: Stub) -> dict[str, float]:
        return measure(world)

    alone = measure(World())
    assert alone["r2"] == pytest.approx(0.0, abs=0.01)
    for shared in run_ranks(measure_rank):
        assert shared == pytest.approx(alone, rel=1e-6)
