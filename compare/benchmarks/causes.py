"""Why a route did not give the number that the referee gives: whether something on the way is beyond the dtype's range.

The formula as it is computed is enclosed in balls, node by node, at the exact inputs: that a value, a local partial or
a product of partials truly is larger than any number of the dtype is a cause that needs no route to be looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from compare.certified.hessian_rows import adjoints_of, derivatives_of
from compare.certified.referee import node_balls
from compare.explanations.local_rules import enclosed, moving_operands, partial_by
from compare.explanations.parting import counting, node_text
from compare.row import Row
from symdiff.chain import forward
from symdiff.from_sympy import graph_of
from symdiff.graph import Application, Graph
from symdiff.parsing import parse
from symdiff.precision import working
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import ROUTES
from symdiff.symbolic import gradient_graph

PRECISION = 1024
OPERAND, PARTIAL, PRODUCT = "overflow of an inner operand", "overflow of a local partial", "overflow of a product"
EDGE, RULE = "an operand rounded to the edge of a domain", "a rule overflows by itself"
NONE = "no cause found"


def cause(text: str, row: Row, dtype: str) -> tuple[str, str]:
    """The class of cause of a row that disagrees, and the node it is at; `NONE` where nothing is beyond the range.

    >>> import compare
    >>> (row,) = compare.check("log(exp(x)**2 + x)", at={"x": 60.0}, dtype="float32").rows
    >>> row.verdict.value, cause("log(exp(x)**2 + x)", row, "float32")
    ('disagree', ('overflow of an inner operand', 'exp(2*x)'))
    """
    graph, safe, derived = _graphs(text)
    place = {symbol: float(row.at[symbol.name]) for symbol in graph.symbols.values()}
    largest = float(np.finfo(dtype).max)
    found, node = _cause(safe, derived, place, sp.Symbol(row.wrt, real=True), largest, dtype)
    numbers = [row.route(route) for route in ROUTES]
    if found != NONE and all(number is None or math.isfinite(number) for number in numbers):
        found += ", all routes finite"
    return found, node


@lru_cache(maxsize=4)
def _graphs(text: str) -> tuple[Graph, Graph, Graph]:
    graph = graph_of([parse(text)])
    safe = lowerable(graph)
    return graph, safe, gradient_graph(safe, list(graph.symbols.values()))


def _cause(
    graph: Graph, derived: Graph, place: Mapping[sp.Symbol, float], wrt: sp.Symbol, largest: float, dtype: str
) -> tuple[str, str]:
    computed = forward(graph, place, dtype)
    steps = counting(graph, computed)
    with working(PRECISION):
        values = node_balls(graph, [place])
        for step in steps:
            if _beyond(values[step.node], largest):
                return OPERAND, node_text(graph, step.node)
        derivatives = derivatives_of(graph, steps, values)
        for step, first, _ in derivatives:
            for slope in first:
                if _beyond(slope, largest):
                    return PARTIAL, node_text(graph, step.node)
        for node, adjoint in adjoints_of(derivatives, graph.outputs[0]).items():
            if _beyond(adjoint, largest):
                return PRODUCT, node_text(graph, node)
        truths, output = node_balls(derived, [place]), derived.outputs[1 + list(graph.inputs).index(wrt)]
        for step in counting(replace(derived, outputs=(output,)), forward(derived, place, dtype)):
            if _beyond(truths[step.node], largest):
                return PRODUCT, node_text(derived, step.node)
    return _at_an_edge(steps, graph, computed, dtype)


def _at_an_edge(steps: Sequence[Application], graph: Graph, computed: Sequence[Any], dtype: str) -> tuple[str, str]:
    """The first node that has no value or partial at its operands as they were rounded, or where a rule has none."""
    for step in steps:
        operands = [computed[i] for i in step.operands]
        if not all(np.isfinite(u) for u in operands):
            continue
        value, partials, _ = enclosed(step, operands)
        if not np.isfinite(computed[step.node]):
            return (EDGE if value is None else RULE), node_text(graph, step.node)
        for position in moving_operands(step):
            if all(math.isfinite(partial_by(route, step, position, operands, dtype)) for route in ROUTES):
                continue
            slope = partials[position]
            return (EDGE if slope is None or not slope.is_finite() else RULE), node_text(graph, step.node)
    return NONE, ""


def _beyond(balls: Any, largest: float) -> bool:
    """Whether a number, of one point, certainly is larger than any of the dtype."""
    if not isinstance(balls, np.ndarray) or balls[0] is None or isinstance(balls[0], bool):
        return False
    return bool(balls[0].is_finite() and abs(balls[0]) > largest)
