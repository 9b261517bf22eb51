"""Seams: Piecewise((c, Eq(x, a)), (f(x), True)) where f continues smoothly through a with the limit c.

The branch c has the derivative 0, which is not that of the function. In its place comes c + t*(c_1 + t*c_2) with
t = x - a and the Taylor coefficients of f: at t = 0, the only point where it is looked at, that has the value c and
the first and second derivative of f. Where the limit is not c, or not found, the branch stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symdiff.from_sympy import graph_of
from symdiff.graph import Application, Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.rewriting import seam_series
from symdiff.rewriting.seam_series import NoSeriesError, Series
from symdiff.tensors.operation import Operation

# nodes that are looked at for one seam
MOST_NODES = 64
_UNWRITTEN = frozenset(["select", "less", "less_equal", "equal", "unequal", "and", "or", "not", "xor"])


def smoothed(graph: Graph) -> Graph:
    """The same function, with the derivatives of the other branch at its removable points; linear in the graph.

    >>> from symdiff.from_sympy import graph_of
    >>> from symdiff.to_sympy import expressions_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = smoothed(graph_of([sp.Piecewise((1, sp.Eq(x, 0)), ((sp.exp(x) - 1) / x, True))]))
    >>> expressions_of(g, g.outputs)
    [Piecewise((x*(x/6 + 1/2) + 1, Eq(x, 0)), ((exp(x) - 1)/x, True))]
    """
    steps = {step.node: step for step in graph.applications}
    found: dict[int, _Expansion] = {}
    for step in graph.applications:
        if step.function.name == "select":
            expansion = _expansion(graph, steps, step)
            if expansion is not None:
                found[step.node] = expansion
    if not found:
        return graph
    builder = GraphBuilder()
    places = builder.leaves(graph)
    for step in graph.applications:
        here = [places[operand] for operand in step.operands]
        if step.node in found:
            taken = found[step.node].taken
            here[step.operands.index(taken, 1)] = _polynomial(builder, places, found[step.node])
        places[step.node] = builder.apply(step.function, tuple(here), step.static)
    return builder.finish([places[node] for node in graph.outputs])


@dataclass(frozen=True)
class _Expansion:
    """Of a branch `taken` at variable = point: the next coefficients, in which `names` stand for nodes."""

    taken: int
    variable: int
    point: sp.Expr
    coefficients: tuple[sp.Expr, sp.Expr]
    names: Mapping[sp.Symbol, int]


def _polynomial(builder: GraphBuilder, places: list[int], found: _Expansion) -> int:
    def node_of(expression: sp.Expr) -> int:
        part = graph_of([expression])
        given = {node: places[found.names[symbol]] for node, symbol in part.symbols.items()}
        node = builder.splice(part, given)[part.outputs[0]]
        if not part.symbols:
            return node
        # 0*inf would spoil the value
        finite = builder.call("less", builder.call("abs", node), builder.constant(sp.Integer(10) ** 308))
        return builder.call("select", finite, node, builder.constant(sp.Integer(0)))

    first, second = map(node_of, found.coefficients)
    step = builder.call("subtract", places[found.variable], node_of(found.point))
    slope = builder.call("add", first, builder.call("multiply", step, second))
    return builder.call("add", places[found.taken], builder.call("multiply", step, slope))


def _expansion(graph: Graph, steps: Mapping[int, Application], step: Application) -> _Expansion | None:
    if graph.shape(step.node):
        # an array of branches has no one variable
        return None
    condition, taken, otherwise = step.operands
    comparison = steps.get(condition)
    if comparison is None or comparison.function.name not in ("equal", "unequal"):
        return None
    if comparison.function.name == "unequal":
        taken, otherwise = otherwise, taken
    for u, v in (comparison.operands, comparison.operands[::-1]):
        try:
            return _Seam(graph, steps).expanded(u, v, taken, otherwise)
        except NoSeriesError:
            continue
    return None


@dataclass(eq=False)
class _Seam:
    graph: Graph
    steps: Mapping[int, Application]
    names: dict[int, sp.Symbol] = field(default_factory=dict[int, sp.Symbol])
    looked_at: int = 0

    def expanded(self, u: int, v: int, taken: int, otherwise: int) -> _Expansion:
        """The expansion where u = v; raises NoSeriesError."""
        if u in self.graph.constants:
            raise NoSeriesError
        variable, point = self._solved(u, self._fixed(v))
        self.variable = variable
        moves = self._below((otherwise, taken, v))
        if moves[taken] or moves[v]:
            raise NoSeriesError
        values: dict[int, Any] = {variable: seam_series.moving(point)}
        # the order of the numbers is the order of computation
        for node in sorted(moves):
            if node == variable:
                continue
            if not moves[node]:
                if node not in self.steps or self.steps[node].function.name not in (
                    "equal",
                    "unequal",
                    "less",
                    "less_equal",
                ):
                    values[node] = self._still(node)
                continue
            step = self.steps[node]
            try:
                values[node] = seam_series.applied(step.function, [values[i] for i in step.operands], step.static)
            except (NoSeriesError, KeyError):
                values[node] = NoSeriesError()
        series = values[otherwise]
        if not isinstance(series, Series) or series.shift < 0:
            raise NoSeriesError
        if not _same(series.coefficient(0), self._fixed(taken)):
            raise NoSeriesError
        coefficients = (series.coefficient(1), series.coefficient(2))
        if not any(coefficients):
            raise NoSeriesError
        return _Expansion(taken, variable, point, coefficients, {name: node for node, name in self.names.items()})

    def _still(self, node: int) -> Any:
        try:
            return seam_series.constant(self._fixed(node))
        except NoSeriesError as none:
            return none

    def _below(self, tops: tuple[int, ...]) -> dict[int, bool]:
        """Nodes below some, each with whether it moves with the variable; NoSeriesError where they are too many."""
        seen, pending = set(tops), list(tops)
        while pending:
            node = pending.pop()
            if node == self.variable or node not in self.steps:
                continue
            for operand in self.steps[node].operands:
                if operand not in seen:
                    seen.add(operand)
                    pending.append(operand)
            if len(seen) > MOST_NODES:
                raise NoSeriesError
        moves: dict[int, bool] = {}
        for node in sorted(seen):
            inner = node != self.variable and node in self.steps
            moves[node] = any(moves[i] for i in self.steps[node].operands) if inner else node == self.variable
        return moves

    def _fixed(self, node: int) -> sp.Expr:
        """A node that does not move, as an expression of names for inputs and branches."""
        written: dict[int, sp.Expr] = {}
        pending = [node]
        while pending:
            current = pending[-1]
            value: Any = self.graph.constants.get(current)
            step = self.steps.get(current)
            if value is not None:
                if not isinstance(value, sp.Expr) or not value.is_finite:
                    raise NoSeriesError
                written[current] = sp.Rational(value) if isinstance(value, sp.Float) else value
            elif step is None or step.function.name in _UNWRITTEN or isinstance(step.function, Operation):
                written[current] = self.names.setdefault(current, sp.Dummy(f"n{current}", real=True))
            elif missing := [operand for operand in step.operands if operand not in written]:
                self.looked_at += len(missing)
                if self.looked_at > MOST_NODES:
                    raise NoSeriesError
                pending += missing
                continue
            else:
                written[current] = step.function.sympy(*(written[i] for i in step.operands), *step.static)
            pending.pop()
        return written[node]

    def _solved(self, u: int, point: sp.Expr) -> tuple[int, sp.Expr]:
        """The input x and the point x = a where u = point, if u is linear in x alone; else u itself."""
        variable, solution = u, point
        for _ in range(MOST_NODES):
            step = self.steps.get(variable)
            if step is None:
                return variable, solution
            name = step.function.name
            if name == "negate":
                variable, solution = step.operands[0], -solution
                continue
            if name not in ("add", "subtract", "multiply", "divide"):
                break
            first, second = step.operands
            numbers = [self.graph.constants.get(node) for node in (first, second)]
            if isinstance(numbers[1], sp.Rational):
                number = numbers[1]
                back = {"add": solution - number, "subtract": solution + number, "multiply": solution / number}
                variable, solution = first, back.get(name, solution * number)
            elif isinstance(numbers[0], sp.Rational) and name != "divide":
                number = numbers[0]
                back = {"add": solution - number, "subtract": number - solution, "multiply": solution / number}
                variable, solution = second, back[name]
            else:
                break
        return u, point


def _same(limit: sp.Expr, value: sp.Expr) -> bool:
    """Whether two expressions are one number, to 45 digits where they are numbers."""
    difference = sp.expand(limit - value)
    if difference == 0:
        return True
    # a Float of a formula has 15 digits
    return bool(difference.is_number and abs(sp.N(difference, 60)) <= sp.Rational(1, 2**52) * abs(sp.N(value, 60)))
