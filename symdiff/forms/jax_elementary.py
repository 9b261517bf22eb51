"""JAX forms of elementary functions whose JAX derivatives, first and second, keep their digits everywhere.

JAX's own forms lose them where a derivative is a small difference of large terms (1 - tanh**2) or where a square leaves
the range of numbers (1 + x**2 at 1e200). Here each half of the axis has its own form; the form not taken is evaluated
at a harmless point, so that it cannot poison a derivative. Derivatives are JAX's, but for those of hypot, softplus,
tanh and sigmoid; the last two in JAX's way make a step of training half as long again.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

HALF_PI = math.pi / 2


def _magnitude(u: jax.Array) -> jax.Array:
    # |u| with the derivative 1 at 0, where jnp.abs has none
    return jnp.where(u >= 0, u, -u)


def _sign(u: jax.Array) -> jax.Array:
    return lax.stop_gradient(jnp.where(u >= 0, jnp.ones_like(u), -jnp.ones_like(u)))


def _inner(near: jax.Array, u: jax.Array, safe: float) -> jax.Array:
    return jnp.where(near, u, jnp.full_like(u, safe))


@jax.custom_jvp
def tanh(u: jax.Array) -> jax.Array:
    """Hyperbolic tangent, from |u| = 1 on as 1 - 2*e/(1 + e) with e = exp(-2*|u|), where JAX's is six units off.

    One exponential serves it, its derivative sech(u)**2, and the second one.
    """
    small = jnp.exp(-jnp.abs(u))
    e = small * small
    return jnp.where(jnp.abs(u) < 1, jnp.tanh(u), jnp.sign(u) * (1 - 2 * e / (1 + e)))


@jax.custom_jvp
def _tanh_slope(u: jax.Array) -> jax.Array:
    small = jnp.exp(-jnp.abs(u))
    e = small * small
    return 4 * e / ((1 + e) * (1 + e))


@tanh.defjvp
def _tanh_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[jax.Array, jax.Array]:
    return tanh(*primals), _tanh_slope(*primals) * tangents[0]


@_tanh_slope.defjvp
def _tanh_slope_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[jax.Array, jax.Array]:
    slope = _tanh_slope(*primals)
    return slope, -2 * tanh(*primals) * slope * tangents[0]


@jax.custom_jvp
def sigmoid(u: jax.Array) -> jax.Array:
    """1/(1 + exp(-u)), by e = exp(-|u|)."""
    e = jnp.exp(-jnp.abs(u))
    return jnp.where(u >= 0, jnp.ones_like(u), e) / (1 + e)


@jax.custom_jvp
def _bell(u: jax.Array) -> jax.Array:
    e = jnp.exp(-jnp.abs(u))
    return e / ((1 + e) * (1 + e))


@sigmoid.defjvp
def _sigmoid_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[jax.Array, jax.Array]:
    return sigmoid(*primals), _bell(*primals) * tangents[0]


@_bell.defjvp
def _bell_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[jax.Array, jax.Array]:
    bell = _bell(*primals)
    return bell, -tanh(0.5 * primals[0]) * bell * tangents[0]


def cot(u: jax.Array) -> jax.Array:
    """Cotangent cos(u)/sin(u)."""
    return jnp.cos(u) / jnp.sin(u)


def sec(u: jax.Array) -> jax.Array:
    """1/cos(u)."""
    return 1 / jnp.cos(u)


def csc(u: jax.Array) -> jax.Array:
    """1/sin(u)."""
    return 1 / jnp.sin(u)


def acot(u: jax.Array) -> jax.Array:
    """Angle atan(1/u) in (-pi/2, pi/2], as SymPy has it; pi/2 at 0."""
    near = jnp.abs(u) < 1
    inner = _sign(u) * HALF_PI - jnp.arctan(_inner(near, u, 0.0))
    return jnp.where(near, inner, jnp.arctan(1 / _inner(~near, u, 1.0)))


def atan(u: jax.Array) -> jax.Array:
    """Inverse tangent; far out pi/2 less that of 1/u, where squares overflow."""
    near = jnp.abs(u) < 2
    outer = _sign(u) * HALF_PI - jnp.arctan(1 / _inner(~near, u, 2.0))
    return jnp.where(near, jnp.arctan(_inner(near, u, 0.0)), outer)


def asec(u: jax.Array) -> jax.Array:
    """acos(1/u)."""
    return jnp.arccos(1 / u)


def acsc(u: jax.Array) -> jax.Array:
    """asin(1/u)."""
    return jnp.arcsin(1 / u)


def _scale(u: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A power of two that brings the larger operand near 1, so that fourth powers stay in range, and its inverse.

    It is chosen from five, since XLA makes (a/b)/c of operands divided by their size to a/(b*c), which overflows.
    """
    size = lax.stop_gradient(jnp.maximum(jnp.abs(u), jnp.abs(v)))
    step = 400 if size.dtype == jnp.float64 else 50

    def power(sign: int) -> jax.Array:
        levels = [jnp.full_like(size, 2.0 ** (sign * k * step)) for k in (2, 1, 0, -1, -2)]
        chosen = levels[0]
        for k, level in zip((-1.5, -0.5, 0.5, 1.5), levels[1:], strict=True):
            chosen = jnp.where(size >= 2.0 ** (k * step), level, chosen)
        return chosen

    return power(1), power(-1)


