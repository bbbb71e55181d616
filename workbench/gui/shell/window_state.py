"""Geometry, docks and panels of the window: saved to the preferences when it closes, restored when the next one is made."""

from __future__ import annotations

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QMainWindow

from workbench.gui.preferences import Preferences
from workbench.gui.shell.settings_column import PanelsLayout, SettingsColumn


def save(window: QMainWindow, column: SettingsColumn, preferences: Preferences) -> None:
    """Saves position, size, docks and panels to the preferences."""
    preferences.geometry = _text(window.saveGeometry())
    preferences.layout = _text(window.saveState())
    panels = column.current_layout()
    preferences.folded, preferences.hidden, preferences.apart = panels.folded, panels.hidden, panels.apart


def restore(window: QMainWindow, column: SettingsColumn, preferences: Preferences) -> None:
    """Restores the window. Nothing is done where nothing, or nonsense, was saved."""
    window.restoreGeometry(QByteArray.fromBase64(preferences.geometry.encode()))
    # First the docks, then their places.
    column.apply_layout(PanelsLayout(preferences.folded, preferences.hidden, preferences.apart))
    window.restoreState(QByteArray.fromBase64(preferences.layout.encode()))


def _text(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode()
