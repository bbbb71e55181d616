"""What the inspector's pages share: a sentence where there is nothing to show, and the request that each of them makes."""

from __future__ import annotations

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
from workbench.launch.service import RequestType
from workbench.runs.service.answers import AnyAnswer
from workbench.runs.service.requests import AnyInspection, InspectBatch


class Page(QWidget):
    """One tab of the inspector."""

    requested = Signal(object)
    """A request to the engine. What is inspected is added to it."""
    request_type: RequestType = InspectBatch
    """The request whose answer it shows."""
    empty = ""
    """The text before there is anything to show."""

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

    def show_message(self, text: str) -> None:
        """Shows a sentence in the place of everything."""
        self.message.setText(text)
        self._stack.setCurrentIndex(0)

    def show_content(self) -> None:
        """Shows the content in the place of the sentence."""
        self._stack.setCurrentIndex(1)

    def build_request(self) -> AnyInspection:
        """The request for what it shows."""
        return InspectBatch()

    def show_answer(self, answer: AnyAnswer) -> None:
        """Shows the answer to its request."""
        self.show_content()


def label(name: str, role: str = "muted", text: str = "", wrap: bool = False) -> QLabel:
    """A label that never makes its page wider."""
    widget = QLabel(text)
    widget.setObjectName(name)
    widget.setProperty("role", role)
    widget.setWordWrap(wrap)
    widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    widget.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return widget


def control_row() -> QHBoxLayout:
    """A line of controls."""
    layout = QHBoxLayout()
    layout.setContentsMargins(2 * STEP, STEP, 2 * STEP, 0)
    layout.setSpacing(2 * STEP)
    return layout
