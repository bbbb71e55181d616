"""Numbers as colors: more of one color above zero, more of another below, the plot's own at zero."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QColor, QImage

from workbench.gui.theme import Theme
from workbench.runs.series import Floats

STRONGEST = 0.94
"""The share of the color at the largest value: even the strongest cell lets the grid's form show."""


def color_image(values: Floats, largest: float, theme: Theme) -> QImage:
    """Values of shape (rows, columns) as an image with one pixel each; ``largest`` has the full color."""
    with np.errstate(invalid="ignore"):
        share = np.nan_to_num(np.clip(values / (largest or 1.0), -1.0, 1.0), nan=0.0)
    ground, above, below, bad = (_rgb(color) for color in (theme.plot, theme.train, theme.val, theme.error))
    strength = (STRONGEST * np.abs(share) ** 0.8)[..., None]
    ink = np.where((share < 0)[..., None], below, above)
    mixed = ink * strength + ground * (1 - strength)
    mixed = np.where(np.isfinite(values)[..., None], mixed, bad)
    pixels = np.full((*values.shape, 4), 255, dtype=np.uint8)
    pixels[..., :3] = mixed.round().astype(np.uint8)[..., ::-1]
    data = np.ascontiguousarray(pixels).tobytes()
    height, width = values.shape
    return QImage(data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def scale(low: float, high: float, theme: Theme) -> QImage:
    """The colors from ``low`` to ``high``, side by side."""
    return color_image(np.linspace(low, high, 64)[None], max(abs(low), abs(high)), theme)


def _rgb(name: str) -> Floats:
    color = QColor(name)
    return np.array([color.red(), color.green(), color.blue()], dtype=np.float64)
