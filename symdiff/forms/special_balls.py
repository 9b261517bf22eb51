"""Ball forms of special functions for `flint.arb` and, as power series of up to three terms, `flint.arb_series`.

Arb has power series of many; of the others the series is put together from balls of the function and of its
derivatives, by the recurrences of DLMF, which the tests hold against Cauchy integrals of the balls of the value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Ball = Any
Static = Any


def is_number(u: Any) -> bool:
    """Whether this is a ball and not a power series."""
    import flint

    return isinstance(u, flint.arb)


def exact(number: Static) -> Ball:
    """A static argument as a ball."""
    import flint
    import sympy as sp

    if isinstance(number, int):
        return flint.arb(number)
    rational = sp.Rational(number)
    return flint.arb(flint.fmpq(int(rational.p), int(rational.q)))


def composed(series: Ball, *derivatives: Ball) -> Ball:
    """The power series of f(u) up to the square, for a power series u and the balls f, f', f'' at its constant term."""
    import flint

    value, first, second = derivatives
    step = series - series[0]
    return flint.arb_series([value]) + first * step + second / 2 * (step * step)


def form(*derivatives: Callable[..., Ball]) -> Callable[..., Ball]:
    """A ball form from functions that give f, f' and f'' on balls."""

    def ball(u: Ball, *static: Static) -> Ball:
        if is_number(u):
            return derivatives[0](u, *static)
        return composed(u, *(derivative(u[0], *static) for derivative in derivatives))

    return ball


def _root_pi() -> Ball:
    import flint

    return flint.arb.pi().sqrt()


def _erfinv_slope(y: Ball, sign: int) -> Ball:
    return sign * _root_pi() / 2 * (y * y).exp()


erfinv = form(
    lambda u: u.erfinv(),
    lambda u: _erfinv_slope(u.erfinv(), 1),
    lambda u: 2 * u.erfinv() * _erfinv_slope(u.erfinv(), 1) ** 2,
)
erfcinv = form(
    lambda u: u.erfcinv(),
    lambda u: _erfinv_slope(u.erfcinv(), -1),
    lambda u: 2 * u.erfcinv() * _erfinv_slope(u.erfcinv(), -1) ** 2,
)


def _polygamma(u: Ball, n: int) -> Ball:
    import flint

    return u.digamma() if n == 0 else flint.acb(u).polygamma(n).real


polygamma = form(_polygamma, lambda u, n: _polygamma(u, n + 1), lambda u, n: _polygamma(u, n + 2))


def polygamma_gap(u: Ball, v: Ball, n: int) -> Ball:
    """psi_n(u + v) - psi_n(u)."""
    return polygamma(u + v, n) - polygamma(u, n)


def beta(u: Ball, v: Ball) -> Ball:
    """Beta function."""
    return u.gamma() * v.gamma() * (u + v).rgamma()


def binomial(u: Ball, v: Ball) -> Ball:
    """Binomial coefficient."""
    return (u + 1).gamma() * (v + 1).rgamma() * (u - v + 1).rgamma()


def _derivatives(name: str, u: Ball, count: int) -> list[Ball]:
    """A function of Arb's power series and its derivatives, fewer than `count`, at a ball or at a power series."""
    import flint

    at, length = (u, count) if is_number(u) else (u[0], count + 2)
    before, flint.ctx.cap = flint.ctx.cap, length
    try:
        series = getattr(flint.arb_series([at, 1], length), name)()
        found = [series[k] * flint.arb(k).fac() for k in range(length)]
    finally:
        flint.ctx.cap = before
    return found if is_number(u) else [composed(u, *found[k : k + 3]) for k in range(count)]


def _product_partial(first: list[Ball], second: list[Ball], joint: list[Ball], i: int, j: int, sign: int) -> Ball:
    # of f(u)*g(v)*h(u + sign*v), by Leibniz' rule
    return sum(
        math.comb(i, p) * math.comb(j, q) * sign**q * first[i - p] * second[j - q] * joint[p + q]
        for p in range(i + 1)
        for q in range(j + 1)
    )


def beta_derivative(u: Ball, v: Ball, i: int, j: int) -> Ball:
    """Partial of order i in u and j in v of the beta function."""
    i, j = int(i), int(j)
    joint = _derivatives("rgamma", u + v, i + j + 1)
    return _product_partial(_derivatives("gamma", u, i + 1), _derivatives("gamma", v, j + 1), joint, i, j, 1)


def binomial_derivative(u: Ball, v: Ball, i: int, j: int) -> Ball:
    """Partial of order i in u and j in v of the binomial coefficient."""
    i, j = int(i), int(j)
    above, below = _derivatives("gamma", u + 1, i + 1), _derivatives("rgamma", v + 1, j + 1)
    return _product_partial(above, below, _derivatives("rgamma", u - v + 1, i + j + 1), i, j, -1)


def gamma_density(s: Ball, x: Ball, k: int) -> Ball:
    """The k-th derivative in x of x**(s - 1)*exp(-x)."""
    import flint

    if not is_number(s) and len(s) > 1:
        # there is no derivative in s here
        return flint.arb_series([flint.arb.nan()] * 3)
    total, falling = 0 * x, 0 * s + 1
    for m in range(int(k) + 1):
        # Leibniz' rule, the power derived m times
        total = total + (-1) ** (int(k) - m) * math.comb(int(k), m) * falling * ((s - 1 - m) * x.log()).exp()
        falling = falling * (s - 1 - m)
    return total * (-x).exp()


