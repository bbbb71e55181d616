"""What a dataset looks like: images by class, or points in the plane. Drawn by hand, with nothing that is slow to import."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.gui.theme import Themes
from workbench.runs.service.samples import ClassCount, PreviewPoints, Thumbnail

GAP = 4
BETWEEN = 16
MOST_ROWS = 12
POINTS_HEIGHT = 160


class Thumbnails(QWidget):
    """A row of images for each class, with the class before it and its count behind."""

    def __init__(
        self,
        themes: Themes,
        parent: QWidget | None = None,
        name: str = "dataset.thumbnails",
        spoken: str = "Images of each class",
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
        """Images that are shown."""
        return sum(len(images) for _, _, images in self._rows)

    def show_classes(self, thumbnails: Sequence[Thumbnail], classes: Sequence[ClassCount]) -> None:
        """Shows thumbnails beside the counts of their classes."""
        images: dict[str, list[QImage]] = {row.name: [] for row in classes[:MOST_ROWS]}
        for thumbnail in thumbnails:
            if thumbnail.label in images:
                images[thumbnail.label].append(image_of(thumbnail))
        counts = {row.name: f"{(row.train or 0) + (row.val or 0):,}" for row in classes}
        self._rows = [(name, counts[name], row) for name, row in images.items()]
        self.setAccessibleDescription(", ".join(f"{name}: {counts[name]}" for name in images))
        self.setToolTip(
            "\n".join(
                f"{row.name}: {row.train or 0:,} for training, {row.val or 0:,} for validation" for row in classes[:40]
            )
        )
        self.updateGeometry()
        self.update()

    def show_rows(self, thumbnails: Sequence[Thumbnail]) -> None:
        """Shows thumbnails as rows by their labels, without counts."""
        rows: dict[str, list[QImage]] = {}
        for thumbnail in thumbnails:
            rows.setdefault(thumbnail.label, []).append(image_of(thumbnail))
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
        for row, (name, number, images) in enumerate(self._rows):
            x, y = (row // rows) * (width + BETWEEN), (row % rows) * (tile + GAP)
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
        """Columns, width of a label, size of an image, width of a count."""
        metrics = QFontMetrics(self.font())
        label = max((metrics.horizontalAdvance(name) for name, _, _ in self._rows), default=0)
        count = max((metrics.horizontalAdvance(number) for _, number, _ in self._rows), default=0)
        columns = 2 if label <= 24 and len(self._rows) > 4 else 1
        return columns, min(label, 96), 22 if columns == 2 else 32, count


class PointsPreview(QWidget):
    """Points in the plane, colored by class."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dataset.points")
        self.setAccessibleName("Samples")
        self._themes = themes
        self._points = PreviewPoints(x=(), y=(), label=())
        self.setFixedHeight(POINTS_HEIGHT)
        themes.changed.connect(self.update)

    def show_points(self, points: PreviewPoints) -> None:
        """Shows these points."""
        self._points = points
        self.setAccessibleDescription(f"{len(points.x)} samples")
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
        xs, ys = self._points.x, self._points.y
        if not xs:
            return
        inner = frame.adjusted(8, 8, -8, -8)
        left, low = min(xs), min(ys)
        wide, high = max(max(xs) - left, 1e-9), max(max(ys) - low, 1e-9)
        colors = [QColor(color) for color in (theme.train, theme.val, *theme.overlays)]
        painter.setPen(Qt.PenStyle.NoPen)
        for x, y, label in zip(xs, ys, self._points.label, strict=True):
            painter.setBrush(colors[label % len(colors)])
            point = QPointF(
                inner.left() + (x - left) / wide * inner.width(), inner.bottom() - (y - low) / high * inner.height()
            )
            painter.drawEllipse(point, 1.8, 1.8)


def image_of(thumbnail: Thumbnail) -> QImage:
    """A thumbnail as an image that Qt draws."""
    form = QImage.Format.Format_RGB888 if thumbnail.channels == 3 else QImage.Format.Format_Grayscale8
    pixels = base64.b64decode(thumbnail.pixels)
    row_bytes = thumbnail.width * thumbnail.channels
    return QImage(pixels, thumbnail.width, thumbnail.height, row_bytes, form).copy()
