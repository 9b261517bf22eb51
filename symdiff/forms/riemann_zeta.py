"""Riemann's zeta function and its derivatives by truncated power series, in NumPy or in jax.numpy."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from symdiff.forms import gamma as gamma_forms
from symdiff.forms.scipy_functions import in_dtype_of, sc

ZETA_TERMS, ZETA_CORRECTIONS = 14, 12
# farther right the remainder after the terms is nothing beside the second, in two derivatives too
ZETA_EDGE = 24.0


@lru_cache
def zeta_corrections() -> tuple[float, ...]:
    """B_2j/(2j)!, the weights of Euler and Maclaurin."""
    numbers = gamma_forms.bernoulli(ZETA_CORRECTIONS)
    return tuple(float(b / math.factorial(2 * j)) for j, b in enumerate(numbers, 1))


Jet = list[Any]


def _times(a: Jet, b: Jet) -> Jet:
    return [sum((a[i] * b[k - i] for i in range(1, k + 1)), a[0] * b[k]) for k in range(len(a))]


def _exponential(a: Jet, xp: Any) -> Jet:
    # y' = a'*y
    y = [xp.exp(a[0])]
    for k in range(1, len(a)):
        y.append(sum(i * a[i] * y[k - i] for i in range(1, k + 1)) / k)
    return y


def _power_jet(base: float, s: Any, order: int, xp: Any) -> Jet:
    # base**-(s + t) in powers of t
    value, log = xp.exp(-s * math.log(base)), math.log(base)
    return [value * ((-log) ** k / math.factorial(k)) for k in range(order + 1)]


def _zeta_jet(s: Any, order: int, xp: Any) -> Jet:
    total = [1 + 0 * s] + [0 * s] * order
    for n in range(2, ZETA_TERMS):
        total = [t + p for t, p in zip(total, _power_jet(n, s, order, xp), strict=True)]
    near = xp.where(s < ZETA_EDGE, s, ZETA_EDGE + 0 * s)
    one, zero = 1 + 0 * near, 0 * near
    power = _power_jet(ZETA_TERMS, near, order, xp)
    pole = [(-1.0) ** k * ZETA_TERMS / (near - 1) ** (k + 1) for k in range(order + 1)]
    pole[0] = pole[0] + 0.5
    # s*(s + 1)*...*(s + 2j - 2)/N**(2j - 1)
    rising = [c / ZETA_TERMS for c in [near, one, *[zero] * order][: order + 1]]
    for j, coefficient in enumerate(zeta_corrections(), 1):
        pole = [p + coefficient * r for p, r in zip(pole, rising, strict=True)]
        for shift in (2 * j - 1, 2 * j):
            factor = [(near + shift) / ZETA_TERMS, one / ZETA_TERMS, *[zero] * order][: order + 1]
            rising = _times(rising, factor)
    return [t + xp.where(s < ZETA_EDGE, p, zero) for t, p in zip(total, _times(power, pole), strict=True)]


def zeta_jet(u: Any, k: int, gammaln: Callable[[Any], Any], xp: Any = np) -> Any:
    """The k-th derivative of Riemann's function by truncated power series.

    Euler-Maclaurin from -1/2 on (DLMF 25.2.9), the functional equation to the left (DLMF 25.4.1).
    """
    left = u < -0.5
    right = _zeta_jet(xp.where(left, 1 - u, u), k, xp)
    t = xp.where(left, u, -2 + 0 * u)
    even = 2 * xp.round(t / 2)
    sign = xp.where(xp.round(even / 2) % 2 == 0, 1 + 0 * t, -1 + 0 * t)
    angle = math.pi / 2 * (t - even)
    sine, cosine = sign * xp.sin(angle), sign * xp.cos(angle)
    circle = (sine, cosine, -sine, -cosine)
    wave = [circle[i % 4] * ((math.pi / 2) ** i / math.factorial(i)) for i in range(k + 1)]
    slopes = [(-1.0) ** i * gamma_forms.psi(1 - t, i - 1, xp) / math.factorial(i) for i in range(1, k + 1)]
    exponent = [0 * t, *slopes]
    if k:
        exponent[1] = exponent[1] + math.log(2 * math.pi)
    mirrored = [(-1.0) ** i * c for i, c in enumerate(right)]
    product = _times(_times(wave, _exponential(exponent, xp)), mirrored)[k]
    size = gammaln(1 - t) - (1 - t) * math.log(2 * math.pi)
    return math.factorial(k) * xp.where(left, gamma_forms.scaled(size, 2 * product, xp), right[k])


def zeta_derivative(u: Any, k: int) -> Any:
    """The k-th derivative of Riemann's function."""
    return in_dtype_of(u, zeta_jet(np.asarray(u, np.float64), int(k), sc.gammaln))
