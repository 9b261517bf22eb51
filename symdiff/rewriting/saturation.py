"""Tails: where a saturating function has reached its limit, that limit is taken, and its operand is not looked at.

exp(-1/x) near 0 is 0 with all of its derivatives, but 0*x**-2 is NaN where x**-2 overflows. Beyond the edges below the
function is constant in float64 and float32, denormal numbers included, so a branch with the constant takes the place
of the function; the guard then keeps the operand away from where its own derivatives are infinite.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symdiff.function import Function
from symdiff.graph import Application, Graph
from symdiff.graph_builder import GraphBuilder
from symdiff.rewriting import overflow
from symdiff.rewriting.ranges import Range, ranges

# name: (edge, limit) below and above; None where the function goes on
TAILS: dict[str, tuple[tuple[int, int] | None, tuple[int, int] | None]] = {
    "exp": ((-750, 0), None),
    "expm1": ((-750, -1), None),
    "softplus": ((-750, 0), None),
    "sigmoid": ((-750, 0), (750, 1)),
    "tanh": ((-400, -1), (400, 1)),
    "coth": ((-400, -1), (400, 1)),
    "sech": ((-800, 0), (800, 0)),
    "csch": ((-800, 0), (800, 0)),
    "erf": ((-40, -1), (40, 1)),
    "erfc": ((-40, 2), (40, 0)),
}
_BOUNDED = frozenset(("sin", "cos", "atan", "tanh", "coth", "sigmoid", "erf", "sinc"))
# their derivatives stay in range where the function itself is large
TAME = (
    _BOUNDED - {"coth"}
    | frozenset(
        ("add", "subtract", "negate", "select", "abs", "sign", "floor", "ceiling", "frac", "maximum", "minimum")
    )
    | frozenset(("heaviside", "sqrt", "cbrt", "real_cbrt", "log", "log1p", "log2", "log10", "hypot", "logaddexp"))
    | frozenset(("softplus", "asinh"))
    # of arrays: what only moves entries, or is linear in each operand as a product is
    | frozenset(("contract", "broadcast", "expand", "slice", "place", "gather", "scatter", "stack"))
    | frozenset(("top", "log_sum_exp"))
)
_INVERTING = frozenset(("power_negative",))
_STEEP = frozenset(("power_negative", "power_integer", "exp"))
# nodes that are looked at below a factor beside an exponential, and below the operand of that
MOST_NODES = 24
# regular functions of operands of this size have derivatives of moderate size
MODERATE = 20.0
LARGEST_MODERATE_EXPONENT = 8
_ENTIRE = frozenset(("exp", "expm1", "sinh", "cosh"))
_PASSING = frozenset({"multiply", "divide", "negate", "power_integer"})
_ALGEBRAIC = _PASSING | {"add", "subtract", "power_negative", "power_constant", "sqrt"}


def saturated(graph: Graph) -> Graph:
    """The same function with the limits of saturating functions of operands whose derivatives may overflow.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> [step.function.name for step in saturated(graph_of([sp.exp(-1 / x)])).applications]
    ['divide', 'exp', 'less', 'select']
    >>> [step.function.name for step in saturated(graph_of([sp.exp(-2 * x)])).applications]
    ['multiply', 'negate', 'exp']
    """
    names = {step.function.name for step in graph.applications}
    if names.isdisjoint(TAILS) and (names.isdisjoint(overflow.GROWING) or names.isdisjoint(overflow.FLAT)):
        return graph
    within = ranges(graph)
    wild, growing = _wild(graph, within), overflow.growing_nodes(graph)
    if not any(wild) and not any(growing):
        return graph
    tails = _Tails(GraphBuilder.of(graph))
    builder, places = tails.builder, list(range(len(graph)))
    for step in graph.applications:
        here = tuple([places[i] for i in step.operands])
        if step.function.name in TAILS and wild[step.operands[0]]:
            places[step.node] = tails.ended(step, here[0], within[step.operands[0]])
        elif (limited := overflow.limited(builder, step, here, growing)) is not None:
            places[step.node] = limited
        else:
            places[step.node] = tails.beside(step, here) if tails.gates else builder.again(step, here)
    return builder.finish([places[node] for node in graph.outputs])


def _wild(graph: Graph, within: list[Range]) -> list[bool]:
    """Which nodes have derivatives that may overflow where a saturating function of the node has its limit."""
    wild = [False] * len(graph)
    for node, function, operands, static in graph.applications:
        for operand in operands:
            if wild[operand]:
                wild[node] = True
                break
        else:
            name = function.name
            if name in TAME or name == "multiply" or all(operand in graph.constants for operand in operands):
                continue
            linear = name == "divide" and operands[-1] in graph.constants
            wild[node] = not linear and not _moderate(function, static, [within[operand] for operand in operands])
    return wild


def _moderate(function: Function, static: Sequence[Any], operands: Sequence[Range]) -> bool:
    """Whether the derivatives of a step are of moderate size wherever its operands can be."""
    if function.name == "power_integer":
        regular = static[0] <= LARGEST_MODERATE_EXPONENT
    else:
        regular = (function.regular or function.name in _ENTIRE) and not static
    return regular and all(low >= -MODERATE and high <= MODERATE for low, high in operands)


@dataclass(eq=False)
class _Tails:
    """A graph under construction; `gates`: (condition, value, operand of the function) of a node that is 0 or value."""

    builder: GraphBuilder
    gates: dict[int, tuple[int, int, int]] = field(default_factory=dict[int, tuple[int, int, int]])
    bounded: set[int] = field(default_factory=set[int])

    def ended(self, step: Application, u: int, within: Range) -> int:
        """A saturating function with those of its limits that its operand can reach."""
        b, name = self.builder, step.function.name
        result = b.apply(step.function, (u,), step.static)
        zeros: list[int] = []
        for below, tail in zip((True, False), TAILS[name], strict=True):
            if tail is None or (within[0] >= tail[0] if below else within[1] <= tail[0]):
                continue
            edge = b.constant(sp.Integer(tail[0]))
            beyond = b.call("less", u, edge) if below else b.call("less", edge, u)
            if tail[1] == 0:
                zeros.append(beyond)
            else:
                result = b.call("select", beyond, b.constant(sp.Integer(tail[1])), result)
        if not zeros:
            if name in _BOUNDED:
                self.bounded.add(result)
            return result
        return self._gate(zeros[0] if len(zeros) == 1 else b.call("or", *zeros), result, u)

    def beside(self, step: Application, operands: tuple[int, ...]) -> int:
        """exp(-1/x)*x**-2 is 0 where the exponential is, though the other factor may be infinite there."""
        b, name = self.builder, step.function.name
        gated = [node for node in operands if node in self.gates] if name in _PASSING else []
        if len(gated) != 1 or (name == "divide" and operands[1] in gated):
            return b.apply(step.function, operands, step.static)
        beyond, value, u = self.gates[gated[0]]
        rest = [node for node in operands if node not in gated]
        if rest and not self._poles_within(rest[0], u, name == "divide"):
            return b.apply(step.function, operands, step.static)
        inside = b.apply(step.function, tuple(value if n in gated else n for n in operands), step.static)
        return self._gate(beyond, inside, u)

    def _gate(self, beyond: int, inside: int, u: int) -> int:
        result = self.builder.call("select", beyond, self.builder.constant(sp.Integer(0)), inside)
        self.gates[result] = beyond, inside, u
        return result

    def _poles_within(self, factor: int, exponent: int, inverted: bool) -> bool:
        """Whether an algebraic factor can be infinite only where the exponent is: its inputs are divisors or powers."""
        inputs: set[int] = set()
        for node, inverse, name in self._below(factor, inverted, _INVERTING):
            if name == "input":
                inputs.add(node)
            elif name == "bounded" and not inverse:
                continue
            elif name not in _ALGEBRAIC and name != "constant":
                return False
        found = self._below(exponent, inverted=False, turning=_STEEP)
        return inputs <= {node for node, steep, name in found if steep and name == "input"}

    def _below(self, top: int, inverted: bool, turning: frozenset[str]) -> Iterator[tuple[int, bool, str]]:
        """Nodes below one, each with whether it stands in a divisor, or in what turns, and what it is, up to "many"."""
        pending, seen = [(top, inverted)], {(top, inverted)}
        while pending:
            node, inverse = pending.pop()
            if len(seen) > MOST_NODES:
                yield node, inverse, "many"
                return
            name, operands = self.builder.operation(node)
            if name in _BOUNDED or node in self.bounded:
                name, operands = "bounded", ()
            yield node, inverse, name
            for place, operand in enumerate(operands):
                turned = inverse or name in turning or (name == "divide" and place == 1)
                if (operand, turned) not in seen:
                    seen.add((operand, turned))
                    pending.append((operand, turned))
