"""Formulas about the gamma function that NumPy and JAX forms share: psi, beta function, binomial coefficient.

Each takes `xp`, which is NumPy or jax.numpy. Derivatives of any order are written as the function times a polynomial in
the derivatives of its logarithm, and these as differences psi_n(u + v) - psi_n(u) that keep their digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

# steps of the recurrence, and terms of the asymptotic series that are felt after them
SHIFT, TERMS = 10, 12
# Gauss and Legendre's nodes for a function with no singularity within twice the interval, by both ends
NODES, WEIGHTS = (0.5 * (1 + x) if k == 0 else 0.5 * x for k, x in enumerate(np.polynomial.legendre.leggauss(10)))
LARGE = 1e5
Logarithm = dict[tuple[int, int], Any]


@lru_cache
def bernoulli(count: int) -> tuple[Fraction, ...]:
    """B_2, B_4, ..., exactly, by their recurrence (DLMF 24.5.3).

    >>> [str(b) for b in bernoulli(3)]
    ['1/6', '-1/30', '1/42']
    """
    numbers = [Fraction(1)]
    for m in range(1, 2 * count + 1):
        numbers.append(-sum((math.comb(m + 1, k) * b for k, b in enumerate(numbers)), Fraction(0)) / (m + 1))
    return tuple(numbers[2::2])


def _power(w: Any, m: int) -> Any:
    result = w
    for _ in range(m - 1):
        result = result * w
    return result


def psi(x: Any, n: int, xp: Any = np) -> Any:
    """The n-th derivative of psi = Gamma'/Gamma for x > 0 by recurrence and asymptotic series (DLMF 5.15.5, 5.15.8).

    >>> abs(float(psi(np.float64(1.0), 0)) + np.euler_gamma) < 1e-15
    True
    """
    total = _power(1 / x, n + 1)
    for k in range(1, SHIFT):
        total = total + _power(1 / (x + k), n + 1)
    far = x + SHIFT
    w = 1 / far
    square, series = w * w, 0 * w
    for j in reversed(range(1, TERMS + 1)):
        weight = bernoulli(TERMS)[j - 1] * math.factorial(2 * j + n - 1) / math.factorial(2 * j)
        series = series * square + float(weight)
    power = _power(w, n) if n else 1
    leading = math.factorial(n - 1) * power if n else -xp.log(far)
    tail = leading + power * (math.factorial(n) / 2 * w + square * series)
    return (-1.0) ** (n + 1) * (math.factorial(n) * total + tail)


def _integral(u: Any, v: Any, n: int, j: int, xp: Any) -> Any:
    """Integral of s**j*psi_n(u + s*v) over s from 0 to 1 by the nodes, all of them at once."""
    shape = (len(NODES), *(1,) * (u + v).ndim)
    nodes, weights = (xp.asarray(a.reshape(shape), dtype=(u + v).dtype) for a in (NODES, WEIGHTS * NODES**j))
    return (weights * psi(u[None] + nodes * v[None], n, xp)).sum(0)


def polygamma_gap(u: Any, v: Any, n: int, xp: Any = np, top: Any = None) -> Any:
    """psi_n(u + v) - psi_n(u) for u > 0 and u + v > 0; `top` is u + v where that is known to more digits.

    The first term of the recurrence apart, it is the difference of two numbers, or where they are close the integral
    of psi_(n+1) between them.

    >>> f"{polygamma_gap(np.float64(1.0), np.float64(1e-200), 0):.14e}"
    '1.64493406684823e-200'
    """
    u, v = xp.broadcast_arrays(u, v)
    top = u + v if top is None else top
    p, q = 1 / top, 1 / u
    first = 0 * p
    for i in range(n + 1):
        first = first * q + (_power(p, i) if i else 1)
    # p**(n+1) - q**(n+1)
    first = -(v * p) * (q * first)
    low, high = u + 1, top + 1
    near = xp.abs(v) < 0.5 * low
    step = xp.where(near, v, 0 * v)
    within = step * _integral(low, step, n + 1, 0, xp)
    return (-1.0) ** (n + 1) * math.factorial(n) * first + xp.where(near, within, psi(high, n, xp) - psi(low, n, xp))


def _moment(u: Any, v: Any, n: int, j: int, xp: Any) -> Any:
    """Integral of s**j*psi_n(u + s*v) over s from 0 to 1, for n > j, u >= 1 and v > 0, also where v is 0 to all digits.

    Its derivative in u is that of (n + 1, j), in v that of (n + 1, j + 1).
    """
    near = v < 0.75 * u
    within = _integral(u, xp.where(near, v, 0 * v), n, j, xp)
    apart = xp.where(near, 1 + 0 * v, v)
    # by parts, from j = 0 on
    found = polygamma_gap(u, apart, n - j - 1, xp) / apart
    for k in range(1, j + 1):
        found = (psi(u + apart, n - j + k - 1, xp) - k * found) / apart
    return xp.where(near, within, found)


def log_beta(u: Any, v: Any, gammaln: Callable[[Any], Any], xp: Any = np) -> Any:
    """Logarithm of the beta function of positive operands: log Gamma of the smaller, the rest by Stirling's series."""
    u, v = xp.broadcast_arrays(u, v)
    larger, smaller = xp.maximum(u, v), xp.minimum(u, v)
    # of two operands as large as this the function underflows
    smaller = xp.minimum(smaller, LARGE)
    product = 1 + 0 * larger
    for k in range(SHIFT):
        product = product * (1 + smaller / (larger + k))
    far = larger + SHIFT
    step = smaller / far
    # the small step times a large number, unless it is too small to be one
    slope = xp.where(step < 1e-30, smaller, (far + smaller - 0.5) * xp.log1p(step))
    shifted = slope + smaller * (xp.log(far) - 1)
    return gammaln(smaller) + xp.log(product) - shifted - (_stirling(far + smaller) - _stirling(far))


