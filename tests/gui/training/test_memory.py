"""Who has how much of a device's memory, now and before."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from tests.gui import synthetic_runs
from workbench.gui.theme import Themes
from workbench.gui.training.memory import MemoryShares, MemoryView, shares
from workbench.runs.events import DeviceMemory, Memory
from workbench.runs.progress import Progress

GIB = synthetic_runs.GIB


@pytest.fixture
def view(qtbot: QtBot, themes: Themes) -> MemoryView:
    found = MemoryView(themes)
    qtbot.addWidget(found)
    found.resize(680, 200)
    found.show()
    found.fill()
    return found


def device(name: str, allocated: int, reserved: int, used: int, total: int) -> DeviceMemory:
    return DeviceMemory(name=name, allocated=allocated, reserved=reserved, used=used, total=total)


@pytest.mark.parametrize(
    "sample,expected",
    [
        (device("GPU", 1, 2, 5, 10), MemoryShares(run=2, others=3, free=5)),
        (device("CPU", 3, 0, 5, 10), MemoryShares(run=3, others=2, free=5)),
        (device("GPU", 4, 4, 3, 10), MemoryShares(run=4, others=0, free=6)),
        (device("GPU", 1, 1, 12, 10), MemoryShares(run=1, others=11, free=0)),
    ],
)
def test_that_no_share_is_negative_however_the_samples_came(sample: DeviceMemory, expected: MemoryShares) -> None:
    assert shares(sample) == expected


def test_that_without_a_run_the_view_says_what_will_be_there(view: MemoryView) -> None:
    view.show_progress(None)
    assert view.empty.isVisible()


def test_that_each_device_has_a_row_with_numbers_and_a_history(view: MemoryView) -> None:
    progress = Progress()
    progress.apply(synthetic_runs.started())
    devices = tuple(device(f"GPU {n}", GIB, 2 * GIB, 5 * GIB, 16 * GIB) for n in range(2))
    for second in range(5):
        progress.apply(Memory(time=synthetic_runs.BEGIN + second, devices=devices, ram=GIB, ram_total=8 * GIB))
    view.show_progress(progress)
    assert list(view.rows) == ["GPU 0", "GPU 1"]
    row = view.rows["GPU 1"]
    assert row.accessibleDescription() == "this run 2 GiB, other processes 3 GiB, free 11 GiB"
    assert "1 GiB allocated of 2 GiB reserved" in row.note.text()
    assert row.chart is not None
    assert row.chart.run.getData()[0].tolist() == [0, 1, 2, 3, 4]
    assert row.chart.all_processes.getData()[1].tolist() == [5 * GIB] * 5
    assert not view.empty.isVisible()


def test_that_another_run_on_other_devices_replaces_the_rows(view: MemoryView) -> None:
    progress = synthetic_runs.progress(2)
    view.show_progress(progress)
    assert list(view.rows) == ["CPU"]
    other = Progress()
    other.apply(synthetic_runs.started())
    other.apply(synthetic_runs.memory(1.0, name="GPU 0"))
    view.show_progress(other)
    assert list(view.rows) == ["GPU 0"]
    view.show_progress(None)
    assert view.rows == {}


def test_that_the_cursor_names_the_memory_of_that_time(view: MemoryView) -> None:
    progress = synthetic_runs.progress(10)
    view.show_progress(progress)
    chart = view.rows["CPU"].chart
    assert chart is not None
    chart.canvas.hovered.emit(8.6)
    assert "9&nbsp;s" in chart.legend.text()
    chart.canvas.hovered.emit(None)
    assert "9&nbsp;s" not in chart.legend.text()


def test_that_a_hidden_view_draws_when_it_is_seen_again(view: MemoryView) -> None:
    view.hide()
    view.show_progress(synthetic_runs.progress(2))
    assert view.rows == {}
    view.show()
    assert list(view.rows) == ["CPU"]
