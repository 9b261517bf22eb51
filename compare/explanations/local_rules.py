"""One node at a time: value and local partials of a function as a route computes them, and as balls enclose them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from compare.certified.balls import Ball, array
from compare.certified.local_partials import local_partials
from symdiff import chain, lowering, symbolic
from symdiff.function import Absence
from symdiff.graph import Application
from symdiff.precision import applied, working
from symdiff.routes import Route

PRECISION = 256


def moving_operands(step: Application) -> list[int]:
    """Operands in which an application has a derivative."""
    return [k for k, partial in enumerate(step.function.partials) if not isinstance(partial, Absence)]


def value_by(route: Route, step: Application, operands: Sequence[Any], dtype: str) -> float:
    """Value of one application by a route, from operands as they are."""
    given = _typed(operands, dtype)
    with np.errstate(all="ignore"):
        if route == "chain":
            return float(step.function.value(*given, *step.static))
        return float(lowering.resolve(step.function.jax)(*map(jnp.asarray, given), *step.static))


def partial_by(route: Route, step: Application, position: int, operands: Sequence[Any], dtype: str) -> float:
    """One local partial by a route's own rule.

    >>> from symdiff.from_sympy import graph_of
    >>> import sympy as sp
    >>> (step,) = graph_of([sp.sin(sp.Symbol("x", real=True))]).applications
    >>> [partial_by(route, step, 0, [0.0], "float64") for route in ("symbolic", "autodiff", "chain")]
    [1.0, 1.0, 1.0]
    """
    function, given = step.function, _typed(operands, dtype)
    with np.errstate(all="ignore"):
        if route == "chain":
            value = function.value(*given, *step.static)
            return float(chain.local_partial(function, position, given, step.static, value))
        if route == "autodiff":
            return _by_jax(step, position, given)
        graph, inputs = symbolic.rule(function, position, step.static)
        names = {graph.symbols[node]: given[k] for k, node in enumerate(inputs) if node >= 0}
        return float(chain.forward(graph, names, dtype)[graph.outputs[0]])


def _by_jax(step: Application, position: int, given: Sequence[Any]) -> float:
    arrays = [jnp.asarray(u) for u in given]
    if not jnp.issubdtype(arrays[position].dtype, jnp.floating):
        # a condition has no derivative, and JAX gives what is no number for it
        return 0.0
    form = lowering.resolve(step.function.jax)

    def along(u: Any) -> Any:
        return form(*arrays[:position], u, *arrays[position + 1 :], *step.static)

    value, pullback = jax.vjp(along, arrays[position])
    return float(pullback(jnp.ones_like(value))[0])


def _typed(operands: Sequence[Any], dtype: str) -> list[Any]:
    return [u if isinstance(u, (bool, np.bool_)) else np.asarray(u, dtype)[()] for u in operands]


def enclosed(step: Application, operands: Sequence[Any]) -> tuple[Ball | None, list[Ball | None], list[float]]:
    """Balls of the value and of each local partial at exact operands, and how much each partial turns with them.

    The last are the sums of |operand * second partial| / |partial|. None where there is nothing to enclose.
    """
    import flint

    with working(PRECISION):
        balls = [array([u if isinstance(u, (bool, np.bool_)) else flint.arb(float(u))], 1) for u in operands]
        result = applied(step.function.ball, [column[0] for column in balls], step.static)
        if result is None or isinstance(result, bool) or not result.is_finite():
            return None, [None] * len(operands), [0.0] * len(operands)
        truths = [isinstance(u, (bool, np.bool_)) for u in operands]
        first, second = local_partials(step, balls, array([result], 1), [not truth for truth in truths])
        partials = [None if p is None else flint.arb(p) if isinstance(p, int) else p[0] for p in first]
        turns = [0.0] * len(operands)
        for (j, k), entry in second.items():
            curvature = entry if isinstance(entry, int) else entry[0]
            for place, other in {(j, k), (k, j)}:
                slope = partials[place]
                if slope is not None and not slope.contains(0):
                    turns[place] += float(abs(balls[other][0] * curvature / slope).upper())
    return result, partials, turns
