"""NumPy and SciPy forms of special functions, the formulas they share with their JAX forms, and ball forms.

A form that takes `xp` runs in NumPy or in jax.numpy. Ball forms take `flint.arb` and, as power series of up to three terms, which
is what the referee needs, `flint.arb_series`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.special

Static = Any
BRANCH_POINT = -math.exp(-1.0)
EXTENDED = np.dtype(np.longdouble)


class _SciPy:
    """`scipy.special`, whose functions refuse extended precision: they get doubles then, and the result is widened."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(scipy.special, name)

        def called(*arguments: Any) -> Any:
            extended = [getattr(a, "dtype", None) == EXTENDED for a in arguments]
            if not any(extended):
                return function(*arguments)
            found = function(*(a.astype(np.float64) if e else a for a, e in zip(arguments, extended, strict=True)))
            return tuple(f.astype(EXTENDED) for f in found) if isinstance(found, tuple) else found.astype(EXTENDED)

        # found once
        setattr(self, name, called)
        return called


sc: Any = _SciPy()


def _as(u: Any, y: Any) -> Any:
    return np.asarray(y).astype(np.asarray(u).dtype)[()]


def order_of(order: Static) -> float | int:
    """A static order as SciPy takes it."""
    return int(order) if int(order) == order else float(order)


# ---- Bessel and Airy functions


