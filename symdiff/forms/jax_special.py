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
from jax.custom_derivatives import SymbolicZero

from symdiff.errors import UnsupportedError
from symdiff.forms import bessel, exponential_integrals, gamma_kin, lambert_w, riemann_zeta
from symdiff.forms import gamma as gamma_forms
from symdiff.forms.scipy_functions import order_of

Static = Any
TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
EULER_GAMMA = float(np.euler_gamma)


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
    product = TWO_OVER_ROOT_PI * half * (half * jsp.dawsn(u))
    # where Dawson's integral underflows
    return jnp.where(jnp.abs(u) > 30, jnp.copysign(jnp.inf, u), product)


erfi = _plain(_erfi, lambda u: TWO_OVER_ROOT_PI * jnp.exp(u * u))

# ---- gamma function and its kin


def _polygamma(u: jax.Array, n: int) -> jax.Array:
    if n == 0:
        return jsp.digamma(u)
    left = u < 0.5
    x = jnp.where(left, 1 - u, u)
    right = gamma_forms.psi(x, int(n), jnp)
    # DLMF 5.15.6
    angle = _where(left, jnp.pi * (u - jnp.round(u)), 1.0)
    polynomial = jnp.zeros_like(u)
    for coefficient in gamma_kin.cotangent_derivative(n):
        polynomial = polynomial / jnp.tan(angle) + coefficient
    return jnp.where(left, (-1.0) ** n * right - polynomial * jnp.pi ** (n + 1), right)


polygamma = _smooth(_polygamma, lambda u, n: polygamma(u, n + 1))
loggamma = _plain(jsp.gammaln, lambda u: polygamma(u, 0))
gamma = _plain(jsp.gamma, lambda u: gamma(u) * polygamma(u, 0))


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
    return heavy, _where(~heavy, s, 1.0), _where(~heavy, x, 1.0)


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

# ---- integrals of exponentials and circular functions


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
    x = _where(~near, u, 2 * EXPINT_EDGE)

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
    ahead = jnp.where(far, exponential_integrals.ei_far(u, jnp), jsp.expi(_where(right & ~far, u, 1.0)))
    return jnp.where(right, ahead, -_expint(_where(u < 0, -u, math.nan), 1))


def _chi(u: jax.Array) -> jax.Array:
    return (_ei(u) - _expint(u, 1)) / 2


def _shi(u: jax.Array) -> jax.Array:
    # by its power series (DLMF 6.6.5) where the logarithms of the two parts would cancel
    size = jnp.abs(u)
    near = size < EXPINT_EDGE
    square, outer = _where(near, u, 0.0) ** 2, _where(~near, size, EXPINT_EDGE)
    series = jnp.zeros_like(u)
    for k in reversed(range(EXPINT_TERMS // 2)):
        series = series * square + 1 / ((2 * k + 1) * math.factorial(2 * k + 1))
    return jnp.where(near, u * series, jnp.sign(u) * (_ei(outer) + _expint(outer, 1)) / 2)


expint = _smooth(_expint, _expint_slope)
Ei = _plain(_ei, partial(exponential_integrals.exp_over, xp=jnp))
Ci = _plain(lambda u: jsp.sici(u)[1], lambda u: jnp.cos(u) / u)
Chi = _plain(_chi, partial(exponential_integrals.cosh_over, xp=jnp))
Shi = _plain(_shi, partial(exponential_integrals.sinhc, xp=jnp))


def _sinc(u: jax.Array) -> jax.Array:
    from symdiff.forms.jax_elementary import sinc

    return sinc(u)


Si = _plain(lambda u: jsp.sici(u)[0], _sinc)

# ---- Lambert's function and Riemann's


def _lambert(u: jax.Array, branch: int) -> jax.Array:
    return lambert_w.lambert(u, branch, jnp)


def _lambert_slope(u: jax.Array, branch: int) -> jax.Array:
    w = LambertW(u, branch)
    return jnp.exp(-w) / (1 + w)


LambertW = _smooth(_lambert, _lambert_slope)


def _zeta(u: jax.Array, k: int) -> jax.Array:
    return riemann_zeta.zeta_jet(u, int(k), jsp.gammaln, jnp)


zeta_derivative = _smooth(_zeta, lambda u, k: zeta_derivative(u, k + 1))


def zeta(u: jax.Array) -> jax.Array:
    """Riemann's function."""
    return zeta_derivative(u, 0)


# ---- on the host


Joined = Callable[[jax.Array, jax.Array, float | int], jax.Array]


def _bessel(value: Callable[..., Any], joined: Joined) -> Callable[..., jax.Array]:
    # the derivative is made of the functions of the order below and of the order above, DLMF 10.6.1 and 10.29.1
    def slope(u: jax.Array, order: Static) -> jax.Array:
        order = sp.sympify(order)
        return joined(function(u, order - 1), function(u, order + 1), order_of(order))

    function = _smooth(lambda u, order: _host(value, u, order), slope)
    return function


besselj = _bessel(bessel.besselj, lambda before, after, _: (before - after) / 2)
bessely = _bessel(bessel.bessely, partial(bessel.bessel_difference, xp=jnp))
besseli = _bessel(bessel.besseli, lambda before, after, _: (before + after) / 2)
besselk = _bessel(bessel.besselk, lambda before, after, _: -(before + after) / 2)

airyai = _plain(lambda u: _host(bessel.airyai, u), lambda u: airyaiprime(u))
airyaiprime = _plain(lambda u: _host(bessel.airyaiprime, u), lambda u: u * airyai(u))
airybi = _plain(lambda u: _host(bessel.airybi, u), lambda u: airybiprime(u))
airybiprime = _plain(lambda u: _host(bessel.airybiprime, u), lambda u: u * airybi(u))
