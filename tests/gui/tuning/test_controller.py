"""Tuning in the window, with understudies for their engines, and once with the real one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt

from tests import fake_tuning
from tests.waiting import HANG_MS, living_children
from workbench.gui.main_window import MainWindow
from workbench.gui.tuning.dialog import TuningDialog
from workbench.launch import tuning

Open = Callable[[str], TuningDialog]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts the understudy in the engine's place, and tells it what to play."""
    monkeypatch.setattr(tuning, "spawn", fake_tuning.spawn)
    return lambda kind: monkeypatch.setenv("FAKE_TUNING", kind)


@pytest.fixture
def opened(window: MainWindow) -> Open:
    """Opens a finder from the menu."""

    def trigger(name: str) -> TuningDialog:
        window.actions_[f"tools.{name}"].trigger()
        assert window.controllers.tuning.dialog is not None
        return window.controllers.tuning.dialog

    return trigger


def ended(qtbot: Any, dialog: TuningDialog) -> None:
    """Waits until nothing is tried any more."""
    qtbot.waitUntil(dialog.leave.isVisible, timeout=HANG_MS)


def test_that_a_learning_rate_is_found_and_applied_as_a_step_that_can_be_undone(
    window: MainWindow, opened: Open, plays: Callable[[str], None], qtbot: Any
) -> None:
    plays("fall")
    before = window.document.value("optimizer.lr")
    dialog = opened("find_lr")
    ended(qtbot, dialog)
    assert [value.x for value in dialog.plot.tried] == [1e-4, 1e-3, 1e-2, 1e-1]
    assert dialog.plot.suggestion == 0.01
    assert dialog.status.text() == "Suggestion: learning rate 0.01, where the loss falls fastest."
    qtbot.mouseClick(dialog.apply, LEFT)
    assert window.document.value("optimizer.lr") == 0.01
    assert window.controllers.tuning.dialog is None
    window.document.undo_stack.undo()
    assert window.document.value("optimizer.lr") == before


def test_that_batch_sizes_are_drawn_and_listed_as_they_come(
    window: MainWindow, opened: Open, plays: Callable[[str], None], qtbot: Any
) -> None:
    plays("limit")
    dialog = opened("find_batch_size")
    shares: list[int] = []
    dialog.progress.valueChanged.connect(shares.append)
    ended(qtbot, dialog)
    cells = [[dialog.table.item(row, column) for column in range(3)] for row in range(4)]
    rows = [[cell.text() for cell in row if cell is not None] for row in cells]
    assert rows[0] == ["8", "100", "8 MiB"]
    assert rows[3][:2] == ["64", "memory runs out"]
    assert [value.y for value in dialog.plot.tried] == [100.0, 190.0, 300.0, None]
    assert shares == sorted(shares)
    assert dialog.progress.value() == dialog.progress.maximum()
    assert dialog.suggestion == 32
    qtbot.mouseClick(dialog.apply, LEFT)
    assert window.document.value("training.batch_size") == 32


def test_that_a_number_of_workers_is_applied(
    window: MainWindow, opened: Open, plays: Callable[[str], None], qtbot: Any
) -> None:
    plays("fall")
    dialog = opened("find_workers")
    ended(qtbot, dialog)
    qtbot.mouseClick(dialog.apply, LEFT)
    assert window.document.value("dataset.workers") == 1


def test_that_cancel_ends_the_engine_and_keeps_what_was_found(
    opened: Open, plays: Callable[[str], None], qtbot: Any
) -> None:
    plays("hang")
    dialog = opened("find_lr")
    qtbot.waitUntil(lambda: bool(dialog.plot.tried), timeout=HANG_MS)
    qtbot.mouseClick(dialog.cancel, LEFT)
    assert not living_children("fake_tuning.py")
    assert dialog.status.text() == "Cancelled."
    assert len(dialog.plot.tried) == 1
    assert not dialog.apply.isEnabled()
    assert not dialog.cancel.isVisible()


def test_that_escape_leaves_nothing_behind(
    window: MainWindow, opened: Open, plays: Callable[[str], None], qtbot: Any
) -> None:
    plays("hang")
    dialog = opened("find_lr")
    qtbot.waitUntil(lambda: bool(dialog.plot.tried), timeout=HANG_MS)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert window.controllers.tuning.dialog is None
    assert not living_children("fake_tuning.py")


def test_that_one_search_goes_at_a_time_and_the_window_ends_it(
    window: MainWindow, opened: Open, plays: Callable[[str], None], qtbot: Any
) -> None:
    plays("hang")
    dialog = opened("find_lr")
    assert opened("find_batch_size") is dialog
    window.controllers.runs.close_without_asking()
    window.close()
    assert not living_children("fake_tuning.py")
    assert not dialog.isVisible()


@pytest.mark.parametrize(
    "kind, words",
    [
        ("refuse", "dataset.path: there is no such folder (choose another one)"),
        ("die", "the engine that tried it ended unexpectedly (perhaps memory ran out)"),
    ],
)
def test_that_what_is_wrong_is_said_in_words(
    opened: Open, plays: Callable[[str], None], qtbot: Any, kind: str, words: str
) -> None:
    plays(kind)
    dialog = opened("find_lr")
    ended(qtbot, dialog)
    assert dialog.status.text() == words
    assert not dialog.apply.isEnabled()


def test_that_no_suggestion_is_said_with_its_reason(opened: Open, plays: Callable[[str], None], qtbot: Any) -> None:
    plays("die")
    dialog = opened("find_batch_size")
    ended(qtbot, dialog)
    assert dialog.status.text() == "No suggestion: memory runs out at every size."
    assert not dialog.apply.isEnabled()


def test_that_an_engine_that_cannot_be_started_is_told(
    opened: Open, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    monkeypatch.setattr(tuning, "spawn", lambda *_given, **_pipes: subprocess.Popen(["/no/such/python"]))
    dialog = opened("find_lr")
    ended(qtbot, dialog)
    assert dialog.status.text().startswith("no engine can be started: ")


def test_that_a_suggestion_for_what_is_no_longer_there_is_refused(
    window: MainWindow, opened: Open, plays: Callable[[str], None], qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays("fall")
    dialog = opened("find_lr")
    ended(qtbot, dialog)
    monkeypatch.setattr(window.document, "has", lambda _path: False)
    qtbot.mouseClick(dialog.apply, LEFT)
    assert "optimizer.lr: is no setting" in dialog.status.text()


def test_that_a_real_engine_finds_a_learning_rate(window: MainWindow, opened: Open, qtbot: Any) -> None:
    pytest.importorskip("torch")
    window.document.set("model.kind", "mlp")
    dialog = opened("find_lr")
    ended(qtbot, dialog)
    assert len(dialog.plot.tried) > 20
    qtbot.mouseClick(dialog.apply, LEFT)
    value = window.document.value("optimizer.lr")
    assert value == dialog.suggestion
    assert isinstance(value, float)
    assert 1e-5 < value < 1
