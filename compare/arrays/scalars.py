"""A graph of arrays written out in scalars, for the referee: every entry of every node is a node of its own.

Only the definition is written out, never a derivative: a contraction is its sum of products, a determinant its sum over
columns, an inverse an elimination. What the referee then differentiates are the operations of scalar arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.arrays import elimination
from symdiff.errors import UnsupportedError
from symdiff.functions import FUNCTIONS
from symdiff.graph import Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.tensors.operation import Operation

Nodes = NDArray[np.int64]
ADD, MULTIPLY = FUNCTIONS["add"], FUNCTIONS["multiply"]


@dataclass(frozen=True)
class Scalars:
    """A scalar graph, and the symbol of every entry of every array input."""

    graph: Graph
    entries: Mapping[Any, NDArray[np.object_]]

    def point(self, arrays: Mapping[Any, Any]) -> dict[sp.Symbol, float]:
        """The numbers of arrays by the symbols of their entries."""
        found: dict[sp.Symbol, float] = {}
        for symbol, names in self.entries.items():
            numbers = np.broadcast_to(np.asarray(arrays[symbol], np.float64), names.shape)
            found.update(zip(names.ravel().tolist(), numbers.ravel().tolist(), strict=True))
        return found


def entry_name(symbol: Any, place: Sequence[int]) -> str:
    """What an entry is called; a scalar has its own name.

    >>> entry_name(sp.MatrixSymbol("W", 2, 3), (0, 2)), entry_name(sp.Symbol("x"), ())
    ('W[0, 2]', 'x')
    """
    return f"{symbol.name}[{', '.join(map(str, place))}]" if place else str(symbol.name)


def written_out(graph: Graph, values: Sequence[Any]) -> Scalars:
    """The first output of a graph of known lengths in scalars, one output an entry.

    `values` are the numbers of its nodes at the point: they choose the pivots of an elimination, and the entries that
    are looked up.

    Raises UnsupportedError for an operation that is not written out here.

    >>> from symdiff.from_sympy import graph_of
    >>> a = sp.MatrixSymbol("a", 2, 1)
    >>> found = written_out(graph_of([sp.Trace(a.T * a)]), [None] * 9)
    >>> [step.function.name for step in found.graph.applications]
    ['multiply', 'multiply', 'add']
    """
    b = GraphBuilder()
    nodes: list[Nodes] = [np.empty(0, np.int64)] * len(graph)
    entries: dict[Any, NDArray[np.object_]] = {}
    for node, symbol in graph.symbols.items():
        shape: Any = graph.shape(node)
        # a scalar keeps its symbol
        names = [sp.Symbol(entry_name(symbol, place), real=True) if shape else symbol for place in np.ndindex(*shape)]
        entries[symbol] = np.fromiter(names, dtype=object, count=len(names)).reshape(shape)
        nodes[node] = np.array([b.input(name) for name in names], np.int64).reshape(shape)
    for node, constant in graph.constants.items():
        nodes[node] = np.asarray(b.constant(constant))
    for node, function, operands, static in graph.applications:
        given = [nodes[i] for i in operands]
        if not isinstance(function, Operation):
            rows = np.broadcast_arrays(*given)
            found = (b.apply(function, row, static) for row in zip(*(r.ravel().tolist() for r in rows), strict=True))
            nodes[node] = np.fromiter(found, np.int64, rows[0].size).reshape(rows[0].shape)
        elif (rule := RULES.get(function.name)) is not None:
            nodes[node] = rule(b, given, [values[i] for i in operands], static)
        else:
            raise UnsupportedError(f"the referee does not write out the operation {function.name}; leave it out")
    return Scalars(b.finish(nodes[graph.outputs[0]].ravel().tolist()), entries)


def scalar_operations(graph: Graph) -> int:
    """About how many scalar operations a graph of known lengths is, without writing it out.

    >>> from symdiff.from_sympy import graph_of
    >>> a = sp.MatrixSymbol("a", 5, 1)
    >>> scalar_operations(graph_of([sp.Trace(a.T * a)]))
    10
    """
    total = 0
    for node, function, operands, static in graph.applications:
        shape: Any = graph.shape(node)
        shapes: list[Any] = [graph.shape(i) for i in operands]
        if not isinstance(function, Operation):
            total += math.prod(shape)
        elif function.name == "contract":
            total += sum(2 * math.prod(lengths.values()) for _, _, lengths in _pairs(static[0], shapes))
        elif function.name in ("inverse", "determinant", "log_determinant"):
            total += elimination.operations(shapes[0][0], inverse=function.name == "inverse")
        elif function.name in ("product", "log_sum_exp"):
            total += 2 * math.prod(shapes[0])
    return total


def _pairs(
    letters: Sequence[str], shapes: Sequence[Any]
) -> list[tuple[tuple[int, ...], tuple[str, ...], dict[str, int]]]:
    """A contraction two operands at a time: which ones of those left, their letters and the result's, and lengths."""
    parts = list(letters[:-1])
    lengths = {c: int(n) for part, shape in zip(parts, shapes, strict=True) for c, n in zip(part, shape, strict=True)}
    order: list[Any] = [tuple(range(len(parts)))]
    if len(parts) > 2:
        empty = [np.broadcast_to(0.0, shape) for shape in shapes]
        order = np.einsum_path(f"{','.join(parts)}->{letters[-1]}", *empty, optimize="greedy")[0][1:]  # type: ignore[assignment]
    found: list[tuple[tuple[int, ...], tuple[str, ...], dict[str, int]]] = []
    for chosen in order:
        taken = [parts[k] for k in chosen]
        parts = [part for k, part in enumerate(parts) if k not in chosen]
        wanted = {*letters[-1], *"".join(parts)}
        result = letters[-1] if not parts else "".join(dict.fromkeys(c for c in "".join(taken) if c in wanted))
        parts.append(result)
        found.append((tuple(chosen), (*taken, result), {c: lengths[c] for c in {*"".join(taken)}}))
    return found


