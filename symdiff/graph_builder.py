"""Value numbering: a graph grows node by node, and equal computations get one number.

A node is known by (function, operand numbers, static arguments), never by comparing expressions, so the cost is
linear in the nodes. Simplifications that cost nothing are made on the way: zeros, ones, signs and rational constants.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import sympy as sp

from symdiff.function import Function
from symdiff.functions import FUNCTIONS
from symdiff.graph import CONSTANT, INPUT, Graph, Static
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Shape, broadcast

COMMUTATIVE = frozenset(
    FUNCTIONS[name] for name in ("add", "multiply", "maximum", "minimum", "equal", "unequal", "and", "or")
)


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

    def input(self, symbol: sp.Symbol, shape: Shape = ()) -> int:
        """Node of an input symbol. Symbols of one name but different assumptions are different inputs."""
        node = self._number((INPUT, symbol), INPUT, ())
        self._symbols[node] = symbol
        if shape:
            self._shapes[node] = shape
        return node

    def constant(self, value: sp.Basic) -> int:
        """Node of an exact constant: a SymPy number, a named constant such as pi, true, false or nan."""
        # Integer(2) and Float(2.0) are different constants, and so are Floats of different precision
        node = self._number((CONSTANT, type(value), value, getattr(value, "_prec", None)), CONSTANT, ())
        self._constants[node] = value
        return node

    def call(self, name: str, *operands: int) -> int:
        """Apply the function of that name in the table."""
        return self.apply(FUNCTIONS[name], operands)

    def apply(self, function: Function, operands: tuple[int, ...], static: Static = ()) -> int:
        """Node of a function of nodes, simplified where that costs nothing."""
        fold = _FOLDS.get(function.name)
        if fold is not None and (folded := fold(self, operands, static)) is not None:
            return folded
        if function not in self._codes:
            self._codes[function] = len(self._functions)
            self._functions.append(function)
        code = self._codes[function]
        ordered = tuple(sorted(operands)) if function in COMMUTATIVE else operands
        node = self._number((code, ordered, static), code, operands)
        if static:
            self._static[node] = static
        if isinstance(function, Operation):
            shape = function.shape([self.shape(operand) for operand in operands], *static)
            if shape:
                self._shapes[node] = shape
        elif any(operand in self._shapes for operand in operands):
            self._shapes[node] = broadcast([self.shape(operand) for operand in operands], function.name)
        return node

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
        kept = self._needed(outputs)
        place = {node: i for i, node in enumerate(kept)}
        operands = [[place[i] for i in self._operands[node]] for node in kept]
        return Graph(
            functions=tuple(self._functions),
            operation=np.asarray([self._operation[node] for node in kept], dtype=np.int32),
            offsets=np.cumsum([0, *map(len, operands)], dtype=np.int64),
            operands=np.asarray([i for row in operands for i in row], dtype=np.int64),
            symbols={place[node]: symbol for node, symbol in self._symbols.items() if node in place},
            constants={place[node]: value for node, value in self._constants.items() if node in place},
            static={place[node]: value for node, value in self._static.items() if node in place},
            shapes={place[node]: shape for node, shape in self._shapes.items() if node in place},
            outputs=tuple(place[node] for node in outputs),
        )

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
        pending = list(needed)
        while pending:
            for operand in self._operands[pending.pop()]:
                if operand not in needed:
                    needed.add(operand)
                    pending.append(operand)
        return sorted(needed)


def _rational(builder: GraphBuilder, node: int) -> sp.Rational | None:
    value = builder.value_of(node)
    return value if isinstance(value, sp.Rational) else None


def _fold_add(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    u, v = operands
    p, q = _rational(b, u), _rational(b, v)
    if p is not None and q is not None:
        return b.constant(p + q)
    if p == 0:
        return v
    if q == 0:
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
    if q == 0:
        return u
    if p == 0:
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
        if value == 0:
            return node
        if value == 1:
            return other
        if value is not None and value < 0:
            return b.call("negate", b.call("multiply", b.constant(-value), other))
        if (inner := b.parts(node, "negate")) is not None:
            return b.call("negate", b.call("multiply", inner[0], other))
    return None


def _fold_divide(b: GraphBuilder, operands: tuple[int, ...], _: Static) -> int | None:
    u, v = operands
    p, q = _rational(b, u), _rational(b, v)
    if q is not None and q != 0:
        if p is not None:
            return b.constant(p / q)
        if q == 1:
            return u
    if p == 0 and q != 0:
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
