"""Max and Min as branches, where the operand that is not taken could poison the gradient.

Of max(0, 1 - exp(x)) at 1000 the slope is 0, but its adjoint 0 meets the partial exp(1000) = inf: 0 * inf = NaN. Where
one operand is certainly the larger one the other is a branch that is not taken, and `guard` looks after it as after
any other. At a tie, or a NaN, the maximum itself stands, with the derivative that it has there.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from symdiff.graph import Application, Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.operation import Operation

EXTREMES = frozenset({"maximum", "minimum"})


def may_overflow(step: Application) -> bool:
    """Whether value or partial of a node may leave the range of numbers at operands of moderate size."""
    return not step.function.regular and not isinstance(step.function, Operation)


def opened(graph: Graph, which: Container[int] | None = None) -> tuple[Graph, dict[int, int]]:
    """The graph with its maxima and minima (or those at the nodes `which`) written as branches.

    Also the node that each of their conditions stands for.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> x, y = sp.symbols("x y", real=True)
    >>> [step.function.name for step in opened(graph_of([sp.Max(x, y)]))[0].applications]
    ['less', 'less', 'maximum', 'select', 'select']
    """
    builder = GraphBuilder()
    places = builder.leaves(graph)
    conditions: list[tuple[int, int]] = []
    for step in graph.applications:
        operands = tuple(places[i] for i in step.operands)
        if step.function.name not in EXTREMES or (which is not None and step.node not in which):
            places[step.node] = builder.apply(step.function, operands, step.static)
            continue
        first, second = (builder.call("less", *pair) for pair in (operands, operands[::-1]))
        # u < v takes v, v < u takes u; of a minimum it is the other way round
        taken = operands[::-1] if step.function.name == "maximum" else operands
        tie = builder.apply(step.function, operands)
        places[step.node] = builder.call("select", first, taken[0], builder.call("select", second, taken[1], tie))
        conditions += [(first, step.node), (second, step.node)]
    outputs = [places[node] for node in graph.outputs]
    if which is not None:
        return builder.finish(outputs), {}
    # the conditions are kept in sight to learn how they are numbered
    seen = builder.finish([*outputs, *(condition for condition, _ in conditions)])
    stands_for = zip(seen.outputs[len(outputs) :], (node for _, node in conditions), strict=True)
    return replace(seen, outputs=seen.outputs[: len(outputs)]), dict(stands_for)
