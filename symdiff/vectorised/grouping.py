"""Groups: nodes of one structure over different operands, known by their operation and the groups of their operands.

A group depends on groups before it only, so each becomes one vector operation. The members are put in an order in which
the places of their operands form a pattern: sorted by the places of the operands, as the terms of each sum are.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdiff.function import Function
from symdiff.graph import Graph, Static
from symdiff.vectorised.nests import Chain, Nests, nests_of
from symdiff.vectorised.segments import cuts_between

Index = NDArray[np.int64]
Kind = Literal["numbers", "batches", "lifted", "constants", "truths", "apply", "sum", "product", "running"]

# terms up to which a sum is added in the order of the formula
FEW_TERMS = 3

# the groups that every program starts with: arguments that are one number, those that are arrays over points, numbers
# that count as an array for each point to have its own, and what is known
NUMBERS, BATCHES, LIFTED, CONSTANTS, TRUTHS = range(5)
HEADS: tuple[Kind, ...] = ("numbers", "batches", "lifted", "constants", "truths")


@dataclass(frozen=True, eq=False)
class Slot:
    """Part of an operation: for each member `terms` products, whose factors are in the groups `sources`.

    `index[f, m, t]` is the place of factor f of term t of member m.
    """

    sources: tuple[int, ...]
    index: Index
    sign: int = 1

    @property
    def terms(self) -> int:
        """How many terms a member has here."""
        return self.index.shape[2]


@dataclass(frozen=True, eq=False)
class Group:
    """Nodes that one vector operation computes; `batched` if they depend on arguments that are arrays.

    The slots of "apply" are the operands of `function`, those of a "sum" its terms of one structure, those of a
    "product" its factors of one group. A "running" sum or product (`name`) has a start and elements; the members are
    chains, and the values of all their partial results, one chain after the other.
    """

    kind: Kind
    size: int
    batched: bool
    slots: tuple[Slot, ...] = ()
    function: Function | None = None
    static: Static = ()
    name: str = ""


@dataclass(frozen=True, eq=False)
class Program:
    """Groups, operands first; group and place of each output; which arguments stand in the groups of arguments."""

    groups: tuple[Group, ...]
    outputs: tuple[Index, Index]
    arguments: tuple[tuple[int, ...], ...]
    constants: tuple[sp.Basic, ...]
    truths: tuple[bool, ...]

    @property
    def repeated(self) -> frozenset[int]:
        """Groups of whose entries some operation reads more than there are."""
        slots = [slot for group in self.groups for slot in group.slots]
        return frozenset(
            source for slot in slots for source in slot.sources if slot.index[0].size > self.groups[source].size
        )

    @property
    def cuts(self) -> list[list[int]]:
        """For each group where no operation and no run of outputs reads across."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.groups]
        for group in self.groups:
            for slot in group.slots:
                for source, index in zip(slot.sources, slot.index, strict=True):
                    found[source].append((int(index.min()), int(index.max())))
        types, places = self.outputs
        runs = np.flatnonzero(np.diff(types, prepend=-1))
        for start, end in zip(runs, [*runs[1:], len(types)], strict=True):
            found[types[start]].append((int(places[start:end].min()), int(places[start:end].max())))
        return [cuts_between(each, group.size) for each, group in zip(found, self.groups, strict=True)]


def program_of(graph: Graph, symbols: Sequence[Any], kinds: Sequence[int] | None = None) -> Program:
    """Group the nodes of a graph of scalars whose inputs are among `symbols`.

    `kinds` tells which group of arguments each symbol belongs to: NUMBERS, BATCHES or LIFTED.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.symbols("x:50", real=True)
    >>> program = program_of(graph_of([sum(sp.sin(u) * v for u, v in zip(x, x[1:]))]), x)
    >>> [(group.kind, group.size) for group in program.groups[5:]]
    [('apply', 49), ('sum', 1)]
    """
    grouping = _Grouping(graph, tuple(symbols), kinds, len(graph))
    grouping.typed()
    return grouping.program()


def has_few_groups(graph: Graph, symbols: Sequence[Any], most: int) -> bool:
    """Whether the nodes fall into at most that many groups; told as soon as there are more."""
    return _Grouping(graph, tuple(symbols), None, most).typed()


