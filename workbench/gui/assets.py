"""Icons: one set of line drawings in ``resources/icons``, colored by the theme."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from workbench.gui.theme import Theme, mix
from workbench.shipped import shipped

_SIZES = (16, 24, 32, 48)
"""Pixels: what the window uses has its own drawing at the usual scales of a screen. Each costs time before the first paint."""


@lru_cache(maxsize=256)  # dozens of rows have the same one
def icon(name: str, theme: Theme, color: str | None = None) -> QIcon:
    """The icon of that name, in the theme's colors or in ``color``. Raises FileNotFoundError when there is none."""
    drawing = shipped("icons", f"{name}.svg").read_text(encoding="utf-8")
    ink = color or theme.text
    modes = {
        QIcon.Mode.Normal: ink,
        QIcon.Mode.Disabled: mix(theme.muted, theme.raised, 0.55),
        QIcon.Mode.Selected: theme.accent_text,
    }
    result = QIcon()
    for mode, shade in modes.items():
        renderer = QSvgRenderer(QByteArray(drawing.replace("currentColor", shade).encode()))
        for size in _SIZES:
            result.addPixmap(_draw(renderer, size), mode)
    return result


def _draw(renderer: QSvgRenderer, size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap
