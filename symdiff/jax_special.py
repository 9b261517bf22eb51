"""JAX forms of special functions, right in value and in derivatives of any order, in float32 and float64.

Where JAX has the function but not its second derivative, or none that keeps its digits, the derivative is given to
JAX in terms of functions of this module. Bessel functions of real order and Airy functions, which JAX lacks, are
asked of SciPy on the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np
import sympy as sp

from symdiff import special_forms as forms
from symdiff.errors import UnsupportedError

Static = Any
TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _smooth(value: Callable[..., jax.Array], slope: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """A function of one operand and one static argument whose derivative is `slope`, of the same arguments."""
    function = jax.custom_jvp(value, nondiff_argnums=(1,))
    function.defjvp(lambda n, primals, tangents: (function(*primals, n), slope(*primals, n) * tangents[0]))
    return function


def _plain(value: Callable[..., jax.Array], slope: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """The same without static argument."""
    function = jax.custom_jvp(value)
    function.defjvp(lambda primals, tangents: (function(*primals), slope(*primals) * tangents[0]))
    return function


def _host(function: Callable[..., Any], u: jax.Array, *static: Static) -> jax.Array:
    """An elementwise SciPy function, called on the host at each evaluation."""

    def call(a: Any) -> Any:
        a = np.asarray(a)
        with np.errstate(all="ignore"):
            return np.asarray(function(a, *static), a.dtype)

    return jax.pure_callback(call, jax.ShapeDtypeStruct(jnp.shape(u), u.dtype), u, vmap_method="broadcast_all")


def _where(condition: jax.Array, u: jax.Array, safe: float) -> jax.Array:
    return jnp.where(condition, u, jnp.full_like(u, safe))


# ---- error functions


# by the normal quantile, which has its digits at both ends
erfcinv = _plain(
    lambda u: -jsp.ndtri(u / 2) / math.sqrt(2), lambda u: -math.sqrt(math.pi) / 2 * jnp.exp(jnp.square(erfcinv(u)))
)


def _erfi(u: jax.Array) -> jax.Array:
    # in two factors, for the exponential overflows before the product does
    half = jnp.exp(u * u / 2)
    return TWO_OVER_ROOT_PI * half * (half * jsp.dawsn(u))


erfi = _plain(_erfi, lambda u: TWO_OVER_ROOT_PI * jnp.exp(u * u))

# ---- gamma function and its kin


def _polygamma(u: jax.Array, n: int) -> jax.Array:
    if n == 0:
        return jsp.digamma(u)
    left = u < 0.5
    x = jnp.where(left, 1 - u, u)
    right = (-1.0) ** (n + 1) * math.factorial(n) * _hurwitz(x, n)
    # DLMF 5.15.6
    angle = _where(left, jnp.pi * (u - jnp.round(u)), 1.0)
    polynomial = jnp.zeros_like(u)
    for coefficient in forms.cotangent_derivative(n):
        polynomial = polynomial / jnp.tan(angle) + coefficient
    return jnp.where(left, (-1.0) ** n * right - polynomial * jnp.pi ** (n + 1), right)


def _hurwitz(x: jax.Array, n: int) -> jax.Array:
    return jsp.zeta(jnp.asarray(n + 1.0, x.dtype), x)


polygamma = _smooth(_polygamma, lambda u, n: polygamma(u, n + 1))
loggamma = _plain(jsp.gammaln, lambda u: polygamma(u, 0))
gamma = _plain(jsp.gamma, lambda u: gamma(u) * polygamma(u, 0))


def factorial(u: jax.Array) -> jax.Array:
    """Gamma(u + 1)."""
    return gamma(u + 1)


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def polygamma_gap(u: jax.Array, v: jax.Array, n: int) -> jax.Array:
    """psi_n(u + v) - psi_n(u) by the method of `special_forms.polygamma_gap`."""
    return forms.polygamma_gap(u, v, n, jnp)


@polygamma_gap.defjvp
def _gap_jvp(n: int, primals: Any, tangents: Any) -> Any:
    u, v = primals
    slope = polygamma_gap(u, v, n + 1) * tangents[0] + polygamma(u + v, n + 1) * tangents[1]
    return polygamma_gap(u, v, n), slope


@jax.custom_jvp
def beta(u: jax.Array, v: jax.Array) -> jax.Array:
    """Beta function of positive operands."""
    # JAX's own logarithm of it has 9 digits where one operand is large
    larger, smaller = jnp.maximum(u, v), jnp.minimum(u, v)
    return jnp.exp(jsp.gammaln(smaller) - forms.loggamma_gap(larger, smaller, jnp))


@beta.defjvp
def _beta_jvp(primals: Any, tangents: Any) -> Any:
    u, v = primals
    y = beta(u, v)
    return y, -y * polygamma_gap(u, v, 0) * tangents[0] - y * polygamma_gap(v, u, 0) * tangents[1]


@jax.custom_jvp
def _binomial_between(u: jax.Array, v: jax.Array) -> jax.Array:
    return 1 / ((u + 1) * beta(v + 1, u - v + 1))


@_binomial_between.defjvp
def _binomial_jvp(primals: Any, tangents: Any) -> Any:
    u, v = primals
    y, a, b = _binomial_between(u, v), v + 1, u - v + 1
    return y, y * (polygamma_gap(b, v, 0) * tangents[0] + polygamma_gap(a, u - 2 * v, 0) * tangents[1])


def binomial(u: jax.Array, v: jax.Array) -> jax.Array:
    """Gamma(u + 1)/(Gamma(v + 1)*Gamma(u - v + 1)) for u > -1, by reflection where v < -1/2 or v > u + 1/2."""
    return forms.binomial(u, v, beta, jnp, _binomial_between)


def _incomplete(value: Callable[..., jax.Array], sign: float, name: str) -> Callable[..., jax.Array]:
    function = jax.custom_jvp(value)

    def rule(primals: Any, tangents: Any) -> Any:
        s, x = primals
        along_s, along_x = tangents
        if type(along_s) is not jax.custom_derivatives.SymbolicZero:
            raise UnsupportedError(f"{name} has no derivative in its operand 1; keep that operand constant")
        y = function(s, x)
        if type(along_x) is jax.custom_derivatives.SymbolicZero:
            return y, jnp.zeros_like(y)
        return y, sign * gamma_density(s, x) * along_x

    function.defjvp(rule, symbolic_zeros=True)
    return function


def _density_value(s: jax.Array, x: jax.Array) -> jax.Array:
    return jnp.power(x, s - 1) * jnp.exp(-x)


@jax.custom_jvp
def gamma_density(s: jax.Array, x: jax.Array) -> jax.Array:
    """x**(s - 1)*exp(-x), the density under the incomplete gamma functions; it moves with x alone."""
    return _density_value(s, x)


def _density_rule(primals: Any, tangents: Any) -> Any:
    s, x = primals
    y = gamma_density(s, x)
    if type(tangents[1]) is jax.custom_derivatives.SymbolicZero:
        return y, jnp.zeros_like(y)
    # of the power below, for this one may underflow before its derivative does
    return y, ((s - 1) * gamma_density(s - 1, x) - y) * tangents[1]


gamma_density.defjvp(_density_rule, symbolic_zeros=True)


def _lower(s: jax.Array, x: jax.Array) -> jax.Array:
    # in float32 the gamma function overflows long before the product does
    return jnp.exp(jnp.log(jsp.gammainc(s, x)) + jsp.gammaln(s))


def _upper(s: jax.Array, x: jax.Array) -> jax.Array:
    return forms.upper_gamma(s, x, jnp.exp(jnp.log(jsp.gammaincc(s, x)) + jsp.gammaln(s)), jnp)


lowergamma = _incomplete(_lower, 1.0, "lowergamma")
uppergamma = _incomplete(_upper, -1.0, "uppergamma")

# ---- integrals of exponentials and circular functions


def _expint(u: jax.Array, n: int) -> jax.Array:
    if n == 0:
        return jnp.exp(-u) / u
    return jsp.exp1(u) if n == 1 else jsp.expn(jnp.asarray(n), u).astype(u.dtype)


def _expint_slope(u: jax.Array, n: int) -> jax.Array:
    return -(1 + 1 / u) * jnp.exp(-u) / u if n == 0 else -expint(u, n - 1)


def _chi(u: jax.Array) -> jax.Array:
    return (jsp.expi(u) - jsp.exp1(u)) / 2


expint = _smooth(_expint, _expint_slope)
Ei = _plain(lambda u: jsp.expi(u), lambda u: jnp.exp(u) / u)
Ci = _plain(lambda u: jsp.sici(u)[1], lambda u: jnp.cos(u) / u)
Chi = _plain(_chi, lambda u: jnp.cosh(u) / u)


def _sinc(u: jax.Array) -> jax.Array:
    from symdiff.jax_elementary import sinc

    return sinc(u)


Si = _plain(lambda u: jsp.sici(u)[0], _sinc)

# ---- Lambert's function and Riemann's


def _lambert(u: jax.Array, branch: int) -> jax.Array:
    return forms.lambert(u, branch, jnp)


def _lambert_slope(u: jax.Array, branch: int) -> jax.Array:
    w = LambertW(u, branch)
    return jnp.exp(-w) / (1 + w)


LambertW = _smooth(_lambert, _lambert_slope)


def zeta(u: jax.Array) -> jax.Array:
    """Riemann's function: Euler-Maclaurin from -1/2 on (DLMF 25.2.9), to the left the functional equation (25.4.1)."""
    left = u < -0.5
    s = jnp.where(left, 1 - u, u)
    right = _euler_maclaurin(s)
    t = _where(left, u, -2.0)
    # the sine is taken from the next even number, where it is small
    even = jax.lax.stop_gradient(2 * jnp.round(t / 2))
    sign = jnp.where(jnp.round(even / 2) % 2 == 0, 1.0, -1.0).astype(u.dtype)
    sine = sign * jnp.sin(jnp.pi / 2 * (t - even))
    factor = 2 * sine * jnp.exp(loggamma(1 - t) - (1 - t) * math.log(2 * math.pi))
    return jnp.where(left, factor * right, right)


