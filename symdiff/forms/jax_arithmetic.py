"""JAX forms of functions that jax.numpy lacks, or has with another signature; the function table names them by path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import sympy as sp
from jax.custom_derivatives import SymbolicZero

from symdiff.constants import nearest

# up to here repeated multiplication is as accurate as pow and faster
LARGEST_MULTIPLIED_POWER = 8


@jax.custom_jvp
def _quotient(u: jax.Array, v: jax.Array) -> jax.Array:
    return jnp.divide(u, v)


def _quotient_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[jax.Array, Any]:
    (u, v), (in_u, in_v) = primals, tangents
    y = divide(u, v)
    parts: list[Any] = []
    if not isinstance(in_u, SymbolicZero):
        parts.append(in_u / v)
    if not isinstance(in_v, SymbolicZero):
        # times 1/v, since XLA makes (u/v)/v to u/(v*v)
        parts.append(-in_v * (y * divide(jnp.ones_like(v), v)))
    return y, sum(parts[1:], parts[0]) if parts else jnp.zeros_like(y)


_quotient.defjvp(_quotient_jvp, symbolic_zeros=True)


@jax.jit  # traced, and its derivative too, once for each kind of operands
def divide(u: jax.Array, v: jax.Array) -> jax.Array:
    """u/v; JAX's own derivative in v, -u*v**-2, overflows where -(u/v)/v does not.

    >>> float(jax.grad(divide, 1)(jnp.float32(2.0**-66), jnp.float32(2.0**-65)))
    -1.8446744073709552e+19
    """
    return _quotient(u, v)


def maximum(u: jax.Array, v: jax.Array) -> jax.Array:
    """The larger operand; value and derivatives are NaN where an operand is, as those of jnp.maximum are not."""
    return _or_nan(jnp.maximum(u, v), u, v)


def minimum(u: jax.Array, v: jax.Array) -> jax.Array:
    """The smaller operand; NaN as in `maximum`."""
    return _or_nan(jnp.minimum(u, v), u, v)


def _or_nan(choice: jax.Array, u: jax.Array, v: jax.Array) -> jax.Array:
    """The choice, but where an operand is NaN, NaN with NaN derivatives."""
    lost = jnp.isnan(u) | jnp.isnan(v)
    # one NaN factor leaves the slope in itself finite, its square does not
    product = jnp.where(lost, u, 0) * jnp.where(lost, v, 0)
    return jnp.where(lost, product * product, choice)


@jax.custom_jvp
def modulo(u: jax.Array, v: jax.Array) -> jax.Array:
    """U - v*floor(u/v); JAX's own derivative in v takes the rounded quotient, which may be the next integer.

    >>> float(jax.grad(modulo, 1)(1.0, 0.1))
    -9.0
    """
    return jnp.mod(u, v)


@modulo.defjvp
def _modulo_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[jax.Array, Any]:
    (u, v), (in_u, in_v) = primals, tangents
    y = jnp.mod(u, v)
    return y, in_u - jax.lax.stop_gradient(jnp.round((u - y) / v)) * in_v


def power(u: jax.Array, v: jax.Array) -> jax.Array:
    """u**v, with the derivative 0 in u at u = v = 0, as everywhere on v = 0, where JAX's own is NaN."""
    corner = (u == 0) & (v == 0)
    return jnp.where(corner, jnp.ones_like(u), jnp.power(jnp.where(corner, jnp.ones_like(u), u), v))


def integer_power(u: jax.Array, n: int) -> jax.Array:
    """u**n for a static integer n >= 1."""
    if n <= LARGEST_MULTIPLIED_POWER:
        return jax.lax.integer_pow(u, n)
    return jnp.power(u, jnp.asarray(nearest(n, u.dtype)))


def negative_power(u: jax.Array, n: int) -> jax.Array:
    """u**-n for a static integer n >= 2."""
    if n <= LARGEST_MULTIPLIED_POWER:
        return jax.lax.integer_pow(u, -n)
    return jnp.power(u, jnp.asarray(nearest(-n, u.dtype)))


def constant_power(u: jax.Array, c: sp.Rational) -> jax.Array:
    """u**c for a static rational c, u >= 0."""
    return jnp.power(u, jnp.asarray(nearest(c, u.dtype)))


def sigmoid(u: jax.Array) -> jax.Array:
    """1/(1 + exp(-u)) in a form whose derivative keeps its digits on both sides, as that of jax.nn.sigmoid does not."""
    small = jnp.exp(jnp.where(u >= 0, -u, u))
    return jnp.where(u >= 0, jnp.ones_like(u), small) / (1 + small)


def heaviside(u: jax.Array, at_zero: sp.Rational) -> jax.Array:
    """The unit step, with the given value at 0."""
    return jnp.heaviside(u, jnp.asarray(float(at_zero), u.dtype))


def resolve(form: str | Callable[..., Any]) -> Any:
    """The function at a dotted path, or the function itself.

    >>> resolve("jax.numpy.tanh") is jnp.tanh
    True
    """
    import importlib

    if not isinstance(form, str):
        return form
    module, _, name = form.rpartition(".")
    return getattr(importlib.import_module(module), name)
