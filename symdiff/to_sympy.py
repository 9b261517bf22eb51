"""Graph back to SymPy expressions, without recursion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from symdiff.function import Function
from symdiff.graph import Application, Graph, Static

# the largest denominator of an exponent with which SymPy is asked to simplify
LARGEST_DENOMINATOR = 10**5


def expressions_of(graph: Graph, nodes: Sequence[int], names: Mapping[int, sp.Basic] | None = None) -> list[sp.Basic]:
    """SymPy expressions of nodes; a node in `names` is written as that name wherever another node uses it.

    Shared nodes become shared objects: the result is as small in memory as the graph, though it may print as a large
    tree.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = graph_of([(x + 1) ** 2 / x])
    >>> expressions_of(g, g.outputs)
    [(x + 1)**2/x]
    """
    if graph.shapes:
        from symdiff.tensors.writing import array_expressions

        return array_expressions(graph, nodes, names or {})
    named = names or {}
    needed = set(nodes)
    written: dict[int, sp.Basic] = {**graph.symbols, **graph.constants}
    for step in reversed(graph.applications):
        if step.node in needed:
            needed.update(operand for operand in step.operands if operand not in named)
    evaluate = not any(_fine(step) for step in graph.applications if step.node in needed)
    for node, function, operands, static in graph.applications:
        if node not in needed:
            continue
        arguments = [named.get(i, written.get(i)) for i in operands]
        try:
            with sp.evaluate(evaluate):
                written[node] = applied(function, arguments, static)
        except RecursionError:
            # SymPy's own simplifications recurse on the depth of an expression
            evaluate = False
            with sp.evaluate(evaluate):
                written[node] = applied(function, arguments, static)
    return [written[node] for node in nodes]


def _fine(step: Application) -> bool:
    # to compare two terms SymPy makes of u**0.476190476190476 a polynomial of degree 476190476190476, coefficient by
    # coefficient
    exponents = (sp.Rational(str(c)) for c in step.static if isinstance(c, (sp.Float, sp.Rational)))
    return any(exponent.q > LARGEST_DENOMINATOR for exponent in exponents)


def applied(function: Function, operands: Sequence[sp.Basic], static: Static) -> sp.Basic:
    """The SymPy expression of a function of operands."""
    if function.name == "multiply" and any(u.is_Number for u in operands) and any(u.is_Add for u in operands):
        # SymPy would multiply the sum out
        return sp.Mul(*sorted(operands, key=lambda u: not u.is_Number), evaluate=False)
    if function.name == "select" and operands[2] is sp.nan:
        return sp.Piecewise((operands[1], operands[0]))
    return function.sympy(*operands, *static)
