"""Where a route goes wrong: the first node at which its rule parts from the balls, and where a NaN begins.

Each node is judged by itself, at the operands that the route had there, so that a fault is not seen again in all that
follows from it: first the values, front to back, then the local partials, back to front, as adjoints are passed on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from compare.certified.balls import Ball
from compare.explanations.local_rules import enclosed, moving_operands, partial_by, value_by
from compare.formula import LARGEST_FORMULA, as_text, written_out
from symdiff.chain import forward
from symdiff.graph import Application, Graph
from symdiff.precision import working
from symdiff.routes import Route

# a rule has parted if it is off by more than this many eps, times what the function's accuracy and its curvature allow
PARTED = 64.0
# characters of a node written out that are shown
LONGEST = 90


@dataclass(frozen=True)
class Parting:
    """A node, what the route computes there and what is true; `position` of the operand, None for the value."""

    node: int
    position: int | None
    given: float
    true: float


def first_parting(graph: Graph, point: Mapping[sp.Symbol, float], route: Route, dtype: str) -> Parting | None:
    """The first node of a lowered graph at which a route's value, else its local partial, is wrong.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> first_parting(graph_of([sp.sin(x) ** 2]), {x: 1.0}, "chain", "float64") is None
    True
    """
    values = forward(graph, point, dtype)
    steps = counting(graph, values)
    for step in steps:
        truth = enclosed(step, [values[i] for i in step.operands])[0]
        number = value_by(route, step, [values[i] for i in step.operands], dtype) if truth is not None else 0.0
        if truth is not None and _parts(number, truth, _ulp(step, values), 0.0, dtype):
            return Parting(step.node, None, number, float(truth))
    for step in reversed(steps):
        operands = [values[i] for i in step.operands]
        _, partials, turns = enclosed(step, operands)
        for position in moving_operands(step):
            slope = partials[position]
            if slope is None or not slope.is_finite():
                continue
            number = partial_by(route, step, position, operands, dtype)
            if _parts(number, slope, _ulp(step, values), turns[position], dtype):
                return Parting(step.node, position, number, float(slope))
    return None


def counting(graph: Graph, values: Sequence[Any]) -> list[Application]:
    """The applications on which the result depends at one point, front to back: of a branch only the one taken."""
    wanted = set(graph.outputs)
    kept: list[Application] = []
    for step in reversed(graph.applications):
        if step.node not in wanted:
            continue
        kept.append(step)
        if step.function.name == "select":
            condition, taken, otherwise = step.operands
            wanted.update((condition, taken if values[condition] else otherwise))
        else:
            wanted.update(step.operands)
    return kept[::-1]


def _ulp(step: Application, values: Sequence[Any]) -> float:
    function = step.function
    given = [values[i] for i in step.operands]
    ulp = function.ulp(*given, *step.static, values[step.node]) if callable(function.ulp) else function.ulp
    return max(1.0, float(np.max(ulp))) if np.all(np.isfinite(ulp)) else 1.0


def _parts(number: float, truth: Ball, ulp: float, turn: float, dtype: str) -> bool:
    import flint

    info = np.finfo(dtype)
    size = abs(float(truth))
    if not math.isfinite(number):
        return size <= float(info.max) / 2
    if not math.isfinite(turn):
        return False
    with working(256):
        error = float(abs(flint.arb(number) - truth).lower())
    return error > PARTED * float(info.eps) * (ulp + turn) * size + 4 * float(info.tiny)


def told(graph: Graph, parting: Parting) -> str:
    """A parting in words."""
    where = node_text(graph, parting.node)
    # as many digits as tell the two apart
    shown = next((n for n in (6, 12) if f"{parting.given:.{n}g}" != f"{parting.true:.{n}g}"), 17)
    numbers = f"{parting.given:.{shown}g}, the referee's {parting.true:.{shown}g}"
    if parting.position is None:
        return f"it first parts from the referee at {where}: its value there is {numbers}"
    step = next(step for step in graph.applications if step.node == parting.node)
    operand = node_text(graph, step.operands[parting.position])
    return f"it first parts from the referee at {where}: its partial in {operand} is {numbers}"


def node_text(graph: Graph, node: int) -> str:
    """A node as a formula, cut where it is long."""
    written = None if graph.operation_count > LARGEST_FORMULA else written_out(graph, [node])
    if written is None:
        step = next((step for step in graph.applications if step.node == node), None)
        return f"node {node}" + ("" if step is None else f" ({step.function.name})")
    text = as_text(written[0])
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def non_finite(graph: Graph, point: Mapping[sp.Symbol, float], routes: Sequence[Route], dtype: str) -> str:
    """Where a number that is not finite comes from: the smallest finite sub-expression with a partial that is not.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> non_finite(graph_of([sp.sqrt(x) * sp.sin(x)]), {x: 0.0}, ["chain"], "float64")
    'sqrt(x) is 0 here, and its partial in x is inf'
    """
    values = forward(graph, point, dtype)
    varying = graph.depends_on(graph.symbols).tolist()
    branches = _branches(graph, values)
    overflow = ""
    for step in graph.applications:
        value, operands = values[step.node], [values[i] for i in step.operands]
        if not varying[step.node] or not all(np.isfinite(u) for u in operands):
            continue
        if not np.isfinite(value):
            overflow = overflow or f"{node_text(graph, step.node)} is {value:.6g} here{branches(step.node)}"
            continue
        for position in moving_operands(step):
            if not varying[step.operands[position]]:
                continue
            for route in routes:
                slope = partial_by(route, step, position, operands, dtype)
                if not math.isfinite(slope):
                    inner = node_text(graph, step.operands[position])
                    text = f"{node_text(graph, step.node)} is {value:.6g} here, and its partial in {inner} is {slope}"
                    return text + branches(step.node)
    return overflow or "every node and every local partial is finite: a product of them is not"


def first_overflow(graph: Graph, point: Mapping[sp.Symbol, float], dtype: str) -> str:
    """The first node that is infinite though its operands are finite; "" where there is none.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> first_overflow(graph_of([1 / (1 + sp.gamma(x))]), {x: 40.0}, "float32")
    'gamma(x) is inf here'
    """
    values = forward(graph, point, dtype)
    for step in graph.applications:
        if np.isinf(values[step.node]) and all(np.isfinite(values[i]) for i in step.operands):
            return f"{node_text(graph, step.node)} is {values[step.node]:.6g} here"
    return ""


def _branches(graph: Graph, values: Sequence[Any]) -> Callable[[int], str]:
    """Tells of a node in which branch of a Piecewise it stands, the innermost one."""

    def told_of(node: int) -> str:
        inside = _inside(graph, node)
        for step in graph.applications:
            if step.function.name != "select" or step.node not in inside:
                continue
            condition, taken, otherwise = step.operands
            if (taken in inside) == (otherwise in inside):
                continue
            holds = bool(values[condition])
            text = node_text(graph, condition)
            branch = f"where {text}" if taken in inside else f"where {text} does not hold"
            state = "which is taken" if holds == (taken in inside) else "which is not taken"
            return f", in the branch {branch}, {state}"
        return ""

    return told_of


def _inside(graph: Graph, node: int) -> set[int]:
    """The node and all that depend on it."""
    found = {node}
    for step in graph.applications:
        if not found.isdisjoint(step.operands):
            found.add(step.node)
    return found