def _euler_maclaurin(s: jax.Array) -> jax.Array:
    total = jnp.ones_like(s)
    for k in range(2, forms.ZETA_TERMS):
        total = total + jnp.exp(-s * math.log(k))
    # far to the right the remainder is nothing, and its polynomial overflows
    near = _where(s < 64, s, 64.0)
    log = math.log(forms.ZETA_TERMS)
    power = jnp.exp(-near * log)
    remainder = forms.ZETA_TERMS * power / (near - 1) + power / 2
    rising = near
    for j, coefficient in enumerate(forms.zeta_corrections(), 1):
        remainder = remainder + coefficient * rising * power
        rising = rising * (near + (2 * j - 1)) * (near + 2 * j)
    return total + jnp.where(s < 64, remainder, jnp.zeros_like(s))


def zeta_derivative(u: jax.Array, k: int) -> jax.Array:
    """The k-th derivative of Riemann's function."""
    function = zeta
    for _ in range(k):
        function = partial(_along, function)
    return function(u)


def _along(function: Callable[[jax.Array], jax.Array], u: jax.Array) -> jax.Array:
    return jax.jvp(function, (u,), (jnp.ones_like(u),))[1]


# ---- on the host


def _bessel(value: Callable[..., Any], before: float, after: float) -> Callable[..., jax.Array]:
    # the derivative is before*f of the order below + after*f of the order above, DLMF 10.6.1 and 10.29.1
    def slope(u: jax.Array, order: Static) -> jax.Array:
        order = sp.sympify(order)
        return before * function(u, order - 1) + after * function(u, order + 1)

    function = _smooth(lambda u, order: _host(value, u, order), slope)
    return function


besselj = _bessel(forms.besselj, 0.5, -0.5)
bessely = _bessel(forms.bessely, 0.5, -0.5)
besseli = _bessel(forms.besseli, 0.5, 0.5)
besselk = _bessel(forms.besselk, -0.5, -0.5)

airyai = _plain(lambda u: _host(forms.airyai, u), lambda u: airyaiprime(u))
airyaiprime = _plain(lambda u: _host(forms.airyaiprime, u), lambda u: u * airyai(u))
airybi = _plain(lambda u: _host(forms.airybi, u), lambda u: airybiprime(u))
airybiprime = _plain(lambda u: _host(forms.airybiprime, u), lambda u: u * airybi(u))
