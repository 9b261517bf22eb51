"""Expansions of functions that step, jump or saturate beside a point; the smooth ones need no rule of their own."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from compare.certified import expansion
from compare.certified.balls import rational
from compare.certified.expansion import Expansion, NoExpansion, TooShort, expansion_of, polynomial
from symdiff.functions import FUNCTIONS
from symdiff.precision import applied


def smooth(form: Callable[..., Any]) -> Callable[..., Expansion]:
    """The rule of a function that has a power series at the limit of its operands."""

    def rule(*arguments: Any) -> Expansion:
        operands = [a for a in arguments if isinstance(a, Expansion)]
        static = [a for a in arguments if not isinstance(a, Expansion)]
        constant = all(u.constant is not None for u in operands)
        found = applied(form, [u.full() for u in operands], static)
        if not hasattr(found, "coeffs"):
            raise NoExpansion("the function has no expansion here")
        return expansion_of(found, exact=constant)

    return rule


def saturating(name: str, low: int | None, high: int | None) -> Callable[[Expansion], Expansion]:
    """A function with limits at both infinities, approached faster than any power; None where it is unbounded."""

    def rule(u: Expansion) -> Expansion:
        if u.shift >= 0:
            return smooth(FUNCTIONS[name].ball)(u)
        limit = high if u.sign > 0 else low
        if limit is None:
            raise NoExpansion("unbounded")
        return expansion.total(polynomial([limit]), expansion.FLAT)

    return rule


def _minus(u: Expansion, v: Expansion) -> Expansion:
    return expansion.total(u, expansion.negative(v))


def _floor(u: Expansion) -> Expansion:
    """The integer below, just beside the point."""
    if u.shift < 0:
        raise NoExpansion("the integer part of something unbounded")
    limit = u.coefficient(0)
    below = limit.floor()
    whole = below.unique_fmpz()
    if whole is None:
        raise TooShort
    if limit.is_exact() and limit.is_integer() and _minus(u, polynomial([rational(float(limit))])).sign < 0:
        whole -= 1
    return polynomial([int(whole)])


def _quarter(sign: int) -> Expansion:
    import flint

    return polynomial([sign * flint.arb.pi() / 2])


def _atan(u: Expansion) -> Expansion:
    """atan, also of something unbounded, where it is pi/2 less the atan of the inverse."""
    if u.shift >= 0:
        return smooth(FUNCTIONS["atan"].ball)(u)
    return _minus(_quarter(u.sign), _atan(expansion.quotient(polynomial([1]), u)))


def _atan2(u: Expansion, v: Expansion) -> Expansion:
    if v.sign > 0:
        return _atan(expansion.quotient(u, v))
    side = _quarter(-1 if u.sign < 0 else 1)
    if v.sign == 0:
        return polynomial([0]) if u.sign == 0 else side
    return expansion.total(_atan(expansion.quotient(u, v)), expansion.total(side, side))


def _hypot(u: Expansion, v: Expansion) -> Expansion:
    squares = expansion.total(expansion.product(u, u), expansion.product(v, v))
    return expansion.power(squares, Fraction(1, 2))


def _real_cbrt(u: Expansion) -> Expansion:
    third = Fraction(1, 3)
    return (
        expansion.negative(expansion.power(expansion.negative(u), third)) if u.sign < 0 else expansion.power(u, third)
    )


STEPPING: dict[str, Callable[..., Any]] = {
    "floor": _floor,
    "ceiling": lambda u: expansion.negative(_floor(expansion.negative(u))),
    "frac": lambda u: _minus(u, _floor(u)),
    "Mod": lambda u, v: _minus(u, expansion.product(v, _floor(expansion.quotient(u, v)))),
    "atan": _atan,
    # pi/2 at 0 itself: a function that is 0 throughout counts as positive
    "acot": lambda u: _minus(_quarter(-1 if u.sign < 0 else 1), _atan(u)),
    "atan2": _atan2,
    "hypot": _hypot,
    "direction": lambda u, v: expansion.quotient(u, _hypot(u, v)),
    "real_cbrt": _real_cbrt,
    "coth": lambda u: expansion.quotient(polynomial([1]), saturating("tanh", -1, 1)(u)),
    "csch": lambda u: expansion.quotient(polynomial([1]), saturating("sinh", None, None)(u)),
    "sech": saturating("sech", 0, 0),
    "tanh": saturating("tanh", -1, 1),
    "exp": saturating("exp", 0, None),
    "expm1": saturating("expm1", -1, None),
    "softplus": saturating("softplus", 0, None),
    "sigmoid": saturating("sigmoid", 0, 1),
    "xor": lambda p, q: p != q,
}
