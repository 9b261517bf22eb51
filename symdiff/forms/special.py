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

from symdiff.forms import gamma as gamma_forms

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
    return _as(u, np.where(left, wave, np.where(right, outer, middle)))


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


def polygamma_gap(u: Any, v: Any, n: int) -> Any:
    """psi_n(u + v) - psi_n(u) for u > 0 and u + v > 0."""
    return _as(u + v, gamma_forms.polygamma_gap(np.asarray(u), np.asarray(v), int(n)))


# SciPy's beta function in doubles is off by 330 units beyond 30, by 4e3 at 100 and by 5e8 at 1e7 (measured)
LARGE_BETA = 30.0


def beta(u: Any, v: Any) -> Any:
    """Beta function of positive operands."""
    # SciPy's is infinite at 0 even where the other operand is NaN
    found = np.where(np.isnan(u + v), u + v, sc.beta(u, v))
    large = np.maximum(u, v) > LARGE_BETA
    if np.any(large) and np.asarray(u + v).dtype != np.float32:
        found = np.where(large, beta_derivative(u, v, 0, 0), found)
    return _as(u + v, found)


def beta_derivative(u: Any, v: Any, i: int, j: int) -> Any:
    """Its partial of order i in u and j in v."""
    return _as(u + v, gamma_forms.beta_derivative(np.asarray(u), np.asarray(v), int(i), int(j), sc.gammaln))


def binomial_derivative(u: Any, v: Any, i: int = 0, j: int = 0) -> Any:
    """The partial of order i in u > -1 and j in v of the binomial coefficient, of order 0 the coefficient itself."""
    return _as(u + v, gamma_forms.binomial_derivative(np.asarray(u), np.asarray(v), int(i), int(j), sc.gammaln))


def gamma_density(s: Any, x: Any, k: int = 0) -> Any:
    """The k-th derivative in x of x**(s - 1)*exp(-x)."""
    return _as(s + x, gamma_forms.gamma_density(s, x, int(k)))


def lowergamma(s: Any, x: Any) -> Any:
    """Lower incomplete gamma function."""
    part = sc.gammainc(s, x)
    return _as(s + x, lower_gamma(s, x, part, np.exp(np.log(part) + sc.gammaln(s))))


def uppergamma(s: Any, x: Any) -> Any:
    """Upper incomplete gamma function."""
    part = sc.gammaincc(s, x)
    return _as(s + x, upper_gamma(s, x, part, np.exp(np.log(part) + sc.gammaln(s))))


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
    return _as(u, np.where(u > STEEP, ei_far(u), sc.expi(u)))


def shi(u: Any) -> Any:
    """Hyperbolic sine integral."""
    size = np.abs(u)
    return _as(u, np.where(size > STEEP, np.copysign(ei_far(size) / 2, u), sc.shichi(u)[0]))


def chi(u: Any) -> Any:
    """Hyperbolic cosine integral."""
    return _as(u, np.where(u > STEEP, ei_far(u) / 2, sc.shichi(u)[1]))


def cosh_over(u: Any, xp: Any = np) -> Any:
    """cosh(u)/u for u > 0."""
    return xp.where(u < STEEP, xp.cosh(xp.minimum(u, STEEP)) / u, exp_over(u, xp) / 2)


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
    # no larger than is used, so that nothing overflows
    square = 2 * e * ((xp.minimum(u, 0 * u) + math.exp(-1.0)) + TENTH_LOW)
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
    # not log(x/w): XLA makes x/(a/b) to x*b/a, which overflows
    size = xp.log(xp.abs(x))
    for _ in range(6):
        w = w * (1 + size - xp.log(xp.abs(w))) / (1 + w)
    return xp.where(near, series, xp.where(tiny, origin, w))


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
    return _as(u, zeta_jet(np.asarray(u, np.float64), int(k), sc.gammaln))


# ---- integrals


def expint(u: Any, n: int) -> Any:
    """Generalised exponential integral of whole order."""
    return np.exp(-u) / u if n == 0 else _as(u, sc.exp1(u) if n == 1 else sc.expn(int(n), u))


def expint_slope(u: Any, n: int, y: Any = None) -> Any:
    """Its derivative."""
    return -(1 + 1 / u) * np.exp(-u) / u if n == 0 else -expint(u, n - 1)
