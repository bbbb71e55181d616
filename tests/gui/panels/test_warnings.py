"""What may not be meant is shown beside its setting, and keeps nobody from training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.waiting import HANG_MS
from workbench.gui.main_window import MainWindow


def test_that_a_learning_rate_far_above_the_usual_ones_is_told_beside_it(
    window: MainWindow, find: Callable[[str], Any]
) -> None:
    warning = find("optimizer.lr.warning")
    assert warning.isHidden()
    window.document.set("optimizer.lr", 3.0)
    assert not warning.isHidden()
    assert "3 is far above the usual learning rates of AdamW" in warning.text()
    assert window.document.problems == ()
    assert window.document.config is not None
    window.document.reset("optimizer.lr")
    assert warning.isHidden()


def test_that_an_unknown_metric_is_told_beside_it_with_those_that_there_are(
    window: MainWindow, find: Callable[[str], Any]
) -> None:
    window.document.set("training.monitor", "val.acuracy")
    text = find("training.monitor.problem").text()
    assert "there is no metric “val.acuracy”" in text
    assert "val.balanced_accuracy" in text
    window.document.set("training.monitor", "val.f1")
    assert find("training.monitor").text() == "val.f1"
    assert window.document.config is not None
    assert window.document.config.training.monitor == "val.f1"


def test_that_what_the_samples_show_is_told_beside_the_setting(
    window: MainWindow, find: Callable[[str], Any], qtbot: Any, tmp_path: Path
) -> None:
    table = tmp_path / "copies.csv"
    table.write_text("\n".join(["x,y,copy", *(f"{n % 7},{n},{n * 2}" for n in range(60))]), encoding="utf-8")
    window.document.set("model.kind", "mlp")
    window.document.set("dataset.kind", "table")
    window.document.set("dataset.path", str(table))
    window.document.set("dataset.target", "y")
    window.document.set("training.batch_size", 500)
    window.service.start()
    qtbot.waitUntil(lambda: not find("dataset.target.warning").isHidden(), timeout=HANG_MS)
    assert "the input copy equals the target y" in find("dataset.target.warning").text()
    assert find("dataset.warning").isHidden()
    assert (
        "the batch size 500 is above the number of training samples, 48" in find("training.batch_size.warning").text()
    )
    window.document.set("dataset.ignore", ["copy"])
    qtbot.waitUntil(lambda: find("dataset.target.warning").isHidden(), timeout=HANG_MS)
