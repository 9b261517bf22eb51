"""JAX functions that are told their derivatives, in terms of functions that are told theirs: right in every order."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp


def with_slope_of_order(value: Callable[..., jax.Array], slope: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """A function of one operand and one static argument whose derivative is `slope`, of the same arguments."""
    function = jax.custom_jvp(value, nondiff_argnums=(1,))
    function.defjvp(lambda n, primals, tangents: (function(*primals, n), slope(*primals, n) * tangents[0]))
    return function


def with_slope(value: Callable[..., jax.Array], slope: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """The same without static argument."""
    function = jax.custom_jvp(value)
    function.defjvp(lambda primals, tangents: (function(*primals), slope(*primals) * tangents[0]))
    return function


def where_or(condition: jax.Array, u: jax.Array, safe: float) -> jax.Array:
    """The operand where a condition holds, else a point where nothing goes wrong."""
    return jnp.where(condition, u, jnp.full_like(u, safe))
