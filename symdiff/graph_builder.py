"""Value numbering: a graph grows node by node, and equal computations get one number.

A node is known by (function, operand numbers, static arguments), never by comparing expressions, so the cost is
linear in the nodes. Simplifications that cost nothing are made on the way: zeros, ones, signs and rational constants.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, Self

import numpy as np
import sympy as sp

from symdiff.function import Function
from symdiff.functions import FUNCTIONS
from symdiff.graph import CONSTANT, INPUT, Application, Graph, Static
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Shape, broadcast

COMMUTATIVE = frozenset(
    FUNCTIONS[name] for name in ("add", "multiply", "maximum", "minimum", "equal", "unequal", "and", "or")
)


class _Trait(NamedTuple):
    """What is to be known of a function at each of its nodes.

    `fold` makes simplifications, of the functions that are not `eager` only where an operand is a constant or a sign.
    """

    fold: Callable[[GraphBuilder, tuple[int, ...], Static], int | None] | None
    eager: bool
    commutes: bool
    shaped: bool


@lru_cache(maxsize=4096)
def _trait(function: Function) -> _Trait:
    name, shaped = function.name, isinstance(function, Operation)
    return _Trait(_FOLDS.get(name), name in ("power_integer", "select"), function in COMMUTATIVE, shaped)


class GraphBuilder:
    """A graph under construction.

    >>> from symdiff.functions import FUNCTIONS
    >>> b = GraphBuilder()
    >>> x = b.input(sp.Symbol("x"))
    >>> one = b.constant(sp.Integer(1))
    >>> b.call("add", x, one) == b.call("add", one, x)
    True
    >>> b.call("multiply", x, one) == x
    True
    """

    def __init__(self) -> None:
        self._operation: list[int] = []
        self._operands: list[tuple[int, ...]] = []
        self._functions: list[Function] = []
        self._codes: dict[Function, int] = {}
        self._symbols: dict[int, sp.Symbol] = {}
        self._constants: dict[int, sp.Basic] = {}
        self._static: dict[int, Static] = {}
        self._shapes: dict[int, Shape] = {}
        self._numbers: dict[Hashable, int] = {}
        # constants and what is negated: only beside them there is anything to simplify
        self._foldable: set[int] = set()
        # what others keep for this graph
        self.kept: dict[Hashable, Any] = {}

    @classmethod
    def of(cls, graph: Graph) -> Self:
        """A builder that holds the nodes of a graph at the same numbers.

        >>> from symdiff.from_sympy import graph_of
        >>> x = sp.Symbol("x", real=True)
        >>> graph = graph_of([sp.sin(x) + x])
        >>> GraphBuilder.of(graph).call("sin", graph.inputs[x]) in range(len(graph))
        True
        """
        found = cls()
        found._operation, found._functions = graph.operation.tolist(), list(graph.functions)
        found._codes = {function: code for code, function in enumerate(graph.functions)}
        found._operands = [()] * len(graph)
        numbers: dict[Hashable, int] = {(INPUT, symbol): node for node, symbol in graph.symbols.items()}
        numbers |= {_constant_key(value): node for node, value in graph.constants.items()}
        commutes = {function: function in COMMUTATIVE for function in graph.functions}
        for node, function, operands, static in graph.applications:
            found._operands[node] = operands
            ordered = operands[::-1] if commutes[function] and operands[0] > operands[1] else operands
            numbers[found._operation[node], ordered, static] = node
        found._numbers = numbers
        found._symbols, found._constants = dict(graph.symbols), dict(graph.constants)
        found._static, found._shapes = dict(graph.static), dict(graph.shapes)
        signs = [code for code, function in enumerate(graph.functions) if function.name in _SIGNS]
        found._foldable = {*graph.constants, *np.flatnonzero(np.isin(graph.operation, signs)).tolist()}
        return found

    def input(self, symbol: sp.Symbol, shape: Shape = ()) -> int:
        """Node of an input symbol. Symbols of one name but different assumptions are different inputs."""
        node = self._number((INPUT, symbol), INPUT, ())
        self._symbols[node] = symbol
        if shape:
            self._shapes[node] = shape
        return node

    def constant(self, value: sp.Basic) -> int:
        """Node of an exact constant: a SymPy number, a named constant such as pi, true, false or nan."""
        node = self._number(_constant_key(value), CONSTANT, ())
        self._constants[node] = value
        self._foldable.add(node)
        return node

    def call(self, name: str, *operands: int) -> int:
        """Apply the function of that name in the table."""
        return self.apply(FUNCTIONS[name], operands)

    def apply(self, function: Function, operands: tuple[int, ...], static: Static = ()) -> int:
        """Node of a function of nodes, simplified where that costs nothing."""
        fold, eager, commutes, shaped = _trait(function)
        if fold is not None and (eager or not self._foldable.isdisjoint(operands)):
            folded = fold(self, operands, static)
            if folded is not None:
                return folded
        code = self._codes.get(function)
        if code is None:
            code = self._codes[function] = len(self._functions)
            self._functions.append(function)
        key = (code, operands[::-1] if commutes and operands[0] > operands[1] else operands, static)
        node = self._numbers.get(key)
        if node is not None:
            return node
        node = self._numbers[key] = len(self._operation)
        self._operation.append(code)
        self._operands.append(operands)
        if function.name in _SIGNS:
            self._foldable.add(node)
        if static:
            self._static[node] = static
        if shaped:
            shape = function.shape([self.shape(operand) for operand in operands], *static)  # type: ignore[attr-defined]
            if shape:
                self._shapes[node] = shape
        elif self._shapes and any(operand in self._shapes for operand in operands):
            self._shapes[node] = broadcast([self.shape(operand) for operand in operands], function.name)
        return node

    def again(self, step: Application, operands: tuple[int, ...]) -> int:
        """Node of a step of the graph that the builder was made of, its operands perhaps others."""
        return step.node if operands == step.operands else self.apply(step.function, operands, step.static)

    def leaves(self, graph: Graph, substitution: Mapping[int, int] | None = None) -> list[int]:
        """Copy a graph's symbols and constants in, some symbols replaced by nodes that are here.

        Returns where each node went, and -1 for what applies a function: places for the copies that are still to come.

        >>> from symdiff.from_sympy import graph_of
        >>> GraphBuilder().leaves(graph_of([sp.sin(sp.Symbol("x", real=True))]))
        [0, -1]
        """
        given = substitution or {}
        places = [-1] * len(graph)
        for node, symbol in graph.symbols.items():
            places[node] = given[node] if node in given else self.input(symbol, graph.shape(node))
        for node, value in graph.constants.items():
            places[node] = self.constant(value)
        return places

    def splice(self, graph: Graph, substitution: Mapping[int, int] | None = None) -> list[int]:
        """Copy a graph's nodes in, some of them replaced by nodes that are here; returns where each node went."""
        given = substitution or {}
        places = self.leaves(graph, given)
        for node, function, operands, static in graph.applications:
            places[node] = (
                given[node] if node in given else self.apply(function, tuple(places[i] for i in operands), static)
            )
        return places

    def finish(self, outputs: Sequence[int]) -> Graph:
        """The graph of all nodes that the outputs need, renumbered in the same order."""
        needed = bytearray(len(self._operation))
        for node in outputs:
            needed[node] = 1
        for node in range(max(outputs, default=-1), -1, -1):
            if needed[node]:
                for operand in self._operands[node]:
                    needed[operand] = 1
        kept = np.flatnonzero(np.frombuffer(needed, np.uint8))
        rows = [self._operands[node] for node in kept.tolist()]
        places = np.full(len(self._operation), -1, np.int64)
        places[kept] = np.arange(len(kept))
        place = places.tolist()
        return Graph(
            functions=tuple(self._functions),
            operation=np.asarray(self._operation, np.int32)[kept],
            offsets=np.cumsum([0, *map(len, rows)], dtype=np.int64),
            operands=places[np.fromiter(chain.from_iterable(rows), np.int64)],
            symbols={place[node]: symbol for node, symbol in self._symbols.items() if place[node] >= 0},
            constants={place[node]: value for node, value in self._constants.items() if place[node] >= 0},
            static={place[node]: value for node, value in self._static.items() if place[node] >= 0},
            shapes={place[node]: shape for node, shape in self._shapes.items() if place[node] >= 0},
            outputs=tuple(place[node] for node in outputs),
        )

    def applies(self, name: str) -> bool:
        """Whether any node applies the function of that name in the table."""
        return FUNCTIONS[name] in self._codes

    def operations_of(self, outputs: Iterable[int]) -> int:
        """How many nodes that apply a function the outputs need."""
        return sum(self._operation[node] >= 0 for node in self._needed(outputs))

    def foldable(self, node: int) -> bool:
        """Whether a node is a constant, or what is negated."""
        return node in self._foldable

    def value_of(self, node: int) -> sp.Basic | None:
        """The constant at a node, or None where it is not a constant."""
        return self._constants.get(node)

    def shape(self, node: int) -> Shape:
        """Shape of a node's value: () for a scalar."""
        return self._shapes.get(node, ())

    def parts(self, node: int, name: str) -> tuple[int, ...] | None:
        """Operands of a node that applies the function of that name, else None."""
        code = self._operation[node]
        return self._operands[node] if code >= 0 and self._functions[code].name == name else None

    def operation(self, node: int) -> tuple[str, tuple[int, ...]]:
        """What a node is: the name of its function with its operands, or "input" or "constant" without any."""
        code = self._operation[node]
        name = "input" if code == INPUT else "constant"
        return self._functions[code].name if code >= 0 else name, self._operands[node]

    def static_of(self, node: int) -> Static:
        """Static arguments of a node."""
        return self._static.get(node, ())

    def is_input(self, node: int) -> bool:
        """Whether the node is a symbol."""
        return self._operation[node] == INPUT

    def _number(self, key: Hashable, operation: int, operands: tuple[int, ...]) -> int:
        node = self._numbers.setdefault(key, len(self._operation))
        if node == len(self._operation):
            self._operation.append(operation)
            self._operands.append(operands)
        return node

    def _needed(self, outputs: Iterable[int]) -> list[int]:
        needed = set(outputs)
        pending, operands = list(needed), self._operands
        while pending:
            for operand in operands[pending.pop()]:
                if operand not in needed:
                    needed.add(operand)
                    pending.append(operand)
        return sorted(needed)


