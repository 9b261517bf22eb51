"""All partials of several outputs of a graph, those that are not zero by structure, by the cheaper of two sweeps.

Forward: every node carries its derivatives in the inputs that it depends on. Reverse: one sweep back from each output.
Both make the products of local partials along the paths of the graph; which makes fewer depends on its shape
(Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, chapters 3, 7 and 8).

On a graph of expressions a colouring saves no operation. In a sweep along a group of columns that share no row, every
node on the way to an entry that is told apart depends on one column of the group only (an output that depends on the
node depends on its columns, and would tell neither apart), so it has the operations of the sweep along this column;
the nodes that mix columns are used by no entry, and are dropped. A forward sweep that carries single entries does this
work and no other. `symdiff.colouring` is for where a sweep is run as a whole, for numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import sympy as sp

from symdiff.graph import Graph, still
from symdiff.graph_builder import GraphBuilder
from symdiff.symbolic import adjoint_sweeps, partial_of, product_of, sum_of
from symdiff.tensors.operation import Operation

Entries = dict[tuple[int, int], int]

# products of a sweep that are always allowed, and how many more in each next attempt
FIRST_LIMIT, GROWTH = 20_000, 4


def forward_entries(
    builder: GraphBuilder, graph: Graph, places: Sequence[int], wrt: Sequence[int], textbook: bool, limit: int
) -> Entries | None:
    """Partials of the outputs of `graph` in the nodes `wrt` by (output, place in wrt); None after `limit` products.

    What a node hands on unchanged to its only user is moved, not copied: a sum of n terms costs n, not n**2.
    """
    users = graph.user_counts()
    one = builder.constant(sp.Integer(1))
    carried: dict[int, dict[int, int]] = {node: {k: one} for k, node in enumerate(wrt) if node >= 0}
    made = 0
    for step in graph.applications:
        terms: list[dict[int, int]] = []
        for position, operand in enumerate(step.operands):
            if operand not in carried or still(step, position):
                continue
            partial = partial_of(builder, step, position, places, textbook)
            if builder.value_of(partial) == 0:
                continue
            if partial != one:
                own = {k: product_of(builder, node, partial) for k, node in carried[operand].items()}
                made += len(own)
            else:
                # a second operand that is the same node still needs its own
                moved = users[operand] == 1 and step.operands.count(operand) == 1
                own = carried[operand] if moved else dict(carried[operand])
                made += 1 if moved else len(own)
            terms.append(own)
        if terms:
            total = max(terms, key=len)
            for term in terms:
                if term is not total:
                    made += len(term)
                    for k, node in term.items():
                        total[k] = sum_of(builder, total[k], node) if k in total else node
            carried[step.node] = total
        for operand in set(step.operands):
            users[operand] -= 1
            if not users[operand]:
                carried.pop(operand, None)
        if made > limit:
            return None
    return {
        (i, k): node
        for i, output in enumerate(graph.outputs)
        for k, node in sorted(carried.get(output, {}).items())
        if builder.value_of(node) != 0
    }


def reverse_entries(
    builder: GraphBuilder, graph: Graph, places: Sequence[int], wrt: Sequence[int], textbook: bool, limit: int
) -> Entries | None:
    """The same, by one sweep back from each output; None after so many nodes."""
    columns = {node: k for k, node in enumerate(wrt) if node >= 0}
    made = 0
    found: Entries = {}
    sweeps = adjoint_sweeps(builder, graph, places, graph.outputs, list(columns), textbook)
    for i, (adjoints, visited) in enumerate(sweeps):
        made += visited
        if made > limit:
            return None
        few = columns if len(columns) < len(adjoints) else adjoints
        places_here = sorted(columns[node] for node in few if node in adjoints and node in columns)
        found |= {(i, k): adjoints[wrt[k]] for k in places_here if builder.value_of(adjoints[wrt[k]]) != 0}
    return found


Choice = Callable[[Entries], Sequence[Entries]]


def best_entries(graph: Graph, wrt: Sequence[int], textbook: bool, choices: Choice) -> tuple[Graph, Entries]:
    """The graph of the partials of the outputs, of fewest operations, and the place of each among its outputs.

    Each sweep may make so many products, and four times as many in each next attempt, until one of them is through:
    the time is that of the faster one, up to a factor. Where both are through, operations decide, and reverse
    where they are equal. `choices` says which of the entries are needed: one of several sets.
    """
    arrays = bool(graph.shapes) or any(isinstance(step.function, Operation) for step in graph.applications)
    # operations on arrays have adjoints only
    sweeps = (reverse_entries,) if arrays else (reverse_entries, forward_entries)
    limit = max(FIRST_LIMIT, 16 * len(graph)) if not arrays else 2**62
    while True:
        best: tuple[int, GraphBuilder, Entries] | None = None
        for sweep in sweeps:
            builder = GraphBuilder()
            entries = sweep(builder, graph, builder.splice(graph), wrt, textbook, limit)
            for chosen in [] if entries is None else choices(entries):
                count = builder.operations_of(chosen.values())
                if best is None or count < best[0]:
                    best = count, builder, chosen
        if best is not None:
            _, builder, chosen = best
            return builder.finish(list(chosen.values())), {place: k for k, place in enumerate(chosen)}
        limit *= GROWTH


def all_entries(entries: Entries) -> list[Entries]:
    """Every entry, as a Jacobian needs them."""
    return [entries]


def symmetric_entries(entries: Mapping[tuple[int, int], int]) -> list[Entries]:
    """Of a symmetric matrix each pair (i, j), i <= j, once: read in row i, in row j, or in the row of fewer entries.

    >>> symmetric_entries({(0, 0): 7, (0, 1): 8, (1, 0): 9})
    [{(0, 0): 7, (0, 1): 8}, {(0, 0): 7, (0, 1): 9}, {(0, 0): 7, (0, 1): 9}]
    """
    pairs = sorted({(min(place), max(place)) for place in entries})
    lengths: dict[int, int] = {}
    for i, _ in entries:
        lengths[i] = lengths.get(i, 0) + 1

    def read(i: int, j: int, own_row: bool) -> int:
        first, second = ((i, j), (j, i)) if own_row else ((j, i), (i, j))
        return entries[first] if first in entries else entries[second]

    return [
        {(i, j): read(i, j, True) for i, j in pairs},
        {(i, j): read(i, j, False) for i, j in pairs},
        {(i, j): read(i, j, lengths.get(i, 0) < lengths.get(j, 0)) for i, j in pairs},
    ]