@dataclass
class _Grouping:
    graph: Graph
    symbols: tuple[Any, ...]
    given: Sequence[int] | None
    most: int
    types: list[int] = field(default_factory=list[int])
    numbers: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    keys: list[Any] = field(default_factory=list[Any])
    members: list[list[Any]] = field(default_factory=list[list[Any]])
    terms: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    named: list[tuple[int, tuple[int, ...]]] = field(default_factory=list[tuple[int, tuple[int, ...]]])

    def typed(self) -> bool:
        """Give every node its type; False as soon as there are more than `most`."""
        graph = self.graph
        order = {symbol: k for k, symbol in enumerate(self.symbols)}
        kinds = self.given or [NUMBERS] * len(self.symbols)
        self.types = [-1] * len(graph)
        self.places = np.zeros(len(graph), np.int64)
        for kind in HEADS:
            self._type((kind,))
        heads: list[list[int]] = [[], [], []]
        place = [0] * len(self.symbols)
        for k, kind in enumerate(kinds):
            place[k] = len(heads[kind])
            heads[kind].append(k)
        for node, symbol in graph.symbols.items():
            self.types[node], self.places[node] = kinds[order[symbol]], place[order[symbol]]
        constants: tuple[list[Any], list[Any]] = ([], [])
        for node, value in graph.constants.items():
            truth = value in (sp.true, sp.false)
            self.types[node] = TRUTHS if truth else CONSTANTS
            self.places[node] = len(constants[truth])
            constants[truth].append(value is sp.true if truth else value)
        self.heads, self.constants = heads, constants
        return self._typed(nests_of(graph))

    def program(self) -> Program:
        """The groups of the types, in their order."""
        graph, heads, constants = self.graph, self.heads, self.constants
        groups = [
            Group(kind, len(part), kind in ("batches", "lifted"))
            for kind, part in zip(HEADS, (*heads, *constants), strict=True)
        ]
        for number in range(len(HEADS), len(self.keys)):
            groups.append(self._group(number, groups))
        types = np.asarray(self.types, np.int64)
        outputs = np.asarray(graph.outputs, np.int64)
        return Program(
            tuple(groups),
            (types[outputs], self.places[outputs]),
            tuple(map(tuple, heads)),
            tuple(constants[0]),
            tuple(constants[1]),
        )

    def _type(self, key: Any) -> int:
        number = self.numbers.setdefault(key, len(self.keys))
        if number == len(self.keys):
            self.keys.append(key)
            self.members.append([])
        return number

    def _typed(self, nests: Nests) -> bool:
        """Give every node its type, which is the number of its group."""
        graph, types, members = self.graph, self.types, self.members
        codes, static = graph.operation.tolist(), graph.static
        offsets, operands = graph.offsets.tolist(), graph.operands.tolist()
        most = self.most + len(HEADS)
        for unit in nests.units:
            if len(self.keys) > most:
                return False
            if isinstance(unit, Chain):
                self._type_chain(unit)
            elif unit in nests.sums:
                self._type_sum(unit, [(sign, factors) for sign, factors in nests.sums[unit].terms])
            elif unit in nests.products:
                factors = nests.products[unit].factors
                types[unit] = number = self._type(("product", *sorted([types[i] for i in factors])))
                members[number].append((unit, factors))
            elif codes[unit] >= 0:
                own = operands[offsets[unit] : offsets[unit + 1]]
                key = ("apply", codes[unit], static.get(unit, ()), *[types[i] for i in own])
                types[unit] = number = self._type(key)
                members[number].append((unit, own))
        return len(self.keys) <= most

    def _type_sum(self, node: int, terms: list[tuple[int, tuple[int, ...]]]) -> None:
        types = self.types
        named: list[tuple[int, tuple[int, ...]]] = []
        for sign, factors in terms:
            own = tuple(sorted(factors, key=types.__getitem__)) if len(factors) > 1 else factors
            key = (sign, *[types[i] for i in own])
            number = self.terms.setdefault(key, len(self.named))
            if number == len(self.named):
                self.named.append((sign, key[1:]))
            named.append((number, own))
        types[node] = number = self._type(("sum", *sorted([each for each, _ in named])))
        self.members[number].append((node, named))

    def _type_chain(self, chain: Chain) -> None:
        types = self.types
        kinds = {types[i] for i in chain.elements}
        if len(kinds) == 1:
            number = self._type(("running", chain.name, len(chain.nodes), types[chain.start], *kinds))
            for node in chain.nodes:
                types[node] = number
            self.members[number].append(chain)
            return
        before = chain.start
        for node, element in zip(chain.nodes, chain.elements, strict=True):
            if chain.name == "add":
                self._type_sum(node, [(1, (before,)), (1, (element,))])
            else:
                types[node] = number = self._type(("product", *sorted((types[before], types[element]))))
                self.members[number].append((node, [before, element]))
            before = node

    def _group(self, number: int, before: Sequence[Group]) -> Group:
        key, members = self.keys[number], self.members[number]
        kind = key[0]
        if kind == "running":
            return self._running(key, members, before)
        nodes = np.fromiter((member[0] for member in members), np.int64, len(members))
        if kind == "apply":
            rows = np.asarray([own for _, own in members], np.int64).reshape(len(members), -1)
            slots = [Slot((source,), self.places[rows[:, k]][None, :, None]) for k, source in enumerate(key[3:])]
        elif kind == "product":
            slots = self._factors(members)
        else:
            slots = self._terms(members)
        order = _order(slots, len(members))
        self.places[nodes[order]] = np.arange(len(nodes))
        ordered = tuple(Slot(slot.sources, slot.index[:, order], slot.sign) for slot in slots)
        batched = any(before[source].batched for slot in slots for source in slot.sources)
        function = self.graph.functions[key[1]] if kind == "apply" else None
        return Group(kind, len(nodes), batched, ordered, function, key[2] if kind == "apply" else ())

    def _factors(self, members: Sequence[Any]) -> list[Slot]:
        """A slot for each group among the factors, in the order in which the first member names them."""
        types = self.types
        rows = [sorted(factors, key=types.__getitem__) for _, factors in members]
        nodes = np.asarray(rows, np.int64)
        own = [types[i] for i in rows[0]]
        found: list[Slot] = []
        for source in dict.fromkeys(types[i] for i in members[0][1]):
            first, count = own.index(source), own.count(source)
            index = np.sort(self.places[nodes[:, first : first + count]], axis=1)
            found.append(Slot((source,), index[None]))
        return found

    def _terms(self, members: Sequence[Any]) -> list[Slot]:
        """A slot for each structure among the terms, in the order in which the first member names them.

        Of few terms each has its own, so that they are added in the order of the formula, which may be meant.
        """
        rows = [sorted(named, key=_number_of) for _, named in members]
        own = [number for number, _ in rows[0]]
        found: list[Slot] = []
        starts = {number: k for k, number in reversed(list(enumerate(own)))}
        counts = np.bincount(own)
        few = len(own) <= FEW_TERMS
        named = [number for number, _ in members[0][1]]
        for number in named if few else dict.fromkeys(named):
            first, count = starts[number], 1 if few else int(counts[number])
            starts[number] += count
            sign, sources = self.named[number]
            nodes = np.asarray([[factors for _, factors in row[first : first + count]] for row in rows], np.int64)
            index = self.places[nodes.transpose(2, 0, 1)]
            _sort_equal_factors(index, sources)
            found.append(Slot(sources, _sorted_terms(index), sign))
        return found

    def _running(self, key: Any, chains: Sequence[Chain], before: Sequence[Group]) -> Group:
        start = self.places[np.asarray([chain.start for chain in chains], np.int64)][None, :, None]
        elements = self.places[np.asarray([chain.elements for chain in chains], np.int64)][None]
        slots = (Slot((key[3],), start), Slot((key[4],), elements))
        order = _order([slots[1], slots[0]], len(chains))
        nodes = np.asarray([chain.nodes for chain in chains], np.int64)[order]
        self.places[nodes.ravel()] = np.arange(nodes.size)
        batched = any(before[source].batched for source in key[3:])
        ordered = tuple(Slot(slot.sources, slot.index[:, order]) for slot in slots)
        return Group("running", nodes.size, batched, ordered, name=key[1])


def _number_of(named: tuple[int, tuple[int, ...]]) -> int:
    return named[0]


def _sort_equal_factors(index: Index, sources: tuple[int, ...]) -> None:
    """Factors of one group, which stand side by side, by their places; in the array itself."""
    first = 0
    for k in range(1, len(sources) + 1):
        if k == len(sources) or sources[k] != sources[first]:
            if k - first > 1:
                index[first:k].sort(axis=0)
            first = k


def _sorted_terms(index: Index) -> Index:
    """The terms of each member by the places of their factors."""
    factors, members, terms = index.shape
    if terms == 1:
        return index
    row = np.repeat(np.arange(members), terms)
    order = np.lexsort((*(index[f].ravel() for f in range(factors - 1, -1, -1)), row))
    return index.reshape(factors, -1)[:, order].reshape(index.shape)


def _order(slots: Sequence[Slot], members: int) -> Index:
    """The members by the places of their operands, those of which there are most first."""
    keys: list[Index] = []
    for slot in sorted(slots, key=lambda slot: -slot.terms):
        for row in slot.index:
            keys += [row[:, 0]] if slot.terms == 1 else [row[:, 0], row[:, -1]]
    return np.lexsort(keys[::-1]) if keys else np.arange(members)
