"""Values of sech at the cost of one exponential, which tanh shares; derivatives are those of the table's form.

The table's form is made to be differentiated twice and costs several times as much, which is most of the time of a
network whose gradient is computed from a graph of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from symdiff.forms.jax_arithmetic import resolve
from symdiff.function import Function


def _sech(u: jax.Array) -> jax.Array:
    e = jnp.exp(-jnp.abs(u))
    return 2 * e / (1 + e * e)


# by the path of the form whose value they take
FAST: dict[str, Callable[[jax.Array], jax.Array]] = {"symdiff.forms.jax_elementary.sech": _sech}


@lru_cache(maxsize=4096)
def form_of(function: Function) -> Callable[..., Any]:
    """The form to compute a function of the table with.

    >>> from symdiff.functions import FUNCTIONS
    >>> float(form_of(FUNCTIONS["sech"])(0.0)), form_of(FUNCTIONS["sin"]) is jnp.sin
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
