"""The numbers behind a trace: a graph evaluated at one point, swept forward and in reverse, every product kept.

The rules are the chain route's hand-written ones. What differs from `symdiff.chain` is that every contribution is kept,
and that nothing passes to a branch that is not taken, so that a zero adjoint never meets an infinite partial there.
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
from symdiff.traces.expressions import node_expressions


class Product(NamedTuple):
    """What a node hands back to an operand: adjoint * slope = value, and the operand's adjoint with it."""

    operand: int
    slope: float
    value: float
    accumulated: float


@dataclass(frozen=True, eq=False)
class Tape:
    """A graph at a point, its nodes numbered anew: inputs first, then constants, then operations; made by `record`.

    `symbols[i]` is the input at node i, and `applications` have node numbers of the tape. `places` maps nodes of the
    graph to nodes of the tape. An input that the graph has simplified away has a node here that no operation uses.
    """

    graph: Graph
    expression: sp.Expr
    symbols: tuple[sp.Symbol, ...]
    constants: Mapping[int, sp.Basic]
    applications: tuple[Application, ...]
    places: Mapping[int, int]
    output: int
    wrt: tuple[int, ...]
    values: tuple[Any, ...]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def slopes(self) -> dict[int, tuple[Any, ...]]:
        """Local partials of each operation; None for an operand to which nothing passes."""
        wrt = set(self.wrt)
        moving = self.graph.depends_on([node for node, place in self.places.items() if place in wrt])
        moves = {self.places[node] for node in np.flatnonzero(moving).tolist()}
        with np.errstate(all="ignore"):
            return {
                step.node: tuple(self._slope(step, k, operand in moves) for k, operand in enumerate(step.operands))
                for step in self.applications
            }

    def _slope(self, step: Application, position: int, moves: bool) -> Any:
        partial = step.function.partials[position]
        if partial is Absence.ZERO or self.skips(step, position):
            return None
        if partial is Absence.NONDIFFERENTIABLE and not moves:
            return self.dtype.type(math.nan)
        operands = [self.values[operand] for operand in step.operands]
        slope = chain.local_partial(step.function, position, operands, step.static, self.values[step.node])
        return self.dtype.type(slope)

    def skips(self, step: Application, position: int) -> bool:
        """Whether this operand of a choice is the branch that is not taken."""
        taken = 1 if self.values[step.operands[0]] else 2
        return step.function.name == "select" and position not in (0, taken)

    def tangents(self, source: int) -> list[float]:
        """Forward mode: the derivative of every node in the input `source`."""
        found: list[Any] = [None] * len(self)
        found[source] = self.dtype.type(1)
        with np.errstate(all="ignore"):
            for step in self.applications:
                total: Any = None
                for operand, slope in zip(step.operands, self.slopes[step.node], strict=True):
                    if slope is not None and found[operand] is not None:
                        term = slope * found[operand]
                        total = term if total is None else total + term
                found[step.node] = total
        return [0.0 if tangent is None else float(tangent) for tangent in found]

    @cached_property
    def all_tangents(self) -> dict[int, list[float]]:
        """Forward mode in each input of wrt."""
        return {source: self.tangents(source) for source in self.wrt}

    @cached_property
    def backward(self) -> tuple[list[float | None], dict[int, tuple[Product, ...]]]:
        """Reverse mode: adjoint of every node (None where nothing arrives), and what each operation hands back."""
        adjoints: list[Any] = [None] * len(self)
        adjoints[self.output] = self.dtype.type(1)
        handed: dict[int, tuple[Product, ...]] = {}
        with np.errstate(all="ignore"):
            for step in reversed(self.applications):
                if (adjoint := adjoints[step.node]) is None:
                    continue
                products: list[Product] = []
                for operand, slope in zip(step.operands, self.slopes[step.node], strict=True):
                    if slope is not None:
                        value, known = adjoint * slope, adjoints[operand]
                        adjoints[operand] = value if known is None else known + value
                        products.append(Product(operand, float(slope), float(value), float(adjoints[operand])))
                handed[step.node] = tuple(products)
        return [None if adjoint is None else float(adjoint) for adjoint in adjoints], handed

    @cached_property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """Every node in terms of the inputs; the output as it was given."""
        found: dict[int, Any] = dict(enumerate(self.symbols))
        found |= {self.places[node]: e for node, e in enumerate(node_expressions(self.graph, self.expression))}
        return tuple(found[node] for node in range(len(self)))


def record(
    graph: Graph,
    expression: sp.Expr,
    point: Mapping[sp.Symbol, float],
    wrt: Sequence[sp.Symbol],
    dtype: np.dtype[Any],
) -> Tape:
    """Evaluate the graph of an expression at a point.

    >>> from symdiff.from_sympy import graph_of
    >>> w, x = sp.symbols("w x", real=True)
    >>> tape = record(graph_of([w * x]), w * x, {w: 3.0, x: 2.0}, [w], np.dtype(np.float64))
    >>> [float(value) for value in tape.values], tape.tangents(0), tape.backward[0]
    ([3.0, 2.0, 6.0], [1.0, 0.0, 2.0], [2.0, 3.0, 1.0])
    """
    symbols = tuple(point)
    leaves = {graph.inputs[symbol]: node for node, symbol in enumerate(symbols) if symbol in graph.inputs}
    order = [*graph.constants, *(step.node for step in graph.applications)]
    places = leaves | {node: len(symbols) + i for i, node in enumerate(order)}
    with np.errstate(all="ignore"):
        numbers = chain.forward(graph, point, dtype)
    values: dict[int, Any] = {i: dtype.type(number) for i, number in enumerate(point.values())}
    values |= {place: numbers[node] for node, place in places.items()}
    return Tape(
        graph=graph,
        expression=expression,
        symbols=symbols,
        constants={places[node]: constant for node, constant in graph.constants.items()},
        applications=tuple(
            Application(places[node], function, tuple(places[i] for i in operands), static)
            for node, function, operands, static in graph.applications
        ),
        places=places,
        output=places[graph.outputs[0]],
        wrt=tuple(symbols.index(symbol) for symbol in wrt),
        values=tuple(values[node] for node in range(len(values))),
        dtype=dtype,
    )
