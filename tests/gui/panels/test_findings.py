"""The dataset panel looks for problems by the real engine, and leaves out what is marked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import Qt

from tests.waiting import HANG_MS
from workbench.gui.main_window import MainWindow
from workbench.gui.service import busy_indicator

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait is shown from its beginning: otherwise a fast engine has answered before it is shown."""
    monkeypatch.setattr(busy_indicator, "SHOWN_MS", 0)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two classes with a given split: one picture of validation is one of training, and one file is no picture."""
    for split, first in (("train", 0), ("val", 100)):
        for place, label in enumerate(("a", "b")):
            (tmp_path / split / label).mkdir(parents=True)
            for number in range(8):
                colour = (first + number * 5, place * 90, 0)
                Image.new("RGB", (9, 9), colour).save(tmp_path / split / label / f"{number}.png")
    Image.new("RGB", (9, 9), (0, 0, 0)).save(tmp_path / "val" / "a" / "copy.png")
    (tmp_path / "train" / "b" / "broken.png").write_bytes(b"no picture")
    return tmp_path


@pytest.mark.usefixtures("at_once")
def test_that_problems_are_found_and_left_out(
    window: MainWindow, find: Callable[[str], Any], qtbot: Any, pictures: Path
) -> None:
    window.controllers.documents.open_dropped(pictures)
    window.service.start()
    qtbot.mouseClick(find("dataset.scan"), LEFT)
    words, samples = find("dataset.scan.words"), find("dataset.scan.samples")
    waiting = find("dataset.scan.waiting")
    qtbot.waitUntil(lambda: not waiting.isHidden(), timeout=HANG_MS)
    assert "Scanning" in waiting.text.text()
    qtbot.waitUntil(lambda: samples.count() == 2, timeout=HANG_MS)
    assert "1 sample cannot be read." in words.text()
    assert "1 sample is the same as one in another split" in words.text()
    shown = [samples.item(row).text() for row in range(2)]
    assert any(text == "a/copy.png in validation\nthe same as a/0.png in training" for text in shown)
    samples.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert find("dataset.scan.leave_out").text() == "Leave out 1 sample"
    samples.item(0).setCheckState(Qt.CheckState.Checked)
    qtbot.mouseClick(find("dataset.scan.leave_out"), LEFT)
    left_out = window.document.value("dataset.leave_out")
    assert left_out == [str(pictures / "train" / "b" / "broken.png"), str(pictures / "val" / "a" / "copy.png")]
    assert samples.count() == 0
    assert "2 samples are left out from the next run on" in words.text()
    qtbot.mouseClick(find("dataset.scan"), LEFT)
    qtbot.waitUntil(lambda: words.text() == "No problems found.", timeout=HANG_MS)
    qtbot.waitUntil(lambda: "2 samples are left out as chosen" in find("dataset.assumed").text(), timeout=HANG_MS)
    window.document.undo_stack.undo()
    assert window.document.value("dataset.leave_out") == []
    assert words.text() == ""


def test_that_unequal_classes_are_warned_of_with_what_to_do(
    window: MainWindow, find: Callable[[str], Any], qtbot: Any
) -> None:
    window.document.set("model.kind", "mlp")
    window.document.set("dataset.kind", "synthetic")
    window.document.set("dataset.shape", "clusters")
    window.document.set("dataset.per_class", [800, 150, 50])
    window.service.start()
    warning = find("dataset.warning")
    qtbot.waitUntil(lambda: "Set Balance classes" in warning.text(), timeout=HANG_MS)
    window.document.set("dataset.balance", "loss")
    qtbot.waitUntil(lambda: warning.text() == "", timeout=HANG_MS)
