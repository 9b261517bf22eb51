"""Formulas for people: bounded text, and MathML by `symdiff.formula.mathml`."""

from collections.abc import Callable, Sequence

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from symdiff.formula.mathml import DEPTH
from symdiff.formula.mathml import as_mathml as as_mathml
from symdiff.formula.mathml import partial_mathml as partial_mathml
from symdiff.formula.mathml import visible as visible
from symdiff.formula.printed_size import PrintedSize
from symdiff.formula.writer import written
from symdiff.graph import Graph
from symdiff.to_sympy import expressions_of

TEXT_NODES = 10_000
# operations up to which formulas are written out: to build one, SymPy may take exponential time
LARGEST_FORMULA = 300


def as_text(formula: sp.Basic | str) -> str:
    """Write a formula on one line, or say how large it is where printing would not end.

    >>> as_text(2*sp.Symbol("w"))
    '2*w'
    """
    if isinstance(formula, str):
        return formula
    nodes, depth = PrintedSize(TEXT_NODES)(formula)
    if nodes > TEXT_NODES:
        return f"(a formula of more than {TEXT_NODES:,} nodes, not written out)"
    if depth > DEPTH:
        return f"(a formula of {nodes:,} nodes nested {depth:,} deep, not written out)"
    # SymPy writes a function of every entry of a matrix as Lambda(_d, tanh(_d)).(x)
    return written(formula) if formula.has(ElementwiseApplyFunction) else str(formula)


def written_out(graph: Graph, nodes: Sequence[int]) -> list[sp.Basic] | None:
    """SymPy expressions of nodes; None where SymPy fails, or would multiply out conditions on a Piecewise.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = graph_of([sp.sin(x) ** 2])
    >>> written_out(g, g.outputs)
    [sin(x)**2]
    """
    needed = set(nodes)
    for step in reversed(graph.applications):
        if step.node in needed:
            needed.update(step.operands)
    branched: set[int] = set()
    for step in graph.applications:
        if step.node not in needed:
            continue
        if step.function.name == "select":
            if step.operands[0] in branched:
                return None
            branched.add(step.node)
        elif not branched.isdisjoint(step.operands):
            branched.add(step.node)
    try:
        return expressions_of(graph, nodes)
    except (ArithmeticError, AttributeError, TypeError, ValueError):
        # SymPy's simplification of what it is given stumbles over functions of huge or undefined numbers
        return None


def formulas_of(
    graph: Graph,
    nodes: Sequence[int],
    write: Callable[[Graph, Sequence[int]], Sequence[sp.Basic] | None] = written_out,
) -> Sequence[sp.Basic | str]:
    """Nodes as `write` has them, or for each a text that says how large the graph is.

    >>> from symdiff.from_sympy import graph_of
    >>> g = graph_of([sp.Symbol("x", real=True) + 1])
    >>> formulas_of(g, g.outputs), formulas_of(g, g.outputs, lambda graph, nodes: None)
    ([x + 1], ['(one of the outputs of 1 operations, not written out)'])
    """
    count = graph.operation_count
    found = None if count > LARGEST_FORMULA else write(graph, nodes)
    return found or [f"(one of the outputs of {count:,} operations, not written out)"] * len(nodes)
