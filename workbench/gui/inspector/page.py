"""What the inspector's pages share: a sentence where there is nothing to show, and the question that each of them asks."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.theme import STEP


class Page(QWidget):
    """One tab of the inspector."""

    asked = Signal(str, object)
    """A question to the lab: its method and its own parameters. What is inspected is added to them."""
    method = "inspect"
    """The question whose answer it shows."""
    empty = ""
    """What it says before there is anything to show."""

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"inspector.{name}")
        self.setAccessibleName(title)
        self.title = title
        self.message = QLabel(self.empty, self)
        self.message.setObjectName(f"inspector.{name}.message")
        self.message.setProperty("role", "empty")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self.message)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)

    def set_content(self, content: QWidget, height: int = 0) -> None:
        """What is shown once there is something to show. Where there is less than this height it scrolls."""
        if not height:
            self._stack.addWidget(content)
            return
        content.setMinimumHeight(height)
        area = QScrollArea()
        area.setObjectName(f"{self.objectName()}.area")
        area.setAccessibleName(self.title)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        self._stack.addWidget(area)

    def say(self, words: str) -> None:
        """Shows a sentence in the place of everything."""
        self.message.setText(words)
        self._stack.setCurrentIndex(0)

    def show_content(self) -> None:
        """Shows the content in the place of the sentence."""
        self._stack.setCurrentIndex(1)

    def question(self) -> dict[str, Any]:
        """Its own parameters of its question."""
        return {}

    def show_result(self, result: dict[str, Any]) -> None:
        """Takes the lab's answer."""
        self.show_content()


def label(name: str, role: str = "muted", text: str = "", wrap: bool = False) -> QLabel:
    """A label that never makes its page wider."""
    made = QLabel(text)
    made.setObjectName(name)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def row() -> QHBoxLayout:
    """A line of controls."""
    made = QHBoxLayout()
    made.setContentsMargins(2 * STEP, STEP, 2 * STEP, 0)
    made.setSpacing(2 * STEP)
    return made
