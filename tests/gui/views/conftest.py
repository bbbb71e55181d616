"""What tests of the views get: themes, and a view on the screen with its plots made."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.waiting import HANG_MS
from workbench.gui.theme import Themes
from workbench.gui.views.curves import CurvesView


@pytest.fixture
def themes(qapp: QApplication) -> Themes:
    """Light, whatever the machine shows."""
    found = Themes()
    found.choose("light")
    found.apply(qapp)
    return found


@pytest.fixture
def curves(qtbot: QtBot, themes: Themes) -> CurvesView:
    """The curves, visible, with plots."""
    view = CurvesView(themes)
    qtbot.addWidget(view)
    view.resize(800, 500)
    view.show()
    view.fill()
    return view


@pytest.fixture
def until(qtbot: QtBot) -> Callable[[Callable[[], bool]], None]:
    """Lets the event loop run until a condition holds."""
    return lambda condition: qtbot.waitUntil(condition, timeout=HANG_MS)