def _stirling(x: Any) -> Any:
    # DLMF 5.11.1
    w = 1 / x
    square, series = w * w, 0 * w
    for j in reversed(range(1, TERMS + 1)):
        series = series * square + float(bernoulli(TERMS)[j - 1] / (2 * j * (2 * j - 1)))
    return w * series


def scaled(logarithm: Any, factor: Any, xp: Any) -> Any:
    """exp(logarithm)*factor, of which the one or the other may leave the range of numbers before the product does."""
    half = xp.exp(0.5 * logarithm)
    return xp.where(factor == 0, 0 * factor, half * factor * half)


def _expanded(logarithm: Logarithm, i: int, j: int) -> dict[tuple[int, int], Any]:
    """Partials of exp(g), divided by exp(g), up to order (i, j) from those of g by Leibniz' rule."""
    found: dict[tuple[int, int], Any] = {(0, 0): 1.0}
    for m in range(i + 1):
        for n in range(j + 1):
            if not m + n:
                continue
            rows, columns = (m - 1, n) if m else (0, n - 1)
            found[m, n] = sum(
                math.comb(rows, p) * math.comb(columns, q) * found[p, q] * logarithm[m - p, n - q]
                for p in range(rows + 1)
                for q in range(columns + 1)
            )
    return found


def _mixed_beta_partial(u: Any, v: Any, i: int, j: int, xp: Any) -> Any:
    """Partial of order i, j >= 1 of the beta function B, divided by B.

    With B = (1/u + 1/v)*R that of order 1, 1 is R times an expression smooth at 0, in which no poles have to cancel:
    with M_nj the integral of s**j*psi_n(1 + u + s*v), and N_nj that with u and v exchanged, it is
    (u + v)*M_10*N_10 - M_21 - N_21.
    """
    i, j = i - 1, j - 1
    smooth: Logarithm = {}
    steps = [(p, q) for p in range(i + 1) for q in range(j + 1)]
    one, other = 1 + xp.stack([u, v]), xp.stack([v, u])
    pairs = {
        (p, q): (_moment(1 + u, v, 1 + p + q, q, xp), _moment(1 + v, u, 1 + p + q, p, xp)) for p, q in steps if p + q
    }
    both = _moment(one, other, 1, 0, xp)
    pairs[0, 0] = (both[0], both[1])
    products = {
        (p, q): sum(
            math.comb(p, a) * math.comb(q, b) * pairs[a, b][0] * pairs[p - a, q - b][1]
            for a in range(p + 1)
            for b in range(q + 1)
        )
        for p, q in steps
    }
    for p, q in steps:
        bent = _moment(1 + u, v, 2 + p + q, 1 + q, xp) + _moment(1 + v, u, 2 + p + q, 1 + p, xp)
        lower = (p * products[p - 1, q] if p else 0) + (q * products[p, q - 1] if q else 0)
        smooth[p, q] = (u + v) * products[p, q] + lower - bent
    logarithm = _log_ratio_partials(u, v, i + j, xp)
    ratio = _expanded(logarithm, i, j)
    total = sum(math.comb(i, p) * math.comb(j, q) * ratio[i - p, j - q] * smooth[p, q] for p, q in steps)
    larger, smaller = xp.maximum(u, v), xp.minimum(u, v)
    return smaller / (1 + smaller / larger) * total


