"""NumPy and SciPy forms of Bessel and Airy functions.

A form that takes `xp` runs in NumPy or in jax.numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from symdiff.forms.scipy_functions import Static, in_dtype_of, order_of, sc


def _bessel(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda u, order: in_dtype_of(u, function(order_of(order), u))


# larger operands SciPy answers with NaN, where the exponential factor has long left the range of numbers
HUGE = 1e8


def _besseli(order: float | int, u: Any) -> Any:
    # SciPy's is 0 where u*u underflows; there the first term of the series is all, DLMF 10.30.1
    tiny = np.abs(u) < 1e-8
    order = abs(order) if isinstance(order, int) else order
    first = np.where(tiny, u, 1) / 2
    # scaled: on a thread that flushes small numbers to 0, as XLA's do, SciPy's unscaled one loses digits when large
    half = np.exp(np.abs(u) / 2)
    return np.where(
        tiny,
        np.power(first, order, dtype=u.dtype) * sc.rgamma(order + 1),
        half * sc.ive(order, np.clip(u, -HUGE, HUGE)) * half,
    )


def _besselk(order: float | int, u: Any) -> Any:
    # scaled, for SciPy's unscaled one is 0 before it underflows
    half = np.exp(-u / 2)
    return half * sc.kve(order, np.minimum(u, HUGE)) * half


besselj, bessely, besseli, besselk = map(_bessel, (sc.jv, sc.yv, _besseli, _besselk))
# beyond these SciPy's Airy functions are NaN, before those are infinite
AIRY_LEFT, AIRY_RIGHT, AIRY_END = -1e5, 100.0, 110.0


def _airy(u: Any, which: int) -> Any:
    """Ai, Ai', Bi, Bi' by number; far to the left the first two terms of DLMF 9.7.9 to 9.7.12."""
    left, right = u < AIRY_LEFT, u > AIRY_RIGHT
    middle = sc.airy(np.where(left | right, 0 * u, u))[which]
    at = np.clip(u, AIRY_RIGHT, AIRY_END)
    half = np.exp((1 if which > 1 else -1) * at * np.sqrt(at) / 3)
    outer = np.where(u > AIRY_END, np.inf if which > 1 else -0.0 if which else 0.0, half * sc.airye(at)[which] * half)
    x = np.where(left, -u, 1.0)
    phase = 2 * x * np.sqrt(x) / 3
    sine, cosine = np.sin(phase - math.pi / 4), np.cos(phase - math.pi / 4)
    first, second = ((cosine, sine), (sine, -cosine), (-sine, cosine), (cosine, sine))[which]
    correction = (-7 if which % 2 else 5) / (72 * phase)
    wave = x ** (0.25 if which % 2 else -0.25) / math.sqrt(math.pi) * (first + second * correction)
    return in_dtype_of(u, np.where(left, wave, np.where(right, outer, middle)))


airyai, airyaiprime, airybi, airybiprime = (
    lambda u: _airy(u, 0),
    lambda u: _airy(u, 1),
    lambda u: _airy(u, 2),
    lambda u: _airy(u, 3),
)


def besselj_slope(u: Any, order: Static, y: Any = None) -> Any:
    """J' = (J of the order below - J of the order above)/2, DLMF 10.6.1."""
    n = order_of(order)
    return (besselj(u, n - 1) - besselj(u, n + 1)) / 2


def bessely_slope(u: Any, order: Static, y: Any = None) -> Any:
    """The same for Y."""
    n = order_of(order)
    return bessel_difference(bessely(u, n - 1), bessely(u, n + 1), n)


def bessel_difference(before: Any, after: Any, order: float | int, xp: Any = np) -> Any:
    """Half the difference of Y of the orders below and above; where both overflow the one farther from 0 counts."""
    if order > 0:
        return (xp.where(xp.isinf(after), 0 * order, before) - after) / 2
    return (before - xp.where(xp.isinf(before) & (order < 0), 0 * order, after)) / 2


def besseli_slope(u: Any, order: Static, y: Any = None) -> Any:
    """I' = (I of the order below + I of the order above)/2, DLMF 10.29.1."""
    n = order_of(order)
    return (besseli(u, n - 1) + besseli(u, n + 1)) / 2


def besselk_slope(u: Any, order: Static, y: Any = None) -> Any:
    """The same for K, but for the sign."""
    n = order_of(order)
    return -(besselk(u, n - 1) + besselk(u, n + 1)) / 2
