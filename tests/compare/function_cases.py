"""JAX functions with rules of their own: wrong ones of every kind, and right ones."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from jax.scipy import special

x, y, z = sp.symbols("x y z", real=True)
p, q = sp.symbols("p q", positive=True)


class Case(NamedTuple):
    f: object
    definition: sp.Expr
    args: list[object]


def reverse_rule(f, rule):
    """A custom_vjp; rule(residuals, cotangent) gives a tuple of cotangents."""
    function = jax.custom_vjp(f)
    function.defvjp(lambda *a: (f(*a), a), lambda a, g: rule(a, g))
    return function


def forward_rule(f, rule):
    """A custom_jvp; rule(arguments, tangents) gives the tangent."""
    function = jax.custom_jvp(f)
    function.defjvp(lambda a, t: (f(*a), rule(a, t)))
    return function


def softplus(u):
    return jnp.logaddexp(u, 0.0)


def product(u, v):
    return u * jnp.sin(v)


PRODUCT = x * sp.sin(y)
SOFTPLUS = sp.log(1 + sp.exp(x))


def _stale():
    seen = []

    def rule(a, g):
        if not seen:
            seen.append(
                float(np.asarray(jax.tree.leaves(a)[0]).ravel()[0]) if not isinstance(a[0], jax.core.Tracer) else 1.5
            )
        return (2 * jnp.full_like(a[0], seen[0]) * g,)

    return reverse_rule(lambda u: u * u, rule)


def _dot(v, w):
    return jnp.sum(v * w)


WRONG = {
    "sign": Case(reverse_rule(softplus, lambda a, g: (-jax.nn.sigmoid(a[0]) * g,)), SOFTPLUS, [x]),
    "factor 1+1e-9": Case(reverse_rule(jnp.sin, lambda a, g: (jnp.cos(a[0]) * (1 + 1e-9) * g,)), sp.sin(x), [x]),
    "factor 2": Case(reverse_rule(jnp.sin, lambda a, g: (2 * jnp.cos(a[0]) * g,)), sp.sin(x), [x]),
    "dropped term": Case(
        reverse_rule(lambda u: u * jnp.exp(-u * u), lambda a, g: (jnp.exp(-(a[0] ** 2)) * g,)), x * sp.exp(-(x**2)), [x]
    ),
    "dropped small term": Case(
        reverse_rule(lambda u: u * u + 1e-6 * u, lambda a, g: (2 * a[0] * g,)), x**2 + x * sp.Float("1e-6", 20), [x]
    ),
    "swapped partials": Case(
        reverse_rule(product, lambda a, g: (a[0] * jnp.cos(a[1]) * g, jnp.sin(a[1]) * g)), PRODUCT, [x, y]
    ),
    "swapped arguments": Case(
        reverse_rule(product, lambda a, g: (jnp.sin(a[0]) * g, a[1] * jnp.cos(a[0]) * g)), PRODUCT, [x, y]
    ),
    "missing chain factor": Case(
        reverse_rule(lambda u: jnp.sin(3 * u), lambda a, g: (jnp.cos(3 * a[0]) * g,)), sp.sin(3 * x), [x]
    ),
    "missing inner derivative": Case(
        reverse_rule(lambda u: jnp.exp(jnp.sin(u)), lambda a, g: (jnp.exp(jnp.sin(a[0])) * g,)), sp.exp(sp.sin(x)), [x]
    ),
    "stale value": Case(_stale(), x**2, [x]),
    "only beyond 10": Case(
        reverse_rule(lambda u: u**3, lambda a, g: (jnp.where(jnp.abs(a[0]) > 10, 2.9, 3.0) * a[0] ** 2 * g,)), x**3, [x]
    ),
    "only above 300": Case(
        reverse_rule(lambda u: u * u, lambda a, g: (jnp.where(a[0] > 300, 2.1, 2.0) * a[0] * g,)), x**2, [x]
    ),
    "only below 1e-2": Case(
        reverse_rule(lambda u: u * u, lambda a, g: (jnp.where(jnp.abs(a[0]) < 1e-2, 1.0, 2.0) * a[0] * g,)), x**2, [x]
    ),
    "only for negative": Case(reverse_rule(lambda u: u * u, lambda a, g: (2 * jnp.abs(a[0]) * g,)), x**2, [x]),
    "only at zero": Case(
        reverse_rule(jnp.sinh, lambda a, g: (jnp.where(a[0] == 0, 0.0, jnp.cosh(a[0])) * g,)), sp.sinh(x), [x]
    ),
    "only at equal arguments": Case(
        reverse_rule(
            jnp.logaddexp, lambda a, g: tuple(jnp.where(a[0] == a[1], 1.0, s) * g for s in jax.nn.softmax(jnp.stack(a)))
        ),
        sp.log(sp.exp(x) + sp.exp(y)),
        [x, y],
    ),
    "only along the last direction": Case(
        reverse_rule(_dot, lambda a, g: (a[1] * g, a[0] * jnp.array([1, 1, 1 + 1e-6], a[0].dtype) * g)),
        sum(u * v for u, v in zip(sp.symbols("a:3"), sp.symbols("b:3"), strict=True)),
        [list(sp.symbols("a:3")), list(sp.symbols("b:3"))],
    ),
    "only along one small direction": Case(
        reverse_rule(lambda u, v: jnp.exp(u) + 1e-3 * v, lambda a, g: (jnp.exp(a[0]) * g, 1.01e-3 * g)),
        sp.exp(x) + y * sp.Float("1e-3", 20),
        [x, y],
    ),
    "transposed": Case(
        reverse_rule(
            lambda m, v: jnp.sum(jnp.tanh(m @ v)),
            lambda a, g: (
                g * ((1 - jnp.tanh(a[0] @ a[1]) ** 2)[None, :] * a[1][:, None]),
                g * (a[0].T @ (1 - jnp.tanh(a[0] @ a[1]) ** 2)),
            ),
        ),
        sp.tanh(sp.Symbol("a") * x + sp.Symbol("b") * y) + sp.tanh(sp.Symbol("c") * x + sp.Symbol("d") * y),
        [[[sp.Symbol("a"), sp.Symbol("b")], [sp.Symbol("c"), sp.Symbol("d")]], [x, y]],
    ),
    "jvp only: sign": Case(forward_rule(jnp.sin, lambda a, t: -jnp.cos(a[0]) * t[0]), sp.sin(x), [x]),
    "jvp: dropped tangent": Case(forward_rule(product, lambda a, t: jnp.sin(a[1]) * t[0]), PRODUCT, [x, y]),
    "jvp: factor": Case(
        forward_rule(jnp.tanh, lambda a, t: (1 - jnp.tanh(a[0]) ** 2) * t[0] * (1 + 1e-8)), sp.tanh(x), [x]
    ),
    "jvp: tangents swapped": Case(
        forward_rule(product, lambda a, t: jnp.sin(a[1]) * t[1] + a[0] * jnp.cos(a[1]) * t[0]), PRODUCT, [x, y]
    ),
    "wrong second branch": Case(
        reverse_rule(
            lambda u: jnp.where(u > 0, u, jnp.expm1(u)), lambda a, g: (jnp.where(a[0] > 0, 1.0, jnp.expm1(a[0])) * g,)
        ),
        sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True)),
        [x],
    ),
    "branch condition reversed": Case(
        reverse_rule(
            jnp.maximum, lambda a, g: (jnp.where(a[0] < a[1], g, 0.0 * g), jnp.where(a[0] < a[1], 0.0 * g, g))
        ),
        sp.Max(x, y),
        [x, y],
    ),
    "leaky slope": Case(
        reverse_rule(lambda u: jnp.where(u > 0, u, 0.01 * u), lambda a, g: (jnp.where(a[0] > 0, 1.0, 0.0) * g,)),
        sp.Piecewise((x, x > 0), (x / 100, True)),
        [x],
    ),
    "float32 only": Case(
        reverse_rule(jnp.exp, lambda a, g: (jnp.exp(a[0]) * (1 + 1e-3 * (a[0].dtype == jnp.float32)) * g,)),
        sp.exp(x),
        [x],
    ),
    "float64 in half the digits": Case(
        reverse_rule(jnp.sin, lambda a, g: (jnp.cos(a[0].astype(jnp.float32)).astype(a[0].dtype) * g,)), sp.sin(x), [x]
    ),
    "cotangent left out": Case(reverse_rule(jnp.sin, lambda a, g: (jnp.cos(a[0]) + 0 * g,)), sp.sin(x), [x]),
    "cotangent squared": Case(reverse_rule(jnp.sin, lambda a, g: (jnp.cos(a[0]) * g * g,)), sp.sin(x), [x]),
    "cotangent's size": Case(reverse_rule(jnp.sin, lambda a, g: (jnp.cos(a[0]) * jnp.abs(g),)), sp.sin(x), [x]),
    "zero": Case(reverse_rule(jnp.sin, lambda _, g: (jnp.zeros_like(g),)), sp.sin(x), [x]),
    "stopped": Case(lambda u, v: jax.lax.stop_gradient(u) * jnp.sin(v), PRODUCT, [x, y]),
    "rounded": Case(lambda u: jnp.round(u * 1e3) / 1e3, x, [x]),
    "clipped gradient": Case(
        reverse_rule(lambda u: u**3, lambda a, g: (jnp.clip(3 * a[0] ** 2, -100, 100) * g,)), x**3, [x]
    ),
    "wrong power": Case(reverse_rule(lambda u: u**4, lambda a, g: (4 * a[0] ** 2 * g,)), x**4, [x]),
    "cosine for sine": Case(reverse_rule(jnp.cos, lambda a, g: (jnp.sin(a[0]) * g,)), sp.cos(x), [x]),
    "degrees": Case(reverse_rule(jnp.sin, lambda a, g: (jnp.cos(jnp.deg2rad(a[0])) * g,)), sp.sin(x), [x]),
    "log base": Case(reverse_rule(jnp.log2, lambda a, g: (g / a[0],)), sp.log(p) / sp.log(2), [p]),
    "epsilon in a norm": Case(
        reverse_rule(jnp.hypot, lambda a, g: tuple(u / (jnp.hypot(*a) + 1e-8) * g for u in a)),
        sp.sqrt(x**2 + y**2),
        [x, y],
    ),
    "NaN from the other branch": Case(
        lambda u: jnp.where(u > 0, jnp.sqrt(u), 0.0), sp.Piecewise((sp.sqrt(x), x > 0), (0, True)), [x]
    ),
    "overflow": Case(lambda u: jnp.log(1 + jnp.exp(u)), SOFTPLUS, [x]),
    # the textbook's stable form: JAX takes 1/2 of the maximum and 1 of the absolute value, which makes 0
    "two conventions at one kink": Case(lambda u: jnp.maximum(u, 0) + jnp.log1p(jnp.exp(-jnp.abs(u))), SOFTPLUS, [x]),
    "value wrong": Case(lambda u: jnp.sin(u) + 1e-9, sp.sin(x), [x]),
    "implicit function": Case(reverse_rule(jnp.cbrt, lambda a, g: (g / (2 * jnp.cbrt(a[0]) ** 2),)), sp.cbrt(p), [p]),
    "softmax without the diagonal": Case(
        reverse_rule(
            lambda v: jax.nn.softmax(v)[0], lambda a, g: (-g * jax.nn.softmax(a[0])[0] * jax.nn.softmax(a[0]),)
        ),
        1 / (1 + sp.exp(y - x)),
        [[x, y]],
    ),
}


def _norm(v):
    return jnp.sqrt(jnp.sum(v * v))


def _logsumexp(v):
    return special.logsumexp(v)


def _piecewise_power(u):
    safe = jnp.where(u > 0, u, 1.0)
    return jnp.where(u > 0, jnp.sqrt(safe), 0.0)


def _horner(u):
    total = jnp.zeros_like(u)
    for c in (1.0, -2.0, 0.5, 3.0):
        total = total * u + c
    return total


def _newton(u):
    root = u
    for _ in range(60):
        root = 0.5 * (root + u / root)
    return root


RIGHT = {
    "softplus, logaddexp": Case(softplus, SOFTPLUS, [x]),
    "softplus, jax.nn": Case(jax.nn.softplus, SOFTPLUS, [x]),
    "softplus, custom_vjp": Case(reverse_rule(softplus, lambda a, g: (jax.nn.sigmoid(a[0]) * g,)), SOFTPLUS, [x]),
    "softplus, custom_jvp": Case(forward_rule(softplus, lambda a, t: jax.nn.sigmoid(a[0]) * t[0]), SOFTPLUS, [x]),
    "logsumexp of 3": Case(special.logsumexp, sp.log(sp.exp(x) + sp.exp(y) + sp.exp(z)), [[x, y, z]]),
    "logsumexp, custom_vjp": Case(
        reverse_rule(_logsumexp, lambda a, g: (jax.nn.softmax(a[0]) * g,)), sp.log(sp.exp(x) + sp.exp(y)), [[x, y]]
    ),
    "norm of 3": Case(_norm, sp.sqrt(x**2 + y**2 + z**2), [[x, y, z]]),
    "norm, custom_vjp": Case(
        reverse_rule(_norm, lambda a, g: (a[0] / _norm(a[0]) * g,)), sp.sqrt(x**2 + y**2), [[x, y]]
    ),
    "hypot": Case(jnp.hypot, sp.sqrt(x**2 + y**2), [x, y]),
    "tanh": Case(jnp.tanh, sp.tanh(x), [x]),
    "tanh, 1 - y**2": Case(forward_rule(jnp.tanh, lambda a, t: (1 - jnp.tanh(a[0]) ** 2) * t[0]), sp.tanh(x), [x]),
    "tanh, sech": Case(
        reverse_rule(lambda u: jnp.tanh(u / 50), lambda a, g: (g / 50 / jnp.cosh(a[0] / 50) ** 2,)),
        sp.tanh(x / 50),
        [x],
    ),
    "sigmoid": Case(jax.nn.sigmoid, 1 / (1 + sp.exp(-x)), [x]),
    "sigmoid, y(1-y)": Case(
        reverse_rule(jax.nn.sigmoid, lambda a, g: (jax.nn.sigmoid(a[0]) * jax.nn.sigmoid(-a[0]) * g,)),
        1 / (1 + sp.exp(-x)),
        [x],
    ),
    "sine": Case(jnp.sin, sp.sin(x), [x]),
    "product": Case(product, PRODUCT, [x, y]),
    "product, custom_vjp": Case(
        reverse_rule(product, lambda a, g: (jnp.sin(a[1]) * g, a[0] * jnp.cos(a[1]) * g)), PRODUCT, [x, y]
    ),
    "product, custom_jvp": Case(
        forward_rule(product, lambda a, t: jnp.sin(a[1]) * t[0] + a[0] * jnp.cos(a[1]) * t[1]), PRODUCT, [x, y]
    ),
    "maximum": Case(jnp.maximum, sp.Max(x, y), [x, y]),
    "relu": Case(jax.nn.relu, sp.Max(x, 0), [x]),
    "abs": Case(jnp.abs, sp.Abs(x), [x]),
    "elu": Case(jax.nn.elu, sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True)), [x]),
    "silu": Case(jax.nn.silu, x / (1 + sp.exp(-x)), [x]),
    "guarded square root": Case(_piecewise_power, sp.Piecewise((sp.sqrt(x), x > 0), (0, True)), [x]),
    "Horner": Case(_horner, x**3 - 2 * x**2 + x / 2 + 3, [x]),
    "Newton's square root": Case(_newton, sp.sqrt(p), [p]),
    "implicit square root": Case(reverse_rule(_newton, lambda a, g: (g / (2 * _newton(a[0])),)), sp.sqrt(p), [p]),
    "python branch": Case(lambda u: u * u if u > 0 else -u * u, x * sp.Abs(x), [x]),
    "log": Case(jnp.log, sp.log(p), [p]),
    "power": Case(lambda u, v: jnp.power(u, v / 100), p ** (x / 100), [p, x]),
    "gaussian": Case(lambda u: jnp.exp(-u * u / 2), sp.exp(-(x**2) / 2), [x]),
    "erf": Case(special.erf, sp.erf(x), [x]),
    "log gamma": Case(special.gammaln, sp.loggamma(p), [p]),
    "sinc with a guard": Case(
        lambda u: jnp.where(u == 0, 1.0, jnp.sin(u) / jnp.where(u == 0, 1.0, u)),
        sp.Piecewise((1, sp.Eq(x, 0)), (sp.sin(x) / x, True)),
        [x],
    ),
    "matrix product": Case(
        lambda m, v: jnp.sum(jnp.tanh(m @ v)),
        WRONG["transposed"].definition,
        WRONG["transposed"].args,
    ),
    "expm1": Case(jnp.expm1, sp.exp(x) - 1, [x]),
    "arctan2": Case(jnp.arctan2, sp.atan2(x, y), [x, y]),
    "cube": Case(lambda u: u**3, x**3, [x]),
    "quotient": Case(lambda u, v: u / v, x / y, [x, y]),
    "loss": Case(lambda u, v, w: (u * v - w) ** 2, (x * y - z) ** 2, [x, y, z]),
    "difference of squares, factored": Case(lambda u, v: (u - v) * (u + v), x**2 - y**2, [x, y]),
    "fori_loop": Case(lambda u: jax.lax.fori_loop(0, 3, lambda _, t: jnp.sin(t), u), sp.sin(sp.sin(sp.sin(x))), [x]),
    "cond": Case(
        lambda u: jax.lax.cond(u > 0, lambda t: jnp.exp(-t), lambda t: 1 - t, u),
        sp.Piecewise((sp.exp(-x), x > 0), (1 - x, True)),
        [x],
    ),
}
