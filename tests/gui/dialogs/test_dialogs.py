"""Questions and errors, answered by clicks on the real dialogs."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox, QPushButton

from workbench.gui.dialogs import ask, error


class _Matter(QObject):
    settled = Signal()


def _exec_by(monkeypatch: pytest.MonkeyPatch, press: str) -> list[str]:
    """``exec`` presses the button with these words at once."""
    texts: list[str] = []

    def execute(box: QMessageBox) -> int:
        texts.append(f"{box.text()} {box.informativeText()}")
        box.show()
        button = next((one for one in box.findChildren(QPushButton) if one.text().replace("&", "") == press), None)
        if button is None:
            box.reject()
        else:
            button.click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", execute)
    return texts


def test_that_the_answer_is_the_button_pressed(qapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = _exec_by(monkeypatch, "Leave it")
    assert ask.choose(None, "A run", "It goes on.", ("Stop it", "Leave it"), "Its folder is here.") == "Leave it"
    assert texts == ["It goes on. Its folder is here."]


def test_that_cancel_and_escape_are_no_answer(qapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for press in ("Cancel", "no such button"):
        _exec_by(monkeypatch, press)
        assert ask.choose(None, "A run", "It goes on.", ("Stop it",)) == ask.CANCEL


def test_that_a_question_that_settled_itself_goes_away(qapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    matter = _Matter()

    def execute(box: QMessageBox) -> int:
        box.show()
        matter.settled.emit()
        assert not box.isVisible()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", execute)
    assert ask.choose(None, "Stop", "It has not stopped.", ("End it now",), unless=matter.settled) == ask.CANCEL
    matter.settled.emit()


def test_that_details_of_an_error_can_be_copied(qapp: Any, qtbot: Any) -> None:
    dialog = error.show_error(None, "The engine died.", "Resume the run.", "line 1\nline 2")
    copy = dialog.findChild(QPushButton, "dialog.report.copy")
    assert copy is not None
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    text = QGuiApplication.clipboard().text()
    assert text == "The engine died.\n\nResume the run.\n\nline 1\nline 2"
    dialog.close()


def test_that_an_error_without_details_has_nothing_to_copy(qapp: Any) -> None:
    dialog = error.show_error(None, "The folder is empty.", "Choose another.")
    assert dialog.findChild(QPushButton, "dialog.report.copy") is None
    dialog.close()
