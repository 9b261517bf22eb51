"""NumPy and SciPy forms of the gamma function's kin: polygamma, beta, binomial coefficient, incomplete gamma functions.

A form that takes `xp` runs in NumPy or in jax.numpy; `gamma_forms` are formulas that both share.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from symdiff.forms import gamma as gamma_forms
from symdiff.forms.scipy_functions import in_dtype_of, sc


@lru_cache
def cotangent_derivative(n: int) -> tuple[float, ...]:
    """Coefficients of the n-th derivative of cot(x) as a polynomial in cot(x), highest power first."""
    lowest = [0, 1]
    for _ in range(n):
        slope = [k * c for k, c in enumerate(lowest)][1:]
        lowest = [-(a + b) for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return tuple(float(c) for c in reversed(lowest))


def polygamma_ulp(u: Any, n: int, y: Any) -> Any:
    """Accuracy of polygamma and its derivative: for u < 0 by reflection on cot(pi*u), whose argument is rounded."""
    size = np.minimum(np.abs(y), np.abs(polygamma(u, n + 1)))
    reflected = np.abs(u) * math.factorial(n + 2) * math.pi ** (n + 3) / np.maximum(size, np.finfo(np.float64).tiny)
    return 1024.0 + np.where(u < 0, 4.0 * reflected, 0.0)


def digamma(u: Any) -> Any:
    """The digamma function Gamma'/Gamma, to the left of 0 by reflection, DLMF 5.5.4: SciPy's loses up to 13 digits beside a pole.

    >>> round(float(digamma(-9.999999999999998)))  # SciPy 1.17 has -532868520142699
    -562949953421310
    """
    u = np.asarray(u)
    wide = u.astype(np.float64)
    from_pole = wide - np.round(wide)
    left = (wide < 0) & (from_pole != 0)
    cotangent = 1 / np.tan(np.pi * np.where(left, from_pole, 0.25))
    found = sc.digamma(np.where(left, 1 - wide, wide)) - np.where(left, np.pi * cotangent, 0.0)
    return in_dtype_of(u, found)


def polygamma(u: Any, n: int) -> Any:
    """The n-th derivative of psi = Gamma'/Gamma, to the left of 1/2 by reflection, DLMF 5.15.6."""
    u = np.asarray(u)
    if n == 0:
        return digamma(u)
    left = u < 0.5
    wide = np.asarray(u, np.float64)
    right = (-1.0) ** (n + 1) * math.factorial(n) * sc.zeta(n + 1.0, np.where(left, 1 - wide, wide))
    cotangent = 1 / np.tan(np.where(left, np.pi * (wide - np.round(wide)), 1.0))
    polynomial = np.zeros_like(wide)
    for coefficient in cotangent_derivative(int(n)):
        polynomial = polynomial * cotangent + coefficient
    return in_dtype_of(u, np.where(left, (-1.0) ** n * right - polynomial * np.pi ** (n + 1), right))


def polygamma_gap(u: Any, v: Any, n: int) -> Any:
    """psi_n(u + v) - psi_n(u) for u > 0 and u + v > 0."""
    return in_dtype_of(u + v, gamma_forms.polygamma_gap(np.asarray(u), np.asarray(v), int(n)))


# SciPy's beta function in doubles is off by 330 units beyond 30, by 4e3 at 100 and by 5e8 at 1e7 (measured)
LARGE_BETA = 30.0


def beta(u: Any, v: Any) -> Any:
    """Beta function of positive operands."""
    # SciPy's is infinite at 0 even where the other operand is NaN
    found = np.where(np.isnan(u + v), u + v, sc.beta(u, v))
    large = np.maximum(u, v) > LARGE_BETA
    if np.any(large) and np.asarray(u + v).dtype != np.float32:
        found = np.where(large, beta_derivative(u, v, 0, 0), found)
    return in_dtype_of(u + v, found)


def beta_derivative(u: Any, v: Any, i: int, j: int) -> Any:
    """Its partial of order i in u and j in v."""
    return in_dtype_of(u + v, gamma_forms.beta_derivative(np.asarray(u), np.asarray(v), int(i), int(j), sc.gammaln))


def binomial_derivative(u: Any, v: Any, i: int = 0, j: int = 0) -> Any:
    """The partial of order i in u > -1 and j in v of the binomial coefficient, of order 0 the coefficient itself."""
    return in_dtype_of(u + v, gamma_forms.binomial_derivative(np.asarray(u), np.asarray(v), int(i), int(j), sc.gammaln))


def gamma_density(s: Any, x: Any, k: int = 0) -> Any:
    """The k-th derivative in x of x**(s - 1)*exp(-x)."""
    return in_dtype_of(s + x, gamma_forms.gamma_density(s, x, int(k)))


def lowergamma(s: Any, x: Any) -> Any:
    """Lower incomplete gamma function."""
    part = sc.gammainc(s, x)
    return in_dtype_of(s + x, lower_gamma(s, x, part, np.exp(np.log(part) + sc.gammaln(s))))


def uppergamma(s: Any, x: Any) -> Any:
    """Upper incomplete gamma function."""
    part = sc.gammaincc(s, x)
    return in_dtype_of(s + x, upper_gamma(s, x, part, np.exp(np.log(part) + sc.gammaln(s))))


# terms of the series and steps of the continued fraction of the incomplete gamma functions far from s = x
INCOMPLETE_STEPS = 24


def _underflows(part: Any) -> Any:
    info = np.finfo(part.dtype)
    return part < float(info.tiny) / float(info.eps)


def lower_gamma(s: Any, x: Any, part: Any, direct: Any, xp: Any = np) -> Any:
    """The lower incomplete gamma function; where its part of the whole underflows by its series (DLMF 8.7.1)."""
    lost = _underflows(part)
    s, x = xp.where(lost, s, 2 + 0 * s), xp.where(lost, x, 1 + 0 * x)
    total = 1 + 0 * (s + x)
    for k in reversed(range(1, INCOMPLETE_STEPS)):
        total = 1 + total * (x / (s + k))
    return xp.where(lost, gamma_forms.scaled(s * xp.log(x) - x - xp.log(s), total, xp), direct)


def upper_gamma(s: Any, x: Any, part: Any, direct: Any, xp: Any = np) -> Any:
    """The upper incomplete gamma function; where s and x are small by its series (DLMF 8.7.3), the poles at s = 0 cancelled.

    Where its part of the whole underflows it is taken by continued fraction (DLMF 8.9.2).
    """
    lost = _underflows(part) & (x > s)
    order, far = xp.where(lost, s, 1 + 0 * s), xp.where(lost, x, 2 + 0 * x)
    tail = 0 * (order + far)
    for k in reversed(range(1, INCOMPLETE_STEPS)):
        tail = k * (k - order) / (far + (2 * k + 1) - order - tail)
    fraction = gamma_forms.scaled(order * xp.log(far) - far, 1 / (far + 1 - order - tail), xp)
    direct = xp.where(lost, fraction, direct)
    small = (s < 0.5) & (x < 1.1)
    s, x = xp.where(small, s, 0.25), xp.where(small, x, 1.0)
    log_gamma = -xp.log1p(s) + s * (1 - float(np.euler_gamma))
    for k in range(2, 32):
        log_gamma = log_gamma + float(sc.zetac(float(k))) * (-s) ** k / k
    total = (xp.expm1(log_gamma) - xp.expm1(s * xp.log(x))) / s
    term = x**s
    for k in range(1, 24):
        term = -term * x / k
        total = total - term / (s + k)
    return xp.where(small, total, direct)
