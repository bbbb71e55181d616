"""Both themes can be read, and the whole application changes with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.waiting import HANG_MS
from workbench.gui.assets import icon
from workbench.gui.theme import DARK, LIGHT, Theme, Themes, contrast
from workbench.shipped import shipped

both = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
ICONS = sorted(path.stem for path in shipped("icons").glob("*.svg") if "currentColor" in path.read_text())


@both
def test_that_text_stands_out_from_everything_behind_it(theme: Theme) -> None:
    inks = (theme.text, theme.muted, theme.error, theme.warning, theme.ok, theme.accent)
    grounds = (theme.window, theme.base, theme.raised, theme.plot)
    worst = min((contrast(ink, ground), ink, ground) for ink in inks for ground in grounds)
    assert worst[0] >= 4.5, worst
    assert contrast(theme.accent_text, theme.accent) >= 4.5


@both
def test_that_series_stand_out_from_the_plot(theme: Theme) -> None:
    series = (theme.train, theme.val, theme.lr, theme.throughput, theme.memory_run, theme.memory_other, theme.best)
    worst = min((contrast(color, theme.plot), color) for color in (*series, *theme.overlays))
    assert worst[0] >= 3, worst


@both
def test_that_runs_drawn_beside_others_have_colors_of_their_own(theme: Theme) -> None:
    colors = (theme.train, theme.val, theme.best, *theme.overlays)
    assert len(set(colors)) == len(colors)


def test_that_contrast_is_counted_as_the_guidelines_count_it(qapp: QApplication) -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_that_choosing_a_theme_changes_the_application(qtbot: QtBot, qapp: QApplication) -> None:
    themes = Themes()
    themes.choose("light")
    themes.apply(qapp)
    with qtbot.waitSignal(themes.changed, timeout=HANG_MS):
        themes.choose("dark")
    assert themes.current is DARK
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == DARK.window
    with qtbot.waitSignal(themes.changed, timeout=HANG_MS):
        themes.choose("light")
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == LIGHT.window


def test_that_choosing_what_is_shown_already_says_nothing(qtbot: QtBot) -> None:
    themes = Themes()
    themes.choose("light")
    with qtbot.assertNotEmitted(themes.changed):
        themes.choose("light")


@pytest.mark.parametrize("name", ICONS)
def test_that_an_icon_is_drawn_in_the_color_of_the_theme(qapp: QApplication, name: str) -> None:
    picture = icon(name, DARK).pixmap(QSize(96, 96)).toImage()
    inks = {
        picture.pixelColor(x, y).name()
        for x in range(picture.width())
        for y in range(picture.height())
        if picture.pixelColor(x, y).alpha() == 255
    }
    assert DARK.text in inks


def test_that_the_icons_that_the_window_needs_are_there() -> None:
    actions = {"train", "pause", "stop", "resume", "save", "open", "new", "export", "undo", "redo"}
    panels = {"dataset", "model", "optimizer", "device", "sun", "moon", "warning", "info", "close", "reset"}
    assert actions | panels | {"chevron-down", "chevron-right"} <= set(ICONS)


def test_that_an_icon_that_is_off_looks_off(qapp: QApplication) -> None:
    one = icon("train", LIGHT)
    size = QSize(24, 24)
    on, off = (one.pixmap(size, mode).toImage() for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled))
    assert on != off


def test_that_an_icon_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        icon("nothing", LIGHT)


def test_that_every_picture_that_the_style_sheet_names_is_shipped(qapp: QApplication) -> None:
    themes = Themes()
    for choice in ("light", "dark"):
        themes.choose("light" if choice == "light" else "dark")
        themes.apply(qapp)
        named = [part.split('"')[0] for part in qapp.styleSheet().split('url("')[1:]]
        assert named
        assert all(Path(name).is_file() for name in named)
    assert shipped("icons").is_dir()
