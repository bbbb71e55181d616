"""A comparison in the window, with engines that follow a script: who begins when, what is drawn, what the table says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from tests.gui.scripted import Engines
from workbench.config import compare
from workbench.gui.comparison.dialog import CompareDialog
from workbench.gui.comparison.view import COLUMNS, ComparisonView
from workbench.gui.main_window import MainWindow
from workbench.runs import comparison
from workbench.runs.folder import list_runs

Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def view(window: MainWindow) -> ComparisonView:
    """The view of comparisons, with its plots."""
    window.central.fill()
    return window.central.comparison


def begin(window: MainWindow, values: str = "0.1, 0.01, 0.001") -> None:
    """Asks for a comparison of learning rates in the dialog."""
    window.actions_["run.compare"].trigger()
    dialog = window.findChild(CompareDialog)
    assert dialog is not None
    dialog.settings[0].setCurrentText("optimizer.lr")
    dialog.values[0].setText(values)
    dialog.start.click()


def train_two(engines: Engines, wait: Wait) -> None:
    """Lets two engines train a whole run each, one after the other."""
    wait(lambda: len(engines.all) == 1)
    engines.last.train()
    wait(lambda: len(engines.all) == 2)
    engines.last.train()


def column(view: ComparisonView, name: str) -> list[str]:
    """What the table says in a column."""
    place = COLUMNS.index(name)
    cells = [view.table.item(row, place) for row in range(view.table.rowCount())]
    return [cell.text() for cell in cells if cell is not None]


def test_that_the_runs_of_a_comparison_follow_each_other(
    window: MainWindow, view: ComparisonView, engines: Engines, wait: Wait, runs: Path
) -> None:
    begin(window)
    wait(lambda: len(engines.all) == 1)
    assert view.isVisible()
    wait(lambda: column(view, "State") == ["starting", "queued", "queued"])
    engines.last.train()
    wait(lambda: len(engines.all) == 2)
    wait(lambda: column(view, "State") == ["completed", "starting", "queued"])
    engines.last.train()
    wait(lambda: len(engines.all) == 3)
    engines.last.train()
    wait(lambda: column(view, "State") == ["completed"] * 3)
    found = comparison.members(runs, window.controllers.comparison.group)
    assert [run.config().optimizer.lr for run in found] == [0.1, 0.01, 0.001]
    assert len({run.config().training.seed for run in found}) == 1


def test_that_table_and_curves_grow_with_the_run(
    window: MainWindow, view: ComparisonView, engines: Engines, wait: Wait
) -> None:
    begin(window)
    wait(lambda: len(engines.all) == 1)
    engines.last.begin()
    engines.last.train_epoch()
    wait(lambda: column(view, "Epochs")[0] == "1")
    assert view.charts is not None
    trace = view.charts.loss.traces[0]
    assert trace.name == "Learning rate 0.1"
    assert len(trace.progress.curves.loss) == 23
    engines.last.train_epoch()
    wait(lambda: column(view, "Epochs")[0] == "2")
    assert len(trace.progress.curves.loss) == 46
    assert view.charts.loss.span()[1] >= 46


def test_that_the_table_tells_final_and_best_and_the_hash_of_the_first_weights(
    window: MainWindow, view: ComparisonView, engines: Engines, wait: Wait
) -> None:
    begin(window, "0.1, 0.01")
    train_two(engines, wait)
    wait(lambda: column(view, "State") == ["completed"] * 2)
    assert [text.removeprefix("━ ") for text in column(view, "Run")] == ["Learning rate 0.1", "Learning rate 0.01"]
    assert column(view, "Initial weights") == ["01234567"] * 2
    # The table and the run shown are read by threads of their own.
    wait(lambda: window.session.state == "ended")
    progress = window.session.progress
    assert progress.best is not None
    assert column(view, "Best")[1] == f"{progress.best.value:.4g}"
    assert column(view, "Best epoch")[1] == str(progress.best.epoch)
    assert column(view, "Final")[1] == f"{progress.epochs[-1].val['accuracy']:.4g}"
    assert column(view, "Loss")[1] == f"{progress.epochs[-1].train['loss']:.4g}"
    assert "2 of 2 runs have ended. All start with the same weights and see the same batches." in view.status.text()
    assert "Final and Best are val accuracy." in view.status.text()


def test_that_a_stop_ends_the_comparison(
    window: MainWindow, view: ComparisonView, engines: Engines, wait: Wait, runs: Path
) -> None:
    begin(window)
    wait(lambda: len(engines.all) == 1)
    engines.last.begin()
    wait(lambda: window.session.state == "running")
    window.actions_["run.stop"].trigger()
    wait(lambda: column(view, "State") == ["stopped", "not started", "not started"])
    wait(lambda: window.session.active_run is None)
    assert len(list_runs(runs)) == 1


def test_that_a_failed_run_does_not_stop_the_others(
    window: MainWindow, view: ComparisonView, engines: Engines, wait: Wait
) -> None:
    begin(window, "0.1, 0.01")
    wait(lambda: len(engines.all) == 1)
    engines.last.begin()
    engines.last.end("failed", "The loss is not a number")
    wait(lambda: len(engines.all) == 2)
    wait(lambda: column(view, "State") == ["failed", "starting"])


def test_that_those_waiting_can_be_dropped_and_the_one_that_goes_is_left_alone(
    window: MainWindow, view: ComparisonView, engines: Engines, wait: Wait, qtbot: Any
) -> None:
    begin(window)
    wait(lambda: len(engines.all) == 1)
    engines.last.begin()
    wait(lambda: column(view, "State") == ["running", "queued", "queued"])
    qtbot.mouseClick(view.cancel, Qt.MouseButton.LeftButton)
    assert column(view, "State") == ["running", "not started", "not started"]
    assert not view.cancel.isVisible()
    engines.last.train_epoch()
    engines.last.end()
    wait(lambda: window.session.active_run is None)
    assert len(engines.all) == 1


def test_that_a_comparison_waits_for_the_run_that_goes(
    window: MainWindow, view: ComparisonView, engines: Engines, wait: Wait
) -> None:
    window.actions_["run.train"].trigger()
    wait(lambda: len(engines.all) == 1)
    engines.last.begin()
    begin(window, "0.1, 0.01")
    assert column(view, "State") == ["queued", "queued"]
    engines.last.end()
    wait(lambda: len(engines.all) == 2)
    assert engines.last.folder.config().optimizer.lr == 0.1


def test_that_a_disk_that_refuses_ends_the_comparison_with_words(
    window: MainWindow, view: ComparisonView, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    told: list[str] = []
    window.session.failed.disconnect()
    window.session.failed.connect(told.append)
    monkeypatch.setattr("workbench.gui.session.session.create", full)
    begin(window, "0.1, 0.01")
    assert told == ["The run’s folder cannot be created: No space left on device."]
    assert column(view, "State") == ["not started", "not started"]


def test_that_a_run_of_an_earlier_comparison_shows_it_again(
    window: MainWindow, view: ComparisonView, engines: Engines, wait: Wait, qtbot: Any, runs: Path
) -> None:
    begin(window, "0.1, 0.01")
    train_two(engines, wait)
    wait(lambda: column(view, "State") == ["completed"] * 2 and window.session.active_run is None)
    first = window.controllers.comparison.group
    config = window.document.config
    assert config is not None
    window.controllers.comparison.start("other", compare.variants(config, [{"training.seed": 3}]))
    wait(lambda: len(engines.all) == 3)
    engines.last.train()
    wait(lambda: column(view, "State") == ["completed"] and window.session.active_run is None)
    window.controllers.runs.show_run(comparison.members(runs, first)[0])
    wait(lambda: window.controllers.comparison.group == first)
    wait(lambda: column(view, "State") == ["completed"] * 2)
    cell = view.table.visualRect(view.table.model().index(1, 0)).center()
    qtbot.mouseClick(view.table.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    qtbot.mouseDClick(view.table.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    shown = window.session.folder
    assert shown is not None
    assert shown.config().optimizer.lr == 0.01


def test_that_runs_ticked_beside_the_one_shown_are_named_by_what_is_their_own(
    window: MainWindow, view: ComparisonView, engines: Engines, wait: Wait, runs: Path
) -> None:
    begin(window, "0.1, 0.01")
    train_two(engines, wait)
    wait(lambda: window.session.active_run is None)
    window.overlays.load(comparison.members(runs, window.controllers.comparison.group))
    wait(lambda: "Learning rate 0.1" in window.central.curves.overlay_legend.text())
    assert "Learning rate 0.01" in window.central.curves.overlay_legend.text()
