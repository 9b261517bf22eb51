"""Value, first and second partials of rows of the function table, by each route."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from symdiff import chain
from symdiff.lowering import jax_outputs
from symdiff.measuring.case import SYMBOLS, RowCase

# () is the value, (0,) the partial in operand 0, (0, 1) the partial of that in operand 1
Quantities = dict[tuple[int, ...], NDArray[Any]]


def by_route(cases: Sequence[RowCase]) -> list[dict[str, Quantities]]:
    """What each route gives for each case; all of JAX's work is compiled as one program."""
    jitted = jax.jit(lambda data: [_by_jax(case, columns) for case, columns in zip(cases, data, strict=True)])
    found = jax.tree.map(np.asarray, jitted([case.columns for case in cases]))
    with np.errstate(all="ignore"):
        return [{**routes, "chain": _by_chain(case)} for case, routes in zip(cases, found, strict=True)]


def _by_jax(case: RowCase, columns: Sequence[Any]) -> dict[str, dict[tuple[int, ...], Any]]:
    inputs = dict(zip(SYMBOLS, columns, strict=False))

    def value(*moving: Any) -> Any:
        given = dict(zip((SYMBOLS[k] for k in case.moving), moving, strict=True))
        return jax_outputs(case.graph, inputs | given)[0]

    def partials(*moving: Any) -> Any:
        result, pullback = jax.vjp(value, *moving)
        return pullback(jnp.ones_like(result))

    operands = [columns[k] for k in case.moving]
    result = value(*operands)
    autodiff: dict[tuple[int, ...], Any] = {(): result}
    symbolic: dict[tuple[int, ...], Any] = {(): result}
    if not case.moving:
        return {"symbolic": symbolic, "autodiff": autodiff}
    for j, position in enumerate(case.moving):
        partial, pullback = jax.vjp(lambda *moving, j=j: partials(*moving)[j], *operands)
        autodiff[(position,)] = partial
        for k, second in zip(case.moving, pullback(jnp.ones_like(partial)), strict=True):
            autodiff[position, k] = second
    outputs = iter(jax_outputs(case.derived[1], inputs))
    for where in [(), *((k,) for k in case.moving)]:
        symbolic[where] = next(outputs)
        for k in case.moving:
            symbolic[(*where, k)] = next(outputs)
    return {"symbolic": symbolic, "autodiff": autodiff}


def _by_chain(case: RowCase) -> Quantities:
    """By the hand-written partials; the second ones are those of the symbolic first partials.

    The chain route has no second order of its own.
    """
    inputs, symbols = dict(zip(SYMBOLS, case.columns, strict=False)), [SYMBOLS[k] for k in case.moving]
    if not symbols:
        return {(): np.asarray(chain.forward(case.graph, inputs, case.dtype)[case.graph.outputs[0]])}
    value, partials = chain.value_and_gradient(case.graph, inputs, symbols, case.dtype)
    found: Quantities = {(): value} | {(k,): partial for k, partial in zip(case.moving, partials, strict=True)}
    for j, position in enumerate(case.moving):
        graph = dataclasses.replace(case.derived[0], outputs=(case.derived[0].outputs[1 + j],))
        seconds = chain.value_and_gradient(graph, inputs, symbols, case.dtype)[1]
        found |= {(position, k): second for k, second in zip(case.moving, seconds, strict=True)}
    return found
