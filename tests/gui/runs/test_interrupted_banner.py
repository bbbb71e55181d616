"""Interrupted runs are shown at the start of the window, once, with an offer to resume them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.gui.scripted import STEPS, Engine, Engines
from workbench.config.run import RunConfig
from workbench.gui import app, preferences
from workbench.gui.main_window import MainWindow
from workbench.gui.preferences import Preferences
from workbench.gui.runs.interrupted_banner import InterruptedBanner
from workbench.runs import history
from workbench.runs.folder import RunFolder, create

LEFT = Qt.MouseButton.LeftButton
Wait = Callable[[Callable[[], object]], None]


def cut_off(name: str) -> RunFolder:
    """A run whose engine died after an epoch."""
    run = create(RunConfig(), name)
    engine = Engine(run)
    engine.begin()
    engine.train_epoch()
    engine.checkpoint()
    engine.leave(-9)
    return run


@pytest.fixture
def strip(qtbot: QtBot) -> InterruptedBanner:
    made = InterruptedBanner()
    qtbot.addWidget(made)
    return made


def test_that_nothing_is_told_where_nothing_was_cut_off(strip: InterruptedBanner) -> None:
    Engine(create(RunConfig(), "good")).train()
    strip.show_rows(history.rows())
    assert strip.isHidden()


def test_that_runs_are_told_by_name_and_the_newest_is_resumed_first(strip: InterruptedBanner, qtbot: QtBot) -> None:
    wanted: list[RunFolder] = []
    strip.resume_wanted.connect(wanted.append)
    first = cut_off("first")
    strip.show_rows(history.rows())
    assert strip.text.text() == "first was interrupted. Resume it, or dismiss this message."
    for name in ("second", "third", "fourth", "fifth"):
        cut_off(name)
    newer = InterruptedBanner()
    qtbot.addWidget(newer)
    newer.show_rows(history.rows())
    assert newer.text.text().startswith("5 runs were interrupted: ")
    assert newer.text.text().endswith(" and 2 more.")
    QTest.mouseClick(strip.resume, LEFT)
    assert wanted == [first]


def test_that_a_run_cut_off_later_is_left_to_the_table(strip: InterruptedBanner) -> None:
    Engine(create(RunConfig(), "good")).train()
    strip.show_rows(history.rows())
    cut_off("later")
    strip.show_rows(history.rows())
    assert strip.isHidden()


def test_that_what_was_left_once_is_not_told_again(strip: InterruptedBanner, qtbot: QtBot) -> None:
    kept = Preferences()
    strip.remember_in(kept)
    run = cut_off("old")
    strip.show_rows(history.rows())
    assert not strip.isHidden()
    QTest.mouseClick(strip.dismiss, LEFT)
    assert strip.isHidden()
    assert kept.dismissed == (run.name,)
    later = InterruptedBanner()
    qtbot.addWidget(later)
    later.remember_in(kept)
    later.show_rows(history.rows())
    assert later.isHidden()


def test_that_nothing_is_resumed_while_another_run_goes(strip: InterruptedBanner) -> None:
    cut_off("old")
    going = Engine(create(RunConfig(), "going"))
    going.begin()
    strip.show_rows(history.rows())
    assert not strip.resume.isEnabled()
    assert "stop it first" in strip.resume.toolTip()
    going.end("paused")
    strip.show_rows(history.rows())
    assert strip.resume.isEnabled()


def test_that_the_window_tells_at_its_start_and_goes_on_with_a_click(
    window: MainWindow, engines: Engines, wait: Wait, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window.service, "start", lambda: None)
    run = cut_off("digits")
    strip = window.runs.interrupted
    assert strip.isHidden()
    startup = app.WindowStartup(window, attach=True)
    startup._fill()
    wait(lambda: not strip.isHidden())
    assert window.session.active_run is None
    QTest.mouseClick(strip.resume, LEFT)
    wait(lambda: engines.all)
    assert engines.last.folder == run
    engines.last.begin(from_step=STEPS)
    wait(lambda: window.session.state == "running" and strip.isHidden())
    assert preferences.load().dismissed == ()
