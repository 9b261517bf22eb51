"""JAX forms of Lambert's function and Riemann's, right in derivatives of any order."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp

from symdiff.forms import lambert_w, riemann_zeta
from symdiff.forms.jax_slopes import with_slope_of_order


def _lambert(u: jax.Array, branch: int) -> jax.Array:
    return lambert_w.lambert(u, branch, jnp)


def _lambert_slope(u: jax.Array, branch: int) -> jax.Array:
    w = LambertW(u, branch)
    return jnp.exp(-w) / (1 + w)


LambertW = with_slope_of_order(_lambert, _lambert_slope)


def _zeta(u: jax.Array, k: int) -> jax.Array:
    return riemann_zeta.zeta_jet(u, int(k), jsp.gammaln, jnp)


zeta_derivative = with_slope_of_order(_zeta, lambda u, k: zeta_derivative(u, k + 1))


def zeta(u: jax.Array) -> jax.Array:
    """Riemann's function."""
    return zeta_derivative(u, 0)