def atan2(u: jax.Array, v: jax.Array) -> jax.Array:
    """Angle of the point (v, u), of operands scaled to about 1."""
    down, _ = _scale(u, v)
    return jnp.arctan2(u * down, v * down)


@jax.custom_jvp
def _hypotenuse(u: jax.Array, v: jax.Array) -> jax.Array:
    down, up = _scale(u, v)
    a, b = _magnitude(u) * down, _magnitude(v) * down
    first = a >= b
    big, small = jnp.where(first, a, b), jnp.where(first, b, a)
    ratio = small / jnp.where(big == 0, jnp.ones_like(big), big)
    return up * (big * jnp.sqrt(1 + ratio * ratio))


@_hypotenuse.defjvp
def _hypotenuse_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[jax.Array, jax.Array]:
    (u, v), (in_u, in_v) = primals, tangents
    # at the origin, where there is no derivative, that along u
    steady = jnp.where((u == 0) & (v == 0), jnp.ones_like(u), u)
    return hypot(u, v), direction(steady, v) * in_u + direction(v, steady) * in_v


@jax.jit  # traced, and its derivative too, once for each kind of operands
def hypot(u: jax.Array, v: jax.Array) -> jax.Array:
    """sqrt(u**2 + v**2) as big*sqrt(1 + (small/big)**2); its derivative is the direction, of any adjoint in range."""
    return _hypotenuse(u, v)


@jax.jit
def direction(u: jax.Array, v: jax.Array) -> jax.Array:
    """u/sqrt(u**2 + v**2), in terms of the smaller of u/v and v/u."""
    down, _ = _scale(u, v)
    a, b = u * down, v * down
    first = jnp.abs(a) >= jnp.abs(b)
    steep = b / _inner(first, a, 1.0)
    flat = a / _magnitude(_inner(~first, b, 1.0))
    steep, flat = _inner(first, steep, 0.0), _inner(~first, flat, 0.0)
    return jnp.where(first, _sign(u) / jnp.sqrt(1 + steep * steep), flat / jnp.sqrt(1 + flat * flat))


def sech(u: jax.Array) -> jax.Array:
    """1/cosh(u) about 0, and by exp(-|u|) outside."""
    near = jnp.abs(u) < 1
    e = jnp.exp(-_magnitude(_inner(~near, u, 1.0)))
    return jnp.where(near, 1 / jnp.cosh(_inner(near, u, 0.0)), 2 * e / (1 + e * e))


def _three(u: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array]:
    tiny, near = jnp.abs(u) < 1e-4, jnp.abs(u) < 1
    return tiny, near, _inner(tiny, u, 1e-4), _inner(near & ~tiny, u, 0.5), _magnitude(_inner(~near, u, 1.0))


def csch(u: jax.Array) -> jax.Array:
    """1/sinh(u); its Laurent series at 0, and by exp(-|u|) far out."""
    tiny, near, smallest, inner, outer = _three(u)
    e = jnp.exp(-outer)
    centre = jnp.where(tiny, 1 / smallest + smallest * (7 / 360 * smallest * smallest - 1 / 6), 1 / jnp.sinh(inner))
    return jnp.where(near, centre, _sign(u) * (2 * e / (1 - e * e)))


def coth(u: jax.Array) -> jax.Array:
    """cosh(u)/sinh(u); its Laurent series at 0, and by exp(-2*|u|) far out."""
    tiny, near, smallest, inner, outer = _three(u)
    e = jnp.exp(-2 * outer)
    series = 1 / smallest + smallest * (1 / 3 - smallest * smallest / 45)
    centre = jnp.where(tiny, series, jnp.cosh(inner) / jnp.sinh(inner))
    return jnp.where(near, centre, _sign(u) * (1 + 2 * e / (1 - e)))


def asinh(u: jax.Array) -> jax.Array:
    """Inverse hyperbolic sine, as log|u| + log(1 + sqrt(1 + 1/u**2)) far out, where u**2 overflows."""
    near = jnp.abs(u) < 1
    a = _magnitude(_inner(~near, u, 1.0))
    w = 1 / a
    outer = _sign(u) * (jnp.log(a) + jnp.log(1 + jnp.sqrt(1 + w * w)))
    return jnp.where(near, jnp.arcsinh(_inner(near, u, 0.0)), outer)


