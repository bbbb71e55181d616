"""How long a frame of the curves takes with 1e4 to 1e6 points: python tests/benchmarks/plotting.py.

A frame is: ten new points arrive, every chart is thinned out, drawn and painted. Prints milliseconds; asserts nothing.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PySide6.QtWidgets import QApplication

from tests.gui import synthetic_runs
from workbench.gui.theme import Themes
from workbench.gui.training.curves import CurvesView
from workbench.runs.progress import Progress

FRAMES = 20
FRESH = 10


def main() -> None:
    """Prints the table."""
    app = QApplication([])
    themes = Themes()
    themes.apply(app)
    print(f"{'points':>10} {'first':>8} {'median':>8} {'worst':>8} {'slider':>8}   milliseconds per frame, four charts")
    for count in (10_000, 100_000, 1_000_000):
        view = CurvesView(themes)
        view.resize(1000, 600)
        view.show()
        view.fill()
        progress = long_run(count)
        first = measure(lambda view=view, progress=progress: frame(view, progress))
        times = []
        for number in range(FRAMES):
            add(progress, count + number * FRESH, FRESH)
            times.append(measure(lambda view=view, progress=progress: frame(view, progress)))
        slider = measure(lambda view=view, progress=progress: slide(view, progress))
        print(f"{count:>10,} {first:8.1f} {np.median(times):8.1f} {max(times):8.1f} {slider:8.1f}")
        view.close()
        view.deleteLater()


def long_run(count: int) -> Progress:
    """A run of so many steps, and 50 epochs."""
    progress = Progress()
    progress.apply(synthetic_runs.started(epochs=100, steps_per_epoch=max(1, count // 50)))
    add(progress, 0, count)
    for epoch in range(50):
        step = (epoch + 1) * (count // 50)
        progress.curves.val.setdefault("loss", type(progress.curves.loss)()).append(step, 1 / (epoch + 1))
        progress.curves.val.setdefault("accuracy", type(progress.curves.loss)()).append(step, 1 - 1 / (epoch + 2))
    return progress


def add(progress: Progress, before: int, count: int) -> None:
    """More steps with falling, noisy loss."""
    x = np.arange(before + 1, before + count + 1, dtype=np.float64)
    loss = 2 * np.exp(-x / 1e5) + 0.1 * np.random.default_rng(before).random(count)
    curves = progress.curves
    for series, values in (
        (curves.loss, loss),
        (curves.loss_min, loss - 0.05),
        (curves.loss_max, loss + 0.05),
        (curves.metric, 1 - loss / 3),
        (curves.lr, 1e-3 * np.cos(x / 1e6)),
        (curves.throughput, 18_000 + 0 * x),
    ):
        series.extend(x, np.asarray(values, dtype=np.float64))


def frame(view: CurvesView, progress: Progress) -> None:
    """What happens ten times a second."""
    view.show_progress(progress)
    view.grab()


def slide(view: CurvesView, progress: Progress) -> None:
    """The smoothing is another: every average is made anew."""
    view.controls.smoothing.setValue(view.controls.smoothing.value() + 5)
    frame(view, progress)


def measure(act: object) -> float:
    """Milliseconds that ``act`` takes."""
    begin = time.perf_counter()
    assert callable(act)
    act()
    return 1000 * (time.perf_counter() - begin)


if __name__ == "__main__":
    main()
