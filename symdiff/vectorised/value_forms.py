"""Values of sigmoid-like functions at the cost of one or two exponentials; derivatives are those of the table's forms.

The table's forms are made to be differentiated twice and cost several times as much (tanh 9 ns a number against 2),
which is most of the time of a network whose gradient is computed from a graph of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from symdiff.forms.jax_arithmetic import resolve
from symdiff.function import Function


def _tanh(u: jax.Array) -> jax.Array:
    # the polynomial of jnp.tanh is six units in the last place off where it reaches 1
    # and the square of an exponential that sech needs too costs nothing
    small = jnp.exp(-jnp.abs(u))
    e = small * small
    return jnp.where(jnp.abs(u) < 1, jnp.tanh(u), jnp.sign(u) * (1 - 2 * e / (1 + e)))


def _sech(u: jax.Array) -> jax.Array:
    e = jnp.exp(-jnp.abs(u))
    return 2 * e / (1 + e * e)


def _sigmoid(u: jax.Array) -> jax.Array:
    e = jnp.exp(-jnp.abs(u))
    return jnp.where(u >= 0, jnp.ones_like(u), e) / (1 + e)


# by the path of the form whose value they take
FAST: dict[str, Callable[[jax.Array], jax.Array]] = {
    "symdiff.forms.jax_elementary.tanh": _tanh,
    "symdiff.forms.jax_elementary.sech": _sech,
    "symdiff.forms.jax_elementary.sigmoid": _sigmoid,
}


@lru_cache(maxsize=4096)
def form_of(function: Function) -> Callable[..., Any]:
    """The form to compute a function of the table with.

    >>> from symdiff.functions import FUNCTIONS
    >>> float(jax.grad(form_of(FUNCTIONS["tanh"]))(0.0)), form_of(FUNCTIONS["sin"]) is jnp.sin
    (1.0, True)
    """
    table: Callable[..., Any] = resolve(function.jax)
    fast = FAST.get(function.jax) if isinstance(function.jax, str) else None
    if fast is None:
        return table

    @jax.custom_jvp
    def form(u: jax.Array) -> jax.Array:
        return fast(u)

    @form.defjvp
    def _(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
        return form(*primals), jax.jvp(table, primals, tangents)[1]

    return form
