"""Difference quotients beside the referee: a cross-check from values alone, on which no verdict rests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from compare import differences
from compare.comparison import Comparison
from compare.differences import Array
from compare.row import Row
from symdiff.chain import forward
from symdiff.errors import SymdiffError
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph
from symdiff.rewriting.rewrites import lowerable

# rows of each partial that are looked at, the first ones
MOST = 64


@dataclass(frozen=True)
class Crossed:
    """How many checks the differences can tell, how many of these are against the referee, how many they cannot.

    `digits` are those to which the least exact of the quotients agrees.
    """

    told: int
    against: int
    blind: int
    digits: float


def crossed(comparison: Comparison) -> Crossed | None:
    """Central differences at the points of a comparison; None of what is no first derivative of a formula of numbers.

    >>> import compare
    >>> found = crossed(compare.check("x**3", at={"x": 2.0}))
    >>> found.told, found.against, found.digits > 9
    (1, 0, True)
    """
    model = comparison.model
    if not isinstance(model, sp.Expr) or comparison.places or any("," in name for name in comparison.wrt):
        return None
    try:
        graph = lowerable(graph_of([model]))
    except SymdiffError:
        return None
    names = {str(symbol): symbol for symbol in graph.inputs}
    if graph.shapes or len(names) < len(graph.inputs):
        return None
    told = against = blind = 0
    digits = math.inf
    for wrt in comparison.wrt:
        rows = [row for row in comparison.rows if row.wrt == wrt and row.referee.value is not None][:MOST]
        if not rows or wrt not in names or not all(names.keys() <= row.at.keys() for row in rows):
            continue
        for row, slope, error in zip(rows, *_slopes(graph, names, wrt, rows), strict=True):
            true = float(row.referee.value or 0.0)
            if slope != true and not error <= differences.BLIND * max(abs(true), abs(slope)):
                blind += 1
                continue
            told += 1
            off = abs(slope - true)
            against += bool(off > differences.MARGIN * error)
            digits = min(digits, 16.0 if off == 0.0 else -math.log10(off / max(abs(true), abs(slope))))
    return Crossed(told, against, blind, digits)


def _slopes(graph: Graph, names: dict[str, Any], wrt: str, rows: Sequence[Row]) -> tuple[Array, Array]:
    order = list(names)
    columns = [np.array([row.at[name] for row in rows], np.float64) for name in order]

    def value(given: Sequence[Array]) -> Array:
        inputs = {names[name]: column for name, column in zip(order, given, strict=True)}
        return np.broadcast_to(np.asarray(forward(graph, inputs)[graph.outputs[0]], np.float64), columns[0].shape)

    return differences.slope(value, columns, order.index(wrt), np.zeros_like(columns[0]))
