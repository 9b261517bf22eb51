"""JAX forms of error functions that JAX lacks, right in derivatives of any order."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp

from symdiff.forms.jax_slopes import with_slope

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


# by the normal quantile, which has its digits at both ends
erfcinv = with_slope(
    lambda u: -jsp.ndtri(u / 2) / math.sqrt(2), lambda u: -math.sqrt(math.pi) / 2 * jnp.exp(jnp.square(erfcinv(u)))
)


def _erfi(u: jax.Array) -> jax.Array:
    # in two factors, for the exponential overflows before the product does
    half = jnp.exp(u * u / 2)
    product = TWO_OVER_ROOT_PI * half * (half * jsp.dawsn(u))
    # where Dawson's integral underflows
    return jnp.where(jnp.abs(u) > 30, jnp.copysign(jnp.inf, u), product)


erfi = with_slope(_erfi, lambda u: TWO_OVER_ROOT_PI * jnp.exp(u * u))
