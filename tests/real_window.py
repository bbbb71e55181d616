"""Real windows in this process, for tests that train for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from tests.waiting import end_runs
from workbench.gui.app import create_window
from workbench.gui.main_window import MainWindow


@contextmanager
def real_windows(qtbot: QtBot) -> Iterator[Callable[[str], MainWindow]]:
    """A function that opens a window on a start. All close at the end, without a question, and engines have left by then."""
    made: list[MainWindow] = []

    def open_one(start: str) -> MainWindow:
        made.append(create_window(start))
        made[-1].show()
        qtbot.waitExposed(made[-1])
        return made[-1]

    try:
        yield open_one
    finally:
        for window in made:
            window.controllers.runs.close_without_asking()
            window.close()
            window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        end_runs()
