"""The graph of a network from its input to its loss, drawn in layers."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsPathItem,
    QGraphicsScene,
    QGraphicsView,
    QPushButton,
    QStyleOptionGraphicsItem,
    QVBoxLayout,
    QWidget,
)

from workbench.gui.inspector.graph_layout import GAP, HEIGHT, WIDTH, Arranged, Arrangement, Hop
from workbench.gui.inspector.page import Page, control_row, label
from workbench.gui.theme import STEP, Theme, Themes, mix
from workbench.runs.service.answers import AnyAnswer
from workbench.runs.service.inspection import GraphNode, ModelGraph
from workbench.runs.service.requests import TraceGraph

SMALLEST, LARGEST = 0.05, 3.0
"""Scales."""
READABLE = 0.7
"""A graph that would have to be smaller than this to be seen whole begins at its input, in rows as wide as the area."""
ZOOM = 1.2
MARGIN = 20.0
_ROUND = 6.0


class NodeBox(QGraphicsItem):
    """A node: what it is, and below it its name and the shape that it gives."""

    def __init__(self, node: GraphNode, theme: Theme) -> None:
        super().__init__()
        self._title, self._below = node.label, _short(node.detail)
        color = {"input": theme.ok, "layer": theme.train, "loss": theme.val}.get(node.kind, theme.muted)
        self._line, self._fill = QColor(color), QColor(mix(color, theme.plot, 0.14))
        self._ink, self._muted = QColor(theme.text), QColor(theme.muted)

    def boundingRect(self) -> QRectF:
        """A little more than the frame."""
        return QRectF(-1, -1, WIDTH + 2, HEIGHT + 2)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draws frame and text."""
        painter.setPen(QPen(self._line, 1.2))
        painter.setBrush(self._fill)
        painter.drawRoundedRect(QRectF(0, 0, WIDTH, HEIGHT), _ROUND, _ROUND)
        if option.levelOfDetailFromTransform(painter.worldTransform()) < 0.15:
            return
        font = painter.font()
        font.setPixelSize(13)
        painter.setFont(font)
        inner = QRectF(0, 0, WIDTH, HEIGHT).adjusted(6, 2, -6, -3)
        painter.setPen(self._ink)
        where = Qt.AlignmentFlag.AlignHCenter | (
            Qt.AlignmentFlag.AlignTop if self._below else Qt.AlignmentFlag.AlignVCenter
        )
        title = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, int(inner.width()))
        painter.drawText(inner, where, title)
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(self._muted)
        below = painter.fontMetrics().elidedText(self._below, Qt.TextElideMode.ElideLeft, int(inner.width()))
        painter.drawText(inner, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, below)


