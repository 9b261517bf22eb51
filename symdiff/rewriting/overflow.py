"""Operands that overflow: a function that falls off algebraically takes its limit where its operand is infinite.

A function whose slope falls as the inverse square of its operand v, as those of atan(v) and 1/v do, has the slope
v'/v**2 = (log v)'/v: where v itself overflows that is below the normal numbers, unless (log v)' is huge. By the chain
rule it would be 0*inf. Only operands made of functions that grow exponentially are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symdiff.graph import Application, Graph
from symdiff.graph_builder import GraphBuilder

# what grows so that it overflows, with its derivatives, at operands of moderate size
GROWING = frozenset(
    ("exp", "exp2", "expm1", "sinh", "cosh", "gamma", "factorial", "erfi", "besseli", "airybi", "Ei", "Chi", "Shi")
)
# limits at infinity: 0, pi/2 with the sign of the operand, pi/2, or the angle of an axis
FLAT = {
    **dict.fromkeys(("acot", "acsc", "acoth", "acsch", "power_negative", "divide"), "zero"),
    "atan": "odd",
    "asec": "half pi",
    "atan2": "angle",
}
# a larger dividend over an overflowed divisor is not left to be nothing
LARGEST_DIVIDEND = 2**24
# the largest double: a comparison with it is in doubt only where a number is about to overflow
LARGEST = sp.Integer((2**53 - 1) * 2**971)
# bounded, or growing as a logarithm does
_CALM = FLAT.keys() | frozenset(
    (
        *("sin", "cos", "tanh", "coth", "sigmoid", "erf", "sinc", "sech", "csch", "erfc", "sign", "heaviside"),
        *("log", "log1p", "log2", "log10", "asinh", "acosh", "loggamma", "LambertW"),
    )
)


def growing_nodes(graph: Graph) -> list[bool]:
    """Which nodes may overflow where their inputs are of moderate size."""
    growing = [False] * len(graph)
    for node, function, operands, _ in graph.applications:
        name = function.name
        if name in GROWING and operands[0] not in graph.constants:
            growing[node] = True
            continue
        for operand in operands[:1] if name == "divide" else () if name in _CALM else operands:
            if growing[operand]:
                growing[node] = True
                break
    return growing


def limited(b: GraphBuilder, step: Application, operands: tuple[int, ...], growing: Sequence[bool]) -> int | None:
    """The node of one step with its limit at infinity; None where it has none or its operands do not overflow."""
    if step.function.name not in FLAT:
        return None
    moving = [growing[operand] for operand in step.operands]
    if not any(moving):
        return None
    if step.function.name == "atan2":
        return _angle(b, step, operands, moving)
    return _fallen(b, step, operands) if moving[-1] else None


def _fallen(b: GraphBuilder, step: Application, operands: tuple[int, ...]) -> int:
    """A function that falls off algebraically, with its limit where its operand, or divisor, is infinite."""
    v, kind = operands[-1], FLAT[step.function.name]
    beyond = _infinite(b, v, operands[0] if step.function.name == "divide" else None)
    limit = b.constant(sp.Integer(0) if kind == "zero" else sp.pi / 2)
    limit = _signed(b, v, limit) if kind == "odd" else limit
    return b.call("select", beyond, limit, b.apply(step.function, operands, step.static))


def _angle(b: GraphBuilder, step: Application, operands: tuple[int, ...], growing: Sequence[bool]) -> int:
    """The angle of a point of which one coordinate is infinite."""
    u, v = operands
    result = b.apply(step.function, operands)
    if growing[0]:
        upright = _signed(b, u, b.constant(sp.pi / 2))
        result = b.call("select", _infinite(b, u, v), upright, result)
    if growing[1]:
        zero = b.constant(sp.Integer(0))
        flat = b.call("select", b.call("less", zero, v), zero, _signed(b, u, b.constant(sp.pi)))
        result = b.call("select", _infinite(b, v, u), flat, result)
    return result


def _infinite(b: GraphBuilder, v: int, beside: int | None) -> int:
    """Whether a node has overflowed, and another one is of moderate size beside it."""
    # in a narrower dtype the largest double is infinite; NaN is not beyond it
    beyond = b.call("less_equal", b.constant(LARGEST), b.call("abs", v))
    if beside is None or _moderate(b.value_of(beside)):
        return beyond
    return b.call("and", beyond, b.call("less", b.call("abs", beside), b.constant(sp.Integer(LARGEST_DIVIDEND))))


def _signed(b: GraphBuilder, v: int, size: int) -> int:
    # by a condition, for through that nothing flows
    return b.call("select", b.call("less", b.constant(sp.Integer(0)), v), size, b.call("negate", size))


def _moderate(value: sp.Basic | None) -> bool:
    return value is not None and bool(sp.Abs(value) < LARGEST_DIVIDEND)
