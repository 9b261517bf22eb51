"""JAX forms of the gamma function and its kin, right in value and in derivatives of any order, in float32 and float64.

Where JAX has the function but not its second derivative, or none that keeps its digits, the derivative is given to JAX
in terms of functions of this module.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
from jax.custom_derivatives import SymbolicZero

from symdiff.errors import UnsupportedError
from symdiff.forms import gamma as gamma_forms
from symdiff.forms import gamma_kin
from symdiff.forms.jax_slopes import where_or, with_slope, with_slope_of_order


def _polygamma(u: jax.Array, n: int) -> jax.Array:
    if n == 0:
        return jsp.digamma(u)
    left = u < 0.5
    x = jnp.where(left, 1 - u, u)
    right = gamma_forms.psi(x, int(n), jnp)
    # DLMF 5.15.6
    angle = where_or(left, jnp.pi * (u - jnp.round(u)), 1.0)
    polynomial = jnp.zeros_like(u)
    for coefficient in gamma_kin.cotangent_derivative(n):
        polynomial = polynomial / jnp.tan(angle) + coefficient
    return jnp.where(left, (-1.0) ** n * right - polynomial * jnp.pi ** (n + 1), right)


polygamma = with_slope_of_order(_polygamma, lambda u, n: polygamma(u, n + 1))
loggamma = with_slope(jsp.gammaln, lambda u: polygamma(u, 0))
gamma = with_slope(jsp.gamma, lambda u: gamma(u) * polygamma(u, 0))


def factorial(u: jax.Array) -> jax.Array:
    """Gamma(u + 1)."""
    return gamma(u + 1)


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def polygamma_gap(u: jax.Array, v: jax.Array, n: int) -> jax.Array:
    """psi_n(u + v) - psi_n(u) by the method of `gamma_forms.polygamma_gap`."""
    return gamma_forms.polygamma_gap(u, v, int(n), jnp)


@polygamma_gap.defjvp
def _gap_jvp(n: int, primals: Any, tangents: Any) -> Any:
    u, v = primals
    slope = polygamma_gap(u, v, n + 1) * tangents[0] + polygamma(u + v, n + 1) * tangents[1]
    return polygamma_gap(u, v, n), slope


def _closed(value: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """The family of all partials of a function of two operands: of order i in the first and j in the second."""
    family = jax.custom_jvp(jax.jit(value, static_argnums=(2, 3)), nondiff_argnums=(2, 3))

    def rule(i: int, j: int, primals: Any, tangents: Any) -> Any:
        parts = [
            family(*primals, i + (k == 0), j + (k == 1)) * tangent
            for k, tangent in enumerate(tangents)
            if type(tangent) is not SymbolicZero
        ]
        y = family(*primals, i, j)
        return y, sum(parts[1:], parts[0]) if parts else jnp.zeros_like(y)

    family.defjvp(rule, symbolic_zeros=True)
    return lambda u, v, i=0, j=0: family(u, v, int(i), int(j))


beta_derivative = _closed(lambda u, v, i, j: gamma_forms.beta_derivative(u, v, i, j, jsp.gammaln, jnp))
binomial_derivative = _closed(lambda u, v, i, j: gamma_forms.binomial_derivative(u, v, i, j, jsp.gammaln, jnp))


def beta(u: jax.Array, v: jax.Array) -> jax.Array:
    """Beta function of positive operands."""
    # JAX's own logarithm of it has 9 digits where one operand is large
    return beta_derivative(u, v)


def binomial(u: jax.Array, v: jax.Array) -> jax.Array:
    """Gamma(u + 1)/(Gamma(v + 1)*Gamma(u - v + 1)) for u > -1, by reflection where v < -1/2 or v > u + 1/2."""
    return binomial_derivative(u, v)


def _incomplete(value: Callable[..., jax.Array], sign: float, name: str) -> Callable[..., jax.Array]:
    function = jax.custom_jvp(value)

    def rule(primals: Any, tangents: Any) -> Any:
        s, x = primals
        along_s, along_x = tangents
        if type(along_s) is not SymbolicZero:
            raise UnsupportedError(f"{name} has no derivative in its operand 1; keep that operand constant")
        y = function(s, x)
        if type(along_x) is SymbolicZero:
            return y, jnp.zeros_like(y)
        return y, sign * gamma_density(s, x) * along_x

    function.defjvp(rule, symbolic_zeros=True)
    return function


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def gamma_density(s: jax.Array, x: jax.Array, k: int = 0) -> jax.Array:
    """The k-th derivative in x of x**(s - 1)*exp(-x), the density under the incomplete gamma functions.

    It moves with x alone.
    """
    return gamma_forms.gamma_density(s, x, int(k), jnp)


def _density_rule(k: int, primals: Any, tangents: Any) -> Any:
    y = gamma_density(*primals, k)
    if type(tangents[1]) is SymbolicZero:
        return y, jnp.zeros_like(y)
    return y, gamma_density(*primals, k + 1) * tangents[1]


gamma_density.defjvp(_density_rule, symbolic_zeros=True)


# JAX's iteration takes sqrt(s) steps near s = x, and at 1e300 never ends
HEAVY = 1e6


def _moderate(s: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    heavy = s > HEAVY
    return heavy, where_or(~heavy, s, 1.0), where_or(~heavy, x, 1.0)


def _lower(s: jax.Array, x: jax.Array) -> jax.Array:
    heavy, order, at = _moderate(s, x)
    part = jsp.gammainc(order, at)
    # in float32 the gamma function overflows long before the product does
    direct = jnp.exp(jnp.log(part) + jsp.gammaln(order))
    return gamma_kin.lower_gamma(s, x, jnp.where(heavy, jnp.zeros_like(part), part), direct, jnp)


def _upper(s: jax.Array, x: jax.Array) -> jax.Array:
    heavy, order, at = _moderate(s, x)
    part = jsp.gammaincc(order, at)
    direct = jnp.where(heavy, jnp.where(jnp.isnan(x), x, jnp.inf), jnp.exp(jnp.log(part) + jsp.gammaln(order)))
    return gamma_kin.upper_gamma(s, x, jnp.where(heavy & (x > s), jnp.zeros_like(part), part), direct, jnp)


lowergamma = _incomplete(_lower, 1.0, "lowergamma")
uppergamma = _incomplete(_upper, -1.0, "uppergamma")
