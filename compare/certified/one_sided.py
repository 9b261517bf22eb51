"""One-sided slopes at a kink, jump, pole or seam.

Along x + s*t (s = +1 or -1, t -> 0+) every node is expanded in powers of r, where t = r**root. Then Abs, Max and
conditions are decided by the sign of a leading coefficient, roots of something that vanishes become powers, and
removable poles cancel. The slope is the coefficient of t. Nothing is decided unless a ball decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from compare.certified import expansion
from compare.certified.balls import Ball, exact, rational
from compare.certified.expansion import ZERO, Expansion, NoExpansion, TooShort, expansion_of, polynomial
from compare.certified.one_sided_functions import STEPPING, smooth
from symdiff.function import Function
from symdiff.graph import Graph
from symdiff.precision import applied, working

PRECISION = 512
# t = r**root: square and cube roots, nested or mixed, need the larger ones
ROOTS = (1, 2, 3, 4, 6, 12)
# terms kept for each power of t: the longer expansions only where the shorter ones cancel
TERMS = (4, 16)


@dataclass(frozen=True)
class Side:
    """Slope on one side as a ball, or None with the reason."""

    slope: Ball | None
    note: str = ""

    @property
    def number(self) -> float | None:
        """The slope as a float, or None."""
        return None if self.slope is None else float(self.slope)


def slopes(graph: Graph, point: Mapping[sp.Symbol, float], wrt: sp.Symbol) -> tuple[Side, Side]:
    """Left and right derivative of the graph's first output in `wrt` at a point.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> [side.number for side in slopes(graph_of([sp.Abs(x)]), {x: 0.0}, x)]
    [-1.0, 1.0]
    >>> slopes(graph_of([sp.sqrt(x)]), {x: 0.0}, x)[1].note
    'infinite'
    """
    return _side(graph, point, wrt, -1), _side(graph, point, wrt, 1)


def common_slope(sides: tuple[Side, Side]) -> Ball | None:
    """The derivative, where both slopes exist and agree to within their enclosures; else None."""
    left, right = sides
    if left.slope is None or right.slope is None or not left.slope.overlaps(right.slope):
        return None
    with working(PRECISION):
        return left.slope.union(right.slope)


def value_at(graph: Graph, point: Mapping[sp.Symbol, float]) -> Ball:
    """Value of the first output at the point itself, ties decided exactly; NaN where there is none or it is open."""
    with working(PRECISION):
        return _value(graph, point)


def limit(graph: Graph, point: Mapping[sp.Symbol, float], wrt: sp.Symbol, sign: int) -> Ball | None:
    """Finite limit of the first output from one side along `wrt`, whatever its value at the point; None where none.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> float(limit(graph_of([sp.sin(x) / x]), {x: 0.0}, x, 1))
    1.0
    """
    for terms in TERMS:
        for root in ROOTS:
            with working(PRECISION, terms * root):
                try:
                    beside = _expand(graph, point, wrt, sign, root)
                    return None if not beside.empty and beside.shift < 0 else beside.coefficient(0)
                except TooShort:
                    continue
                except NoExpansion:
                    return None
    return None


def _side(graph: Graph, point: Mapping[sp.Symbol, float], wrt: sp.Symbol, sign: int) -> Side:
    for terms in TERMS:
        for root in ROOTS:
            with working(PRECISION, terms * root):
                try:
                    return _slope(_expand(graph, point, wrt, sign, root), _value(graph, point), root, sign)
                except TooShort:
                    continue
                except NoExpansion as reason:
                    return Side(None, str(reason))
    return Side(None, "no expansion in powers was found")


def _slope(function: Expansion, value: Ball, root: int, sign: int) -> Side:
    if not function.empty and function.shift < 0:
        return Side(None, "the function is unbounded")
    if not value.is_finite():
        return Side(None, "the function has no value at the point")
    if not function.coefficient(0).overlaps(value):
        return Side(None, "the function jumps")
    if not function.empty and 0 < function.shift < root:
        return Side(None, "infinite")
    for power in range(1, root):
        between = function.coefficient(power)
        if not between.is_zero():
            return Side(None, "whether it is finite is not decided" if between.contains(0) else "infinite")
    return Side(sign * function.coefficient(root))


def _value(graph: Graph, point: Mapping[sp.Symbol, float]) -> Ball:
    """The value at the point itself, ties decided exactly; NaN where there is none or it is open."""
    values: list[Any] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = exact(sp.Rational(point[symbol]))
    for node, constant in graph.constants.items():
        values[node] = exact(constant)
    for node, function, operands, static in graph.applications:
        form = _AT_THE_POINT.get(function.name, function.ball)
        values[node] = applied(form, [values[i] for i in operands], static)
    value = values[graph.outputs[0]]
    return exact(sp.nan) if value is None else value


def _expand(graph: Graph, point: Mapping[sp.Symbol, float], wrt: sp.Symbol, sign: int, root: int) -> Expansion:
    # what fails on a branch that is not taken is harmless, so it is passed along rather than raised
    values: list[Any] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        direction = [0] * (root - 1) + [sign] if symbol == wrt else []
        values[node] = polynomial([rational(point[symbol]), *direction])
    for node, constant in graph.constants.items():
        values[node] = _constant(constant)
    for node, function, operands, static in graph.applications:
        arguments = [values[i] for i in operands]
        if function.name == "select":
            condition, taken, otherwise = arguments
            values[node] = condition if isinstance(condition, Exception) else taken if condition else otherwise
            continue
        failed = next((argument for argument in arguments if isinstance(argument, Exception)), None)
        try:
            values[node] = failed or _applied(function, arguments, static)
        except (NoExpansion, TooShort) as reason:
            values[node] = reason
    result = values[graph.outputs[0]]
    if isinstance(result, Exception):
        raise result
    return result


def _applied(function: Function, operands: Sequence[Any], static: Sequence[Any]) -> Any:
    rule = _RULES.get(function.name)
    if rule is not None:
        return rule(*operands, *static)
    # a ball column may go on where the row does not
    for operand, domain in zip(operands, function.domain_of(static), strict=True):
        if isinstance(operand, Expansion) and not (operand.empty or operand.shift < 0):
            limit, (low, high) = operand.coefficient(0), domain.gap or (0.0, 0.0)
            if limit < domain.low or limit > domain.high or (limit > low and limit < high):
                raise NoExpansion("outside the domain")
    return smooth(function.ball)(*operands, *static)


def _constant(constant: sp.Basic) -> Expansion | bool | NoExpansion:
    if isinstance(constant, (sp.Rational, sp.Float)):
        return polynomial([rational(constant)])
    number = exact(constant)
    if isinstance(number, bool):
        return number
    return NoExpansion("no condition of the Piecewise holds") if number.is_nan() else polynomial([number])


def _power(u: Expansion, exponent: Any) -> Expansion:
    return expansion.power(u, Fraction(sp.Rational(exponent)))


def _general_power(u: Expansion, v: Expansion) -> Expansion:
    exponent = v.constant
    if exponent is not None:
        exactly = _as_fraction(exponent)
        if exactly is not None:
            return expansion.power(u, exactly)
    if u.empty and u.exact and v.shift == 0 and v.sign > 0:
        return ZERO
    if u.sign <= 0:
        raise NoExpansion("outside the domain")
    return expansion_of((u.full().log() * v.full()).exp())


def _as_fraction(number: Any) -> Fraction | None:
    import flint

    if isinstance(number, flint.arb):
        if not number.is_exact():
            return None
        mantissa, binary = number.man_exp()
        return Fraction(int(mantissa)) * Fraction(2) ** int(binary)
    return Fraction(number) if isinstance(number, int) else Fraction(int(number.p), int(number.q))


def _difference(u: Expansion, v: Expansion) -> int:
    return expansion.total(u, expansion.negative(v)).sign


def _compare(holds: Callable[[int], bool]) -> Callable[[Expansion, Expansion], bool]:
    return lambda u, v: holds(_difference(u, v))


def _step(u: Expansion, values: Sequence[Any]) -> Expansion:
    return polynomial([rational(sp.Rational(values[u.sign + 1]))])


_RULES: dict[str, Callable[..., Any]] = {
    **STEPPING,
    "add": expansion.total,
    "subtract": lambda u, v: expansion.total(u, expansion.negative(v)),
    "negate": expansion.negative,
    "multiply": expansion.product,
    "divide": expansion.quotient,
    "power_integer": _power,
    "power_negative": lambda u, n: _power(u, -n),
    "power_constant": _power,
    "power": _general_power,
    "sqrt": lambda u: _power(u, sp.Rational(1, 2)),
    "abs": lambda u: u if u.empty else expansion.negative(u) if u.sign < 0 else u,
    "sign": lambda u: _step(u, (-1, 0, 1)),
    "heaviside": lambda u, h: _step(u, (0, h, 1)),
    "maximum": lambda u, v: v if _difference(u, v) < 0 else u,
    "minimum": lambda u, v: u if _difference(u, v) < 0 else v,
    "less": _compare(lambda sign: sign < 0),
    "less_equal": _compare(lambda sign: sign <= 0),
    "equal": _compare(lambda sign: sign == 0),
    "unequal": _compare(lambda sign: sign != 0),
    "and": lambda p, q: p and q,
    "or": lambda p, q: p or q,
    "not": lambda p: not p,
}


def _power_at(u: Ball, v: Ball) -> Ball:
    exponent = _as_fraction(v)
    if exponent is not None and exponent.denominator == 1 and not u > 0:
        return u ** int(exponent)
    return u if u.is_zero() and v > 0 else (u.log() * v).exp()


# where the `ball` column leaves out an end of the domain, or the value at a jump
_AT_THE_POINT: dict[str, Callable[..., Ball]] = {
    "power": _power_at,
    "heaviside": lambda u, h: exact(sp.Rational(h)) if u.is_zero() else (1 + u.sgn()) / 2,
}
