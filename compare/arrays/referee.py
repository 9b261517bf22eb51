"""The referee for arrays: partials in chosen entries at one point, on the definition written out in scalars.

Enclosures and their certificates are those of `compare.certified`. What is new is that the condition numbers of many
entries are found together: the tangents along all of them run through the graph side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.certified.balls import Ball, Balls, array, available
from compare.certified.hessian_rows import (
    Curved,
    Partial,
    Totals,
    adjoints_of,
    curvatures_of,
    derivatives_of,
    product,
    rates_along,
    ratio,
)
from compare.certified.referee import PRECISIONS, Judgement, counting, node_balls, tight_or_undecided
from compare.certified.regularity import faults
from symdiff.graph import Graph
from symdiff.precision import working

# entries times nodes that are held at once
LARGEST_BLOCK = 2**19
# entries times nodes beyond which no condition numbers are enclosed: they would take minutes
LARGEST_CURVED = 2**24


def judge_entries(
    graph: Graph, point: Mapping[sp.Symbol, float], wrt: Sequence[sp.Symbol], radii: NDArray[np.float64]
) -> Judgement:
    """Enclose the partials of the graph's first output in some of its symbols, at one point.

    `radii`: the absolute radius that is tight enough for each of them.

    >>> from symdiff.from_sympy import graph_of
    >>> x, y = sp.symbols("x y", real=True)
    >>> found = judge_entries(graph_of([x**2 * y]), {x: 3.0, y: 2.0}, [y, x], np.zeros(2))
    >>> [float(partial.ball) for partial in found.partials], [partial.kappa for partial in found.partials]
    ([9.0, 12.0], [2.0, 2.0])
    """
    if not available():
        return Judgement(undecided="python-flint is not installed; pip install python-flint")
    found = Judgement()
    for bits in PRECISIONS:
        with working(bits):
            found = _judged(graph, point, wrt, radii)
        if found.undecided is None:
            return found
    return Judgement(undecided=f"{found.undecided} at {PRECISIONS[-1]} bits", node=found.node)


def _judged(
    graph: Graph, point: Mapping[sp.Symbol, float], wrt: Sequence[sp.Symbol], radii: NDArray[np.float64]
) -> Judgement:
    """The judgement at the present precision."""
    values = node_balls(graph, [point])
    steps = counting(graph, [value[0] for value in values])
    fault = faults(graph, steps, values, [point]).get(0)
    if fault is not None:
        certain, open_question = (fault.what, None) if fault.certain else (None, fault.what)
        return Judgement(irregular=certain, undecided=open_question, node=fault.node)
    derivatives = derivatives_of(graph, steps, values)
    adjoints = adjoints_of(derivatives, graph.outputs[0])
    sources = [graph.inputs.get(symbol, -1) for symbol in wrt]
    balls = [_single(adjoints.get(source, 0)) for source in sources]
    loose = tight_or_undecided(tuple(Partial(ball, None) for ball in balls), [str(s) for s in wrt], radii)
    if loose.undecided is not None:
        return loose
    if len(graph) * len(wrt) > LARGEST_CURVED:
        return loose
    kappas = _condition_numbers(curvatures_of(derivatives, adjoints), graph, values, sources, balls)
    return Judgement(tuple(Partial(*pair) for pair in zip(balls, kappas, strict=True)))


def _single(factor: Balls | int) -> Ball:
    import flint

    return flint.arb(factor) if isinstance(factor, int) else factor[0]


def _condition_numbers(
    curved: Curved, graph: Graph, values: Sequence[Balls], sources: Sequence[int], balls: Sequence[Ball]
) -> list[float | None]:
    """As `hessian_rows.condition_numbers` has them, for all sources."""
    import flint

    zero, one = flint.arb(0), flint.arb(1)
    width = max(1, LARGEST_BLOCK // len(graph))
    found: list[float | None] = []
    for start in range(0, len(sources), width):
        block = sources[start : start + width]
        # one place for each source: its tangent is 1 there and 0 elsewhere
        seeds: Totals = {
            source: array((one if k == place else zero for k in range(len(block))), len(block))
            for place, source in enumerate(block)
            if source >= 0
        }
        rates = rates_along(curved, seeds)
        total = array((zero for _ in block), len(block))
        for node in graph.symbols:
            if node in rates:
                total = total + np.abs(product(values[node], rates[node]))
        found += [ratio(t, ball) for t, ball in zip(total, balls[start : start + width], strict=True)]
    return found
