"""What a dataset looks like: pictures by class, or points in the plane. Drawn by hand, with nothing that is slow to import."""

from __future__ import annotations

import base64
from typing import Any

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui.theme import Themes

GAP = 4
BETWEEN = 16
MOST_ROWS = 12
POINTS_HEIGHT = 160


class Thumbnails(QWidget):
    """A row of pictures for each class, with the class before it and its count behind."""

    def __init__(
        self,
        themes: Themes,
        parent: QWidget | None = None,
        name: str = "dataset.thumbnails",
        spoken: str = "Pictures of each class",
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(spoken)
        self._themes = themes
        self._rows: list[tuple[str, str, list[QImage]]] = []
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        themes.changed.connect(self.update)

    @property
    def count(self) -> int:
        """Pictures that are shown."""
        return sum(len(images) for _, _, images in self._rows)

    def show_pictures(self, thumbnails: list[dict[str, Any]], classes: list[dict[str, Any]]) -> None:
        """Takes the lab's thumbnails and class counts."""
        images: dict[str, list[QImage]] = {one["name"]: [] for one in classes[:MOST_ROWS]}
        for thumbnail in thumbnails:
            if thumbnail["label"] in images:
                images[thumbnail["label"]].append(image_of(thumbnail))
        counts = {one["name"]: f"{one['train'] + one['val']:,}" for one in classes}
        self._rows = [(name, counts[name], found) for name, found in images.items()]
        self.setAccessibleDescription(", ".join(f"{name}: {counts[name]}" for name in images))
        self.setToolTip(
            "\n".join(
                f"{one['name']}: {one['train']:,} for training, {one['val']:,} for validation" for one in classes[:40]
            )
        )
        self.updateGeometry()
        self.update()

    def show_rows(self, thumbnails: list[dict[str, Any]]) -> None:
        """Takes thumbnails as rows by their labels, without counts."""
        rows: dict[str, list[QImage]] = {}
        for thumbnail in thumbnails:
            rows.setdefault(thumbnail["label"], []).append(image_of(thumbnail))
        self._rows = [(label, "", images) for label, images in rows.items()]
        self.setAccessibleDescription(", ".join(rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Wide as the column, high as its rows."""
        columns, _, tile, _ = self._measure()
        rows = -(-len(self._rows) // columns)
        return QSize(300, rows * (tile + GAP))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws every row."""
        painter = QPainter(self)
        theme = self._themes.current
        columns, label, tile, count = self._measure()
        width = (self.width() - BETWEEN * (columns - 1)) // columns
        rows = -(-len(self._rows) // columns)
        metrics = QFontMetrics(self.font())
        for place, (name, number, images) in enumerate(self._rows):
            x, y = (place // rows) * (width + BETWEEN), (place % rows) * (tile + GAP)
            painter.setPen(QColor(theme.text))
            text = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, label)
            painter.drawText(QRect(x, y, label, tile), Qt.AlignmentFlag.AlignVCenter, text)
            painter.setPen(QColor(theme.muted))
            fits = max(0, (width - label - count - 2 * GAP) // (tile + 2))
            for index, image in enumerate(images[:fits]):
                painter.drawImage(QRect(x + label + GAP + index * (tile + 2), y, tile, tile), image)
            right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(QRect(x + width - count, y, count, tile), right, number)

    def _measure(self) -> tuple[int, int, int, int]:
        """Columns, width of a label, size of a picture, width of a count."""
        metrics = QFontMetrics(self.font())
        label = max((metrics.horizontalAdvance(name) for name, _, _ in self._rows), default=0)
        count = max((metrics.horizontalAdvance(number) for _, number, _ in self._rows), default=0)
        columns = 2 if label <= 24 and len(self._rows) > 4 else 1
        return columns, min(label, 96), 22 if columns == 2 else 32, count


class Points(QWidget):
    """Points in the plane, coloured by class."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dataset.points")
        self.setAccessibleName("Samples")
        self._themes = themes
        self._points: dict[str, list[float]] = {"x": [], "y": [], "label": []}
        self.setFixedHeight(POINTS_HEIGHT)
        themes.changed.connect(self.update)

    def show_points(self, points: dict[str, list[float]]) -> None:
        """Takes the lab's points."""
        self._points = points
        self.setAccessibleDescription(f"{len(points['x'])} samples")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws every point."""
        theme = self._themes.current
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QColor(theme.line))
        painter.setBrush(QColor(theme.plot))
        painter.drawRoundedRect(frame, 6, 6)
        xs, ys = self._points["x"], self._points["y"]
        if not xs:
            return
        inner = frame.adjusted(8, 8, -8, -8)
        left, low = min(xs), min(ys)
        wide, high = max(max(xs) - left, 1e-9), max(max(ys) - low, 1e-9)
        colours = [QColor(colour) for colour in (theme.train, theme.val, *theme.overlays)]
        painter.setPen(Qt.PenStyle.NoPen)
        for x, y, label in zip(xs, ys, self._points["label"], strict=True):
            painter.setBrush(colours[int(label) % len(colours)])
            place = QPointF(
                inner.left() + (x - left) / wide * inner.width(), inner.bottom() - (y - low) / high * inner.height()
            )
            painter.drawEllipse(place, 1.8, 1.8)


def image_of(thumbnail: dict[str, Any]) -> QImage:
    """The lab's pixels as an image."""
    form = QImage.Format.Format_RGB888 if thumbnail["channels"] == 3 else QImage.Format.Format_Grayscale8
    width, height = thumbnail["width"], thumbnail["height"]
    pixels = base64.b64decode(thumbnail["pixels"])
    return QImage(pixels, width, height, width * thumbnail["channels"], form).copy()
