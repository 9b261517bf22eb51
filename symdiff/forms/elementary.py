"""NumPy forms and ball forms of elementary functions that NumPy and Arb lack, or have where digits are lost.

Ball forms are compositions: they hold for `flint.arb` and, as truncated power series, for `flint.arb_series`, so the
referee gets derivatives without a rule for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np


def _like(y: Any, choice: Any) -> Any:
    return np.asarray(choice).astype(np.asarray(y).dtype)[()]


def sech(u: Any) -> Any:
    """1/cosh(u) by exp(-|u|), which cannot overflow."""
    e = np.exp(-np.abs(u))
    return 2 * e / (1 + e * e)


def csch(u: Any) -> Any:
    """1/sinh(u) by exp(-|u|)."""
    return np.copysign(-2 * np.exp(-np.abs(u)) / np.expm1(-2 * np.abs(u)), u)


def acot(u: Any) -> Any:
    """atan(1/u), and pi/2 at 0 of either sign."""
    return np.arctan(1 / (u + np.asarray(u).dtype.type(0)))


def sigmoid(u: Any) -> Any:
    """1/(1 + exp(-u)) by exp(-|u|)."""
    e = np.exp(-np.abs(u))
    return _like(e, np.where(u >= 0, 1.0, e)) / (1 + e)


def cosm1(u: Any) -> Any:
    """cos(u) - 1."""
    half = np.sin(u / 2)
    return -2 * (half * half)


def whole_quotient(u: Any, v: Any, remainder: Any) -> Any:
    """floor(u/v), exactly also where the rounded quotient is the next integer."""
    return np.round((u - remainder) / v)


def reduced_sinc_edge(n: int) -> float:
    """Where the series of j_n(u)/u**n ends and the upward recurrence begins, which cancels for u < n."""
    return 2.0 + int(n)


@lru_cache
def reduced_sinc_coefficients(n: int) -> tuple[float, ...]:
    """Coefficients of u**(2k) in j_n(u)/u**n, as many as are felt in float64 up to the edge (DLMF 10.53.1)."""
    found: list[float] = []
    term, k = 1.0 / math.prod(range(1, 2 * int(n) + 2, 2)), 0
    largest = term
    while abs(term) * reduced_sinc_edge(n) ** (2 * k) > 1e-19 * largest:
        found.append(term)
        k += 1
        term *= -0.5 / (k * (2 * (int(n) + k) + 1))
    # a second derivative weighs the last terms by (2k)**2
    return (*found, term, term * -0.5 / ((k + 1) * (2 * (int(n) + k + 1) + 1)))


def reduced_sinc(u: Any, n: int) -> Any:
    """j_n(u)/u**n."""
    u = np.asarray(u)
    near = np.abs(u) < reduced_sinc_edge(n)
    square = np.where(near, u, 0).astype(u.dtype) ** 2
    outer = np.where(near, 1, u).astype(u.dtype)
    series = np.zeros_like(u)
    for coefficient in reversed(reduced_sinc_coefficients(n)):
        series = series * square + u.dtype.type(coefficient)
    before, current = np.cos(outer), np.sin(outer) / outer
    for order in range(int(n)):
        before, current = current, ((2 * order + 1) * current - before) / outer / outer
    return np.where(near, series, current)[()]


def sinc_slope(u: Any, y: Any) -> Any:
    """Derivative of y = sin(u)/u."""
    near = np.abs(u) < reduced_sinc_edge(1)
    outer = np.where(near, 1, u).astype(u.dtype)
    return np.where(near, -u * reduced_sinc(u, 1), (np.cos(outer) - y) / outer)[()]


# ball forms


def _is_number(u: Any) -> bool:
    import flint

    return isinstance(u, flint.arb)


def lead(u: Any) -> Any:
    """The ball itself, or the constant term of a series."""
    return u if _is_number(u) else u[0]


def _nan(u: Any) -> Any:
    import flint

    return flint.arb.nan() if _is_number(u) else flint.arb_series([flint.arb.nan()] * 3)


def _constant(u: Any, value: Any) -> Any:
    import flint

    return value if _is_number(u) else flint.arb_series([value])


def own_or(name: str, composed: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Arb's own function on balls, the composition on power series."""
    return lambda u: getattr(u, name)() if _is_number(u) else composed(u)


def _ball_sinh_series(u: Any) -> Any:
    e = u.exp()
    return (e - 1 / e) / 2


def _ball_cosh_series(u: Any) -> Any:
    e = u.exp()
    return (e + 1 / e) / 2


def _ball_tanh_series(u: Any) -> Any:
    # of the two forms the one whose exponential is small
    positive = u[0] > 0
    square = (-2 * u if positive else 2 * u).exp()
    return (1 - square) / (1 + square) if positive else (square - 1) / (square + 1)


def _ball_asinh_series(u: Any) -> Any:
    if u[0] < 0:
        return -_ball_asinh_series(-u)
    return (u + (u * u + 1).sqrt()).log()