def _contract(b: GraphBuilder, given: Sequence[Nodes], _: Any, static: Any) -> Nodes:
    arrays = list(given)
    for chosen, letters, lengths in _pairs(static[0], [array.shape for array in given]):
        taken = [arrays[k] for k in chosen]
        arrays = [array for k, array in enumerate(arrays) if k not in chosen]
        arrays.append(_summed(b, taken, letters, lengths))
    return arrays[0]


def _summed(b: GraphBuilder, arrays: Sequence[Nodes], letters: Sequence[str], lengths: Mapping[str, int]) -> Nodes:
    """Sums of products of the entries of one or two arrays."""
    result = letters[-1]
    every = result + "".join(c for c in lengths if c not in result)
    full = tuple(lengths[c] for c in every)
    places = dict(zip(every, np.indices(full, sparse=True), strict=True))
    cells = math.prod(full[: len(result)])
    # along the first axis the cells of the result, along the second the terms of its sum
    factors = [
        np.broadcast_to(array[tuple(places[c] for c in part)] if part else array, full).reshape(cells, -1).tolist()
        for array, part in zip(arrays, letters[:-1], strict=True)
    ]
    zero = b.constant(sp.Integer(0))
    found: list[int] = []
    for rows in zip(*factors, strict=True):
        total = zero
        for term in zip(*rows, strict=True):
            node = term[0] if len(term) == 1 else b.apply(MULTIPLY, term)
            total = b.apply(ADD, (total, node))
        found.append(total)
    return np.array(found, np.int64).reshape(full[: len(result)])


def _places(axes: Any) -> tuple[Any, ...]:
    """Where the entries of a slice stand: an index, or an array of them, for each axis."""
    counts = [axis[2] for axis in axes if axis[0] == "range"]
    runs = iter(np.indices(counts, sparse=True) if counts else ())
    return tuple(axis[1] if axis[0] == "at" else axis[1] + axis[3] * next(runs) for axis in axes)


def _placed(b: GraphBuilder, given: Sequence[Nodes], _: Any, static: Any) -> Nodes:
    axes, shape = static
    found = np.full(shape, b.constant(sp.Integer(0)), np.int64)
    found[_places(axes)] = given[0]
    return found


def _looked_up(b: GraphBuilder, given: Sequence[Nodes], values: Sequence[Any], _: Any) -> Nodes:
    array = given[0]
    places = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in values[1:]))
    outside = b.constant(sp.nan)
    found: list[int] = []
    for place in zip(*(p.ravel().tolist() for p in places), strict=True):
        within = all(p == math.floor(p) and 0 <= p < n for p, n in zip(place, array.shape, strict=True))
        found.append(int(array[tuple(map(int, place))]) if within else outside)
    return np.array(found, np.int64).reshape(places[0].shape)


def _along(b: GraphBuilder, array: Nodes, axis: int, name: str) -> Nodes:
    """All entries along an axis, joined by an operation of two operands."""
    rows = np.moveaxis(array, axis, -1)
    found: list[int] = []
    for row in rows.reshape(-1, rows.shape[-1]).tolist():
        total = row[0]
        for node in row[1:]:
            total = b.call(name, total, node)
        found.append(total)
    return np.array(found, np.int64).reshape(rows.shape[:-1])


def _each(b: GraphBuilder, name: str, array: Nodes) -> Nodes:
    return np.array([b.call(name, node) for node in array.ravel().tolist()], np.int64).reshape(array.shape)


def _logarithm(b: GraphBuilder, given: Sequence[Nodes], values: Sequence[Any], _: Any) -> Nodes:
    return np.asarray(b.call("log", elimination.determinant(b, given[0], values[0])))


RULES: dict[str, Callable[[GraphBuilder, Sequence[Nodes], Sequence[Any], Any], Nodes]] = {
    "contract": _contract,
    "broadcast": lambda b, given, _, static: np.broadcast_to(given[0], static[0]),
    "expand": lambda b, given, _, static: np.expand_dims(given[0], static[0]),
    "slice": lambda b, given, _, static: given[0][_places(static[0])],
    "place": _placed,
    "gather": _looked_up,
    "stack": lambda b, given, _, static: np.array([int(node) for node in given], np.int64).reshape(static[0]),
    "identity": lambda b, given, _, static: np.where(
        np.eye(static[0], dtype=bool), b.constant(sp.Integer(1)), b.constant(sp.Integer(0))
    ),
    "count": lambda b, given, _, static: np.array(
        [b.constant(sp.Integer(static[0] + k)) for k in range(static[1])], np.int64
    ),
    "inverse": lambda b, given, values, _: elimination.inverse(b, given[0], values[0]),
    "determinant": lambda b, given, values, _: np.asarray(elimination.determinant(b, given[0], values[0])),
    "log_determinant": _logarithm,
    "product": lambda b, given, _, static: _along(b, given[0], static[0], "multiply"),
    "log_sum_exp": lambda b, given, _, static: _each(b, "log", _along(b, _each(b, "exp", given[0]), static[0], "add")),
}
