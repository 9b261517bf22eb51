"""Where boxes and edges of a diagram lie, in pixels.

Layers are columns. An edge bends only between two columns, where no box is, and crosses a column straight on a height
of its own: so it never runs through a box. Before a box it is straight for as long as its label is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from symdiff.pictures.diagram import Diagram, Edge, Node
from symdiff.pictures.labels import width
from symdiff.pictures.layers import layered, links_of
from symdiff.pictures.placement import Pull, heights

NAME_SIZE, LABEL_SIZE, NUMBER_SIZE, EDGE_SIZE = 10.0, 15.0, 12.0, 11.0
GAP, BEND, STRAIGHT, HEAD, MARGIN = 18.0, 46.0, 14.0, 7.0, 20.0


@dataclass(frozen=True)
class Box:
    """A node's rectangle by its left upper corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Height of its middle."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Route:
    """How an edge runs: straight from `start` to the first bend, then bends (x, y, x, y) and what is straight between.

    `end` is where it meets its node; its label ends just before.
    """

    start: tuple[float, float]
    bends: tuple[tuple[float, float, float, float], ...]
    end: tuple[float, float]


@dataclass(frozen=True)
class Geometry:
    """One box a node, one route an edge, and the size of the whole."""

    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    width: float
    height: float


def arranged(diagram: Diagram) -> Geometry:
    """Lay a diagram out."""
    nodes, edges = diagram.nodes, diagram.edges
    found = layered(len(nodes), [(edge.source, edge.target) for edge in edges])
    rank = {vertex: i for row in found.rows for i, vertex in enumerate(row)}
    offsets = _ports(diagram, [rank[path[-2]] for path in found.paths])
    passing = [0.0] * (len(found.layer) - len(nodes))
    tall = diagram.has_numbers
    counts = [0] * len(nodes)
    for edge in edges:
        counts[edge.target] += 1
    sizes = [_height(node, count, tall) for node, count in zip(nodes, counts, strict=True)] + passing
    pulls = [Pull(a, b) for a, b in links_of(path[:-1] for path in found.paths)]
    pulls += [Pull(path[-2], path[-1], offset) for path, offset in zip(found.paths, offsets, strict=True)]
    middle = heights(found.rows, sizes, GAP, pulls)
    top = min((m - s / 2 for m, s in zip(middle, sizes, strict=True)), default=0.0)
    middle = [m - top + MARGIN for m in middle]

    widths = [_width(node) for node in nodes]
    columns = _columns(found.rows, found.layer, widths, edges, middle, found.paths)
    boxes: list[Box] = []
    for node, wide in enumerate(widths):
        left, right = columns[found.layer[node]]
        boxes.append(Box(round((left + right - wide) / 2, 1), middle[node] - sizes[node] / 2, wide, sizes[node]))
    straight = _label_widths(len(columns), found.layer, edges)
    routes: list[Route] = []
    for edge, path, offset in zip(edges, found.paths, offsets, strict=True):
        ys = [middle[vertex] for vertex in path[:-1]] + [middle[edge.target] + offset]
        bends: list[tuple[float, float, float, float]] = []
        for k, (y0, y1) in enumerate(pairwise(ys), found.layer[edge.source]):
            bends.append((columns[k][1], y0, columns[k + 1][0] - straight[k + 1], y1))
        start, end = boxes[edge.source], boxes[edge.target]
        routes.append(Route((start.x + start.width, ys[0]), tuple(bends), (end.x, ys[-1])))
    right = max((right for _, right in columns), default=MARGIN)
    bottom = max((m + s / 2 for m, s in zip(middle, sizes, strict=True)), default=MARGIN)
    return Geometry(tuple(boxes), tuple(routes), right + MARGIN, bottom + MARGIN)


def _width(node: Node) -> float:
    middle = width(node.label, LABEL_SIZE) + (width(node.name, NAME_SIZE) + 7 if node.name else 0)
    return round(max(46.0, 20 + max(middle, width(node.above, NUMBER_SIZE), width(node.below, NUMBER_SIZE))), 1)


def _height(node: Node, operands: int, tall: bool) -> float:
    lines = 64.0 if node.above or node.below else 34.0
    return max(lines, 24.0 * (operands - 1) + 40) if tall else max(lines, 14.0 * (operands - 1) + 20)


def _ports(diagram: Diagram, rank: list[int]) -> list[float]:
    """How far below the middle of its node each edge enters: by operand, or by origin where the order is free."""
    entering: dict[int, list[int]] = {}
    for i, edge in enumerate(diagram.edges):
        entering.setdefault(edge.target, []).append(i)
    offsets = [0.0] * len(diagram.edges)
    apart = 24.0 if diagram.has_numbers else 14.0
    for target, every in entering.items():
        order = every if diagram.nodes[target].ordered else sorted(every, key=rank.__getitem__)
        for k, i in enumerate(order):
            offsets[i] = (k - (len(order) - 1) / 2) * apart
    return offsets


def _label_widths(count: int, layer: tuple[int, ...], edges: tuple[Edge, ...]) -> list[float]:
    """Room before each column for the labels of the edges that end there."""
    found = [STRAIGHT] * count
    for edge in edges:
        k = layer[edge.target]
        found[k] = max(found[k], width(edge.label, EDGE_SIZE) + STRAIGHT)
    return [round(room, 1) for room in found]


def _columns(
    rows: tuple[tuple[int, ...], ...],
    layer: tuple[int, ...],
    widths: list[float],
    edges: tuple[Edge, ...],
    middle: list[float],
    paths: tuple[tuple[int, ...], ...],
) -> list[tuple[float, float]]:
    """Left and right end of each column; the further edges climb, the more room they have to bend."""
    labels = _label_widths(len(rows), layer, edges)
    steepest = [0.0] * len(rows)
    for a, b in links_of(paths):
        steepest[layer[b]] = max(steepest[layer[b]], abs(middle[b] - middle[a]))
    found: list[tuple[float, float]] = []
    left = MARGIN
    for k, row in enumerate(rows):
        left += 0.0 if k == 0 else BEND + min(0.2 * steepest[k], 160.0) + labels[k]
        right = left + max((widths[v] for v in row if v < len(widths)), default=0.0)
        found.append((round(left, 1), round(right, 1)))
        left = right
    return found
