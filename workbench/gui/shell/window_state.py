"""How the window looked: kept in the preferences when it closes, put back when the next one is made."""

from __future__ import annotations

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QMainWindow

from workbench.gui.preferences import Preferences
from workbench.gui.shell.settings_column import PanelsLayout, SettingsColumn


def keep(window: QMainWindow, column: SettingsColumn, preferences: Preferences) -> None:
    """Puts place, size, docks and panels into the preferences."""
    preferences.geometry = _text(window.saveGeometry())
    preferences.layout = _text(window.saveState())
    panels = column.layout_now()
    preferences.folded, preferences.hidden, preferences.apart = panels.folded, panels.hidden, panels.apart


def restore(window: QMainWindow, column: SettingsColumn, preferences: Preferences) -> None:
    """Makes the window look as it did. Nothing is done where nothing, or nonsense, was kept."""
    window.restoreGeometry(QByteArray.fromBase64(preferences.geometry.encode()))
    # First the docks, then their places.
    column.take_layout(PanelsLayout(preferences.folded, preferences.hidden, preferences.apart))
    window.restoreState(QByteArray.fromBase64(preferences.layout.encode()))


def _text(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode()
