"""Which outputs of a graph depend on which inputs: the pattern of a Jacobian, from structure alone.

An entry that is not in the pattern is zero for every value of the inputs. The pattern may hold an entry that is zero
all the same (x - x in disguise), never miss one (Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, section
7.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symdiff.graph import Graph, still

Pattern = tuple[tuple[int, ...], ...]


def pattern_of(graph: Graph, wrt: Sequence[int]) -> Pattern:
    """For each output of `graph` the places in `wrt`, which are nodes, of those that it depends on, in order.

    The set of a node that nothing else uses is handed on, not copied, so a sum of n terms costs n, not n**2.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> x, y, z = sp.symbols("x y z", real=True)
    >>> g = graph_of([x * y, sp.sin(z), sp.sign(x) * y])
    >>> pattern_of(g, [g.inputs[s] for s in (x, y, z)])
    ((0, 1), (2,), (1,))
    """
    users = graph.user_counts()
    sets: dict[int, set[int]] = {node: {k} for k, node in enumerate(wrt) if node >= 0}
    for step in graph.applications:
        moved = {operand for position, operand in enumerate(step.operands) if not still(step, position)}
        found = [operand for operand in moved if operand in sets]
        if found:
            largest = max(found, key=lambda operand: len(sets[operand]))
            own = sets.pop(largest) if users[largest] == 1 else set(sets[largest])
            for operand in found:
                if operand != largest:
                    own |= sets[operand]
            sets[step.node] = own
        for operand in set(step.operands):
            users[operand] -= 1
            if not users[operand]:
                sets.pop(operand, None)
    return tuple(tuple(sorted(sets.get(node, ()))) for node in graph.outputs)


def pattern_of_places(places: Iterable[tuple[int, int]], rows: int) -> Pattern:
    """The pattern of entries that are listed as (row, column).

    >>> pattern_of_places([(1, 2), (0, 1), (1, 0)], 3)
    ((1,), (0, 2), ())
    """
    found: list[list[int]] = [[] for _ in range(rows)]
    for i, j in places:
        found[i].append(j)
    return tuple(tuple(sorted(row)) for row in found)
