"""Which column each box stands in, and in which order from top to bottom.

K. Sugiyama, S. Tagawa and M. Toda, Methods for visual understanding of hierarchical system structures, IEEE Trans. SMC
11 (1981): longest-path layers, a place held in every layer that an edge passes, and sweeps that sort each layer by the
barycentre of its neighbours.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Pair = tuple[int, int]
SWEEPS, PATIENCE = 40, 8


@dataclass(frozen=True)
class Layered:
    """Vertices in layers: the nodes, and after them the places held for edges that pass.

    `rows[k]` is layer k from top to bottom. `paths[i]` are the vertices that edge i passes, its ends included; edges
    from one node share the places they pass.
    """

    rows: tuple[tuple[int, ...], ...]
    layer: tuple[int, ...]
    paths: tuple[tuple[int, ...], ...]


def layers_of(count: int, edges: Iterable[Pair]) -> list[int]:
    """Longest-path layers of nodes 0, 1, ..., operands before their uses; a leaf stands just before its first use.

    >>> layers_of(5, [(0, 3), (1, 3), (3, 4), (2, 4)])
    [0, 0, 1, 1, 2]
    """
    layer, leaf = [0] * count, [True] * count
    ordered = sorted(edges, key=lambda pair: pair[1])
    for source, target in ordered:
        layer[target] = max(layer[target], layer[source] + 1)
        leaf[target] = False
    before: dict[int, int] = {}
    for source, target in ordered:
        if leaf[source]:
            before[source] = min(before.get(source, layer[target] - 1), layer[target] - 1)
    return [before.get(node, number) for node, number in enumerate(layer)]


def layered(count: int, edges: Sequence[Pair]) -> Layered:
    """Put nodes 0, 1, ... in layers, in an order with few crossings; every edge goes from a node to a later one.

    >>> layered(3, [(0, 1), (1, 2), (0, 2)]).paths
    ((0, 1), (1, 2), (0, 3, 2))
    """
    layer = layers_of(count, edges)
    places: dict[Pair, int] = {}
    paths: list[tuple[int, ...]] = []
    for source, target in edges:
        passed = [places.setdefault((source, k), count + len(places)) for k in range(layer[source] + 1, layer[target])]
        paths.append((source, *passed, target))
    layer += [k for _, k in places]
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for vertex in _by_depth(len(layer), paths):
        rows[layer[vertex]].append(vertex)
    return Layered(tuple(map(tuple, _sorted(rows, links_of(paths)))), tuple(layer), tuple(paths))


def links_of(paths: Iterable[Sequence[int]]) -> list[Pair]:
    """The pieces of the paths from one layer to the next, each once."""
    return list(dict.fromkeys(pair for path in paths for pair in pairwise(path)))


def _by_depth(count: int, paths: Sequence[Sequence[int]]) -> list[int]:
    """Vertices as a walk from the last ones back meets them, first operands first: neighbours come together."""
    before: list[list[int]] = [[] for _ in range(count)]
    used = [False] * count
    for source, target in links_of(paths):
        before[target].append(source)
        used[source] = True
    seen: dict[int, None] = {}
    pending = [vertex for vertex in range(count) if not used[vertex]][::-1]
    while pending:
        vertex = pending.pop()
        if vertex not in seen:
            seen[vertex] = None
            pending.extend(reversed(before[vertex]))
    return list(seen)


def _sorted(rows: list[list[int]], links: Sequence[Pair]) -> list[list[int]]:
    """The best order that sweeps to and fro come upon."""
    back: dict[int, list[int]] = {}
    ahead: dict[int, list[int]] = {}
    for source, target in links:
        ahead.setdefault(source, []).append(target)
        back.setdefault(target, []).append(source)
    best, fewest, waited = rows, crossings(rows, ahead), 0
    for sweep in range(SWEEPS):
        if not fewest or waited > PATIENCE:
            break
        neighbours = back if sweep % 2 == 0 else ahead
        rows = _swept(rows if sweep % 2 == 0 else rows[::-1], neighbours)
        rows = rows if sweep % 2 == 0 else rows[::-1]
        count = crossings(rows, ahead)
        waited = 0 if count < fewest else waited + 1
        if count < fewest:
            best, fewest = rows, count
    return best


def _swept(rows: Sequence[Sequence[int]], neighbours: dict[int, list[int]]) -> list[list[int]]:
    swept = [list(rows[0])]
    for row in rows[1:]:
        place = {vertex: i for i, vertex in enumerate(swept[-1])}
        # without a neighbour a vertex stays about where it is
        scale = len(place) / len(row)
        wish = {
            vertex: sum(place[n] for n in near) / len(near) if (near := neighbours.get(vertex)) else i * scale
            for i, vertex in enumerate(row)
        }
        swept.append(sorted(row, key=wish.__getitem__))
    return swept


def crossings(rows: Sequence[Sequence[int]], ahead: dict[int, list[int]]) -> int:
    """How many pairs of pieces between neighbouring layers cross.

    >>> crossings([[0, 1], [2, 3]], {0: [3], 1: [2]})
    1
    """
    total = 0
    for row, following in pairwise(rows):
        place = {vertex: i for i, vertex in enumerate(following)}
        passed: list[int] = []
        for vertex in row:
            ends = sorted(place[target] for target in ahead.get(vertex, ()))
            total += sum(len(passed) - bisect.bisect_right(passed, end) for end in ends)
            for end in ends:
                bisect.insort(passed, end)
    return total
