"""Light and dark: every colour of the window in one place, and the object that puts them on the application.

Text has a contrast of at least 4.5 to every background it stands on, series at least 3 to the plot. Series are Okabe
and Ito's colours (safe for colour-blind readers), a little darker on white and a little lighter on black, and mean the
same in every plot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    """The colours of one appearance, as ``#rrggbb``."""

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

    ``changed`` is said once the application has it: what is drawn by hand is then drawn again.
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
        """Takes a theme, or follows the system. Changes everything at once when :meth:`apply` was called before."""
        self._choice = choice
        self._take(self._wanted())

    def apply(self, app: QApplication) -> None:
        """Dresses the application: style, palette, fonts, style sheet; and keeps it dressed when the theme changes."""
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

    def _take(self, theme: Theme) -> None:
        if theme is self.current:
            return
        self.current = theme
        if self._app is not None:
            self.apply(self._app)
        self.changed.emit()

    @Slot()
    def _system_changed(self) -> None:
        self._take(self._wanted())


def palette(theme: Theme) -> QPalette:
    """The theme as Qt's palette."""
    role = QPalette.ColorRole
    colours = {
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
    for which, colour in colours.items():
        result.setColor(which, QColor(colour))
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
    hover = mix(theme.text, theme.raised, 0.08)
    down, up, check = (shipped("icons", f"{name}.svg").as_posix() for name in ("down", "up", f"check-{theme.name}"))
    return f"""
    QToolTip {{ color: {theme.text}; background: {theme.raised}; border: 1px solid {theme.line}; padding: 4px; }}
    QLabel[role="title"], QToolButton[role="title"] {{ font-weight: bold; }}
    QLabel[role="muted"] {{ color: {theme.muted}; font-size: {small}; }}
    QLabel[role="error"] {{ color: {theme.error}; font-size: {small}; }}
    QLabel[role="warning"] {{ color: {theme.warning}; font-size: {small}; }}
    QLabel[role="ok"] {{ color: {theme.ok}; font-size: {small}; }}
    QLabel[role="empty"] {{ color: {theme.muted}; padding: 24px; }}
    QWidget[role="plot"] {{ background: {theme.plot}; border: 1px solid {theme.line}; border-radius: 6px; }}
    QToolBar {{ background: {theme.raised}; border: none; border-bottom: 1px solid {theme.line};
        padding: 4px; spacing: 4px; }}
    QStatusBar {{ background: {theme.raised}; border-top: 1px solid {theme.line}; color: {theme.muted}; }}
    QStatusBar::item {{ border: none; }}
    QMainWindow::separator {{ background: {theme.line}; width: 1px; height: 1px; }}
    QMainWindow::separator:hover {{ background: {theme.accent}; }}
    QTabBar::tab {{ background: transparent; color: {theme.muted}; padding: 4px 12px; margin: 0;
        border: none; border-bottom: 2px solid transparent; }}
    QTabBar::tab:selected {{ color: {theme.text}; border-bottom-color: {theme.accent}; }}
    QTabBar::tab:hover {{ color: {theme.text}; background: {hover}; }}
    QTabBar::tab:focus {{ color: {theme.accent}; }}
    QTabWidget::pane {{ border: none; border-top: 1px solid {theme.line}; }}
    QHeaderView {{ background: {theme.raised}; }}
    QHeaderView::section {{ background: {theme.raised}; color: {theme.muted}; padding: 4px; border: none;
        border-bottom: 1px solid {theme.line}; font-size: {small}; }}
    QTableView, QTreeView, QListView, QPlainTextEdit {{ border: 1px solid {theme.line}; background: {theme.base}; }}
    QTableView:focus, QTreeView:focus, QListView:focus, QPlainTextEdit:focus {{ border-color: {theme.accent}; }}
    QLineEdit, QAbstractSpinBox, QComboBox {{ background: {theme.base}; border: 1px solid {theme.line};
        border-radius: 4px; padding: 3px 4px; min-height: 18px; }}
    QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {{ border-color: {theme.accent}; }}
    QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled {{ background: {theme.window}; }}
    QComboBox::drop-down {{ border: none; width: 20px; }}
    QComboBox::down-arrow, QAbstractSpinBox::down-arrow {{ image: url("{down}"); width: 12px; height: 12px; }}
    QAbstractSpinBox::up-arrow {{ image: url("{up}"); width: 12px; height: 12px; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: 16px; }}
    QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
    QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
    QAbstractItemView QLineEdit {{ padding: 0; min-height: 0; border-radius: 0; }}
    QPushButton {{ background: {theme.raised}; border: 1px solid {theme.line}; border-radius: 4px; padding: 4px 12px; }}
    QPushButton:hover {{ background: {hover}; }}
    QPushButton:pressed {{ background: {theme.line}; }}
    QPushButton:focus {{ border-color: {theme.accent}; }}
    QPushButton:disabled {{ background: {theme.window}; color: {theme.muted}; }}
    QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 4px; }}
    QToolButton:hover {{ background: {hover}; }}
    QToolButton:pressed, QToolButton:checked {{ background: {hover}; border-color: {theme.line}; }}
    QToolButton:focus {{ border-color: {theme.accent}; }}
    QToolButton[popupMode="2"] {{ padding-right: 12px; }}
    QPushButton[role="primary"], QToolButton[role="primary"] {{
        color: {theme.accent_text}; background: {theme.accent}; border: 1px solid {theme.accent};
        border-radius: 4px; padding: 4px 12px; }}
    QPushButton[role="primary"]:hover, QToolButton[role="primary"]:hover {{
        background: {mix(theme.text, theme.accent, 0.15)}; }}
    QPushButton[role="primary"]:focus, QToolButton[role="primary"]:focus {{
        border: 2px solid {theme.text}; padding: 3px 11px; }}
    QPushButton[role="primary"]:disabled, QToolButton[role="primary"]:disabled {{
        color: {theme.muted}; background: {theme.raised}; border-color: {theme.line}; }}
    QCheckBox::indicator, QRadioButton::indicator, QAbstractItemView::indicator {{
        width: 14px; height: 14px; border: 1px solid {theme.muted};
        border-radius: 3px; background: {theme.base}; }}
    QRadioButton::indicator {{ border-radius: 8px; }}
    QRadioButton::indicator:checked {{ border: 4px solid {theme.accent}; width: 8px; height: 8px; }}
    QCheckBox::indicator:focus {{ border: 2px solid {theme.accent}; width: 12px; height: 12px; }}
    QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{ background: {theme.accent};
        border-color: {theme.accent}; image: url("{check}"); }}
    QCheckBox::indicator:disabled {{ border-color: {theme.line}; }}
    QSlider:horizontal {{ min-height: 20px; }}
    QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {theme.line}; }}
    QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {theme.accent}; }}
    QSlider::handle:horizontal {{ width: 14px; margin: -6px 0; border-radius: 8px; background: {theme.base};
        border: 1px solid {theme.muted}; }}
    QSlider::handle:horizontal:focus {{ border: 2px solid {theme.accent}; width: 12px; }}
    QScrollBar {{ background: transparent; border: none; }}
    QScrollBar:vertical {{ width: 12px; margin: 0; }}
    QScrollBar:horizontal {{ height: 12px; margin: 0; }}
    QScrollBar::handle {{ background: {mix(theme.muted, theme.base, 0.5)}; border-radius: 4px; margin: 2px; }}
    QScrollBar::handle:vertical {{ min-height: 24px; }}
    QScrollBar::handle:horizontal {{ min-width: 24px; }}
    QScrollBar::handle:hover {{ background: {theme.muted}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QProgressBar {{ color: transparent; background: {theme.line}; border: none;
        border-radius: 4px; min-height: 8px; max-height: 8px; }}
    QProgressBar::chunk {{ background: {theme.accent}; border-radius: 4px; }}
    """


def mix(colour: str, into: str, share: float) -> str:
    """``share`` of one colour in another, as one that is opaque."""
    parts = zip(_rgb(colour), _rgb(into), strict=True)
    red, green, blue = (round(255 * (a * share + b * (1 - share))) for a, b in parts)
    return QColor(red, green, blue).name()


def contrast(first: str, second: str) -> float:
    """How well two colours stand apart, from 1 to 21, as the accessibility guidelines count it."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else math.pow((part + 0.055) / 1.055, 2.4) for part in _rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(colour: str) -> tuple[float, float, float]:
    found = QColor(colour)
    return found.redF(), found.greenF(), found.blueF()
