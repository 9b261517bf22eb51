"""The log-likelihood of a Gaussian mixture with a Wishart prior, as benchmarks of automatic differentiation use it.

Components have log-weights alphas (up to a constant), means, and inverse covariance factors icf: of each component's
lower triangular Q, the logarithms of the diagonal, then the entries below it column by column, so that the precision is
Q.T*Q. With x of n points in d dimensions and k components,

    L = sum_i log sum_c exp(alphas_c + tr q_c - |Q_c (x_i - means_c)|**2/2) - n log sum_c exp(alphas_c)
        - n d/2 log(2 pi) + P,

where tr q_c sums the logarithms of Q's diagonal and P is the log-density of the precisions' prior
Wishart(d + m + 1, I/gamma**2), m tr q_c - gamma**2 |Q_c|**2/2 for each component, and a constant.

Source: Srajer, Kukelova and Fitzgibbon, A Benchmark of Selected Algorithmic Differentiation Tools on Some Problems in
Computer Vision and Machine Learning, Optimization Methods and Software 33 (2018), section 4.1;
https://github.com/microsoft/ADBench, src/cpp/shared/gmm.h. ADBench's programs add P with the other sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

# indices of points, components, and of the rows and columns of Q
POINT, C, R, S = (sp.Symbol(name, integer=True) for name in ("i", "c", "r", "s"))


@dataclass(frozen=True)
class Mixture:
    """The formula, and the arrays that it holds: x[i, r], alphas[c], means[c, r], icf[c, j]; n is the length of x."""

    formula: sp.Expr
    x: sp.IndexedBase
    alphas: sp.IndexedBase
    means: sp.IndexedBase
    icf: sp.IndexedBase
    n: sp.Symbol


def gaussian_mixture(d: int, k: int, gamma: Any = 1, m: int = 0, adbench: bool = True) -> Mixture:
    """The formula for k components in d dimensions and any number of points.

    With `adbench` the prior has the sign that it has in ADBench's programs, so that values compare; without, L is the
    logarithm of the posterior density.

    >>> mixture = gaussian_mixture(2, 3)
    >>> mixture.icf.shape, mixture.x.shape
    ((3, 3), (n, 2))
    """
    n = sp.Symbol("n", integer=True, positive=True)
    x, alphas, means = (
        sp.IndexedBase(name, shape=shape) for name, shape in (("x", (n, d)), ("alphas", (k,)), ("means", (k, d)))
    )
    icf = sp.IndexedBase("icf", shape=(k, d * (d + 1) // 2))
    components, dimensions = (C, 0, k - 1), (R, 0, d - 1)

    def apart(axis: sp.Symbol) -> sp.Expr:
        return x[POINT, axis] - means[C, axis]

    # the entry of row r and column s < r of Q
    below = icf[C, d + R - 1 + S * (2 * d - 3 - S) / 2]
    projected = sp.exp(icf[C, R]) * apart(R)
    if d > 1:
        projected += sp.Sum(below * apart(S), (S, 0, R - 1))
    log_determinant = sp.Sum(icf[C, R], dimensions)
    exponent = alphas[C] + log_determinant - sp.Sum(projected**2, dimensions) / 2
    points = sp.Sum(sp.log(sp.Sum(sp.exp(exponent), components)), (POINT, 0, n - 1))
    weights = n * sp.log(sp.Sum(sp.exp(alphas[C]), components))
    squares = sp.Sum(sp.exp(2 * icf[C, R]), dimensions)
    if d > 1:
        squares += sp.Sum(icf[C, R] ** 2, (R, d, d * (d + 1) // 2 - 1))
    prior = sp.Sum(m * log_determinant - gamma**2 * squares / 2, components) + k * _constant(d, gamma, m)
    likelihood = points - weights - n * d * sp.log(2 * sp.pi) / 2
    return Mixture(likelihood - prior if adbench else likelihood + prior, x, alphas, means, icf, n)


def _constant(d: int, gamma: Any, m: int) -> sp.Expr:
    """What normalises the prior: nu d log(gamma/sqrt(2)) - log Gamma_d(nu/2) with nu = d + m + 1."""
    degrees = d + m + 1
    log_gamma = sp.Rational(d * (d - 1), 4) * sp.log(sp.pi)
    log_gamma += sum(sp.loggamma(sp.Rational(degrees + 1 - j, 2)) for j in range(1, d + 1))
    return degrees * d * (sp.log(gamma) - sp.log(2) / 2) - log_gamma
