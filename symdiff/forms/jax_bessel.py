"""Bessel functions of real order and Airy functions, which JAX lacks: SciPy's, asked for on the host."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp

from symdiff.forms import bessel
from symdiff.forms.jax_slopes import with_slope, with_slope_of_order
from symdiff.forms.scipy_functions import Static, order_of


def _host(function: Callable[..., Any], u: jax.Array, *static: Static) -> jax.Array:
    """An elementwise SciPy function, called on the host at each evaluation."""

    def call(a: Any) -> Any:
        a = np.asarray(a)
        with np.errstate(all="ignore"):
            return np.asarray(function(a, *static), a.dtype)

    return jax.pure_callback(call, jax.ShapeDtypeStruct(jnp.shape(u), u.dtype), u, vmap_method="broadcast_all")


Joined = Callable[[jax.Array, jax.Array, float | int], jax.Array]


def _bessel(value: Callable[..., Any], joined: Joined) -> Callable[..., jax.Array]:
    # the derivative is made of the functions of the order below and of the order above, DLMF 10.6.1 and 10.29.1
    def slope(u: jax.Array, order: Static) -> jax.Array:
        order = sp.sympify(order)
        return joined(function(u, order - 1), function(u, order + 1), order_of(order))

    function = with_slope_of_order(lambda u, order: _host(value, u, order), slope)
    return function


besselj = _bessel(bessel.besselj, lambda before, after, _: (before - after) / 2)
bessely = _bessel(bessel.bessely, partial(bessel.bessel_difference, xp=jnp))
besseli = _bessel(bessel.besseli, lambda before, after, _: (before + after) / 2)
besselk = _bessel(bessel.besselk, lambda before, after, _: -(before + after) / 2)

airyai = with_slope(lambda u: _host(bessel.airyai, u), lambda u: airyaiprime(u))
airyaiprime = with_slope(lambda u: _host(bessel.airyaiprime, u), lambda u: u * airyai(u))
airybi = with_slope(lambda u: _host(bessel.airybi, u), lambda u: airybiprime(u))
airybiprime = with_slope(lambda u: _host(bessel.airybiprime, u), lambda u: u * airybi(u))
