"""What tests of the window get: answers in a person's stead, and engines that follow a script in place of torch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.scripted import Engines
from tests.waiting import HANG_MS
from workbench.gui.app import create_window
from workbench.gui.dialogs import ask
from workbench.gui.main_window import MainWindow
from workbench.gui.theme import Themes
from workbench.gui.training.curves import CurvesView
from workbench.launch import process


@dataclass
class Answers:
    """What a person would answer, one after the other: the words of a button, or a path."""

    given: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def give(self, *answers: Any) -> None:
        """The next answers, in order. A callable is called when its question is asked."""
        self.given += answers

    def next(self, question: str, choices: Sequence[str] = ()) -> Any:
        self.asked.append(question)
        assert self.given, f"nobody said what to answer to: {question}"
        answer = self.given.pop(0)
        answer = answer() if callable(answer) else answer
        assert not choices or answer in (*choices, ask.CANCEL), f"{answer!r} is none of {choices}"
        return answer


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """Answers every question of the window. A test that leaves answers over fails: its question never came."""
    person = Answers()

    def choose(
        _parent: object, _title: str, text: str, choices: Sequence[str], *_more: object, **_named: object
    ) -> Any:
        return person.next(text, choices)

    def path(_parent: object, title: str, *_more: object) -> Any:
        return person.next(title)

    def message(_parent: object, _title: str, text: str, *_more: object) -> None:
        person.messages.append(text)

    monkeypatch.setattr(ask, "choose", choose)
    monkeypatch.setattr(ask, "number", lambda _parent, _title, text, *_: person.next(text))
    monkeypatch.setattr(ask, "message", message)
    for name in ("open_file", "open_files", "open_folder", "save_file"):
        monkeypatch.setattr(ask, name, path)
    yield person
    assert not person.given, f"never asked for: {person.given}"


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engines]:
    """Engines that say what the test has them say, in the place of real ones."""
    scripted = Engines()
    monkeypatch.setattr(process, "start", scripted.start)
    monkeypatch.setattr(process, "attach", scripted.attach)
    monkeypatch.setattr("workbench.gui.session.session.Standby", scripted.standby)
    with contextlib.closing(scripted):
        yield scripted


@pytest.fixture
def wait(qtbot: Any) -> Callable[[Callable[[], object]], None]:
    """``wait(condition)``: lets the event loop run until the condition holds."""

    def until(condition: Callable[[], object]) -> None:
        qtbot.waitUntil(lambda: bool(condition()), timeout=HANG_MS)

    return until


@pytest.fixture
def runs(folders: Any) -> Path:
    """The folder of all runs, empty at first."""
    return Path(folders.runs)


@pytest.fixture
def window(qapp: Any, qtbot: Any, engines: Engines, answers: Answers) -> Iterator[MainWindow]:
    """The real window on the default recipe, shown, with scripted engines. It closes without asking."""
    made = create_window("digits-cnn")
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    yield made
    close(made)


def close(made: MainWindow) -> None:
    """Closes a window and everything of it."""
    made.controllers.runs.close_without_asking()
    made.close()
    made.deleteLater()
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    app.setStyleSheet("")  # the next window is built faster without, and puts it back
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def find(window: MainWindow) -> Callable[[str], Any]:
    """``find(name)``: what bears that object name in the window."""

    def by_name(name: str) -> Any:
        found = window.findChild(QObject, name)
        assert found is not None, f"nothing in the window is named {name}"
        return found

    return by_name


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