ball_sinh = own_or("sinh", _ball_sinh_series)
ball_cosh = own_or("cosh", _ball_cosh_series)
ball_tanh = own_or("tanh", _ball_tanh_series)
ball_asinh = own_or("asinh", _ball_asinh_series)
ball_acosh = own_or("acosh", lambda u: (u + ((u - 1) * (u + 1)).sqrt()).log())
ball_atanh = own_or("atanh", lambda u: ((1 + u) / (1 - u)).log() / 2)
ball_expm1 = own_or("expm1", lambda u: u.exp() - 1)
ball_log1p = own_or("log1p", lambda u: (1 + u).log())


def ball_power(u: Any, n: int) -> Any:
    """u**n for a whole n >= 0, also of a ball around exactly 0, whose logarithm Arb would take."""
    import flint

    if _is_number(u) and n > 0 and u.mid().is_zero() and not u.is_exact():
        return flint.arb(0, abs(u).upper() ** n)
    return u**n


def ball_abs(u: Any) -> Any:
    """|u|, of a rational number too; a series whose constant term may be 0 has none."""
    import flint

    if _is_number(u) or isinstance(u, flint.fmpq):
        return abs(u)
    return u if u[0] > 0 else -u if u[0] < 0 else _nan(u)


def ball_sign(u: Any) -> Any:
    """The sign of u."""
    if _is_number(u):
        return u.sgn()
    return _constant(u, u[0].sgn()) if u[0] > 0 or u[0] < 0 else _nan(u)


def ball_maximum(u: Any, v: Any) -> Any:
    """The larger of two."""
    if _is_number(u) and _is_number(v):
        return u.max(v)
    return u if lead(u) > lead(v) else v if lead(u) < lead(v) else _nan(u if _is_number(v) else v)


def ball_acot(u: Any) -> Any:
    """atan(1/u); pi/2 at 0 itself, and nothing where a ball reaches across."""
    import flint

    at = lead(u)
    if at.is_zero():
        return flint.arb.pi() / 2 - u.atan()
    return _nan(u) if at.contains(0) else (1 / u).atan()


def ball_atan2(u: Any, v: Any) -> Any:
    """Angle of (v, u) by the quotient that is bounded; nothing where the quadrant is open."""
    import flint

    y, x = lead(u), lead(v)
    if x > 0 and (x > abs(y) or y.contains(0)):
        return (u / v).atan()
    if y > 0:
        return flint.arb.pi() / 2 - (v / u).atan()
    if y < 0:
        return -flint.arb.pi() / 2 - (v / u).atan()
    if y.is_zero() and x < 0:
        return flint.arb.pi() + (u / v).atan()
    if y.is_zero() and x.is_zero() and _is_number(u) and _is_number(v):
        return flint.arb(0)
    return _nan(u)


def ball_floor(u: Any) -> Any:
    """The integer below, where all of the ball has the same."""
    at = lead(u)
    below = at.floor()
    return _constant(u, below) if below.is_exact() or below.unique_fmpz() is not None else _nan(u)


def ball_modulo(u: Any, v: Any) -> Any:
    """Remainder u - v*floor(u/v)."""
    return u - v * ball_floor(u / v)


def ball_logaddexp(u: Any, v: Any) -> Any:
    """log(exp(u) + exp(v)), the smaller relative to the larger."""
    if lead(u) < lead(v):
        u, v = v, u
    return u + (1 + (v - u).exp()).log()


def ball_hypot(u: Any, v: Any) -> Any:
    """sqrt(u**2 + v**2); a series at the origin has none."""
    square = u * u + v * v
    return square.sqrt() if _is_number(square) or square[0] > 0 else _nan(square)


def ball_direction(u: Any, v: Any) -> Any:
    """u/sqrt(u**2 + v**2), as 1/sqrt(1 + (v/u)**2) where u is the larger, so that its slope at v = 0 is exactly 0."""
    if abs(lead(u)) > abs(lead(v)):
        ratio = v / u
        cosine = 1 / (1 + ratio * ratio).sqrt()
        return cosine if lead(u) > 0 else -cosine
    return u / (u * u + v * v).sqrt()


def ball_cbrt(u: Any) -> Any:
    """The real cube root."""
    at = lead(u)
    if at.is_zero() and _is_number(u):
        return at
    if at < 0:
        return -ball_cbrt(-u)
    return u.root(3) if _is_number(u) else (u.log() / 3).exp()


def ball_log(base: int) -> Any:
    """Natural logarithm of a whole number at the present precision."""
    import flint

    return flint.arb(base).log()


def ball_reduced_sinc(u: Any, n: int) -> Any:
    """j_n(u)/u**n by recurrence from cos and sin; at 0 by the power series, of which few terms count there."""
    import flint

    at = lead(u)
    if at.is_zero():
        total, power, square = _constant(u, flint.arb(0)), _constant(u, flint.arb(1)), u * u
        term = flint.fmpq(1, math.prod(range(1, 2 * int(n) + 2, 2)))
        for k in range(1, flint.ctx.cap + 2):
            total = total + power * flint.arb(term)
            power, term = power * square, term * flint.fmpq(-1, 2 * k * (2 * (int(n) + k) + 1))
        return total
    before, current = u.cos(), u.sin() / u
    for order in range(int(n)):
        before, current = current, ((2 * order + 1) * current - before) / (u * u)
    return current
