"""NumPy and SciPy forms of the integrals of exponentials and hyperbolic functions, and of their slopes.

A form that takes `xp` runs in NumPy or in jax.numpy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symdiff.forms.scipy_functions import in_dtype_of, sc

# where the power series of sinh(u)/u ends, and how many terms are felt there in a second derivative
SINHC_EDGE, SINHC_TERMS = 2, 15


def sinhc(u: Any, xp: Any = np) -> Any:
    """sinh(u)/u, whose derivatives cancel near 0 but in its power series (DLMF 4.33.1)."""
    near = xp.abs(u) < SINHC_EDGE
    square, outer = xp.where(near, u * u, 0), xp.where(near, 1, u)
    series = xp.zeros_like(u)
    for k in reversed(range(SINHC_TERMS)):
        series = series * square + 1 / math.factorial(2 * k + 1)
    return xp.where(
        near, series, xp.where(xp.abs(outer) < STEEP, xp.sinh(outer) / outer, exp_over(xp.abs(outer), xp) / 2)
    )


# from here on exp(u), which may overflow before exp(u)/u does, is taken in two halves
STEEP = 64.0


def exp_over(u: Any, xp: Any = np) -> Any:
    """exp(u)/u."""
    half = xp.exp(xp.where(u < STEEP, 0 * u, u) / 2)
    return xp.where(u < STEEP, xp.exp(xp.minimum(u, STEEP)) / u, half / u * half)


def ei_far(u: Any, xp: Any = np) -> Any:
    """Ei(u) from u = 64 on, and twice Chi and Shi, by its asymptotic series (DLMF 6.12.2)."""
    at = xp.maximum(u, STEEP)
    total = 0 * at
    for k in reversed(range(1, 21)):
        total = (1 + total) * (k / at)
    return exp_over(at, xp) * (1 + total)


def ei(u: Any) -> Any:
    """Exponential integral; SciPy's overflows where exp(u) does."""
    return in_dtype_of(u, np.where(u > STEEP, ei_far(u), sc.expi(u)))


def shi(u: Any) -> Any:
    """Hyperbolic sine integral."""
    size = np.abs(u)
    return in_dtype_of(u, np.where(size > STEEP, np.copysign(ei_far(size) / 2, u), sc.shichi(u)[0]))


def chi(u: Any) -> Any:
    """Hyperbolic cosine integral."""
    return in_dtype_of(u, np.where(u > STEEP, ei_far(u) / 2, sc.shichi(u)[1]))


def cosh_over(u: Any, xp: Any = np) -> Any:
    """cosh(u)/u for u > 0."""
    return xp.where(u < STEEP, xp.cosh(xp.minimum(u, STEEP)) / u, exp_over(u, xp) / 2)


def expint(u: Any, n: int) -> Any:
    """Generalised exponential integral of whole order."""
    return np.exp(-u) / u if n == 0 else in_dtype_of(u, sc.exp1(u) if n == 1 else sc.expn(int(n), u))


def expint_slope(u: Any, n: int, y: Any = None) -> Any:
    """Its derivative."""
    return -(1 + 1 / u) * np.exp(-u) / u if n == 0 else -expint(u, n - 1)
