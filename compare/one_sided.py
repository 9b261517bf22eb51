"""One-sided slopes at a kink, jump, pole or seam, from truncated power series in ball arithmetic.

Along x + s*t (s = +1 or -1, t -> 0+) every node is expanded as r**shift * (c0 + c1*r + ...), where t = r**root; then Abs, Max and
conditions are decided by the sign of a leading coefficient, sqrt and fractional powers by shifts that stay whole, and removable
poles cancel. The slope is the coefficient of t. Nothing is decided unless a ball decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from compare.referee import Ball, exact
from symdiff.graph import Graph

PRECISION = 512
# t = r**root: square and cube roots, nested or mixed, need the larger ones
ROOTS = (1, 2, 3, 4, 6, 12)
ORDER = 4


class NoSlope(Exception):  # noqa: N818 - a signal within this module
    """There is no expansion: the message says why."""


class NotWhole(Exception):  # noqa: N818 - a signal within this module
    """A root of an odd shift: try a larger `root`."""


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
    left, right = _side(graph, point, wrt, -1), _side(graph, point, wrt, 1)
    return Side(None if left.slope is None else -left.slope, left.note), right


def common_slope(sides: tuple[Side, Side]) -> Ball | None:
    """The derivative, where both slopes exist and agree to within their enclosures; else None."""
    left, right = sides
    if left.slope is None or right.slope is None or not left.slope.overlaps(right.slope):
        return None
    return left.slope.union(right.slope)


def _side(graph: Graph, point: Mapping[sp.Symbol, float], wrt: sp.Symbol, sign: int) -> Side:
    import flint

    with flint.ctx.workprec(PRECISION):
        for root in ROOTS:
            flint.ctx.cap = ORDER * root
            try:
                expansion = _expand(graph, point, wrt, sign, root)
            except NotWhole:
                continue
            except NoSlope as reason:
                return Side(None, str(reason))
            try:
                return _slope(expansion, _value(graph, point), root)
            except NoSlope as reason:
                return Side(None, str(reason))
    return Side(None, "no expansion in fractional powers was found")


def _slope(expansion: Expansion, value: Ball, root: int) -> Side:
    limit = expansion.coefficient(0)
    if expansion.shift < 0 and not expansion.zero:
        return Side(None, "the function is unbounded")
    if not value.is_finite():
        return Side(None, "the function has no value at the point")
    if not limit.overlaps(value):
        return Side(None, "the function jumps")
    for power in range(1, root):
        if not expansion.coefficient(power).is_zero():
            return Side(None, "infinite")
    return Side(expansion.coefficient(root))


def _value(graph: Graph, point: Mapping[sp.Symbol, float]) -> Ball:
    """The value at the point itself, ties decided exactly; NaN where there is none or it is open."""
    values: list[Any] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = exact(sp.Rational(point[symbol]))
    for node, constant in graph.constants.items():
        values[node] = exact(constant)
    for node, function, operands, static in graph.applications:
        values[node] = function.ball(*(values[i] for i in operands), *static)
    value = values[graph.outputs[0]]
    return exact(sp.nan) if value is None else value


@dataclass(frozen=True)
class Expansion:
    """r**shift * series, the leading coefficient certainly not zero; or exactly zero (to every order)."""

    shift: int
    series: Any
    zero: bool = False

    def coefficient(self, power: int) -> Ball:
        """Coefficient of r**power."""
        if self.zero or power < self.shift:
            return exact(sp.Integer(0))
        return self.series[power - self.shift]

    def full(self) -> Any:
        """The power series itself, for a function that is smooth at the limit; raises NoSlope at a pole."""
        import flint

        if self.zero:
            return flint.arb_series([0])
        if self.shift < 0:
            raise NoSlope("a function of something unbounded has no expansion")
        return self.series * flint.arb_series([0] * self.shift + [1])

    @property
    def sign(self) -> int:
        """Sign just beside the point: that of the leading coefficient."""
        if self.zero:
            return 0
        lead = self.series[0]
        if lead.contains(0):
            raise NoSlope("a sign beside the point is not decided")
        return 1 if lead > 0 else -1


def expansion_of(series: Any, shift: int = 0) -> Expansion:
    """Strip exact zeros from the front of a series."""
    import flint

    coefficients = series.coeffs()
    lead = next((k for k, c in enumerate(coefficients) if not c.is_zero()), None)
    if lead is None:
        return Expansion(0, flint.arb_series([0]), zero=True)
    if not all(c.is_finite() for c in coefficients):
        raise NoSlope("the function has no expansion here")
    if coefficients[lead].contains(0):
        raise NoSlope("whether a leading coefficient is zero is not decided")
    return Expansion(shift + lead, flint.arb_series(coefficients[lead:]))


def _expand(graph: Graph, point: Mapping[sp.Symbol, float], wrt: sp.Symbol, sign: int, root: int) -> Expansion:
    import flint

    values: list[Any] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        line = [exact(sp.Rational(point[symbol]))] + ([0] * (root - 1) + [sign] if symbol == wrt else [])
        values[node] = expansion_of(flint.arb_series(line))
    for node, constant in graph.constants.items():
        number = exact(constant)
        values[node] = number if isinstance(number, bool) else NoSlope("no value") if number.is_nan() else expansion_of(flint.arb_series([number]))
    for node, function, operands, static in graph.applications:
        arguments = [values[i] for i in operands]
        if function.name == "select":
            condition, taken, otherwise = arguments
            values[node] = condition if isinstance(condition, NoSlope) else taken if condition else otherwise
            continue
        failed = [argument for argument in arguments if isinstance(argument, NoSlope)]
        if failed:
            # harmless on a branch that is not taken, so it is passed along rather than raised
            values[node] = failed[0]
            continue
        try:
            rule = _RULES.get(function.name)
            values[node] = rule(*arguments, *static) if rule else expansion_of(function.ball(*(a.full() for a in arguments), *static))
        except NoSlope as reason:
            values[node] = reason
    result = values[graph.outputs[0]]
    if isinstance(result, NoSlope):
        raise result
    return result


def _add(u: Expansion, v: Expansion) -> Expansion:
    import flint

    if u.zero or v.zero:
        return v if u.zero else u
    low = min(u.shift, v.shift)
    a, b = (e.series * flint.arb_series([0] * (e.shift - low) + [1]) for e in (u, v))
    return expansion_of(a + b, low)


def _negate(u: Expansion) -> Expansion:
    return u if u.zero else Expansion(u.shift, -u.series)


def _multiply(u: Expansion, v: Expansion) -> Expansion:
    return u if u.zero else v if v.zero else expansion_of(u.series * v.series, u.shift + v.shift)


def _divide(u: Expansion, v: Expansion) -> Expansion:
    if v.zero:
        raise NoSlope("division by zero")
    return u if u.zero else expansion_of(u.series / v.series, u.shift - v.shift)


def _power(u: Expansion, exponent: Any) -> Expansion:
    c = Fraction(int(exponent.p), int(exponent.q)) if isinstance(exponent, sp.Rational) else Fraction(exponent)
    if u.zero:
        if c <= 0:
            raise NoSlope("a power of zero that is not positive")
        return u
    if c.denominator > 1 and u.sign < 0:
        raise NoSlope("outside the domain")
    shift = u.shift * c
    if shift.denominator > 1:
        raise NotWhole
    import flint

    if c.denominator == 1:
        return expansion_of(u.series ** int(c), int(shift))
    return expansion_of((u.series.log() * flint.arb(flint.fmpq(c.numerator, c.denominator))).exp(), int(shift))


def _general_power(u: Expansion, v: Expansion) -> Expansion:
    import flint

    exponent = v.series[0]
    if not v.zero and v.shift == 0 and v.series.length() == 1 and exponent.is_exact():
        mantissa, binary = exponent.man_exp()
        return _power(u, Fraction(int(mantissa)) * Fraction(2) ** int(binary))
    if u.sign <= 0:
        raise NoSlope("outside the domain")
    return expansion_of((flint.arb_series(u.full()).log() * v.full()).exp())


def _saturating(name: str, low: Any, high: Any) -> Callable[[Expansion], Expansion]:
    """A function with limits at both infinities, approached faster than any power."""
    import flint

    from symdiff.functions import FUNCTIONS

    def rule(u: Expansion) -> Expansion:
        if u.zero or u.shift >= 0:
            return expansion_of(FUNCTIONS[name].ball(u.full()))
        limit = high if u.sign > 0 else low
        if limit is None:
            raise NoSlope("unbounded")
        return expansion_of(flint.arb_series([limit]))

    return rule


def _compare(holds: Callable[[int], bool]) -> Callable[[Expansion, Expansion], bool]:
    return lambda u, v: holds(_add(u, _negate(v)).sign)


def _step(u: Expansion, *values: Any) -> Expansion:
    import flint

    return expansion_of(flint.arb_series([exact(sp.sympify(values[u.sign + 1]))]))


_RULES: dict[str, Callable[..., Any]] = {
    "add": _add,
    "subtract": lambda u, v: _add(u, _negate(v)),
    "negate": _negate,
    "multiply": _multiply,
    "divide": _divide,
    "power_integer": _power,
    "power_negative": lambda u, n: _power(u, -n),
    "power_constant": _power,
    "power": _general_power,
    "sqrt": lambda u: _power(u, sp.Rational(1, 2)),
    "exp": lambda u: _saturating("exp", 0, None)(u),
    "tanh": lambda u: _saturating("tanh", -1, 1)(u),
    "sigmoid": lambda u: _saturating("sigmoid", 0, 1)(u),
    "abs": lambda u: _negate(u) if u.sign < 0 else u,
    "sign": lambda u: _step(u, -1, 0, 1),
    "heaviside": lambda u, h: _step(u, 0, h, 1),
    "maximum": lambda u, v: v if _add(u, _negate(v)).sign < 0 else u,
    "minimum": lambda u, v: u if _add(u, _negate(v)).sign < 0 else v,
    "less": _compare(lambda sign: sign < 0),
    "less_equal": _compare(lambda sign: sign <= 0),
    "equal": _compare(lambda sign: sign == 0),
    "unequal": _compare(lambda sign: sign != 0),
    "and": lambda p, q: p and q,
    "or": lambda p, q: p or q,
    "not": lambda p: not p,
}