def _bessel(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda u, order: _as(u, function(order_of(order), u))


def _besseli(order: float | int, u: Any) -> Any:
    # SciPy's is 0 where u*u underflows; there the first term of the series is all, DLMF 10.30.1
    tiny = np.abs(u) < 1e-8
    order = abs(order) if isinstance(order, int) else order
    first = np.where(tiny, u, 1) / 2
    return np.where(tiny, np.power(first, order, dtype=u.dtype) * sc.rgamma(order + 1), sc.iv(order, u))


besselj, bessely, besseli, besselk = map(_bessel, (sc.jv, sc.yv, _besseli, sc.kv))
airyai, airyaiprime, airybi, airybiprime = (
    lambda u: _as(u, sc.airy(u)[0]),
    lambda u: _as(u, sc.airy(u)[1]),
    lambda u: _as(u, sc.airy(u)[2]),
    lambda u: _as(u, sc.airy(u)[3]),
)


def besselj_slope(u: Any, order: Static, y: Any = None) -> Any:
    """J' = (J of the order below - J of the order above)/2, DLMF 10.6.1."""
    n = order_of(order)
    return (besselj(u, n - 1) - besselj(u, n + 1)) / 2


def bessely_slope(u: Any, order: Static, y: Any = None) -> Any:
    """The same for Y."""
    n = order_of(order)
    return (bessely(u, n - 1) - bessely(u, n + 1)) / 2


def besseli_slope(u: Any, order: Static, y: Any = None) -> Any:
    """I' = (I of the order below + I of the order above)/2, DLMF 10.29.1."""
    n = order_of(order)
    return (besseli(u, n - 1) + besseli(u, n + 1)) / 2


def besselk_slope(u: Any, order: Static, y: Any = None) -> Any:
    """The same for K, but for the sign."""
    n = order_of(order)
    return -(besselk(u, n - 1) + besselk(u, n + 1)) / 2


# ---- gamma function and its kin


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


def polygamma(u: Any, n: int) -> Any:
    """The n-th derivative of psi = Gamma'/Gamma, to the left of 1/2 by reflection, DLMF 5.15.6."""
    u = np.asarray(u)
    if n == 0:
        return _as(u, sc.digamma(u))
    left = u < 0.5
    wide = np.asarray(u, np.float64)
    right = (-1.0) ** (n + 1) * math.factorial(n) * sc.zeta(n + 1.0, np.where(left, 1 - wide, wide))
    cotangent = 1 / np.tan(np.where(left, np.pi * (wide - np.round(wide)), 1.0))
    polynomial = np.zeros_like(wide)
    for coefficient in cotangent_derivative(int(n)):
        polynomial = polynomial * cotangent + coefficient
    return _as(u, np.where(left, (-1.0) ** n * right - polynomial * np.pi ** (n + 1), right))


GAP_SHIFT, GAP_TERMS = 16, 10


def polygamma_gap(u: Any, v: Any, n: int, xp: Any = np) -> Any:
    """psi_n(u + v) - psi_n(u) for u > 0 and u + v > 0, term by term of recurrence and asymptotic series (DLMF 5.5.2, 5.11.2).

    Each term is a difference (u + v)**-m - u**-m, taken by expm1; all that count have one sign.
    """

    def gap(x: Any, m: int) -> Any:
        return xp.expm1(-m * xp.log1p(v / x)) * x ** float(-m)

    total = 0 * (u + v)
    for k in range(GAP_SHIFT):
        total = total + math.factorial(n) * gap(u + k, n + 1)
    x = u + GAP_SHIFT
    total = total - xp.log1p(v / x) if n == 0 else total + math.factorial(n - 1) * gap(x, n)
    total = total + math.factorial(n) / 2 * gap(x, n + 1)
    for j in range(1, GAP_TERMS + 1):
        weight = float(sc.bernoulli(2 * j)[-1]) * math.factorial(2 * j + n - 1) / math.factorial(2 * j)
        total = total + weight * gap(x, 2 * j + n)
    return (-1) ** (n + 1) * total


def loggamma_gap(u: Any, v: Any, xp: Any = np) -> Any:
    """Log Gamma(u + v) - log Gamma(u) for positive operands by recurrence and Stirling's series (DLMF 5.11.1)."""
    total = 0 * (u + v)
    for k in range(GAP_SHIFT):
        total = total - xp.log1p(v / (u + k))
    x = u + GAP_SHIFT
    total = total + (x + v - 0.5) * xp.log1p(v / x) + v * (xp.log(x) - 1)
    for j in range(1, GAP_TERMS + 1):
        weight = float(sc.bernoulli(2 * j)[-1]) / (2 * j * (2 * j - 1))
        total = total + weight * xp.expm1(-(2 * j - 1) * xp.log1p(v / x)) * x ** float(1 - 2 * j)
    return total


def beta(u: Any, v: Any) -> Any:
    """Beta function of positive operands."""
    return _as(u + v, sc.beta(u, v))


def _between(u: Any, v: Any) -> Any:
    return 1 / ((u + 1) * beta(v + 1, u - v + 1))


def binomial(
    u: Any, v: Any, beta: Callable[..., Any] = beta, xp: Any = np, between: Callable[..., Any] = _between
) -> Any:
    """Binomial coefficient for u > -1: by the beta function between, by reflection (DLMF 5.5.3) outside."""
    half, one = u - u + 0.5, u - u + 1
    # C(u, v) = C(u, u - v)
    outside = xp.where(v < -half, -v, v - u)
    inside = outside <= half
    central = between(xp.where(inside, u, one), xp.where(inside, v, one))
    away = xp.where(inside, one, outside)
    nearest = xp.round(away)
    sine = xp.where(nearest % 2 == 0, one, -one) * xp.sin(math.pi * (away - nearest))
    return xp.where(inside, central, beta(u + 1, away) * sine / math.pi)


def _binomial_slope(u: Any, v: Any, direction: int) -> Any:
    # direction 0: in u; 1: in v
    u, v = np.broadcast_arrays(u, v)
    dtype = np.result_type(u, v)
    right, left = v > u + 0.5, v < -0.5
    inside = ~(right | left)
    a, b = np.where(inside, v + 1, 1), np.where(inside, u - v + 1, 1)
    slope = polygamma_gap(b, np.where(inside, v, 1), 0) if direction == 0 else polygamma_gap(a, b - a, 0)
    between = slope / ((u + 1) * sc.beta(a, b))
    d = np.where(inside, 1, np.where(left, -v, v - u))
    other = sc.digamma(np.where(inside, 1, u + d + 1))
    # d/du at fixed d, and d/dd
    along_u = sc.digamma(u + 1) - other
    along_d = sc.digamma(d) - other
    size = sc.beta(u + 1, d)
    sine, cosine = sc.sinpi(d) if hasattr(sc, "sinpi") else np.sin(np.pi * d), np.cos(np.pi * d)
    fixed, moved = size * along_u * sine / np.pi, size * (along_d * sine / np.pi + cosine)
    outside = (fixed - np.where(left, 0, moved)) if direction == 0 else np.where(left, -moved, moved)
    return np.where(inside, between, outside).astype(dtype)[()]


def binomial_slope_above(u: Any, v: Any, y: Any = None) -> Any:
    """Derivative of the binomial coefficient in u."""
    return _binomial_slope(u, v, 0)


def binomial_slope_below(u: Any, v: Any, y: Any = None) -> Any:
    """Derivative of the binomial coefficient in v."""
    return _binomial_slope(u, v, 1)


def lowergamma(s: Any, x: Any) -> Any:
    """Lower incomplete gamma function."""
    return _as(s + x, np.exp(np.log(sc.gammainc(s, x)) + sc.gammaln(s)))


def uppergamma(s: Any, x: Any) -> Any:
    """Upper incomplete gamma function."""
    return _as(s + x, upper_gamma(s, x, np.exp(np.log(sc.gammaincc(s, x)) + sc.gammaln(s))))


def upper_gamma(s: Any, x: Any, direct: Any, xp: Any = np) -> Any:
    """The upper incomplete gamma function; where s and x are small by its series (DLMF 8.7.3), the poles at s = 0 cancelled."""
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


# ---- Lambert's function and Riemann's

# W in powers of p = sqrt(2*(1 + e*x)) about the branch point, Corless et al. 1996, (4.22)
BRANCH_SERIES = (
    226287557 / 37623398400, -1963 / 204120, 680863 / 43545600, -221 / 8505, 769 / 17280, -43 / 540, 11 / 72, -1 / 3, 1.0, -1.0,
)  # fmt: skip
ORIGIN_SERIES = (-54 / 5, 125 / 24, -8 / 3, 3 / 2, -1.0, 1.0)
# exp(-1) in two parts
TENTH_LOW = -1.2428753672788363e-17


def lambert(u: Any, branch: int, xp: Any = np) -> Any:
    """W with W*exp(W) = u on branch 0 or -1: series about the branch point and 0, else w*(1 + log(u/w))/(1 + w) repeated.

    Source: Corless et al., Adv. Comput. Math. 5 (1996); Iacono and Boyd, Adv. Comput. Math. 43 (2017), (15).
    """
    e = math.e
    square = 2 * e * ((u + math.exp(-1.0)) + TENTH_LOW)
    p = xp.sqrt(xp.where(square > 0, square, 0)) * (1 if branch == 0 else -1)
    series = 0 * u
    for coefficient in BRANCH_SERIES:
        series = series * p + coefficient
    near = xp.abs(p) < 0.05
    x = xp.where(near, -0.25, u)
    if branch == 0:
        tiny = xp.abs(x) < 1e-3
        origin = 0 * u
        for coefficient in ORIGIN_SERIES:
            origin = origin * x + coefficient
        origin = origin * x
        x = xp.where(tiny, 1.0, x)
        log = xp.log(xp.where(x > 3, x, 3.0))
        w = xp.where(x > 3, log - xp.log(log), xp.where(x < -0.15, series, xp.where(x < 0, x, x / (1 + x))))
        w = xp.where(near, -0.3574, w)
    else:
        tiny, origin = near, series
        log = xp.log(-x)
        far = log - xp.log(-log)
        w = xp.where(near, -2.1533, xp.where(x < -0.25, series, far))
    for _ in range(6):
        w = w * (1 + xp.log(x / w)) / (1 + w)
    return xp.where(near, series, xp.where(tiny, origin, w))


ZETA_TERMS, ZETA_CORRECTIONS = 14, 12


@lru_cache
def zeta_corrections() -> tuple[float, ...]:
    """B_2j/(2j)!/N**(2j-1), the weights of Euler and Maclaurin."""
    return tuple(
        float(sc.bernoulli(2 * j)[-1]) / math.factorial(2 * j) / float(ZETA_TERMS) ** (2 * j - 1)
        for j in range(1, ZETA_CORRECTIONS + 1)
    )


Jet = list[Any]


def _times(a: Jet, b: Jet) -> Jet:
    return [sum((a[i] * b[k - i] for i in range(1, k + 1)), a[0] * b[k]) for k in range(len(a))]


def _exponential(a: Jet) -> Jet:
    # y' = a'*y
    y = [np.exp(a[0])]
    for k in range(1, len(a)):
        y.append(sum(i * a[i] * y[k - i] for i in range(1, k + 1)) / k)
    return y


def _power_jet(base: float, s: Any, order: int) -> Jet:
    # base**-(s + t) in powers of t
    value, log = np.exp(-s * math.log(base)), math.log(base)
    return [value * (-log) ** k / math.factorial(k) for k in range(order + 1)]


def _zeta_jet(s: Any, order: int) -> Jet:
    total = [sum(parts) for parts in zip(*(_power_jet(n, s, order) for n in range(1, ZETA_TERMS)), strict=True)]
    near = np.where(s < 64, s, 64.0)
    power = _power_jet(ZETA_TERMS, near, order)
    pole = [(-1) ** k * ZETA_TERMS / (near - 1) ** (k + 1) for k in range(order + 1)]
    pole[0] = pole[0] + 0.5
    rising = [near, 1.0 + 0 * near, *([0 * near] * order)][: order + 1]
    for j, coefficient in enumerate(zeta_corrections(), 1):
        pole = [p + coefficient * r for p, r in zip(pole, rising, strict=True)]
        for shift in (2 * j - 1, 2 * j):
            rising = _times(rising, [near + shift, 1.0 + 0 * near, *([0 * near] * order)][: order + 1])
    # farther right the remainder is nothing
    return [t + np.where(s < 64, p, 0.0) for t, p in zip(total, _times(power, pole), strict=True)]


def zeta_derivative(u: Any, k: int) -> Any:
    """The k-th derivative of Riemann's function by truncated power series.

    Euler-Maclaurin from -1/2 on (DLMF 25.2.9), the functional equation to the left (DLMF 25.4.1).
    """
    wide = np.asarray(u, np.float64)
    left = wide < -0.5
    jet = _zeta_jet(np.where(left, 1 - wide, wide), k)
    t = np.where(left, wide, -2.0)
    even = 2 * np.round(t / 2)
    angle, sign = np.pi / 2 * (t - even), np.where(np.round(even / 2) % 2 == 0, 1.0, -1.0)
    circle = (np.sin(angle), np.cos(angle), -np.sin(angle), -np.cos(angle))
    sine = [sign * circle[i % 4] * (np.pi / 2) ** i / math.factorial(i) for i in range(k + 1)]
    exponent = [sc.gammaln(1 - t) - (1 - t) * math.log(2 * math.pi)]
    for i in range(1, k + 1):
        exponent.append((-1) ** i * sc.polygamma(i - 1, 1 - t) / math.factorial(i))
        if i == 1:
            exponent[1] = exponent[1] + math.log(2 * math.pi)
    mirrored = [(-1) ** i * c for i, c in enumerate(jet)]
    reflected = _times(_times(sine, _exponential(exponent)), mirrored)
    return _as(u, math.factorial(k) * np.where(left, 2 * reflected[k], jet[k]))


# ---- integrals


def expint(u: Any, n: int) -> Any:
    """Generalised exponential integral of whole order."""
    return np.exp(-u) / u if n == 0 else _as(u, sc.exp1(u) if n == 1 else sc.expn(int(n), u))


def expint_slope(u: Any, n: int, y: Any = None) -> Any:
    """Its derivative."""
    return -(1 + 1 / u) * np.exp(-u) / u if n == 0 else -expint(u, n - 1)
