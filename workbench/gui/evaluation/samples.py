"""Single samples: their pictures side by side, or their texts and numbers in a table."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QLabel, QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from workbench.gui.evaluation.tables import fill, table
from workbench.gui.panels.thumbnails import image_of
from workbench.gui.theme import STEP

PICTURE = 64
TILE = 116
WORDS = 32
"""Letters below a picture."""


class Pictures(QListWidget):
    """Pictures with words below, as high as its rows."""

    def __init__(self, name: str, spoken: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(spoken)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setIconSize(QSize(PICTURE, PICTURE))
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setFrameShape(QListWidget.Shape.NoFrame)
        self.setViewportMargins(0, STEP, 0, 0)

    def show_samples(self, samples: list[dict[str, Any]]) -> None:
        """A tile for each sample."""
        self.clear()
        lines = max((caption(one).count("\n") for one in samples), default=0) + 1
        self.setGridSize(QSize(TILE, PICTURE + lines * self.fontMetrics().height() + 3 * STEP))
        for one in samples:
            picture = QPixmap.fromImage(image_of(one["thumbnail"]))
            scaled = picture.scaled(PICTURE, PICTURE, Qt.AspectRatioMode.KeepAspectRatio)
            icon = QIcon(scaled)
            # A chosen tile keeps its colours: they are what is looked at.
            icon.addPixmap(scaled, QIcon.Mode.Selected)
            item = QListWidgetItem(icon, caption(one))
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            item.setToolTip(f"{one['what']}: {spoken(one)}")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{one['what']}, {spoken(one)}")
            self.addItem(item)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other columns make other rows."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        columns = max(1, (self.width() - 2 * STEP) // TILE)
        rows = -(-self.count() // columns)
        height = rows * self.gridSize().height() + 2 * STEP
        if height != self.height():
            self.setFixedHeight(height)


class Samples(QWidget):
    """A title, and below it samples as the lab describes them, each with ``truth``, ``guess`` and perhaps ``loss``."""

    def __init__(self, name: str, spoken: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.title = QLabel(self)
        self.title.setObjectName(f"{name}.title")
        self.title.setProperty("role", "title")
        self.title.setWordWrap(True)
        self.pictures = Pictures(f"{name}.pictures", spoken, self)
        self.table = table(f"{name}.table", spoken, ("Sample", "Truth", "Guess", "Loss", "Contents"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(STEP)
        for widget in (self.title, self.pictures, self.table):
            layout.addWidget(widget)

    def show_samples(self, title: str, samples: list[dict[str, Any]]) -> None:
        """Shows them; the title alone where there are none."""
        self.title.setText(title)
        drawn = [one for one in samples if "thumbnail" in one]
        rest = [one for one in samples if "thumbnail" not in one]
        self.pictures.show_samples(drawn)
        self.pictures.setVisible(bool(drawn))
        self.table.setColumnHidden(3, not any("loss" in one for one in rest))
        fill(self.table, [_row(one) for one in rest], wide=4)
        self.setVisible(bool(title))

    @property
    def count(self) -> int:
        """Samples that are shown."""
        return self.pictures.count() + self.table.rowCount()


def caption(one: dict[str, Any]) -> str:
    """What stands below a picture: what it was taken for, or its name where its place says that already."""
    if "loss" not in one:
        return _short(PurePath(str(one["what"])).name)
    same = one["truth"] == one["guess"]
    return _short(one["truth"] if same else f"{one['truth']} → {one['guess']}") + f"\nloss {one['loss']:.3g}"


def spoken(one: dict[str, Any]) -> str:
    """Truth, guess and loss in words."""
    loss = f", loss {one['loss']:.4g}" if "loss" in one else ""
    return f"true {one['truth']}, guessed {one['guess']}{loss}"


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    loss = f"{one['loss']:.4g}" if "loss" in one else ""
    return (str(one["what"]), str(one["truth"]), str(one["guess"]), loss, str(one.get("text", "")))


def _short(text: str) -> str:
    half = WORDS // 2
    return text if len(text) <= WORDS else f"{text[:half]}…{text[-half:]}"
