"""Where the nodes of a graph stand: in layers from left to right, folded into rows like words on a page.

Networks are long and narrow. In a single line they could be seen only at a scale at which nobody can read them, so the
line of layers is broken into as many rows as fill the drawing area best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

WIDTH, HEIGHT = 136.0, 40.0
"""Of a node, in pixels at full size."""
GAP = 32.0
"""Between layers."""
ROW_GAP = 34.0
NODE, LANE, ASIDE = 1.0, 0.001, 0.001
"""Weights: of a node, of a lane, and of what joins from aside, as the target joins the loss."""
MOST_BENDS = 6000
"""Edges over many layers get lanes of their own as long as there are no more places in lanes than this."""
SWEEPS = 6
STRAY = 0.1
"""How much worse a last row is that is all but empty."""
_HALF_NODE, _HALF_LANE = 26.0, 7.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Hop:
    """A part of an edge, from one layer to the next. ``turn`` is the height between two rows where it goes back to the left."""

    start: Point
    end: Point
    turn: float | None = None
    straight: bool = False


@dataclass
class Arranged:
    """Upper left corners of the nodes by id, the parts of every edge (of parts in common once), and the size of it all."""

    places: dict[str, Point] = field(default_factory=dict)
    edges: list[list[Hop]] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


@dataclass
class _Cell:
    """A node, or a place where an edge passes a layer."""

    layer: int
    half: float
    weight: float
    """How much it pulls at others: nodes stand in straight lines, and lanes bend around them."""
    before: list[_Cell] = field(default_factory=list)
    behind: list[_Cell] = field(default_factory=list)
    y: float = 0.0


class Arrangement:
    """The order of a graph's nodes, computed once; it can then be folded for areas of any form."""

    def __init__(self, nodes: Sequence[str] = (), edges: Sequence[tuple[str, str]] = ()) -> None:
        """``nodes`` come in an order in which every edge goes forward."""
        layer_of = layers(nodes, edges)
        fed = {target for _, target in edges}
        self._cells = {
            name: _Cell(layer_of[name], _HALF_NODE, NODE if name in fed or layer_of[name] == 0 else ASIDE)
            for name in nodes
        }
        columns: list[list[_Cell]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
        for name in nodes:
            columns[layer_of[name]].append(self._cells[name])
        self._chains = _chains(edges, self._cells, columns)
        _order(columns)
        _settle(columns)
        self._spans = [(min(c.y - c.half for c in column), max(c.y + c.half for c in column)) for column in columns]

    def fold(self, aspect: float = 2.0, room: float | None = None) -> Arranged:
        """For an area ``aspect`` times as wide as high; or, with ``room``, in as many rows of this width as it takes."""
        across = _best(self._spans, aspect) if room is None else max(1, int((room + GAP) / (WIDTH + GAP)))
        return _fold(self._cells, self._chains, self._spans, across)


def layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The layer of every node: one behind the last that leads to it. What nothing leads to stands just before its first use."""
    before: dict[str, list[str]] = {name: [] for name in nodes}
    behind: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in edges:
        before[target].append(source)
        behind[source].append(target)
    layer_of: dict[str, int] = {}
    for name in nodes:
        layer_of[name] = max((layer_of[source] + 1 for source in before[name] if source in layer_of), default=0)
    for name in nodes:
        if not before[name] and behind[name]:
            layer_of[name] = max(min(layer_of[target] for target in behind[name]) - 1, 0)
    return layer_of


def _chains(edges: Sequence[tuple[str, str]], cells: dict[str, _Cell], columns: list[list[_Cell]]) -> list[list[_Cell]]:
    """Every edge as the cells that it passes, with a lane in each layer between. Edges from one node share their lanes."""
    furthest: dict[str, int] = {}
    for source, target in edges:
        furthest[source] = max(furthest.get(source, 0), cells[target].layer)
    bends = sum(max(layer - cells[source].layer - 1, 0) for source, layer in furthest.items())
    lanes: dict[tuple[str, int], _Cell] = {}
    chains = []
    for source, target in edges:
        first, last = cells[source], cells[target]
        chain = [first]
        for layer in range(first.layer + 1, last.layer) if bends <= MOST_BENDS else ():
            if (source, layer) not in lanes:
                lanes[source, layer] = lane = _Cell(layer, _HALF_LANE, LANE)
                columns[layer].append(lane)
                _join(chain[-1], lane)
            chain.append(lanes[source, layer])
        _join(chain[-1], last)
        chains.append([*chain, last])
    return chains


def _join(left: _Cell, right: _Cell) -> None:
    left.behind.append(right)
    right.before.append(left)


def _order(columns: list[list[_Cell]]) -> None:
    """Orders each layer by the places of its neighbours, to and fro, so that few edges cross."""
    for column in columns:
        _spread(column)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for column in columns if forward else reversed(columns):
            wanted = {id(cell): _mean(cell.before if forward else cell.behind, cell.y) for cell in column}
            column.sort(key=lambda cell: wanted[id(cell)])
            _spread(column)


def _settle(columns: list[list[_Cell]]) -> None:
    """Moves cells towards their neighbours, as far as those of the same layer leave room: edges become straight."""
    for sweep in range(2 * SWEEPS + 1):
        last = sweep == 2 * SWEEPS
        for column in columns if sweep % 2 == 0 else reversed(columns):
            # At last everything goes on straight from where it comes from.
            near = [_mean(cell.before if last else [*cell.before, *cell.behind], cell.y) for cell in column]
            for cell, y in zip(column, _apart(near, column), strict=True):
                cell.y = y
    for column in columns[1:]:
        if any(not cell.before for cell in column):
            near = [cell.y if cell.before else _mean(cell.behind, cell.y) for cell in column]
            for cell, y in zip(column, _apart(near, column), strict=True):
                cell.y = y


def _apart(wanted: list[float], column: list[_Cell]) -> list[float]:
    """The places nearest to those wanted, in the same order, that leave each its room: neighbours that push become blocks."""
    offsets, below = [], 0.0
    for cell in column:
        offsets.append(below + cell.half)
        below += 2 * cell.half
    blocks: list[tuple[float, float, int]] = []  # what its members want, summed; their weight; their number
    for y, offset, cell in zip(wanted, offsets, column, strict=True):
        blocks.append(((y - offset) * cell.weight, cell.weight, 1))
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            (total, weight, count), (more, heavier, larger) = blocks.pop(), blocks.pop()
            blocks.append((total + more, weight + heavier, count + larger))
    bases = [total / weight for total, weight, count in blocks for _ in range(count)]
    return [base + offset for base, offset in zip(bases, offsets, strict=True)]


def _spread(column: list[_Cell]) -> None:
    middle = sum(cell.half for cell in column)
    y = -middle
    for cell in column:
        cell.y = y + cell.half
        y += 2 * cell.half


def _mean(cells: list[_Cell], otherwise: float) -> float:
    weight = sum(cell.weight for cell in cells)
    return sum(cell.y * cell.weight for cell in cells) / weight if cells else otherwise


def _fold(
    cells: dict[str, _Cell], chains: list[list[_Cell]], spans: list[tuple[float, float]], across: int
) -> Arranged:
    tops: list[float] = []
    y = 0.0
    for first in range(0, len(spans), across):
        part = spans[first : first + across]
        tops.append(y - min(low for low, _ in part))
        y += max(high for _, high in part) - min(low for low, _ in part) + ROW_GAP

    def left(cell: _Cell) -> Point:
        return (cell.layer % across) * (WIDTH + GAP), cell.y + tops[cell.layer // across]

    edges = []
    drawn: set[tuple[int, int]] = set()
    for chain in chains:
        hops = []
        for start, end in pairwise(chain):
            if (id(start), id(end)) in drawn:
                continue
            drawn.add((id(start), id(end)))
            (x, y0), (x1, y1) = left(start), left(end)
            if end.half == _HALF_LANE:
                hops.append(Hop((x1, y1), (x1 + WIDTH, y1), straight=True))
            below = start.layer // across + 1
            folded = end.layer // across >= below
            first = below * across
            low = min((low for low, _ in spans[first : first + across]), default=0.0) + tops[below] if folded else 0.0
            hops.append(Hop((x + WIDTH, y0), (x1, y1), turn=low - ROW_GAP / 2 if folded else None))
        edges.append(hops)
    places = {name: (left(cell)[0], left(cell)[1] - HEIGHT / 2) for name, cell in cells.items()}
    width = min(across, len(spans)) * (WIDTH + GAP) - GAP
    return Arranged(places, edges, max(width, 0.0), max(y - ROW_GAP, 0.0))


def _best(spans: list[tuple[float, float]], aspect: float) -> int:
    """How many layers to a row fill the area best."""
    best, smallest = 1, float("inf")
    for across in range(1, len(spans) + 1):
        if (across * (WIDTH + GAP) + GAP) / aspect > smallest:
            break  # wider still is larger still
        height = 0.0
        for first in range(0, len(spans), across):
            part = spans[first : first + across]
            height += max(high for _, high in part) - min(low for low, _ in part) + ROW_GAP
        empty = 1 - ((len(spans) - 1) % across + 1) / across
        size = max((across * (WIDTH + GAP) + GAP) / aspect, height) * (1 + STRAY * empty)
        if size < smallest:
            best, smallest = across, size
    return best
