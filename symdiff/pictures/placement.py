"""How high each vertex stands: near its neighbours, in the order of its layer, never over another.

A layer is settled exactly: heights closest to the wished ones in the sense of least squares, at given smallest
distances, are an isotonic regression, found by pooling adjacent violators (R. E. Barlow et al., Statistical Inference
under Order Restrictions, 1972, section 1.2). Sweeps to and fro let each layer follow its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

SWEEPS = 13
# a place held for an edge that passes pulls more than a box does, which keeps long edges straight
PASSING = 4.0


class Pull(NamedTuple):
    """A piece of an edge: from the middle of `source` to `offset` below the middle of `target`."""

    source: int
    target: int
    offset: float = 0.0


def settled(wished: Sequence[float], distances: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Heights closest to the wished ones, each at least its distance below the one before.

    >>> settled([0.0, 0.0, 10.0], [4.0, 4.0], [1.0, 1.0, 1.0])
    [-2.0, 2.0, 10.0]
    """
    shift = [0.0]
    for distance in distances:
        shift.append(shift[-1] + distance)
    blocks: list[tuple[float, float, int]] = []  # weighted sum, weight, how many
    for wish, offset, weight in zip(wished, shift, weights, strict=True):
        block = ((wish - offset) * weight, weight, 1)
        while blocks and blocks[-1][0] / blocks[-1][1] >= block[0] / block[1]:
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
        blocks.append(block)
    pooled = [total / weight for total, weight, count in blocks for _ in range(count)]
    return [height + offset for height, offset in zip(pooled, shift, strict=True)]


def heights(rows: Sequence[Sequence[int]], sizes: Sequence[float], gap: float, pulls: Sequence[Pull]) -> list[float]:
    """The middle of every vertex; `sizes` are heights, 0 for a place held, which takes half a gap.

    >>> heights([[0, 1], [2]], [20.0, 20.0, 20.0], 10.0, [Pull(0, 2), Pull(1, 2)])
    [0.0, 30.0, 15.0]
    """
    back: dict[int, list[tuple[int, float]]] = {}
    ahead: dict[int, list[tuple[int, float]]] = {}
    for source, target, offset in pulls:
        back.setdefault(target, []).append((source, -offset))
        ahead.setdefault(source, []).append((target, offset))
    distances = [
        [(sizes[a] + sizes[b]) / 2 + (gap if sizes[a] and sizes[b] else gap * 0.75) for a, b in pairwise(row)]
        for row in rows
    ]
    weights = [1.0 if size else PASSING for size in sizes]
    middle = [0.0] * len(sizes)
    for row, apart in zip(rows, distances, strict=True):
        for vertex, height in zip(row, settled([0.0] * len(row), apart, [1.0] * len(row)), strict=True):
            middle[vertex] = height
    for sweep in range(SWEEPS):
        sides = (back, ahead) if sweep >= SWEEPS - 3 else (back,) if sweep % 2 == 0 else (ahead,)
        if sweep == SWEEPS - 1:  # an odd number of sweeps ends forward: what has one operand stands straight behind it
            sides = (back,)
        numbered = range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1)
        for k in numbered:
            row = rows[k]
            wished = [_wish(vertex, middle, sides) for vertex in row]
            for vertex, height in zip(row, settled(wished, distances[k], [weights[v] for v in row]), strict=True):
                middle[vertex] = height
    top = min((middle[v] - sizes[v] / 2 for v in range(len(sizes))), default=0.0)
    shift = sizes[0] / 2 + top if sizes else 0.0
    return [round(height - shift, 1) + 0.0 for height in middle]


def _wish(vertex: int, middle: Sequence[float], sides: Sequence[Mapping[int, Sequence[tuple[int, float]]]]) -> float:
    """The mean height that the neighbours pull to; without one, where it stands."""
    near = [middle[other] + offset for side in sides for other, offset in side.get(vertex, ())]
    return sum(near) / len(near) if near else middle[vertex]
