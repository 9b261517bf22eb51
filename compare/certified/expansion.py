"""Expansions beside a point: r**shift * (c0 + c1*r + ...), r -> 0+, in balls or, where possible, in rational numbers.

A power series of python-flint holds the coefficients and how many of them are known; the leading one is certainly not
zero. So cancellation costs terms, as it must, and what is not known is never taken for zero. The shift may be negative
at a pole and a fraction under a root.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from compare.certified.balls import Ball

Series = Any  # flint.arb_series or flint.fmpq_series
# rational coefficients that grow longer than this are rounded to balls, and higher powers are taken of balls
LONGEST_RATIONAL_BITS = 4096
LARGEST_RATIONAL_POWER = 64


class NoExpansion(Exception):  # noqa: N818 - a signal that `one_sided` turns into a note
    """There is no expansion in powers: the message says why."""


class TooShort(Exception):  # noqa: N818 - the same: more terms may help
    """Everything that is known has cancelled."""


@dataclass(frozen=True, eq=False)
class Expansion:
    """A function of r > 0 near 0.

    `exact`: it is the polynomial that is written, and does not only begin with it. With an empty `series` it is
    O(r**shift), of unknown sign, or, if exact, zero; infinite `shift` is for what is smaller than every power, as
    exp(-1/r) is.
    """

    shift: Fraction | float
    series: Series
    exact: bool

    @property
    def empty(self) -> bool:
        """Whether no coefficient is known not to be zero."""
        return self.series is None

    @property
    def constant(self) -> Ball | None:
        """The value of what is certainly a constant, else None."""
        if self.empty:
            return 0 if self.exact else None
        return self.series[0] if self.exact and self.shift == 0 and self.series.length() == 1 else None

    @property
    def sign(self) -> int:
        """Sign just beside the point: that of the leading coefficient."""
        if not self.empty:
            return 1 if self.series[0] > 0 else -1
        if self.exact:
            return 0
        raise TooShort

    def coefficient(self, power: int) -> Ball:
        """Coefficient of r**power."""
        place = power - self.shift
        beyond = self.empty or place >= self.series.length()
        if place < 0 or (self.exact and beyond):
            return ball(0)
        if self.empty or place >= self.series.prec:
            raise TooShort
        return ball(self.series[int(place)] if place == int(place) else 0)

    def full(self) -> Series:
        """The power series in r itself, in balls, for a function that is smooth at the limit."""
        import flint

        cap = flint.ctx.cap
        if self.exact and self.empty:
            return flint.arb_series([0], cap)
        if self.shift < 0:
            raise NoExpansion("a function of something unbounded has no expansion")
        ahead = cap if self.shift >= cap else math.ceil(self.shift)
        if self.empty or ahead != self.shift:
            if ahead == 0:
                raise TooShort
            return flint.arb_series([0] * ahead, ahead)
        known = cap if self.exact else min(cap, ahead + self.series.prec)
        return flint.arb_series([0] * ahead + self.series.coeffs(), known)


def ball(number: Any) -> Ball:
    """A coefficient, rational or a ball already, as a ball."""
    import flint

    return number if isinstance(number, flint.arb) else flint.arb(number)


ZERO = Expansion(0.0, None, exact=True)
FLAT = Expansion(math.inf, None, exact=False)


def expansion_of(series: Series, shift: Fraction | float = Fraction(0), *, exact: bool = False) -> Expansion:
    """Strip zeros from the front of a series; `exact` if it is all of the function.

    Raises NoExpansion where a coefficient is not finite, or the leading one not certainly different from zero.
    """
    import flint

    coefficients: Any = series.coeffs()
    lead = next((k for k, c in enumerate(coefficients) if not _vanishes(c)), None)
    if lead is None:
        return ZERO if exact else Expansion(shift + series.prec, None, exact=False)
    kind: Any = type(series)
    known = series.prec - (0 if exact else lead)
    if kind is flint.fmpq_series:
        if max(int(c.p).bit_length() + int(c.q).bit_length() for c in coefficients) > LONGEST_RATIONAL_BITS:
            kind, coefficients = flint.arb_series, [flint.arb(c) for c in coefficients]
    elif not all(c.is_finite() for c in coefficients):
        raise NoExpansion("the function has no expansion here")
    elif coefficients[lead].contains(0):
        raise NoExpansion("whether a leading coefficient is zero is not decided")
    return Expansion(shift + lead, kind(coefficients[lead:], prec=known), exact)


def _vanishes(coefficient: Any) -> bool:
    return bool(coefficient == 0)


def polynomial(coefficients: Sequence[Any]) -> Expansion:
    """A polynomial in r: rational numbers, or balls of constants."""
    import flint

    rational = all(isinstance(c, (int, flint.fmpq)) for c in coefficients)
    kind: Any = flint.fmpq_series if rational else flint.arb_series
    return expansion_of(kind(list(coefficients), prec=flint.ctx.cap), exact=True)


def _alike(a: Series, b: Series) -> tuple[Series, Series]:
    return (a, b) if type(a) is type(b) else (_in_balls(a), _in_balls(b))


def _in_balls(series: Series) -> Series:
    import flint

    return series if isinstance(series, flint.arb_series) else flint.arb_series(series.coeffs(), series.prec)


def negative(u: Expansion) -> Expansion:
    """Expansion of -u."""
    return u if u.empty else Expansion(u.shift, -u.series, u.exact)


def total(u: Expansion, v: Expansion) -> Expansion:
    """Expansion of u + v; what cancels is no longer known."""
    import flint

    for zero, other in ((u, v), (v, u)):
        if zero.empty and zero.exact:
            return other
    low, high = (u, v) if u.shift <= v.shift else (v, u)
    cap, ahead = flint.ctx.cap, high.shift - low.shift
    if low.empty:
        return low
    known = cap if low.exact else low.series.prec
    if high.empty or ahead >= known or ahead != int(ahead):
        # the higher one begins between two terms, or beyond all that is kept, or is not known at all
        known = min(known, math.ceil(min(ahead, cap)))
        if known == 0:
            return Expansion(high.shift, None, exact=False)
        return Expansion(low.shift, type(low.series)(low.series.coeffs()[:known], prec=known), exact=False)
    exact = low.exact and high.exact and ahead + high.series.length() <= cap
    known = known if high.exact else min(known, int(ahead) + high.series.prec)
    a, b = _alike(low.series, high.series)
    first, second = (type(a)(c[:known], prec=known) for c in (a.coeffs(), [0] * int(ahead) + b.coeffs()))
    return expansion_of(first + second, low.shift, exact=exact)


def product(u: Expansion, v: Expansion) -> Expansion:
    """Expansion of u * v."""
    import flint

    if u.empty or v.empty:
        zero = any(e.empty and e.exact for e in (u, v))
        return ZERO if zero else Expansion(u.shift + v.shift, None, exact=False)
    exact = u.exact and v.exact and u.series.length() + v.series.length() - 1 <= flint.ctx.cap
    a, b = _alike(u.series, v.series)
    return expansion_of(a * b, u.shift + v.shift, exact=exact)


def quotient(u: Expansion, v: Expansion) -> Expansion:
    """Expansion of u / v."""
    if v.empty:
        if v.exact:
            raise NoExpansion("division by zero")
        raise TooShort
    if u.empty:
        return u if u.exact else Expansion(u.shift - v.shift, None, exact=False)
    a, b = _alike(u.series, v.series)
    return expansion_of(a / b, u.shift - v.shift, exact=u.exact and v.constant is not None)


def power(u: Expansion, exponent: Fraction) -> Expansion:
    """Expansion of u**exponent, of a real base."""
    import flint

    if exponent == 0:
        return polynomial([1])
    if exponent < 0 and u.empty and u.exact:
        raise NoExpansion("a power of zero that is not positive")
    if exponent.denominator > 1 and u.sign < 0:
        raise NoExpansion("outside the domain")
    if u.empty:
        if exponent < 0:
            raise TooShort
        return u if u.exact else Expansion(u.shift * exponent, None, exact=False)
    shift = u.shift * exponent
    if exponent.denominator == 1 and exponent > 0:
        exact = u.exact and (u.series.length() - 1) * exponent < flint.ctx.cap
        base = u.series if exponent <= LARGEST_RATIONAL_POWER else _in_balls(u.series)
        return expansion_of(base ** int(exponent), shift, exact=exact)
    if u.series[0] < 0:
        return quotient(polynomial([1]), power(u, -exponent))
    exponential = (_in_balls(u.series).log() * ball(flint.fmpq(exponent.numerator, exponent.denominator))).exp()
    return expansion_of(exponential, shift, exact=u.constant is not None)