def acosh(u: jax.Array) -> jax.Array:
    """log(u) + log(1 + sqrt(1 - 1/u**2))."""
    w = 1 / u
    return jnp.log(u) + jnp.log1p(jnp.sqrt((1 - w) * (1 + w)))


def atanh(u: jax.Array) -> jax.Array:
    """Inverse hyperbolic tangent, about 0 as asinh(u/sqrt(1 - u**2)).

    The second derivative of that vanishes at 0 without cancellation.
    """
    near = jnp.abs(u) < 0.5
    inner = _inner(near, u, 0.0)
    return jnp.where(near, jnp.arcsinh(inner / jnp.sqrt(1 - inner * inner)), jnp.arctanh(_inner(~near, u, 0.5)))


def acoth(u: jax.Array) -> jax.Array:
    """atanh(1/u)."""
    return atanh(1 / u)


def asech(u: jax.Array) -> jax.Array:
    """log(1 + sqrt(1 - u**2)) - log(u)."""
    return jnp.log1p(jnp.sqrt((1 - u) * (1 + u))) - jnp.log(u)


def acsch(u: jax.Array) -> jax.Array:
    """asinh(1/u), about 0 as log(1 + sqrt(1 + u**2)) - log|u|."""
    near = jnp.abs(u) < 1
    a = _magnitude(_inner(near, u, 0.5))
    inner = _sign(u) * (jnp.log(1 + jnp.sqrt(1 + a * a)) - jnp.log(a))
    return jnp.where(near, inner, jnp.arcsinh(1 / _inner(~near, u, 1.0)))


def expm1(u: jax.Array) -> jax.Array:
    """exp(u) - 1; JAX's derivative of its own form is the result plus 1, which cancels on the left."""
    near = jnp.abs(u) < 0.5
    return jnp.where(near, jnp.expm1(_inner(near, u, 0.0)), jnp.exp(_inner(~near, u, 1.0)) - 1)


@jax.custom_jvp
def softplus(u: jax.Array) -> jax.Array:
    """log(1 + exp(u)) as max(u, 0) + log1p(exp(-|u|)), whose two parts have no derivative at 0; their sum has."""
    return jnp.maximum(u, 0) + jnp.log1p(jnp.exp(-jnp.abs(u)))


@softplus.defjvp
def _softplus_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[jax.Array, jax.Array]:
    return softplus(*primals), sigmoid(*primals) * tangents[0]


def logaddexp(u: jax.Array, v: jax.Array) -> jax.Array:
    """log(exp(u) + exp(v)) as the larger plus log1p(exp(-|u - v|))."""
    first = u >= v
    return jnp.where(first, u, v) + jnp.log1p(jnp.exp(jnp.where(first, v - u, u - v)))


def cosm1(u: jax.Array) -> jax.Array:
    """cos(u) - 1 as -2*sin(u/2)**2."""
    half = jnp.sin(0.5 * u)
    return -2 * (half * half)


def ceiling(u: jax.Array) -> jax.Array:
    """The integer above; that of -1/2 is 0 and not -0, of which atan2 makes -pi."""
    # XLA would leave out an added zero
    return 0.0 - jnp.floor(-u)


def frac(u: jax.Array) -> jax.Array:
    """Fractional part u - floor(u)."""
    return u - jnp.floor(u)


def sinc(u: jax.Array) -> jax.Array:
    """sin(u)/u."""
    return reduced_sinc(u, 0)


def reduced_sinc(u: jax.Array, n: int) -> jax.Array:
    """j_n(u)/u**n: its power series about 0, upward recurrence outside."""
    from symdiff.forms.elementary import reduced_sinc_coefficients, reduced_sinc_edge

    near = jnp.abs(u) < reduced_sinc_edge(n)
    inner, outer = _inner(near, u, 0.0), _inner(~near, u, 1.0)
    # a power of two, so that no digit changes: in reverse mode an adjoint is multiplied by every power of the square
    scale = 2.0 ** math.ceil(math.log2(reduced_sinc_edge(n)))
    square = (inner / scale) * (inner / scale)
    series = jnp.zeros_like(u)
    for k, coefficient in reversed([*enumerate(reduced_sinc_coefficients(n))]):
        series = series * square + coefficient * scale ** (2 * k)
    before, current = jnp.cos(outer), jnp.sin(outer) / outer
    for order in range(int(n)):
        before, current = current, ((2 * order + 1) * current - before) / outer / outer
    return jnp.where(near, series, current)
