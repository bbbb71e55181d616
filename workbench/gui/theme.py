"""Light and dark: every color of the window in one place, and the object that puts them on the application.

Text has a contrast of at least 4.5 to every background it stands on, series at least 3 to the plot. Series are Okabe
and Ito's colors (safe for color-blind readers), a little darker on white and a little lighter on black, and mean the
same in every plot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from string import Template
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from workbench.shipped import shipped

Choice = Literal["system", "light", "dark"]
STEP = 4
"""Spacing goes in steps of this many pixels."""


@dataclass(frozen=True)
class Theme:
    """The colors of one appearance, as ``#rrggbb``."""

    name: Literal["light", "dark"]
    window: str
    base: str
    """Behind fields, tables and lists."""
    raised: str
    """Behind tool bars, headers and buttons."""
    text: str
    muted: str
    line: str
    accent: str
    accent_text: str
    """On top of ``accent``."""
    error: str
    warning: str
    ok: str
    plot: str
    train: str
    val: str
    lr: str
    throughput: str
    memory_run: str
    memory_other: str
    memory_free: str
    best: str
    overlays: tuple[str, ...]


LIGHT = Theme(
    name="light",
    window="#f5f5f7",
    base="#ffffff",
    raised="#fafafc",
    text="#1d1d1f",
    muted="#5c5f66",
    line="#cfcfd6",
    accent="#0063b8",
    accent_text="#ffffff",
    error="#b3202a",
    warning="#855400",
    ok="#1a7440",
    plot="#ffffff",
    train="#0072b2",
    val="#d55e00",
    lr="#b9618f",
    throughput="#00855f",
    memory_run="#0072b2",
    memory_other="#85858d",
    memory_free="#ebebef",
    best="#b07800",
    overlays=("#00855f", "#b9618f", "#2b8cc4", "#8a8200", "#6b6b73"),
)
DARK = Theme(
    name="dark",
    window="#1c1c1e",
    base="#29292d",
    raised="#2f2f34",
    text="#f2f2f4",
    muted="#a9a9b2",
    line="#4a4a51",
    accent="#5eb0f5",
    accent_text="#0b1620",
    error="#ff8078",
    warning="#e5b450",
    ok="#5fc884",
    plot="#18181a",
    train="#3fa0dd",
    val="#f0803c",
    lr="#d993b8",
    throughput="#2fbf94",
    memory_run="#3fa0dd",
    memory_other="#85858d",
    memory_free="#303034",
    best="#e69f00",
    overlays=("#2fbf94", "#d993b8", "#8ccbf2", "#d8ce4a", "#b0b0b8"),
)


class Themes(QObject):
    """Which theme is current.

    ``changed`` is emitted once the application has it: what is drawn by hand is then drawn again.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice: Choice = "system"
        self._app: QApplication | None = None
        self._font: QFont | None = None
        self.current: Theme = self._wanted()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._system_changed)

    @property
    def choice(self) -> Choice:
        """What the user chose: one of the two, or whatever the system shows."""
        return self._choice

    def choose(self, choice: Choice) -> None:
        """Uses a theme, or follows the system. Changes everything at once when :meth:`apply` was called before."""
        self._choice = choice
        self._use(self._wanted())

    def apply(self, app: QApplication) -> None:
        """Gives the application style, palette, fonts and style sheet, now and whenever the theme changes."""
        self._app = app
        if self._font is None:
            self._font = QFont(app.font())
        if app.style().name().lower() != "fusion":
            app.setStyle("Fusion")
        app.setPalette(palette(self.current))
        app.setStyleSheet(style_sheet(self.current, self._font))

    def _wanted(self) -> Theme:
        if self._choice != "system":
            return DARK if self._choice == "dark" else LIGHT
        return DARK if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT

    def _use(self, theme: Theme) -> None:
        if theme is self.current:
            return
        self.current = theme
        if self._app is not None:
            self.apply(self._app)
        self.changed.emit()

    @Slot()
    def _system_changed(self) -> None:
        self._use(self._wanted())


def palette(theme: Theme) -> QPalette:
    """The theme as Qt's palette."""
    role = QPalette.ColorRole
    colors = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.base,
        role.AlternateBase: theme.raised,
        role.Text: theme.text,
        role.PlaceholderText: theme.muted,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.accent_text,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Mid: theme.line,
        role.Midlight: theme.line,
        role.Dark: theme.muted,
    }
    result = QPalette(QColor(theme.raised), QColor(theme.window))
    for which, color in colors.items():
        result.setColor(which, QColor(color))
    faded = mix(theme.muted, theme.window, 0.75)
    for which in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, which, QColor(faded))
    result.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(theme.line))
    return result


def style_sheet(theme: Theme, font: QFont) -> str:
    """What a palette cannot say. Two font sizes: the system's, and a smaller one; one bold.

    By the property ``role`` labels are title, muted, error, warning or ok; buttons and tool buttons primary.
    """
    small = f"{font.pointSizeF() * 0.9:.1f}pt" if font.pointSizeF() > 0 else f"{round(font.pixelSize() * 0.9)}px"
    own = {
        "small": small,
        "hover": mix(theme.text, theme.raised, 0.08),
        "accent_hover": mix(theme.text, theme.accent, 0.15),
        "handle": mix(theme.muted, theme.base, 0.5),
        "down": shipped("icons", "down.svg").as_posix(),
        "up": shipped("icons", "up.svg").as_posix(),
        "check": shipped("icons", f"check-{theme.name}.svg").as_posix(),
    }
    return Template(shipped("style.qss").read_text(encoding="utf-8")).substitute(vars(theme) | own)


def mix(color: str, into: str, share: float) -> str:
    """``share`` of one color in another, as one that is opaque."""
    parts = zip(_rgb(color), _rgb(into), strict=True)
    red, green, blue = (round(255 * (a * share + b * (1 - share))) for a, b in parts)
    return QColor(red, green, blue).name()


def contrast(first: str, second: str) -> float:
    """How well two colors stand apart, from 1 to 21, as the accessibility guidelines count it."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else math.pow((part + 0.055) / 1.055, 2.4) for part in _rgb(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(color: str) -> tuple[float, float, float]:
    parts = QColor(color)
    return parts.redF(), parts.greenF(), parts.blueF()
