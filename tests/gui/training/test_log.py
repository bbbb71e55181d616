"""The log lists what a run said, adds what is new, and leaves the reader where he is."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from tests.gui import synthetic_runs
from workbench.gui.theme import DARK, Themes
from workbench.gui.training.log import LogView
from workbench.runs.events import Level, Note
from workbench.runs.progress import LOG_LINES, Progress


@pytest.fixture
def view(qtbot: QtBot, themes: Themes) -> LogView:
    found = LogView(themes)
    qtbot.addWidget(found)
    found.resize(400, 160)
    found.show()
    return found


def said(*texts: str, level: Level = "info") -> Progress:
    progress = Progress()
    say(progress, *texts, level=level)
    return progress


def say(progress: Progress, *texts: str, level: Level = "info") -> None:
    progress.apply_all(Note(time=synthetic_runs.BEGIN, level=level, text=text) for text in texts)


def lines(view: LogView) -> list[str]:
    return [line[10:] for line in view.text.toPlainText().splitlines()]


def test_that_lines_carry_time_level_and_text(view: LogView) -> None:
    progress = said("3 pictures left out", level="warning")
    view.show_progress(progress)
    (line,) = view.text.toPlainText().splitlines()
    assert line[2] == line[5] == ":"
    assert line.endswith("⚠ warning: 3 pictures left out")


def test_that_only_new_lines_are_added(view: LogView) -> None:
    progress = said("one", "two")
    view.show_progress(progress)
    say(progress, "three")
    view.show_progress(progress)
    view.show_progress(progress)
    assert lines(view) == ["one", "two", "three"]


def test_that_lines_that_leave_at_the_front_do_not_bring_others_twice(view: LogView) -> None:
    progress = said(*(str(number) for number in range(LOG_LINES)))
    view.show_progress(progress)
    say(progress, "newest", "and one more")
    view.show_progress(progress)
    found = lines(view)
    assert found[-3:] == [str(LOG_LINES - 1), "newest", "and one more"]
    assert len(found) == LOG_LINES


def test_that_another_run_has_another_log(view: LogView) -> None:
    view.show_progress(said("one"))
    view.show_progress(said("other"))
    assert lines(view) == ["other"]
    view.show_progress(None)
    assert lines(view) == []


def test_that_the_view_stays_at_the_end_unless_the_reader_scrolled_up(view: LogView) -> None:
    progress = said(*(str(number) for number in range(100)))
    view.show_progress(progress)
    bar = view.text.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    bar.setValue(3)
    say(progress, "new")
    view.show_progress(progress)
    assert bar.value() == 3
    bar.setValue(bar.maximum())
    say(progress, "newer")
    view.show_progress(progress)
    assert bar.value() == bar.maximum()


def test_that_the_filter_shows_only_what_is_as_serious(view: LogView) -> None:
    progress = said("fine")
    say(progress, "odd", level="warning")
    say(progress, "broken", level="error")
    view.show_progress(progress)
    view.levels.setCurrentText("Warnings and errors")
    assert lines(view) == ["⚠ warning: odd", "✕ error: broken"]
    view.levels.setCurrentText("All")
    assert len(lines(view)) == 3


def test_that_markup_in_a_line_is_text(view: LogView) -> None:
    view.show_progress(said("<b>shape</b> & size\nsecond"))
    assert lines(view) == ["<b>shape</b> & size second"]


def test_that_the_copy_button_copies_what_is_shown(view: LogView) -> None:
    view.show_progress(said("one", "two"))
    view.copy.click()
    assert [line[10:] for line in QGuiApplication.clipboard().text().splitlines()] == ["one", "two"]


def test_that_another_theme_colors_the_lines_anew(view: LogView, themes: Themes) -> None:
    view.show_progress(said("odd", level="warning"))
    themes.choose("dark")
    assert DARK.warning in view.text.document().toHtml()
    assert lines(view) == ["⚠ warning: odd"]
