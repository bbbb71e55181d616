"""A long run with the window open: both processes keep their memory flat, beyond the points that the curves keep.

Long with ``-m campaign``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.gate import Gate
from tests.real_window import real_windows
from tests.waiting import HANG_MS, end_runs
from workbench.config import files
from workbench.config.recipes import start
from workbench.gui.main_window import MainWindow

SETTLED = 10_000
"""Steps after which nothing is to grow any more."""
TINY = {
    "dataset.kind": "synthetic",
    "dataset.shape": "linear",
    "dataset.samples": 20_000,
    "dataset.validation": 0.0,
    "model.kind": "linear",
    "training.batch_size": 10,
    "hardware.threads": 1,
    "output.checkpoint_every": "10 min",
}


@pytest.fixture
def window(qapp: Any, qtbot: Any, folders: Any) -> Iterator[MainWindow]:
    with real_windows(qtbot) as open_one:
        yield open_one("linear-regression")
    end_runs(folders.runs)


@pytest.mark.parametrize(
    "steps",
    [pytest.param(30_000, id="short"), pytest.param(1_000_000, id="long", marks=pytest.mark.campaign)],
)
def test_that_memory_is_flat(steps: int, window: MainWindow, qtbot: Any, gate: Gate) -> None:
    config = files.change(start("linear-regression")[1], {**TINY, "training.epochs": steps // 2000})
    session = window.session

    def reached(step: int) -> None:
        """It waits there, so that both processes are measured at the same step on every machine."""
        gate.close_after(step)
        qtbot.waitUntil(lambda: session.progress.step == step or session.state == "ended", timeout=7_200_000)
        assert session.state == "running"

    gate.close_after(1)
    session.train(config, "long")
    qtbot.waitUntil(lambda: session.progress.step == 1, timeout=HANG_MS)
    assert session.progress.started is not None
    engine, own = psutil.Process(session.progress.started.pid), psutil.Process()
    reached(SETTLED)
    before = (engine.memory_info().rss, own.memory_info().rss, points(window))
    reached(int(steps * 0.95))
    after = (engine.memory_info().rss, own.memory_info().rss, points(window))
    sys.stderr.write(f"{steps} steps: engine, window, points {before} -> {after} bytes\n")
    kept = after[2] - before[2]
    assert after[0] <= before[0] * 1.05
    # What is drawn and smoothed is kept once more, and an array that grows doubles.
    assert after[1] <= before[1] * 1.05 + 4 * kept
    gate.open()
    qtbot.waitUntil(lambda: session.state == "ended", timeout=600_000)
    assert session.progress.state == "completed"


def points(window: MainWindow) -> int:
    """Bytes of the points that the curves keep: x and y of eight bytes each."""
    return sum(len(series) for series in window.session.progress.curves.all()) * 16