def _incomplete(name: str, sign: int) -> Callable[..., Ball]:
    def ball(s: Ball, x: Ball) -> Ball:
        import flint

        if is_number(s) and is_number(x):
            return getattr(x, name)(s)
        if not is_number(s) and len(s) > 1:
            # there is no derivative in s here
            return flint.arb_series([flint.arb.nan()] * 3)
        order = s if is_number(s) else s[0]
        at = x[0]
        slope = sign * at ** (order - 1) * (-at).exp()
        return composed(x, getattr(at, name)(order), slope, ((order - 1) / at - 1) * slope)

    return ball


lowergamma = _incomplete("gamma_lower", 1)
uppergamma = _incomplete("gamma_upper", -1)
expint = form(
    lambda u, n: u.expint(exact(n)), lambda u, n: -u.expint(exact(n - 1)), lambda u, n: u.expint(exact(n - 2))
)


def _bessel(name: str, before: int, after: int) -> Callable[..., Ball]:
    # twice the derivative is before*f of the order below + after*f of the order above
    def value(u: Ball, n: Ball) -> Ball:
        return getattr(u, name)(n)

    def first(u: Ball, n: Ball) -> Ball:
        return (before * value(u, n - 1) + after * value(u, n + 1)) / 2

    def second(u: Ball, n: Ball) -> Ball:
        return (before * first(u, n - 1) + after * first(u, n + 1)) / 2

    return form(*(lambda u, n, f=f: f(u, exact(n)) for f in (value, first, second)))


# to which Bessel functions of the second kind are enclosed at most
MOST_BITS = 512


def _bessel_of_second_kind(name: str, before: int, sign: int) -> Callable[..., Ball]:
    # f' = before*f of the order below - n/u*f, and u**2*f'' + u*f' = (n**2 + sign*u**2)*f (DLMF 10.6, 10.29 and the
    # differential equations): 2 values where `_bessel` takes 7
    def value_of(u: Ball, order: Ball) -> Ball:
        import flint

        # of 2,048 bits Arb takes 40 s at 590; a ball of fewer encloses as surely
        with flint.ctx.workprec(min(flint.ctx.prec, MOST_BITS)):
            return getattr(u, name)(order)

    def ball(u: Ball, n: Static) -> Ball:
        order = exact(n)
        if is_number(u):
            return value_of(u, order)
        at = u[0]
        value = value_of(at, order)
        first = before * value_of(at, order - 1) - order / at * value
        return composed(u, value, first, (order * order / (at * at) + sign) * value - first / at)

    return ball


besselj = _bessel("bessel_j", 1, -1)
bessely = _bessel_of_second_kind("bessel_y", 1, -1)
besseli = _bessel("bessel_i", 1, 1)
besselk = _bessel_of_second_kind("bessel_k", -1, 1)


def _airy(index: int) -> Callable[..., Ball]:
    # f'' = u*f, and (f')'' = f + u*f'
    other = index ^ 1

    def second(u: Ball) -> Ball:
        both = u.airy()
        return u * both[index] if index % 2 == 0 else both[other] + u * both[index]

    return form(lambda u: u.airy()[index], lambda u: u.airy()[other] if index % 2 == 0 else u * u.airy()[other], second)


airyai, airyaiprime, airybi, airybiprime = map(_airy, range(4))


def _far_zeta_derivative(u: Ball, k: int) -> Ball:
    """The k-th derivative at u > k + 4, by the first two terms of the series.

    The later ones are at most 2**(k + 2) * (2/3)**(u - k) of the second: log(n)/log(2) <= n, the sum by an integral.
    """
    import flint

    two = flint.arb(2)
    rest = 2 ** (k + 2) * ((u - k) * (two / 3).log()).exp()
    second = (-two.log()) ** k * (-u * two.log()).exp()
    return (1 if k == 0 else 0) + second * (1 + flint.arb(rest.upper() / 2, rest.upper() / 2))


def _far(u: Ball) -> bool:
    """Whether the third term of the series counts no more at this precision: Arb's own takes long there, or fails."""
    import flint

    return bool(u > 2 * flint.ctx.prec)


def zeta(u: Ball) -> Ball:
    """Riemann's function."""
    if not _far(u if is_number(u) else u[0]):
        return u.zeta()
    return (
        _far_zeta_derivative(u, 0) if is_number(u) else composed(u, *(_far_zeta_derivative(u[0], k) for k in range(3)))
    )


def zeta_derivative(u: Ball, k: int) -> Ball:
    """Its k-th derivative, by Arb's power series at a longer truncation."""
    import flint

    at = u if is_number(u) else u[0]
    if _far(at):
        found = [_far_zeta_derivative(at, k + i) for i in range(3)]
        return found[0] if is_number(u) else composed(u, *found)
    before = flint.ctx.cap
    flint.ctx.cap = k + 3
    try:
        series = flint.arb_series([at, 1], k + 3).zeta()
        found = [series[k + i] * flint.arb(k + i).fac() for i in range(3)] if k + 2 > 0 else []
    finally:
        flint.ctx.cap = before
    return found[0] if is_number(u) else composed(u, *found)
