"""Single samples: their images side by side, or their texts and numbers in a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QLabel, QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from workbench.gui.panels.tables import fill, table
from workbench.gui.panels.thumbnails import image_of
from workbench.gui.theme import STEP
from workbench.runs.service.evaluation import EvaluatedSample

IMAGE = 64
TILE = 116
LONGEST_CAPTION = 32
"""Letters of a line below an image."""


class SampleImages(QListWidget):
    """Images with captions, as high as its rows."""

    def __init__(self, name: str, spoken: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(spoken)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setIconSize(QSize(IMAGE, IMAGE))
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setFrameShape(QListWidget.Shape.NoFrame)
        self.setViewportMargins(0, STEP, 0, 0)

    def show_samples(self, samples: Sequence[EvaluatedSample]) -> None:
        """A tile for each sample that is an image."""
        self.clear()
        lines = max((caption(sample).count("\n") for sample in samples), default=0) + 1
        self.setGridSize(QSize(TILE, IMAGE + lines * self.fontMetrics().height() + 3 * STEP))
        for sample in samples:
            if sample.thumbnail is None:
                continue
            image = QPixmap.fromImage(image_of(sample.thumbnail))
            scaled = image.scaled(IMAGE, IMAGE, Qt.AspectRatioMode.KeepAspectRatio)
            icon = QIcon(scaled)
            # A chosen tile keeps its colors: they are what the person wants to see.
            icon.addPixmap(scaled, QIcon.Mode.Selected)
            item = QListWidgetItem(icon, caption(sample))
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            item.setToolTip(f"{sample.what}: {describe(sample)}")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{sample.what}, {describe(sample)}")
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
    """A title, and below it samples with label, prediction and perhaps loss."""

    def __init__(self, name: str, spoken: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.title = QLabel(self)
        self.title.setObjectName(f"{name}.title")
        self.title.setProperty("role", "title")
        self.title.setWordWrap(True)
        self.images = SampleImages(f"{name}.pictures", spoken, self)
        self.table = table(f"{name}.table", spoken, ("Sample", "True", "Predicted", "Loss", "Contents"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(STEP)
        for widget in (self.title, self.images, self.table):
            layout.addWidget(widget)

    def show_samples(self, title: str, samples: Sequence[EvaluatedSample]) -> None:
        """Shows them; the title alone where there are none."""
        self.title.setText(title)
        drawn = [sample for sample in samples if sample.thumbnail is not None]
        rest = [sample for sample in samples if sample.thumbnail is None]
        self.images.show_samples(drawn)
        self.images.setVisible(bool(drawn))
        self.table.setColumnHidden(3, all(sample.loss is None for sample in rest))
        fill(self.table, [_row(sample) for sample in rest], wide=4)
        self.setVisible(bool(title))

    @property
    def count(self) -> int:
        """Samples that are shown."""
        return self.images.count() + self.table.rowCount()


def caption(sample: EvaluatedSample) -> str:
    """What stands below an image: its classes and its loss, or its name where its place says the classes already."""
    if sample.loss is None:
        return _short(PurePath(sample.what).name)
    correct = sample.label == sample.prediction
    return _short(sample.label if correct else f"{sample.label} → {sample.prediction}") + f"\nloss {sample.loss:.3g}"


def describe(sample: EvaluatedSample) -> str:
    """Label, prediction and loss."""
    loss = f", loss {sample.loss:.4g}" if sample.loss is not None else ""
    return f"true {sample.label}, predicted {sample.prediction}{loss}"


def _row(sample: EvaluatedSample) -> tuple[str, ...]:
    loss = f"{sample.loss:.4g}" if sample.loss is not None else ""
    return (sample.what, sample.label, sample.prediction, loss, sample.text or "")


def _short(text: str) -> str:
    half = LONGEST_CAPTION // 2
    return text if len(text) <= LONGEST_CAPTION else f"{text[:half]}…{text[-half:]}"
