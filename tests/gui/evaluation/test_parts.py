"""The parts of the evaluation by themselves: what they hide, what they say, and that they can be drawn."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from workbench.gui.evaluation import canvas
from workbench.gui.evaluation.confusion import MOST_CLASSES, Confusion
from workbench.gui.evaluation.forecast import verdict
from workbench.gui.evaluation.predictions import NAMED, reasons
from workbench.gui.evaluation.residuals import Residuals
from workbench.gui.evaluation.samples import Samples
from workbench.gui.theme import Themes
from workbench.runs.service.evaluation import EvaluatedSample, ForecastSeries, LeftOutFile, TargetResiduals


def diagonal(size: int) -> list[list[int]]:
    return [[int(row == column) for column in range(size)] for row in range(size)]


def test_that_a_confusion_fits_its_width_and_hides_where_it_cannot_be_read(qtbot: QtBot, themes: Themes) -> None:
    matrix = Confusion(themes)
    qtbot.addWidget(matrix)
    matrix.resize(640, 100)
    for size in (2, 15, MOST_CLASSES):
        matrix.show_counts([f"class {place}" for place in range(size)], diagonal(size))
        matrix.resize(640, matrix.height())
        assert matrix.cell_box((size - 1, size - 1)).right() <= 640
        assert matrix.cell_box((size - 1, size - 1)).bottom() <= matrix.height()
        assert not matrix.grab().isNull()
    matrix.show_counts([f"class {place}" for place in range(MOST_CLASSES + 1)], diagonal(MOST_CLASSES + 1))
    assert matrix.isHidden()


def test_that_a_histogram_is_drawn_for_each_target(qtbot: QtBot, themes: Themes) -> None:
    view = Residuals(themes)
    qtbot.addWidget(view)
    price = TargetResiduals(target="price", mean=0.1, std=1.0, rmse=1.0, mae=0.8, low=-2.0, high=3.0, counts=(1, 5, 2))
    weight = price.model_copy(update={"target": "weight", "low": 0.0, "high": 0.0, "std": 0.0})
    view.show_targets([price, weight])
    assert "price: mean error (bias) 0.1, std. dev. 1" in view.accessibleDescription()
    assert not view.grab().isNull()


@pytest.mark.parametrize(
    "mae, baseline, text",
    [
        (0.5, 1.0, "MAE is 50% lower than the naive baseline"),
        (1.5, 1.0, "MAE is 50% higher than the naive baseline"),
        (3.0, 1.0, "MAE is 3× the naive baseline"),
        (1.0, 1.0, "MAE is the same"),
        (1.0, 0.0, "naive baseline (repeat the last value) has none"),
    ],
)
def test_that_a_forecast_is_measured_against_the_naive_one(mae: float, baseline: float, text: str) -> None:
    forecast = ForecastSeries(
        target="y", first="from row 1", true=(), predicted=(), baseline=(), mae=mae, baseline_mae=baseline
    )
    assert text in verdict(forecast)


def test_that_texts_come_in_a_table(qtbot: QtBot) -> None:
    view = Samples("trial", "Trial")
    qtbot.addWidget(view)
    sample = EvaluatedSample(index=3, what="good …", text="good film", label="good", prediction="bad")
    view.show_samples("Worst", [sample.model_copy(update={"loss": 1.5})])
    assert not view.table.isColumnHidden(3)
    assert view.table.model().index(0, 4).data() == "good film"
    view.show_samples("A cell", [sample])
    assert view.table.isColumnHidden(3)
    view.show_samples("", [])
    assert view.isHidden()


def test_that_many_files_left_out_are_counted() -> None:
    told = reasons([LeftOutFile(file=f"/here/{number}.png", why="damaged") for number in range(NAMED + 3)])
    assert told.splitlines()[0] == "Left out: 0.png: damaged"
    assert told.splitlines()[-1] == "… and 3 more"


@pytest.mark.parametrize("low, high", [(0.0, 1.0), (-3e-9, 4e-9), (1e12, 3e12), (5.0, 5.0), (0.0, 0.0)])
def test_that_an_axis_has_a_few_round_marks_within_it(low: float, high: float) -> None:
    shown = canvas.around(low, high)
    values, spacing = canvas.marks(shown, 5)
    assert 1 <= len(values) <= 6
    assert all(shown[0] - spacing * 1e-6 <= value <= shown[1] + spacing * 1e-6 for value in values)