def _log_ratio_partials(u: Any, v: Any, order: int, xp: Any) -> Logarithm:
    # of log R = log(Gamma(1 + u)*Gamma(1 + v)/Gamma(1 + u + v))
    return _log_beta_partials(1 + u, v, 1 + v, u, order, xp)


def _log_beta_partials(u: Any, v: Any, w: Any, x: Any, order: int, xp: Any) -> Logarithm:
    # log Gamma(u) + log Gamma(w) - log Gamma(u + v), where u + v = w + x, in u and w
    found: Logarithm = {}
    for m in range(1, order + 1):
        pair = -polygamma_gap(xp.stack([u, w]), xp.stack([v, x]), m - 1, xp)
        mixed = -psi(u + v, m - 1, xp) if m > 1 else None
        found |= {(k, m - k): mixed for k in range(1, m)} | {(m, 0): pair[0], (0, m): pair[1]}
    return found


def beta_derivative(u: Any, v: Any, i: int, j: int, gammaln: Callable[[Any], Any], xp: Any = np) -> Any:
    """The partial of order i in u and j in v of the beta function of positive operands; 0 where one is infinite."""
    u, v = xp.broadcast_arrays(u, v)
    lost = ((u == math.inf) | (v == math.inf)) & (u > 0) & (v > 0)
    u, v = xp.where(lost, xp.ones_like(u), u), xp.where(lost, xp.ones_like(v), v)
    if i and j:
        factor = _mixed_beta_partial(u, v, i, j, xp)
    else:
        factor = _expanded(_log_beta_partials(u, v, v, u, i + j, xp), i, j)[i, j]
    return xp.where(lost, xp.zeros_like(u), scaled(log_beta(u, v, gammaln, xp), factor, xp))