def _constant_key(value: sp.Basic) -> Hashable:
    # Integer(2) and Float(2.0) are different constants, and so are Floats of different precision
    return CONSTANT, type(value), value, getattr(value, "_prec", None)


def _rational(builder: GraphBuilder, node: int) -> sp.Rational | None:
    value = builder.value_of(node)
    return value if isinstance(value, sp.Rational) else None


def _fold_add(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    u, v = operands
    p, q = _rational(b, u), _rational(b, v)
    if p is not None and q is not None:
        return b.constant(p + q)
    if p is not None and not p.p:
        return v
    if q is not None and not q.p:
        return u
    if (inner := b.parts(v, "negate")) is not None:
        return b.call("subtract", u, inner[0])
    if (inner := b.parts(u, "negate")) is not None:
        return b.call("subtract", v, inner[0])
    return None


def _fold_subtract(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    u, v = operands
    p, q = _rational(b, u), _rational(b, v)
    if p is not None and q is not None:
        return b.constant(p - q)
    if q is not None and not q.p:
        return u
    if p is not None and not p.p:
        return b.call("negate", v)
    if (inner := b.parts(v, "negate")) is not None:
        return b.call("add", u, inner[0])
    return None


def _fold_multiply(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    u, v = operands
    p, q = _rational(b, u), _rational(b, v)
    if p is not None and q is not None:
        return b.constant(p * q)
    for node, value, other in ((u, p, v), (v, q, u)):
        if value is not None:
            # whole numbers are compared as Python's: SymPy would look at each one anew
            if not value.p:
                return node
            if value.p == value.q:
                return other
            if value.p < 0:
                return b.call("negate", other if value.p == -value.q else b.call("multiply", b.constant(-value), other))
        if (inner := b.parts(node, "negate")) is not None:
            return b.call("negate", b.call("multiply", inner[0], other))
    return None


def _fold_divide(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    u, v = operands
    p, q = _rational(b, u), _rational(b, v)
    if q is not None and q.p:
        if p is not None:
            return b.constant(p / q)
        if q.p == q.q:
            return u
    if p is not None and not p.p and not (q is not None and not q.p):
        return u
    if (inner := b.parts(u, "negate")) is not None:
        return b.call("negate", b.call("divide", inner[0], v))
    return None


def _fold_negate(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    (u,) = operands
    if (value := _rational(b, u)) is not None:
        return b.constant(-value)
    inner = b.parts(u, "negate")
    return inner[0] if inner is not None else None


def _fold_power_integer(b: GraphBuilder, operands: tuple[int, ...], static: Static) -> int | None:
    return {0: b.constant(sp.Integer(1)), 1: operands[0]}.get(static[0]) if static[0] in (0, 1) else None  # type: ignore[call-overload]


def _fold_not(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    value, inner = b.value_of(operands[0]), b.parts(operands[0], "not")
    return inner[0] if inner is not None else None if value is None else b.constant(sp.Not(value))


def _fold_select(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    condition, u, v = operands
    value = b.value_of(condition)
    if value is sp.true or u == v:
        return u
    return v if value is sp.false else None


_SIGNS = frozenset({"negate", "not"})
_FOLDS = {
    "add": _fold_add,
    "subtract": _fold_subtract,
    "multiply": _fold_multiply,
    "divide": _fold_divide,
    "negate": _fold_negate,
    "power_integer": _fold_power_integer,
    "not": _fold_not,
    "select": _fold_select,
}
