"""The numbers behind a trace of matrices and arrays: each node an array, swept forward and in reverse.

Elementwise functions have the chain route's hand-written local partials, one number an entry. Of operations on whole
arrays no Jacobian is formed: their adjoints are the hand-written ones of the table of operations, such as
adjoint(A) = adjoint(A*B) * B.T (Giles, Collected matrix derivative results, 2008, section 2.2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from symdiff import chain
from symdiff.function import Absence
from symdiff.graph import Application, Graph
from symdiff.tensors.operation import Operation
from symdiff.tensors.shapes import Shape
from symdiff.tensors.writing import array_expressions
from symdiff.traces.array_point import Point


class Share(NamedTuple):
    """What a node adds to the adjoint of an operand: `value`, in the shape of the operand, and the adjoint with it.

    `slope` is the local partial of an elementwise function, None of an operation on whole arrays.
    """

    position: int
    operand: int
    slope: Any
    value: Any
    accumulated: Any


@dataclass(frozen=True, eq=False)
class ArrayTape:
    """A graph of known lengths at a point, its nodes numbered anew; `record_arrays` makes one.

    Inputs come first, then constants, among them arrays of constants, then operations. `nodes[i]` is the node of the
    graph that node i is, -1 for an input that the graph does not hold. The adjoints are those of the output if it has
    one entry, else of the sum of its entries.
    """

    graph: Graph
    expression: sp.Expr
    symbols: tuple[Any, ...]
    constants: Mapping[int, Any]
    applications: tuple[Application, ...]
    nodes: tuple[int, ...]
    output: int
    wrt: tuple[int, ...]
    values: tuple[Any, ...]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return len(self.values)

    def shape(self, node: int) -> Shape:
        """Shape of a node, () for a number."""
        return np.shape(self.values[node])

    @property
    def is_number(self) -> bool:
        """Whether the output has one entry."""
        return np.size(self.values[self.output]) == 1

    @cached_property
    def slopes(self) -> dict[int, tuple[Any, ...]]:
        """Local partials of each elementwise step; None where nothing passes, and of operations on whole arrays."""
        sources = [self.nodes[node] for node in self.wrt if self.nodes[node] >= 0]
        moving = self.graph.depends_on(sources).tolist() if sources else [False] * len(self.graph)
        with np.errstate(all="ignore"):
            return {
                step.node: tuple(self._slope(step, k, moving[self.nodes[i]]) for k, i in enumerate(step.operands))
                for step in self.applications
            }

    def _slope(self, step: Application, position: int, moves: bool) -> Any:
        if isinstance(step.function, Operation) or step.function.partials[position] is Absence.ZERO:
            return None
        if step.function.partials[position] is Absence.NONDIFFERENTIABLE and not moves:
            return self.dtype.type(math.nan)
        operands = [self.values[operand] for operand in step.operands]
        slope = chain.local_partial(step.function, position, operands, step.static, self.values[step.node])
        return np.broadcast_to(np.asarray(slope, self.dtype), self.shape(step.node))[()]

    def tangents(self, source: int) -> list[Any]:
        """Forward mode: the derivative of every node in the number `source`."""
        found: list[Any] = [None] * len(self)
        found[source] = self.dtype.type(1)
        with np.errstate(all="ignore"):
            for step in self.applications:
                if all(found[operand] is None for operand in step.operands):
                    continue
                shape = self.shape(step.node)
                if isinstance(step.function, Operation):
                    operands = [self.values[i] for i in step.operands]
                    moving = [found[i] for i in step.operands]
                    total = step.function.tangent(operands, moving, step.static, self.values[step.node])
                else:
                    terms = [
                        _gated(step, slope * found[operand], slope)
                        for operand, slope in zip(step.operands, self.slopes[step.node], strict=True)
                        if slope is not None and found[operand] is not None
                    ]
                    total = sum(terms[1:], terms[0]) if terms else None
                found[step.node] = None if total is None else np.broadcast_to(total, shape)[()]
        return [np.zeros(self.shape(i), self.dtype)[()] if t is None else t for i, t in enumerate(found)]

    @cached_property
    def all_tangents(self) -> dict[int, list[Any]]:
        """Forward mode in each input of wrt that is a number; an array has no one direction."""
        return {source: self.tangents(source) for source in self.wrt if not self.shape(source)}

    @cached_property
    def backward(self) -> tuple[list[Any], dict[int, tuple[Share, ...]]]:
        """Reverse mode: adjoint of every node (None where nothing arrives), and what each operation hands back."""
        adjoints: list[Any] = [None] * len(self)
        adjoints[self.output] = np.ones(self.shape(self.output), self.dtype)[()]
        handed: dict[int, tuple[Share, ...]] = {}
        with np.errstate(all="ignore"):
            for step in reversed(self.applications):
                if adjoints[step.node] is None:
                    continue
                shares: list[Share] = []
                for position, operand in enumerate(step.operands):
                    if (value := self._share(step, position, adjoints[step.node])) is None:
                        continue
                    known = adjoints[operand]
                    adjoints[operand] = value if known is None else known + value
                    slope = self.slopes[step.node][position]
                    shares.append(Share(position, operand, slope, value, adjoints[operand]))
                handed[step.node] = tuple(shares)
        return adjoints, handed

    def _share(self, step: Application, position: int, adjoint: Any) -> Any:
        own = self.shape(step.operands[position])
        if isinstance(step.function, Operation):
            operands = [self.values[i] for i in step.operands]
            value = step.function.adjoint(position, adjoint, operands, step.static, self.values[step.node])
            return None if value is None else np.asarray(value, self.dtype).reshape(own)[()]
        slope = self.slopes[step.node][position]
        if slope is None:
            return None
        return chain.collected(_gated(step, adjoint * slope, slope), self.shape(step.node), own)

    @cached_property
    def expressions(self) -> tuple[Any, ...]:
        """Every node in terms of the inputs."""
        wanted = [node for node in self.nodes if node >= 0]
        found = dict(zip(wanted, array_expressions(self.graph, wanted, {}), strict=True))
        return tuple(found[node] if node >= 0 else self.symbols[i] for i, node in enumerate(self.nodes))


def _gated(step: Application, product: Any, slope: Any) -> Any:
    """Nothing passes to a branch that is not taken, not even where the other factor is infinite."""
    return np.where(slope == 0, slope.dtype.type(0), product)[()] if step.function.name == "select" else product


def record_arrays(
    graph: Graph, expression: sp.Expr, point: Point, wrt: Sequence[Any], dtype: np.dtype[Any]
) -> ArrayTape:
    """Evaluate a graph whose lengths are numbers at a point.

    >>> from symdiff.from_sympy import graph_of
    >>> A, x = sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("x", 2, 1)
    >>> point = {A: np.eye(2), x: np.array([[3.0], [4.0]])}
    >>> tape = record_arrays(graph_of([x.T * A * x]), x.T * A * x, point, [A], np.dtype("float64"))
    >>> float(tape.values[tape.output].item()), tape.backward[0][0].tolist()
    (25.0, [[9.0, 12.0], [12.0, 16.0]])
    """
    symbols = tuple(point)
    fixed = set(graph.constants)
    for step in graph.applications:
        if all(operand in fixed for operand in step.operands):
            fixed.add(step.node)
    moving = [step for step in graph.applications if step.node not in fixed]
    nodes = (*(graph.inputs.get(s, -1) for s in symbols), *sorted(fixed), *(step.node for step in moving))
    places = {node: i for i, node in enumerate(nodes) if node >= 0}
    numbers = chain.forward(graph, {symbol: point[symbol] for symbol in graph.inputs}, dtype)
    values = [point[symbol] for symbol in symbols] + [numbers[node] for node in nodes[len(symbols) :]]
    constants = array_expressions(graph, sorted(fixed), {})
    return ArrayTape(
        graph=graph,
        expression=expression,
        symbols=symbols,
        constants={places[node]: constant for node, constant in zip(sorted(fixed), constants, strict=True)},
        applications=tuple(
            Application(places[node], function, tuple(places[i] for i in operands), static)
            for node, function, operands, static in moving
        ),
        nodes=nodes,
        output=places[graph.outputs[0]],
        wrt=tuple(symbols.index(symbol) for symbol in wrt),
        values=tuple(_kept(value, dtype) for value in values),
        dtype=dtype,
    )


def _kept(value: Any, dtype: np.dtype[Any]) -> Any:
    """A value as an array that cannot be written to, or a NumPy number; conditions stay true or false."""
    array = np.asarray(value) if np.asarray(value).dtype == np.bool_ else np.asarray(value, dtype)
    kept = array[()] if array.ndim == 0 else array.view()
    if array.ndim:
        kept.setflags(write=False)
    return kept
