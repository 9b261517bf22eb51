"""Where a function is certainly not regular: kinks, jumps, poles and ends of domains, certified and never guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from compare.certified.balls import Ball, Balls, rational
from symdiff.graph import Application, Graph

# operations on rational numbers that have a rational result, and the size up to which it is written out
RATIONAL = frozenset({"add", "subtract", "negate", "multiply", "divide", "power_integer", "power_negative", "abs"})
LARGEST_RATIONAL_BITS = 20_000


@dataclass(frozen=True)
class Fault:
    """Why there is no certain derivative at a point: `certain` if nothing is left open, and the node concerned."""

    what: str
    node: int
    certain: bool


def _to_integer(u: Any) -> Any:
    """Distance from the nearest integer: zero at one, and a ball around zero where the ball may hold one."""
    import flint

    half = flint.fmpq(1, 2)
    return u - (u + half).floor() if isinstance(u, flint.fmpq) else u - (u + flint.arb(half)).floor()


COMPARISONS = ("less", "less_equal", "equal", "unequal")
_TWO_ENDS = ("asin", "acos", "asec", "acsc")
# where these quantities vanish, the function turns, jumps or ends: the derivative there is a matter of both sides
TURNING: dict[str, Callable[..., tuple[Ball, str]]] = {
    "abs": lambda u: (u, "abs has its kink here"),
    "sign": lambda u: (u, "sign jumps here"),
    "heaviside": lambda u, *_: (u, "heaviside jumps here"),
    "maximum": lambda u, v: (u - v, "two arguments of Max tie"),
    "minimum": lambda u, v: (u - v, "two arguments of Min tie"),
    "sqrt": lambda u: (u, "sqrt has its infinite slope here"),
    "power_constant": lambda u: (u, "a fractional power has the end of its domain here"),
    **{name: lambda u, *_, name=name: (_to_integer(u), f"{name} jumps here") for name in ("floor", "ceiling", "frac")},
    "Mod": lambda u, v: (_to_integer(u / v) if v != 0 else v, "Mod jumps here"),
    "acot": lambda u: (u, "acot jumps here"),
    "atan2": lambda u, v: (v, "atan2 is undefined here") if v > 0 else (u, "atan2 jumps here"),
    "hypot": lambda u, v: (u * u + v * v, "hypot has its kink here"),
    "direction": lambda u, v: (u * u + v * v, "the direction is undefined here"),
    "real_cbrt": lambda u: (u, "the cube root has its infinite slope here"),
    **{name: lambda u, name=name: ((u - 1) * (u + 1), f"{name} has its infinite slope here") for name in _TWO_ENDS},
    **{name: lambda u, name=name: (u - 1, f"{name} has its infinite slope here") for name in ("acosh", "asech")},
    **dict.fromkeys(COMPARISONS, lambda u, v: (u - v, "a condition is at its boundary")),
}


def faults(
    graph: Graph, steps: Sequence[Application], values: Sequence[Balls], points: Sequence[Mapping[sp.Symbol, float]]
) -> dict[int, Fault]:
    """The first fault at each of the points that has one, among the steps that count there, front to back."""
    found: dict[int, Fault] = {}
    for step in steps:
        results = values[step.node].tolist()
        turns = step.function.name in TURNING or step.function.special_function
        if step.function.name in COMPARISONS and all(i in graph.constants for i in step.operands):
            # numbers do not move: such a condition has no other side, as of an index within the bounds of a sum
            turns = False
        for k, result in enumerate(results):
            fine = isinstance(result, bool) or (result is not None and result.is_finite())
            if k in found or (fine and not turns):
                continue
            operands = [values[i][k] for i in step.operands]
            fault = _fault(graph, step, operands, fine, points[k])
            if fault is not None:
                found[k] = fault
    return found


def _fault(
    graph: Graph, step: Application, operands: Sequence[Any], fine: bool, point: Mapping[sp.Symbol, float]
) -> Fault | None:
    name, node = step.function.name, step.node
    if name in TURNING:
        quantity, happens = TURNING[name](*operands)
        if quantity.is_zero():
            return Fault(happens, node, certain=True)
        if quantity.contains(0):
            exact = [rational_value(graph, point, i) for i in step.operands]
            if None not in exact and TURNING[name](*exact)[0] == 0:
                return Fault(happens, node, certain=True)
            return Fault(f"whether {happens} is open", node, certain=False)
    if fine and not step.function.special_function:
        return None
    if name == "select" and graph.constants.get(step.operands[1 if operands[0] else 2]) is sp.nan:
        return Fault("no condition of the Piecewise holds here", node, certain=True)
    for position, domain in enumerate(step.function.domain_of(step.static)):
        operand = operands[position]
        if domain.truth or not operand.is_finite():
            continue
        at = operand.str(10, radius=False)
        low, high = domain.gap or (0.0, 0.0)
        if operand < domain.low or operand > domain.high or (operand > low and operand < high):
            return Fault(f"{name} is outside its domain {domain} at {at}", node, certain=True)
        bounds = [bound for bound in (domain.low, domain.high, *domain.excluded) if operand.contains(bound)]
        if operand.is_exact() and any(operand == bound for bound in bounds):
            return Fault(f"{name} has a pole or an end of its domain {domain} at {at}", node, certain=True)
        exact_operand = rational_value(graph, point, step.operands[position]) if bounds else None
        if exact_operand is not None and any(exact_operand == rational(bound) for bound in bounds):
            return Fault(f"{name} has a pole or an end of its domain {domain} at {at}", node, certain=True)
        if domain.poles_from is not None and operand.contains_integer() and operand <= domain.poles_from:
            value = rational_value(graph, point, step.operands[position])
            if value is not None and value.q == 1:
                return Fault(f"{name} has a pole at {at}", node, certain=True)
    return None if fine else Fault(f"the value of {name} is not finite", node, certain=False)


def rational_value(graph: Graph, point: Mapping[sp.Symbol, float], node: int) -> Any:
    """Exact value of a node as `flint.fmpq`; None where an irrational operation enters, or it grows too long.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> g = graph_of([x / 10 - sp.Rational(3, 10)])
    >>> rational_value(g, {x: 3.0}, g.outputs[0])
    0
    """
    needed = {node}
    for step in reversed(graph.applications):
        if step.node in needed:
            needed.update(step.operands)
    known: dict[int, Any] = {}
    for i in needed:
        if i in graph.symbols:
            known[i] = rational(point[graph.symbols[i]])
        elif isinstance(constant := graph.constants.get(i), (sp.Rational, sp.Float)):
            known[i] = rational(constant)
    for step in graph.applications:
        if step.node not in needed:
            continue
        operands = [known.get(i) for i in step.operands]
        if step.function.name not in RATIONAL or None in operands or not _short(step, operands):
            continue
        if step.function.name in ("divide", "power_negative") and operands[-1] == 0:
            continue
        known[step.node] = step.function.ball(*operands, *step.static)
    return known.get(node)


def _short(step: Application, operands: Sequence[Any]) -> bool:
    power = next((n for n in step.static if isinstance(n, int)), 1)
    bits = sum(int(q.p).bit_length() + int(q.q).bit_length() for q in operands)
    return bits * power <= LARGEST_RATIONAL_BITS
