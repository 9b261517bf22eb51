"""JAX forms of the integrals of exponentials and circular functions, right in derivatives of any order."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np

from symdiff.forms import exponential_integrals
from symdiff.forms.jax_slopes import where_or, with_slope, with_slope_of_order

EULER_GAMMA = float(np.euler_gamma)


# steps of the continued fraction that leave less than an ulp from the edge on, about (ln(1/eps)/4)**2/edge
EXPINT_EDGE, EXPINT_STEPS, EXPINT_TERMS = 2.0, 64, 32


def _harmonic(n: int) -> float:
    return math.fsum(1 / k for k in range(1, n + 1))


def _expint(u: jax.Array, n: int) -> jax.Array:
    """E_n by its power series (DLMF 8.19.8) below the edge, by its continued fraction (8.19.17) above.

    Both take a fixed number of steps: JAX's own `expn` loops until it has converged, which it never does for an array
    in which one element is tiny.
    """
    if n == 0:
        return jnp.exp(-u) / u
    near = u <= EXPINT_EDGE
    x = jnp.where(near, u, jnp.ones_like(u))
    series = ((-x) ** (n - 1) / math.factorial(n - 1)) * (_harmonic(n - 1) - EULER_GAMMA - jnp.log(x))
    term = jnp.ones_like(x)
    for k in range(EXPINT_TERMS + n):
        if k != n - 1:
            series = series - term / (1 - n + k)
        term = -term * x / (k + 1)
    x = where_or(~near, u, 2 * EXPINT_EDGE)

    def step(i: Any, tail: jax.Array) -> jax.Array:
        k = EXPINT_STEPS - jnp.asarray(i, x.dtype)
        return (n + k - 1) / (1 + k / (x + tail))

    tail = jax.lax.fori_loop(0, EXPINT_STEPS, step, jnp.zeros_like(x))
    return jnp.where(near, series, jnp.exp(-x) / (x + tail))


def _expint_slope(u: jax.Array, n: int) -> jax.Array:
    return -(1 + 1 / u) * jnp.exp(-u) / u if n == 0 else -expint(u, n - 1)


def _ei(u: jax.Array) -> jax.Array:
    right = u > 0
    # far out JAX's own overflows where exp(u) does, and is NaN in float32
    far = u > exponential_integrals.STEEP
    ahead = jnp.where(far, exponential_integrals.ei_far(u, jnp), jsp.expi(where_or(right & ~far, u, 1.0)))
    return jnp.where(right, ahead, -_expint(where_or(u < 0, -u, math.nan), 1))


def _chi(u: jax.Array) -> jax.Array:
    return (_ei(u) - _expint(u, 1)) / 2


def _shi(u: jax.Array) -> jax.Array:
    # by its power series (DLMF 6.6.5) where the logarithms of the two parts would cancel
    size = jnp.abs(u)
    near = size < EXPINT_EDGE
    square, outer = where_or(near, u, 0.0) ** 2, where_or(~near, size, EXPINT_EDGE)
    series = jnp.zeros_like(u)
    for k in reversed(range(EXPINT_TERMS // 2)):
        series = series * square + 1 / ((2 * k + 1) * math.factorial(2 * k + 1))
    return jnp.where(near, u * series, jnp.sign(u) * (_ei(outer) + _expint(outer, 1)) / 2)


expint = with_slope_of_order(_expint, _expint_slope)
Ei = with_slope(_ei, partial(exponential_integrals.exp_over, xp=jnp))
Ci = with_slope(lambda u: jsp.sici(u)[1], lambda u: jnp.cos(u) / u)
Chi = with_slope(_chi, partial(exponential_integrals.cosh_over, xp=jnp))
Shi = with_slope(_shi, partial(exponential_integrals.sinhc, xp=jnp))


def _sinc(u: jax.Array) -> jax.Array:
    from symdiff.forms.jax_elementary import sinc

    return sinc(u)


Si = with_slope(lambda u: jsp.sici(u)[0], _sinc)
