"""The curves show what the run said: nothing lost, nothing made up, and no more than the screen can show."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox
from pytestqt.qtbot import QtBot

from tests.gui import synthetic_runs
from workbench.gui.theme import DARK, Themes
from workbench.gui.training.charts import Chart
from workbench.gui.training.curves import CurvesView
from workbench.gui.training.run_charts import RunCharts
from workbench.runs.events import Recovered
from workbench.runs.progress import Progress
from workbench.runs.series import Floats, smooth


def charts_of(view: CurvesView) -> RunCharts:
    assert view.charts is not None
    return view.charts


def raw(chart: Chart, trace: int = 0) -> tuple[Floats, Floats]:
    x, y = chart.traces[trace].items[0].getData()
    return x, y


def line(chart: Chart, trace: int = 0) -> tuple[Floats, Floats]:
    x, y = chart.traces[trace].items[1].getData()
    return x, y


def shown_y(chart: Chart) -> tuple[float, float]:
    low, high = chart.canvas.getViewBox().viewRange()[1]
    return float(low), float(high)


def noisy(count: int) -> Progress:
    progress = Progress()
    progress.apply(synthetic_runs.started(epochs=1, steps_per_epoch=count))
    progress.apply(synthetic_runs.steps(1, (1 + np.random.default_rng(0).random(count)).tolist()))
    return progress


def test_that_nothing_needs_pyqtgraph_before_the_plots_are_made() -> None:
    code = "import sys, workbench.gui.training.curves, workbench.gui.training.memory, workbench.gui.runs.view; "
    code += "assert 'pyqtgraph' not in sys.modules and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_that_without_a_run_the_view_says_what_to_do(curves: CurvesView) -> None:
    curves.show_progress(None)
    assert curves.empty.isVisible()
    assert curves.empty.text() == "Press Train to see the curves of a run here."
    curves.set_start_hint("1,797 handwritten digits")
    assert curves.empty.text() == "Press Train to start with 1,797 handwritten digits."
    curves.show_progress(Progress())
    assert curves.empty.isVisible()
    curves.show_progress(synthetic_runs.progress(2))
    assert not curves.empty.isVisible()


def test_that_progress_shown_before_the_plots_are_made_is_drawn_with_them(qtbot: QtBot, themes: Themes) -> None:
    view = CurvesView(themes)
    qtbot.addWidget(view)
    view.show()
    view.show_progress(synthetic_runs.progress(2))
    view.fill()
    assert len(line(charts_of(view).loss)[0]) == 46


def test_that_short_curves_are_drawn_whole_raw_and_smoothed(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(5)
    curves.show_progress(progress)
    loss = charts_of(curves).loss
    assert np.array_equal(raw(loss)[1], progress.curves.loss.y)
    assert np.allclose(line(loss)[1], smooth(progress.curves.loss.y, 0.6))
    assert np.array_equal(line(loss, 1)[1], progress.curves.val["loss"].y)


def test_that_every_chart_draws_its_own_numbers(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(5)
    curves.show_progress(progress)
    charts = charts_of(curves)
    assert np.array_equal(raw(charts.metric)[1], progress.curves.metric.y)
    assert np.array_equal(line(charts.metric, 2)[1], progress.curves.val["accuracy"].y)
    assert np.array_equal(line(charts.rate)[1], progress.curves.lr.y)
    assert np.array_equal(raw(charts.throughput)[1], progress.curves.throughput.y)


def test_that_a_regression_shows_its_own_metric(curves: CurvesView) -> None:
    progress = Progress()
    progress.apply(synthetic_runs.started(task="regression", metric="mae", monitor="val mae"))
    progress.apply(synthetic_runs.steps(1, [1.0, 0.5], metric=(0.9, 0.4)))
    curves.show_progress(progress)
    metric = charts_of(curves).metric
    assert metric.title.text() == "Mean absolute error"
    assert raw(metric)[1].tolist() == [0.9, 0.4]


def test_that_a_metric_known_per_epoch_only_is_drawn_per_epoch(curves: CurvesView) -> None:
    events = [event for event in synthetic_runs.training(3) if event.kind != "scalars"]
    progress = Progress()
    progress.apply_all(events)
    curves.show_progress(progress)
    assert np.array_equal(line(charts_of(curves).metric, 1)[1], progress.curves.train["accuracy"].y)


def test_that_new_points_of_the_same_run_are_drawn(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(2)
    curves.show_progress(progress)
    progress.apply(synthetic_runs.steps(47, [0.5, 0.4]))
    curves.show_progress(progress)
    assert raw(charts_of(curves).loss)[0][-1] == 48


def test_that_points_taken_back_by_a_resume_are_not_drawn(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(2)
    curves.show_progress(progress)
    progress.apply(synthetic_runs.started(attempt=2, from_step=23))
    progress.apply(synthetic_runs.steps(24, [9.0] * 23))
    curves.show_progress(progress)
    loss = charts_of(curves).loss
    assert np.all(raw(loss)[1][23:] == 9.0)
    assert np.allclose(line(loss)[1], smooth(progress.curves.loss.y, 0.6))


def test_that_nothing_is_drawn_when_nothing_is_new(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(2)
    curves.show_progress(progress)
    curve = charts_of(curves).loss.traces[0].items[1]
    drawn: list[object] = []
    curve.sigPlotChanged.connect(drawn.append)
    curves.show_progress(progress)
    assert drawn == []


def test_that_a_hidden_view_draws_when_it_is_seen_again(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(1)
    curves.show_progress(progress)
    curves.hide()
    progress.apply(synthetic_runs.steps(24, [0.5]))
    curves.show_progress(progress)
    assert raw(charts_of(curves).loss)[0][-1] == 23
    curves.show()
    assert raw(charts_of(curves).loss)[0][-1] == 24


def test_that_long_curves_are_thinned_out_to_twice_the_pixels_and_spikes_stay(curves: CurvesView) -> None:
    progress = noisy(300_000)
    progress.apply(synthetic_runs.steps(300_001, [50.0]))
    progress.apply(synthetic_runs.steps(300_002, [1.0] * 1000))
    curves.show_progress(progress)
    loss = charts_of(curves).loss
    x, y = raw(loss)
    assert len(x) <= 2 * loss.pixels() + 2
    assert x[y.argmax()] == 300_001
    assert y.max() == 50.0


def test_that_zooming_in_shows_the_points_themselves(curves: CurvesView) -> None:
    curves.show_progress(noisy(300_000))
    loss = charts_of(curves).loss
    loss.canvas.getViewBox().setXRange(1000, 1100, padding=0)
    loss.canvas.moved.emit()
    assert np.array_equal(raw(loss)[0], np.arange(999, 1102))


def test_that_a_value_that_is_no_number_is_a_gap_with_a_mark_and_leaves_the_range_alone(curves: CurvesView) -> None:
    progress = Progress()
    progress.apply(synthetic_runs.started())
    progress.apply(synthetic_runs.steps(1, [1.0, 0.9, math.nan, 0.8, math.inf, 0.7]))
    curves.show_progress(progress)
    loss = charts_of(curves).loss
    assert np.isnan(raw(loss)[1][2])
    assert np.isfinite(line(loss)[1]).all()
    assert list(loss.bad_marks.xvals) == [3, 5]
    assert loss.bad_marks.isVisible()
    low, high = shown_y(loss)
    assert 0.5 < low < 0.7 < 1.0 < high < 1.2
    assert "not&nbsp;a&nbsp;number" in loss.legend.text()


def test_that_a_loss_of_nothing_but_nan_is_shown_without_harm(curves: CurvesView) -> None:
    progress = Progress()
    progress.apply(synthetic_runs.started())
    progress.apply(synthetic_runs.steps(1, [math.nan] * 5))
    curves.show_progress(progress)
    assert charts_of(curves).loss.bad_marks.isVisible()


def test_that_the_best_epoch_has_a_star_and_a_label(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(5)
    curves.show_progress(progress)
    metric = charts_of(curves).metric
    assert progress.best is not None
    x, y = metric.star.getData()
    assert (x[0], y[0]) == (progress.best.step, progress.best.value)
    assert metric.star_label.toPlainText() == f"best: epoch {progress.best.epoch}"


def test_that_the_logarithmic_axis_draws_powers_of_ten(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(5)
    progress.apply(synthetic_runs.steps(116, [0.0]))
    curves.show_progress(progress)
    charts = charts_of(curves)
    click(curves.controls.logarithmic)
    assert np.allclose(raw(charts.loss)[1][:-1], np.log10(progress.curves.loss.y[:-1]))
    assert np.isnan(raw(charts.loss)[1][-1])
    assert np.array_equal(raw(charts.metric)[1], progress.curves.metric.y)
    assert "1e-3" in charts.loss.left.tickStrings([-3.0, 0.0], 1, 1)


def test_that_ignoring_outliers_brings_the_rest_closer(curves: CurvesView) -> None:
    progress = noisy(1000)
    progress.apply(synthetic_runs.steps(1001, [1000.0]))
    curves.show_progress(progress)
    loss = charts_of(curves).loss
    assert shown_y(loss)[1] > 1000
    click(curves.controls.ignore_outliers)
    assert shown_y(loss)[1] < 3


def test_that_without_smoothing_the_raw_curve_is_drawn_once(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(3)
    curves.show_progress(progress)
    curves.controls.smoothing.setValue(0)
    loss = charts_of(curves).loss
    assert np.array_equal(line(loss)[1], progress.curves.loss.y)
    assert raw(loss)[0] is None or len(raw(loss)[0]) == 0


def test_that_moving_by_hand_ends_following_and_the_other_charts_go_along(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(5)
    curves.show_progress(progress)
    charts = charts_of(curves)
    charts.loss.canvas.getViewBox().setRange(xRange=(20, 60), yRange=(0.5, 0.6), padding=0)
    charts.loss.canvas.moved.emit()
    assert not curves.controls.follow.isChecked()
    assert charts.rate.span() == (20.0, 60.0)
    progress.apply(synthetic_runs.steps(116, [0.5] * 50))
    curves.show_progress(progress)
    assert charts.loss.span() == (20.0, 60.0)
    assert shown_y(charts.loss) == (0.5, 0.6)
    click(curves.controls.follow)
    assert charts.loss.span()[1] >= 165


def test_that_the_axis_keeps_still_between_two_frames(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(5)
    curves.show_progress(progress)
    before = charts_of(curves).loss.span()
    progress.apply(synthetic_runs.steps(116, [0.5]))
    curves.show_progress(progress)
    assert charts_of(curves).loss.span() == before


def test_that_the_legend_names_the_values_at_the_cursor_in_every_chart(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(5)
    curves.show_progress(progress)
    charts = charts_of(curves)
    charts.metric.canvas.hovered.emit(45.7)
    assert curves.controls.cursor_label.text() == "step 46 · epoch 2"
    assert all(chart.cursor_line.isVisible() and chart.cursor_line.value() == 46 for chart in charts.all)
    validation = progress.curves.val["loss"].y[1]
    assert f"validation</span> {validation:.4g}" in charts.loss.legend.text()
    charts.metric.canvas.hovered.emit(None)
    assert curves.controls.cursor_label.text() == ""
    assert not charts.loss.cursor_line.isVisible()
    assert f"validation</span> {progress.curves.val['loss'].y[-1]:.4g}" in charts.loss.legend.text()


def test_that_a_mouse_over_one_chart_moves_the_cursor_of_all(curves: CurvesView) -> None:
    curves.show_progress(synthetic_runs.progress(5))
    charts = charts_of(curves)
    canvas = charts.loss.canvas
    box = canvas.getViewBox()
    middle = box.mapSceneToView(box.sceneBoundingRect().center())
    canvas.scene().sigMouseMoved.emit(box.sceneBoundingRect().center())
    assert charts.throughput.cursor_line.value() == round(middle.x())


def test_that_other_runs_are_drawn_in_their_colors_and_named(curves: CurvesView, themes: Themes) -> None:
    curves.show_progress(synthetic_runs.progress(3))
    other = synthetic_runs.progress(6, seed=1)
    curves.set_overlays([("digits-mlp", other), ("second", synthetic_runs.progress(2, seed=2))])
    loss = charts_of(curves).loss
    assert len(loss.traces) == 2 + 4
    assert np.allclose(line(loss, 2)[1], smooth(other.curves.loss.y, 0.6))
    assert np.array_equal(line(loss, 3)[1], other.curves.val["loss"].y)
    assert loss.traces[2].color == themes.current.overlays[0]
    assert "digits-mlp" in curves.overlay_legend.text()
    assert "second" in curves.overlay_legend.text()
    assert loss.span()[1] >= 6 * 23
    curves.set_overlays([])
    assert len(loss.traces) == 2
    assert not curves.overlay_legend.isVisible()


def test_that_a_run_name_cannot_dress_itself_up_in_the_legend(curves: CurvesView) -> None:
    curves.set_overlays([("<b>bold</b>", synthetic_runs.progress(1))])
    assert "&lt;b&gt;" in curves.overlay_legend.text()


def test_that_bounds_of_buckets_are_drawn_as_a_band_and_single_steps_have_none(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(2)
    curves.show_progress(progress)
    loss = charts_of(curves).loss
    assert not len(loss.band_item.getData()[0] if loss.band_item.getData()[0] is not None else ())
    progress.apply(synthetic_runs.steps(47, [0.5, 0.4], loss_min=(0.3, 0.2), loss_max=(0.7, 0.6)))
    curves.show_progress(progress)
    x, y = loss.band_item.getData()
    assert x[-4:].tolist() == [47, 47, 48, 48]
    assert y[-4:].tolist() == [0.3, 0.7, 0.2, 0.6]


def test_that_another_theme_dresses_plots_and_curves(curves: CurvesView, themes: Themes) -> None:
    curves.show_progress(synthetic_runs.progress(2))
    themes.choose("dark")
    loss = charts_of(curves).loss
    assert loss.canvas.backgroundBrush().color().name() == DARK.plot
    assert loss.traces[0].color == DARK.train
    assert len(line(loss)[0]) == 46


def test_that_everything_has_a_name_and_a_tip_and_is_reached_by_keyboard(curves: CurvesView) -> None:
    for control in (curves.controls.smoothing, *curves.controls.findChildren(QCheckBox)):
        assert control.accessibleName()
        assert control.toolTip()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_that_screen_readers_are_told_the_newest_values(curves: CurvesView) -> None:
    progress = synthetic_runs.progress(2)
    curves.show_progress(progress)
    loss = charts_of(curves).loss
    assert loss.accessibleName() == "Loss"
    assert loss.accessibleDescription().startswith("train ")
    progress.apply(synthetic_runs.steps(47, [7.0]))
    progress.apply(synthetic_runs.ended())
    curves.show_progress(progress)
    assert "validation" in loss.accessibleDescription()


def click(box: QCheckBox) -> None:
    """Presses a check box with the space bar, as one does without a mouse."""
    QTest.keyClick(box, Qt.Key.Key_Space)


def test_that_a_step_at_which_the_run_helped_itself_is_marked(curves: CurvesView) -> None:
    progress = noisy(50)
    curves.fill()
    curves.show_progress(progress)
    chart = charts_of(curves).loss
    assert not len(chart.recovery_marks.xvals)
    progress.apply(Recovered(why="memory", step=31, from_step=30, text="memory ran out in step 31"))
    curves.show_progress(progress)
    assert chart.recovery_marks.isVisible()
    assert list(chart.recovery_marks.xvals) == [30.0]
    assert "recovered" in chart.legend.text()
