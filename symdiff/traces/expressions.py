"""The nodes of a trace as SymPy expressions: the user's own subexpressions where there are any, else put together.

A node that is a subexpression of what was given is that very object. Only what lies between, such as partial sums, is
built: SymPy's constructors may take exponential time on nested branches, and recurse on deep formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symdiff.from_sympy import graph_of
from symdiff.graph import Application, Graph

# SymPy simplifies what it builds, and asks about signs and zeros down to the leaves to do so
DEEPEST_SIMPLIFIED = 60

_UNSIMPLIFIED: Mapping[str, Callable[..., Any]] = {
    "add": lambda u, v: sp.Add(u, v, evaluate=False),
    "subtract": lambda u, v: sp.Add(u, sp.Mul(-1, v, evaluate=False), evaluate=False),
    "negate": lambda u: sp.Mul(-1, u, evaluate=False),
    "multiply": lambda u, v: sp.Mul(u, v, evaluate=False),
    "divide": lambda u, v: sp.Mul(u, sp.Pow(v, -1, evaluate=False), evaluate=False),
    "power_integer": lambda u, n: sp.Pow(u, n, evaluate=False),
    "power_constant": lambda u, c: sp.Pow(u, c, evaluate=False),
    "sqrt": lambda u: sp.Pow(u, sp.Rational(1, 2), evaluate=False),
}
_ALWAYS_UNSIMPLIFIED: Mapping[str, Callable[..., Any]] = {
    "maximum": lambda u, v: sp.Max(u, v, evaluate=False),
    "minimum": lambda u, v: sp.Min(u, v, evaluate=False),
    "select": lambda c, u, v: sp.Piecewise((u, c), (v, True), evaluate=False),
}
_FAMILY = {"add": "sum", "subtract": "sum", "multiply": "product", "divide": "product"}


def node_expressions(graph: Graph, expression: sp.Expr) -> list[sp.Basic]:
    """Every node of the graph of an expression, in terms of the inputs.

    >>> x, y = sp.symbols("x y", real=True)
    >>> node_expressions(graph_of([x**2 + x + y]), x**2 + x + y)
    [x, y, x**2, x**2 + x, x**2 + x + y]
    """
    found: dict[int, Any] = {**_given(graph, expression), **graph.symbols, **graph.constants}
    depths = dict.fromkeys([*graph.symbols, *graph.constants], 0)
    families: dict[int, str | None] = {}
    for step in graph.applications:
        node, name, operands = step.node, step.function.name, step.operands
        family = families.get(operands[0]) if name == "negate" else _FAMILY.get(name)
        families[node] = family
        # SymPy writes a sum of sums as one sum, and a product of products as one product
        depths[node] = max(depths[i] + (family is None or families.get(i) != family) for i in operands)
        if node not in found:
            found[node] = _built(step, [found[i] for i in operands], depths[node])
    return [found[node] for node in range(len(graph))]


def _built(step: Application, operands: list[Any], depth: int) -> Any:
    name = step.function.name
    build = _ALWAYS_UNSIMPLIFIED.get(name)
    if build is None and depth > DEEPEST_SIMPLIFIED:
        build = _UNSIMPLIFIED.get(name)
    return (build or step.function.sympy)(*operands, *map(sp.sympify, step.static))


def _given(graph: Graph, expression: sp.Expr) -> dict[int, sp.Basic]:
    """Nodes that are subexpressions of what was given."""
    parts = _parts(expression)
    # read after the whole, its parts add no operations to the graph, but each gets to know its node
    wide = graph_of([expression, *parts])
    pending, needed = [wide.outputs[0]], {wide.outputs[0]}
    offsets, operands = wide.offsets.tolist(), wide.operands.tolist()
    while pending:
        node = pending.pop()
        new = set(operands[offsets[node] : offsets[node + 1]]) - needed
        needed |= new
        pending.extend(new)
    places = {node: place for place, node in enumerate(sorted(needed))}
    found = {places[node]: part for node, part in zip(wide.outputs[1:], parts, strict=True) if node in places}
    return {**found, graph.outputs[0]: expression}


def _parts(expression: sp.Expr) -> list[sp.Basic]:
    """Distinct compound subexpressions, outer ones first."""
    seen = {id(expression)}
    found: list[sp.Basic] = []
    pending: list[sp.Basic] = [expression]
    while pending:
        part = pending.pop()
        if part.args and not isinstance(part, ExprCondPair):
            found.append(part)
        # the value of a step at 0 is no operand of it
        for child in part.args[:1] if isinstance(part, sp.Heaviside) else part.args:
            if id(child) not in seen:
                seen.add(id(child))
                pending.append(child)
    return found