class GraphView(QGraphicsView):
    """The drawing: the wheel zooms, dragging and the arrow keys move it, plus and minus zoom too."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inspector.graph.view")
        self.setAccessibleName("Graph of the network")
        self._themes = themes
        self.graph = ModelGraph(nodes=(), edges=(), count=0)
        self._touched = False
        self._arrangement, self._arranged = Arrangement(), Arranged()
        self.setScene(QGraphicsScene(self))
        self.setFrameShape(self.Shape.NoFrame)
        self.setDragMode(self.DragMode.ScrollHandDrag)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setTransformationAnchor(self.ViewportAnchor.AnchorUnderMouse)
        themes.changed.connect(self.recolor)

    def minimumSizeHint(self) -> QSize:
        """Small: the layout around it decides."""
        return QSize(160, 120)

    def show_graph(self, graph: ModelGraph) -> None:
        """Shows a graph in the place of the one before."""
        self.graph = graph
        self._touched = False
        self._arrangement = Arrangement([node.id for node in graph.nodes], graph.edges)
        self.begin()

    @Slot()
    def recolor(self) -> None:
        """Draws everything in the theme's colors; what is seen stays."""
        self._draw(self._arranged)

    def _arrange(self, room: float | None = None) -> Arranged:
        """In rows of this width, or as it fills the area best."""
        area = self.viewport().rect()
        return self._arrangement.fold(max(area.width(), 200) / max(area.height(), 100), room)

    def _draw(self, arranged: Arranged) -> None:
        """Draws everything anew."""
        self._arranged = arranged
        theme, scene = self._themes.current, self.scene()
        scene.clear()
        self.setBackgroundBrush(QColor(theme.plot))
        nodes = {node.id: node for node in self.graph.nodes}
        lines = QGraphicsPathItem(_path(arranged.edges))
        lines.setPen(QPen(QColor(mix(theme.muted, theme.plot, 0.8)), 1.2))
        lines.setZValue(-1)
        scene.addItem(lines)
        sources: dict[str, list[str]] = {}
        for source, target in self.graph.edges:
            sources.setdefault(target, []).append(_node_text(nodes[source]))
        for name, node in nodes.items():
            box = NodeBox(node, theme)
            box.setPos(*arranged.places[name])
            box.setToolTip(_tip(node, sources.get(name, [])))
            scene.addItem(box)
        scene.setSceneRect(QRectF(0, 0, arranged.width, arranged.height).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))
        text = "; ".join(_node_text(node) for node in self.graph.nodes[:40])
        self.setAccessibleDescription(text + ("; and more" if len(nodes) > 40 else ""))

    def begin(self) -> None:
        """Shows the whole where it can be read so, and else its beginning; the rest is a scroll away, as on a page."""
        whole, area = self._arrange(), self.viewport().rect()
        if min(area.width() / (whole.width + 2 * MARGIN), area.height() / (whole.height + 2 * MARGIN)) >= READABLE:
            self._draw(whole)
            self.fit()
            return
        width = self.width() - self.verticalScrollBar().sizeHint().width() - 4
        self._draw(self._arrange(max(width / READABLE - 2 * MARGIN, 1.0)))
        scale = min(width / self.sceneRect().width(), 1.0)
        self.resetTransform()
        self.scale(scale, scale)
        self.verticalScrollBar().setValue(self.verticalScrollBar().minimum())

    def fit(self) -> float:
        """Shows the whole, never larger than life. Gives the scale."""
        area, whole = self.viewport().rect(), self.sceneRect()
        if whole.isEmpty():
            return 1.0
        scale = min(area.width() / whole.width(), area.height() / whole.height(), 1.0)
        scale = max(scale, SMALLEST)
        self.resetTransform()
        self.scale(scale, scale)
        self.centerOn(whole.center())
        return scale

    @Slot()
    def fit_by_hand(self) -> None:
        """The Fit button: arranged anew for the area as it is now."""
        self._draw(self._arrange())
        self.fit()
        self._touched = True

    def zoom(self, factor: float) -> None:
        """Larger or smaller, within limits."""
        now = self.transform().m11()
        factor = min(max(now * factor, SMALLEST), LARGEST) / now
        self._touched = True
        self.scale(factor, factor)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms around the pointer."""
        self.zoom(ZOOM ** (event.angleDelta().y() / 120))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Plus and minus zoom, zero fits."""
        match event.key():
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.zoom(ZOOM)
            case Qt.Key.Key_Minus:
                self.zoom(1 / ZOOM)
            case Qt.Key.Key_0:
                self.fit_by_hand()
            case _:
                super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fits again, unless the user has chosen what to see."""
        super().resizeEvent(event)
        if not self._touched and self.graph.nodes and event.size().width() != event.oldSize().width():
            self.begin()


class GraphPage(Page):
    """The drawing with its summary."""

    request_type = TraceGraph
    empty = "Press Inspect to see the network as a graph, from its input to its loss."

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("graph", "Graph", parent)
        self.view = GraphView(themes, self)
        self.summary = label("inspector.graph.summary")
        fit = QPushButton("F&it")
        fit.setObjectName("inspector.graph.fit")
        fit.setToolTip("Show the whole graph (0). The wheel, plus and minus zoom")
        fit.clicked.connect(self.view.fit_by_hand)
        line = control_row()
        line.addWidget(self.summary, 1)
        line.addWidget(fit)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(STEP)
        layout.addLayout(line)
        layout.addWidget(self.view, 1)
        self.set_content(content)

    def build_request(self) -> TraceGraph:
        """The whole graph."""
        return TraceGraph()

    def show_answer(self, answer: AnyAnswer) -> None:
        """Draws the graph."""
        if not isinstance(answer, ModelGraph):
            return
        shown, count = len(answer.nodes), answer.count
        text = f"{count:,} nodes, {len(answer.edges):,} edges, from input to loss"
        self.summary.setText(text if shown == count else f"{text}; the first {shown:,} nodes shown")
        self.show_content()
        self.view.show_graph(answer)


def _path(edges: list[list[Hop]]) -> QPainterPath:
    path = QPainterPath()
    for hops in edges:
        for hop in hops:
            _draw_hop(path, hop)
        if hops:
            tip = QPointF(*hops[-1].end)
            path.moveTo(tip + QPointF(-5, -3.5))
            path.lineTo(tip)
            path.lineTo(tip + QPointF(-5, 3.5))
    return path


def _draw_hop(path: QPainterPath, hop: Hop) -> None:
    start, end = QPointF(*hop.start), QPointF(*hop.end)
    path.moveTo(start)
    if hop.straight:
        path.lineTo(end)
    elif hop.turn is None:
        bend = QPointF((end.x() - start.x()) / 2, 0)
        path.cubicTo(start + bend, end - bend, end)
    else:
        out, back = GAP / 2, hop.turn
        path.cubicTo(start + QPointF(out, 0), QPointF(start.x() + out, back), QPointF(start.x() - out, back))
        path.lineTo(QPointF(end.x() + out, back))
        path.cubicTo(QPointF(end.x() - 1.5 * out, back), end - QPointF(1.5 * out, 0), end)


def _node_text(node: GraphNode) -> str:
    return f"{node.label} ({node.detail})" if node.detail else node.label


def _short(detail: str) -> str:
    """The last part of the name, and the shape."""
    name, colon, shape = detail.rpartition(": ")
    return (f"{name.rpartition('.')[2]}: " if colon else "") + shape.replace(" x ", " × ")


def _tip(node: GraphNode, sources: list[str]) -> str:
    name, colon, shape = node.detail.rpartition(": ")
    lines = [node.label + (f", {name}" if colon else "")]
    if shape:
        lines.append(f"gives {shape}" + ("" if node.kind == "loss" else " for each sample"))
    lines += [f"takes {source}" for source in sources[:8]]
    return "\n".join(lines + (["…"] if len(sources) > 8 else []))
