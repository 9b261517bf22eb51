"""Sums and products of a graph, gathered from binary steps; partial sums and products that are shared, as chains.

A sum keeps its terms, a product its factors. A partial result that has no other user goes into the sum
or product that it is the first operand of, and a product that is only a term of a sum becomes a term of several
factors. Sums nested in a later operand stay, since a + (b - c) may keep digits that (a + b) - c loses.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from symdiff.graph import Graph

# partial results in a row from which on they are computed as a running sum or product
SHORTEST_CHAIN = 16

SUMS = frozenset({"add", "subtract"})


class Term(NamedTuple):
    """A term of a sum: its sign, and the nodes whose product it is."""

    sign: int
    factors: tuple[int, ...]


class Sum(NamedTuple):
    """A node that is a sum of products."""

    terms: list[Term]


class Product(NamedTuple):
    """A node that is a product."""

    factors: list[int]


class Chain(NamedTuple):
    """Nodes that are each the one before, at first `start`, combined with one of `elements` by "add" or "multiply"."""

    name: str
    nodes: tuple[int, ...]
    start: int
    elements: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Nests:
    """What the nodes are once sums and products are gathered; nodes that went into others are absent.

    `units` lists nodes and chains, operands first.
    """

    sums: dict[int, Sum]
    products: dict[int, Product]
    units: list[int | Chain]


def nests_of(graph: Graph) -> Nests:
    """Gather the sums, products and chains of a graph of scalars.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> u, v, w = sp.symbols("u v w", real=True)
    >>> nests = nests_of(graph_of([sp.tanh(u * v + w + u)]))
    >>> [[term.factors for term in each.terms] for each in nests.sums.values()]
    [[(0, 2), (0,), (1,)]]
    """
    names = [function.name for function in graph.functions]
    kinds = [names[code] if code >= 0 else "" for code in graph.operation.tolist()]
    offsets, flat = graph.offsets.tolist(), graph.operands.tolist()
    operands = [flat[offsets[node] : offsets[node + 1]] for node in range(len(graph))]
    uses = np.bincount(graph.operands, minlength=len(graph)) + np.bincount(graph.outputs, minlength=len(graph))
    single = (uses == 1).tolist()
    chains = _chains(kinds, operands, single)
    while True:
        inside = {node for chain in chains for node in chain.nodes}
        sums, products, absorbed = _gathered(kinds, operands, single, inside)
        if not chains:
            return Nests(sums, products, [node for node in range(len(graph)) if node not in absorbed])
        units, stuck = _ordered(operands, absorbed, sums, products, chains)
        if not stuck:
            return Nests(sums, products, units)
        # what depends on itself by way of its own elements is no running sum
        chains = [chain for chain in chains if chain not in stuck]


def _gathered(
    kinds: list[str], operands: list[list[int]], single: list[bool], inside: set[int]
) -> tuple[dict[int, Sum], dict[int, Product], set[int]]:
    sums: dict[int, Sum] = {}
    products: dict[int, Product] = {}
    absorbed = set[int]()

    def term(sign: int, node: int) -> Term:
        if kinds[node] == "negate" and single[node]:
            absorbed.add(node)
            return term_of(-sign, operands[node][0])
        return term_of(sign, node)

    def term_of(sign: int, node: int) -> Term:
        if node in products and single[node]:
            absorbed.add(node)
            return Term(sign, tuple(products.pop(node).factors))
        return Term(sign, (node,))

    for node, kind in enumerate(kinds):
        if node in inside:
            continue
        if kind in SUMS:
            first, second = operands[node]
            if first in sums and single[first]:
                absorbed.add(first)
                terms = sums.pop(first).terms
            else:
                terms = [term(1, first)]
            terms.append(term(-1 if kind == "subtract" else 1, second))
            sums[node] = Sum(terms)
        elif kind == "multiply":
            first, second = operands[node]
            if second in products and single[second] and not (first in products and single[first]):
                first, second = second, first
            if first in products and single[first]:
                absorbed.add(first)
                factors = products.pop(first).factors
            else:
                factors = [first]
            factors.append(second)
            products[node] = Product(factors)
    return sums, products, absorbed


def _chains(kinds: list[str], operands: list[list[int]], single: list[bool]) -> list[Chain]:
    """Longest ways along shared partial results of one kind, each node on one way at most."""
    before = [-1] * len(kinds)
    height = [0] * len(kinds)
    for node, kind in enumerate(kinds):
        if kind in ("add", "multiply"):
            linked = [i for i in operands[node] if kinds[i] == kind and not single[i]]
            if linked:
                before[node] = max(linked, key=height.__getitem__)
                height[node] = height[before[node]] + 1
    if max(height, default=0) < SHORTEST_CHAIN:
        return []
    # on the way back, each node is followed by the one from which the longest way goes on
    reach = [0] * len(kinds)
    after = [-1] * len(kinds)
    for node in range(len(kinds) - 1, -1, -1):
        parent = before[node]
        if parent >= 0 and reach[node] + 1 > reach[parent]:
            reach[parent], after[parent] = reach[node] + 1, node
    found: list[Chain] = []
    for node, kind in enumerate(kinds):
        if after[node] < 0 or (before[node] >= 0 and after[before[node]] == node):
            continue
        way = [node]
        while after[way[-1]] >= 0:
            way.append(after[way[-1]])
        if len(way) < SHORTEST_CHAIN:
            continue
        start, first = operands[node]
        elements = [first]
        for previous, each in pairwise(way):
            u, v = operands[each]
            elements.append(v if u == previous else u)
        found.append(Chain(kind, tuple(way), start, tuple(elements)))
    return found


def _ordered(
    operands: list[list[int]],
    absorbed: set[int],
    sums: dict[int, Sum],
    products: dict[int, Product],
    chains: list[Chain],
) -> tuple[list[int | Chain], list[Chain]]:
    """Nodes and chains with operands first, and the chains for which there is no such order."""
    unit = list(range(len(operands)))
    for chain in chains:
        for node in chain.nodes:
            unit[node] = chain.nodes[0]
    members: dict[int, Any] = {chain.nodes[0]: chain for chain in chains}
    needs: dict[int, set[int]] = {}
    for node in range(len(operands)):
        if node in absorbed or (unit[node] != node):
            continue
        if node in members:
            chain = members[node]
            read = (chain.start, *chain.elements)
        elif node in sums:
            read = tuple(i for term in sums[node].terms for i in term.factors)
        elif node in products:
            read = tuple(products[node].factors)
        else:
            read = tuple(operands[node])
        needs[node] = {unit[i] for i in read}
    users: dict[int, list[int]] = {node: [] for node in needs}
    for node, read in needs.items():
        for i in read:
            users[i].append(node)
    waiting = {node: len(read) for node, read in needs.items()}
    ready = deque(node for node, count in waiting.items() if not count)
    order: list[int | Chain] = []
    while ready:
        node = ready.popleft()
        order.append(members.get(node, node))
        for user in users[node]:
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return order, [chain for chain in chains if waiting[chain.nodes[0]]]
