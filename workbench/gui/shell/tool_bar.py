"""The tool bar: what runs need most, the run shown in a line, and where it is computed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSizePolicy, QToolBar, QToolButton, QWidget

from workbench.gui.shell.device_label import DeviceLabel
from workbench.gui.shell.status_line import RunHeader

BUTTONS = ("run.train", "run.pause", "run.stop", "run.resume")


class ToolBar(QToolBar):
    """``header`` shows the progress that the window passes to it."""

    def __init__(self, actions: Mapping[str, QAction], device: DeviceLabel, parent: QWidget | None = None) -> None:
        """``actions`` by their names: those in ``BUTTONS`` and ``view.theme`` are shown."""
        super().__init__("Tools", parent)
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setIconSize(QSize(16, 16))
        self._actions = actions
        for name in BUTTONS:
            self._button(name, Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header = RunHeader()
        self.header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(self.header)
        self.device = device
        self.addWidget(device)
        self._button("view.theme", Qt.ToolButtonStyle.ToolButtonIconOnly)

    @Slot()
    def _rename(self) -> None:
        action = self.sender()
        button = self.widgetForAction(action) if isinstance(action, QAction) else None
        if isinstance(action, QAction) and button is not None:
            button.setAccessibleName(action.iconText())

    def _button(self, name: str, style: Qt.ToolButtonStyle) -> None:
        action = self._actions[name]
        self.addAction(action)
        button = self.widgetForAction(action)
        if isinstance(button, QToolButton):
            button.setObjectName(f"toolbar.{name}")
            button.setToolButtonStyle(style)
            button.setAccessibleName(action.iconText())
            action.changed.connect(self._rename)  # what is Pause now is Continue later
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setProperty("role", "primary" if name == "run.train" else "")
