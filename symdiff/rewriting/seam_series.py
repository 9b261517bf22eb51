"""Expansions of a graph about a removable point, to know the derivatives that a branch of one value hides.

Near u = a every node is a truncated Laurent series c_m*t**m + c_{m+1}*t**(m+1) + ... in t = u - a with exact SymPy
coefficients. A product, quotient or whole power follows from the coefficients; a smooth function from its own Taylor
series at c_0 (Knuth, The Art of Computer Programming 2, 4.7). What is not decided, as whether a symbol is zero, gives
no expansion.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import sympy as sp

from symdiff.function import Function
from symdiff.functions import FUNCTIONS
from symdiff.graph import Static

# terms kept: two derivatives are left where five have cancelled
TERMS = 8
_KINKED = frozenset(
    ("abs", "sign", "heaviside", "floor", "ceiling", "frac", "maximum", "minimum", "acot", "real_cbrt", "not", "xor")
)


class NoSeriesError(Exception):
    """There is no expansion, or none that is known."""


@dataclass(frozen=True)
class Series:
    """Coefficients of t**shift, t**(shift + 1), ..., as many as are known; the first is not 0, unless there is none."""

    shift: int
    terms: tuple[sp.Expr, ...]

    def coefficient(self, power: int) -> sp.Expr:
        """The coefficient of a power of t; NoSeriesError beyond the known ones."""
        if power >= self.shift + len(self.terms):
            raise NoSeriesError
        return sp.S.Zero if power < self.shift else self.terms[power - self.shift]

    @property
    def leading(self) -> sp.Expr:
        """The first coefficient, certainly not 0."""
        if not self.terms or not self.terms[0].is_number:
            raise NoSeriesError
        return self.terms[0]


def constant(value: sp.Expr) -> Series:
    """A number, or a symbol that does not move with t."""
    return _series(0, [value] + [sp.S.Zero] * (TERMS - 1))


def moving(start: sp.Expr) -> Series:
    """Start + t."""
    return _series(0, [start, sp.S.One] + [sp.S.Zero] * (TERMS - 2))


def _vanishes(c: sp.Expr) -> bool:
    # 0 to 45 digits is a 0 that SymPy did not see
    return c == 0 or bool(c.is_number and abs(sp.N(c, 60)) < sp.Float("1e-45", 60))


def _series(shift: int, terms: list[sp.Expr]) -> Series:
    if any(c.has(sp.nan, sp.zoo, sp.oo, sp.I) for c in terms):
        raise NoSeriesError
    lead = next((k for k, c in enumerate(terms) if not _vanishes(c)), len(terms))
    return Series(shift + lead, tuple(terms[lead : lead + TERMS]))


def _total(u: Series, v: Series, sign: int = 1) -> Series:
    low = min(u.shift, v.shift)
    end = min(u.shift + len(u.terms), v.shift + len(v.terms))
    return _series(low, [u.coefficient(k) + sign * v.coefficient(k) for k in range(low, end)])


def _product(u: Series, v: Series) -> Series:
    count = min(len(u.terms), len(v.terms))
    terms = [sp.Add(*(u.terms[i] * v.terms[k - i] for i in range(k + 1))) for k in range(count)]
    return _series(u.shift + v.shift, terms)


def _quotient(u: Series, v: Series) -> Series:
    lead, count = v.leading, min(len(u.terms), len(v.terms))
    terms: list[sp.Expr] = []
    for k in range(count):
        terms.append((u.terms[k] - sp.Add(*(terms[i] * v.terms[k - i] for i in range(k)))) / lead)
    return _series(u.shift - v.shift, terms)


def _power(u: Series, exponent: int) -> Series:
    result, square, left = constant(sp.S.One), u, abs(exponent)
    while left:
        if left % 2:
            result = _product(result, square)
        square, left = _product(square, square), left // 2
    return result if exponent >= 0 else _quotient(constant(sp.S.One), result)


@lru_cache(maxsize=512)
def _derivative(function: Function, static: Static, order: int) -> tuple[sp.Symbol, sp.Expr]:
    u = sp.Dummy("u", real=True)
    if order == 0:
        return u, function.sympy(u, *map(sp.sympify, static))
    inner, known = _derivative(function, static, order - 1)
    return inner, sp.diff(known, inner)


def _smooth(function: Function, static: Static, u: Series) -> Series:
    """f(c_0 + d) as the sum of f^(k)(c_0)/k!*d**k."""
    if function.name in _KINKED or function.arity != 1 or u.shift < 0:
        raise NoSeriesError
    start = u.coefficient(0)
    (domain,) = function.domain_of(static)
    everywhere = domain.low == -math.inf and domain.high == math.inf and not domain.excluded and domain.gap is None
    if not everywhere and not (start.is_number and domain.low < start < domain.high):
        raise NoSeriesError
    step = _series(0, [sp.S.Zero, *(u.coefficient(k) for k in range(1, u.shift + len(u.terms)))])
    # an operand that starts at t**m is known beyond TERMS powers of t, but not needed there
    result, power = None, constant(sp.S.One)
    for k in range(TERMS):
        variable, derivative = _derivative(function, static, k)
        c = derivative.subs(variable, start)
        if c.has(sp.Derivative, sp.Subs, sp.Integral, sp.DiracDelta, sp.AccumBounds):
            raise NoSeriesError
        term = _product(constant(c / sp.factorial(k)), power) if c != 0 else None
        if term is not None:
            result = term if result is None else _total(result, term)
        power = _product(power, step)
        if not power.terms or power.shift >= TERMS:
            break
    if result is None:
        raise NoSeriesError
    end = u.shift + len(u.terms)
    return _series(result.shift, list(result.terms)[: max(0, end - result.shift)])


def _compared(name: str, u: Series, v: Series) -> bool:
    """Whether a comparison holds on both sides of the point."""
    difference = _total(u, v, -1)
    lead = difference.leading
    if difference.shift % 2 and name in ("less", "less_equal"):
        raise NoSeriesError
    return {"equal": False, "unequal": True}.get(name, bool(lead < 0))


def _common(u: Any, v: Any) -> Series:
    if not isinstance(u, Series) or not isinstance(v, Series) or _total(u, v, -1).terms:
        raise NoSeriesError
    return u if len(u.terms) <= len(v.terms) else v


def applied(function: Function, operands: list[Any], static: Static) -> Any:
    """The series of a function of series, or the truth of a condition; raises NoSeriesError."""
    name = function.name
    if name == "select":
        condition, taken, otherwise = operands
        if isinstance(condition, NoSeriesError):
            # two forms of one function, each for its own side
            return _common(taken, otherwise)
        chosen = taken if condition else otherwise
        if isinstance(chosen, NoSeriesError):
            raise chosen
        return chosen
    failed = next((u for u in operands if not isinstance(u, Series)), None)
    if failed is not None:
        raise failed if isinstance(failed, NoSeriesError) else NoSeriesError
    rule = _RULES.get(name)
    return _smooth(function, static, operands[0]) if rule is None else rule(*operands, *static)


def _absolute(u: Series) -> Series:
    if u.shift % 2:
        raise NoSeriesError
    return u if u.leading > 0 else _negative(u)


def _negative(u: Series) -> Series:
    return _product(constant(sp.S.NegativeOne), u)


def _root(u: Series) -> Series:
    return _smooth(FUNCTIONS["sqrt"], (), u)


_RULES: dict[str, Callable[..., Any]] = {
    "add": _total,
    "subtract": lambda u, v: _total(u, v, -1),
    "negate": _negative,
    "multiply": _product,
    "divide": _quotient,
    "power_integer": lambda u, n: _power(u, int(n)),
    "power_negative": lambda u, n: _power(u, -int(n)),
    "abs": _absolute,
    "hypot": lambda u, v: _root(_total(_product(u, u), _product(v, v))),
    "sinc": lambda u: _quotient(_smooth(FUNCTIONS["sin"], (), u), u),
    **{name: partial(_compared, name) for name in ("less", "less_equal", "equal", "unequal")},
}
