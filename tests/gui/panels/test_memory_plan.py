"""The device panel says whether a run fits into memory, and offers the batch that does."""

import threading
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel, QPushButton

from tests.waiting import HANG_MS, HANG_SECONDS
from workbench.gui.main_window import MainWindow
from workbench.gui.panels.memory_plan import PartsBar
from workbench.launch.tuning import TuningSearch
from workbench.runs.service.tuning import MemoryEstimate

PLAN = MemoryEstimate(
    needs=3 * 2**30,
    there=2**31,
    fits=False,
    batch_size=512,
    largest_batch=240,
    parts={"weights": 2**20, "activations": 3 * 2**30},
)


def part(window: MainWindow, kind: type[Any], name: str) -> Any:
    found = window.findChild(kind, name)
    assert found is not None
    return found


def test_that_the_batch_that_fits_is_taken_with_a_click(
    window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TuningSearch, "_try", lambda *_given, **_more: PLAN)
    window.document.set("training.batch_size", 512)
    part(window, QPushButton, "device.memory.plan").click()
    words = part(window, QLabel, "device.memory.words")
    qtbot.waitUntil(lambda: "batch 240 fits" in words.text(), timeout=HANG_MS)
    assert words.text().startswith("Needs 3.00 of 2.0 GiB")
    part(window, QPushButton, "device.memory.apply").click()
    assert window.document.value("training.batch_size") == 240
    assert not words.text()  # other settings: it no longer holds


def test_that_what_was_measured_is_not_said_of_settings_changed_meanwhile(
    window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = threading.Event()

    def measure(*_given: object, **_more: object) -> MemoryEstimate:
        assert changed.wait(HANG_SECONDS)
        return PLAN

    monkeypatch.setattr(TuningSearch, "_try", measure)
    button = part(window, QPushButton, "device.memory.plan")
    button.click()
    window.document.set("training.batch_size", 16)
    changed.set()
    qtbot.waitUntil(button.isEnabled, timeout=HANG_MS)
    words = part(window, QLabel, "device.memory.words")
    assert "changed during the measurement" in words.text()
    assert part(window, QPushButton, "device.memory.apply").isHidden()
    assert window.findChild(PartsBar).isHidden()  # type: ignore[union-attr]


def test_that_closing_the_window_ends_the_measurement(window: MainWindow, qtbot: Any) -> None:
    part(window, QPushButton, "device.memory.plan").click()
    assert window.controllers is not None
    window.controllers.close()
    assert part(window, QPushButton, "device.memory.plan").isEnabled()