def binomial_derivative(u: Any, v: Any, i: int, j: int, gammaln: Callable[[Any], Any], xp: Any = np) -> Any:
    """The partial of order i in u > -1 and j in v of the binomial coefficient.

    Between v = -1/2 and u + 3/2 it is 1/((u + 1)*B(v + 1, u - v + 1)), and in the upper part of that (1 - v/(u + 1))
    times C(u + 1, v), in which no poles have to cancel; outside it is B(u + 1, d)*sin(pi*d)/pi with d = -v or v - u
    (DLMF 5.5.3).
    """
    u, v = xp.broadcast_arrays(u, v)
    one = 1 + 0 * u
    left, right = v < -0.5, v - u > 1.5
    inside = ~(left | right)
    d = xp.where(inside, one, xp.where(left, -v, v - u))
    # a harmless point where a form is not taken
    x, y = xp.where(inside, u, one), xp.where(inside, v, one)
    # of the two orders the one that is exact near the pole
    beyond = xp.where(x < 1, (x + 1) - y, (x - y) + 1)
    upper = beyond < 0.5
    shift = xp.where(upper, one, 0 * one)
    a, b, c, e = y + 1, beyond + shift, x + 1 + shift, u + 1
    between: Logarithm = {}
    outside: Logarithm = {}
    for m in range(1, i + j + 1):
        tops = xp.stack([c, b, e + d, e + d])
        gaps = polygamma_gap(xp.stack([b, a, e, d]), xp.stack([y, x + shift - 2 * y, d, e]), m - 1, xp, tops)
        at_a, at_b, at_sum = psi(xp.stack([a, b, e + d]), m - 1, xp) if m > 1 else (one, one, one)
        between |= {(k, m - k): -((-1.0) ** (m - k)) * at_b for k in range(1, m)}
        between |= {(m, 0): gaps[0], (0, m): gaps[1] if m % 2 else -at_a - at_b}
        outside |= {(k, m - k): -at_sum for k in range(1, m)} | {(m, 0): -gaps[2], (0, m): -gaps[3]}
    shifted, inverse = _expanded(between, i, j), 1 / (x + 1)
    factor = beyond * inverse * shifted[i, j]
    for p in range(i + 1):
        pole = (-1.0) ** (p + 1) * math.factorial(p) * math.comb(i, p) * _power(inverse, p + 1)
        factor = factor + (pole * y * shifted[i - p, j] if p else 0) + (j * pole * shifted[i - p, j - 1] if j else 0)
    central = scaled(-(xp.log(c) + log_beta(a, b, gammaln, xp)), xp.where(upper, factor, shifted[i, j]), xp)
    found = xp.where(inside, central, _reflected(outside, e, d, left, i, j, gammaln, xp))
    return xp.where(xp.isnan(u) | xp.isnan(v), u * v, found)


def _reflected(logarithm: Logarithm, c: Any, d: Any, left: Any, i: int, j: int, gammaln: Any, xp: Any) -> Any:
    nearest = xp.round(d)
    sign = xp.where(nearest % 2 == 0, 1 + 0 * d, -1 + 0 * d)
    sine, cosine = (sign * f(math.pi * (d - nearest)) for f in (xp.sin, xp.cos))
    waves = [math.pi ** (q - 1) * (sine, cosine, -sine, -cosine)[q % 4] for q in range(i + j + 1)]
    if not i + j:
        factors = {(0, 0): waves[0]}
    else:
        sizes = {key: f for k in range(i + 1) for key, f in _expanded(logarithm, k, i + j - k).items()}
        factors = {
            (p, i + j - p): sum(
                math.comb(i + j - p, q) * sizes[p, i + j - p - q] * waves[q] for q in range(i + j - p + 1)
            )
            for p in range(i + 1)
        }
    # d/du at fixed v is d/du - d/dd to the right
    to_right = sum(math.comb(i, p) * (-1.0) ** p * factors[i - p, j + p] for p in range(i + 1))
    return scaled(log_beta(c, d, gammaln, xp), xp.where(left, (-1.0) ** j * factors[i, j], to_right), xp)


def gamma_density(s: Any, x: Any, k: int, xp: Any = np) -> Any:
    """The k-th derivative in x of x**(s - 1)*exp(-x), as one exponential and a polynomial in x or 1/x."""
    far = x > 1
    step = xp.where(far, 1 / x, x)
    polynomial, falling = 0 * step, [1 + 0 * (s + x)]
    for m in range(1, k + 1):
        falling.append(falling[-1] * (s - m))
    # from the highest power of x to the lowest, or the other way round
    up = [math.comb(k, m) * (-1.0) ** m * falling[k - m] for m in range(k + 1)]
    for low, high in zip(up, reversed(up), strict=True):
        polynomial = polynomial * step + xp.where(far, low, high)
    return scaled((s - 1 - xp.where(far, 0, k)) * xp.log(x) - x, polynomial, xp)
