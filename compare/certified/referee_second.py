"""The referee's second partials: rows of the Hessian in balls, and how sensitive each entry is to the inputs.

An entry's derivative in an input x, which its condition number needs, is a difference over the relative step 2**-40,
at the precision of the enclosures: its own error is far below one part in a million, and it decides no sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import sympy as sp

from compare.certified.balls import Ball, Balls, spread
from compare.certified.hessian_rows import Partial, adjoints_of, curvatures_of, derivatives_of, rates_of, ratio
from symdiff.graph import Application, Graph

STEP_BITS = 40
Values = Callable[[Graph, Sequence[Mapping[sp.Symbol, Ball]]], list[Balls]]


def hessian_entries(
    graph: Graph,
    steps: Sequence[Application],
    points: Sequence[Mapping[sp.Symbol, Ball]],
    wrt: Sequence[sp.Symbol],
    values_at: Values,
) -> list[tuple[Partial, ...]]:
    """Enclose the second partials of each pair of `wrt` at points where every one of the `steps` is regular."""
    count, inputs = len(points), tuple(graph.inputs)
    moved = [{**point, s: point[s] * (1 + _step())} for s in inputs for point in points]
    entries = _entries(graph, steps, values_at(graph, [*points, *moved]), wrt)
    found: list[list[Partial]] = []
    for entry in entries:
        here = entry[:count]
        total = spread(0, count)
        for k in range(len(inputs)):
            total = total + np.abs(entry[(k + 1) * count : (k + 2) * count] - here) * 2**STEP_BITS
        found.append([Partial(ball, ratio(t, ball)) for ball, t in zip(here, total, strict=True)])
    return list(zip(*found, strict=True))


def _step() -> Ball:
    import flint

    return flint.arb(2) ** -STEP_BITS


def _entries(
    graph: Graph, steps: Sequence[Application], values: Sequence[Balls], wrt: Sequence[sp.Symbol]
) -> list[Balls]:
    derivatives = derivatives_of(graph, steps, values)
    curved = curvatures_of(derivatives, adjoints_of(derivatives, graph.outputs[0]))
    count = len(next(iter(values)))
    nodes = [graph.inputs.get(symbol, -1) for symbol in wrt]
    found: list[Balls] = []
    for i, source in enumerate(nodes):
        rates = rates_of(curved, source) if source >= 0 else {}
        found += [spread(rates.get(other, 0), count) if other >= 0 else spread(0, count) for other in nodes[i:]]
    return found
