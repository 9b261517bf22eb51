"""Whether a graph has enough isomorphic parts to be run as vector operations."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from symdiff.errors import OptionError
from symdiff.graph import Graph
from symdiff.vectorised.grouping import has_few_groups

# operations below which XLA compiles the graph as it is in no time
FEWEST_OPERATIONS = 64
# operations that are looked at before all are grouped
LARGEST_SAMPLE = 4_000
# what goes into sums and products of its kind
NESTED = {"add": "sum", "subtract": "sum", "multiply": "product"}
# vector operations in one compiled function: XLA takes minutes over thousands that depend on each other
MOST_GROUPS = 250
# operations that one vector operation has to take the place of, on average
LEAST_SHARE = 8


def checked(graph: Graph, symbols: Sequence[Any]) -> None:
    """Raise OptionError where too little of a graph is alike for vector operations to be compiled in bounded time."""
    if not has_few_groups(graph, symbols, MOST_GROUPS):
        raise OptionError(
            f"method is 'vectorised', but of the {graph.operation_count} operations more than {MOST_GROUPS} kinds are "
            "unlike, the most that it takes; choose 'tape' or 'auto'"
        )


def is_worthwhile(graph: Graph, symbols: Sequence[Any]) -> bool:
    """Whether vector operations are the best way to run a graph of scalars.

    They are where there are few of them beside the operations of the graph. With several outputs, only where no
    function has a singular point: JAX would multiply the infinite derivative of what one output does not need by zero.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.symbols("x:40", real=True)
    >>> is_worthwhile(graph_of([sum(sp.sin(u) for u in x)]), x)
    True
    >>> is_worthwhile(graph_of([sp.sin(x[0]) ** 3 + x[1]]), x)
    False
    """
    steps = graph.operation_count
    if steps < FEWEST_OPERATIONS:
        return False
    if len(graph.outputs) > 1 and not all(step.function.regular for step in graph.applications):
        return False
    return pays(graph, symbols)


def pays(graph: Graph, symbols: Sequence[Any]) -> bool:
    """Whether there are few vector operations beside the operations of the graph."""
    steps = graph.operation_count
    if steps < FEWEST_OPERATIONS or not _looks_alike(graph):
        return False
    return has_few_groups(graph, symbols, min(steps // LEAST_SHARE, MOST_GROUPS))


def _looks_alike(graph: Graph) -> bool:
    """Whether the first operations are of few kinds, a sum or product being known by the set of what is in it.

    This tells irregular graphs from others at a cost that does not grow with them.
    """
    sample = graph.first_applications(LARGEST_SAMPLE)
    share = LEAST_SHARE if len(sample) == graph.operation_count else 2
    # a leaf is its own code, below zero
    types = dict.fromkeys(graph.symbols, -1) | dict.fromkeys(graph.constants, -2)
    numbers: dict[Hashable, int] = {}
    contents: list[tuple[str, frozenset[int]]] = []
    for node, function, operands, static in sample:
        own = [types[operand] for operand in operands]
        name = NESTED.get(function.name, "")
        parts = frozenset[int]()
        for kind in own:
            inner = contents[kind] if kind >= 0 else ("", parts)
            parts |= inner[1] if name and inner[0] == name else {kind}
        key = (name, parts) if name else (function, static, *own)
        types[node] = number = numbers.setdefault(key, len(numbers))
        if number == len(contents):
            contents.append((name, parts))
            if number > len(sample) // share:
                return False
    return True
