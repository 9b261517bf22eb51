"""JAX forms of functions that jax.numpy lacks, or has with another signature; the function table names them by path."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import sympy as sp

from symdiff.constants import float_of

# up to here repeated multiplication is as accurate as pow and faster
LARGEST_MULTIPLIED_POWER = 8


def integer_power(u: jax.Array, n: int) -> jax.Array:
    """u**n for a static integer n >= 1."""
    if n <= LARGEST_MULTIPLIED_POWER:
        return jax.lax.integer_pow(u, n)
    return jnp.power(u, jnp.asarray(float_of(n), u.dtype))


def negative_power(u: jax.Array, n: int) -> jax.Array:
    """u**-n for a static integer n >= 2."""
    if n <= LARGEST_MULTIPLIED_POWER:
        return jax.lax.integer_pow(u, -n)
    return jnp.power(u, jnp.asarray(-float_of(n), u.dtype))


def constant_power(u: jax.Array, c: sp.Rational) -> jax.Array:
    """u**c for a static rational c, u >= 0."""
    return jnp.power(u, jnp.asarray(float_of(c), u.dtype))


def sigmoid(u: jax.Array) -> jax.Array:
    """1/(1 + exp(-u)) in a form whose derivative keeps its digits on both sides, as that of jax.nn.sigmoid does not."""
    small = jnp.exp(jnp.where(u >= 0, -u, u))
    return jnp.where(u >= 0, jnp.ones_like(u), small) / (1 + small)


def heaviside(u: jax.Array, at_zero: sp.Rational) -> jax.Array:
    """The unit step, with the given value at 0."""
    return jnp.heaviside(u, jnp.asarray(float(at_zero), u.dtype))


def resolve(path: str) -> Any:
    """The function at a dotted path.

    >>> resolve("jax.numpy.tanh") is jnp.tanh
    True
    """
    import importlib

    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)
