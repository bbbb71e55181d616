"""A comparison from the real window with real engines: two runs from the same weights, told in curves and a table."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.real_window import real_windows
from tests.waiting import HANG_MS, living_children
from workbench.gui.comparison.dialog import CompareDialog
from workbench.gui.main_window import MainWindow
from workbench.runs import comparison


@pytest.fixture
def window(qapp: Any, qtbot: Any) -> Iterator[MainWindow]:
    with real_windows(qtbot) as open_one:
        made = open_one("digits-mlp")
        made.central.fill()
        yield made


def test_that_two_learning_rates_are_compared_from_the_same_weights(
    window: MainWindow, qtbot: Any, folders: Any
) -> None:
    window.document.set("training.epochs", 2)
    window.actions_["run.compare"].trigger()
    dialog = window.findChild(CompareDialog)
    assert dialog is not None
    dialog.values[0].setText("0.01, 0.0001")
    dialog.start.click()
    comparing = window.controllers.comparison

    def all_ended() -> bool:
        return all(entry.progress.ended is not None for entry in comparing.entries.values())

    qtbot.waitUntil(all_ended, timeout=HANG_MS)
    # An engine says its end a moment before it has written its summary and leaves.
    qtbot.waitUntil(lambda: not living_children("workbench.engine"), timeout=HANG_MS)
    found = [comparison.result(run) for run in comparison.members(folders.runs, comparing.group)]
    assert [one.state for one in found] == ["completed", "completed"]
    assert len({one.initial_weights for one in found}) == 1
    assert len({one.first_batches for one in found}) == 1
    shown = [entry.result() for entry in comparing.entries.values()]
    assert [one.best for one in shown if one is not None] == [one.best for one in found]
    assert "same weights and see the same batches" in window.central.comparison.status.text()
    assert window.central.comparison.charts is not None
    assert all(len(trace.progress.curves.loss) for trace in window.central.comparison.charts.loss.traces)
