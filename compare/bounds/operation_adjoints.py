"""Rounding error bounds of what the chain route passes back through the operations on whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from compare.bounds.operations import Given, cofactors, grown, inverted, multiplied, terms, with_infinite
from symdiff.graph import Application
from symdiff.tensors.linear_algebra import COFACTORS
from symdiff.tensors.reductions import OTHERS

Array = Any


def adjoint_bound(step: Application, position: int, adjoint: Array, error: Array, given: Given) -> Array:
    """Bound on the error of what the chain route passes back to an operand, from an adjoint and the bound on its error.

    The operation's own adjoint is taken, of sizes and of sizes with their errors: a rule that is wrong is wrong in
    both, and gains nothing by it.
    """
    function: Any = step.function
    static = given.static

    def taken(g: Array, operands: Sequence[Array], result: Array) -> Array:
        return np.abs(function.adjoint(position, g, operands, static, result))

    own = ADJOINTS.get(function.name)
    if own is not None:
        factor, spread = own(given)
        if given.static:
            # a reduction: what comes back is the same all along the axis
            adjoint, error = (np.expand_dims(u, given.static[0]) for u in (adjoint, error))  # type: ignore[call-overload]
        return (np.abs(adjoint) + error) * spread + error * np.abs(factor) + given.unit * np.abs(adjoint * factor)
    if function.name in ("contract", "inverse"):
        sizes, size = [np.abs(u) for u in given.operands], np.abs(given.result)
        small = taken(np.abs(adjoint), sizes, size)
        risen = grown(given.operands, given.bounds)
        large = taken(np.abs(adjoint) + error, risen, size + given.result_bound)
        letters: Any = static[0] if static else ()
        count = terms(letters, position, given.operands) + 1 if letters else 2.0 * len(size)
        found = large - small + count * given.unit / 2 * large + count * given.smallest
        return with_infinite(found, [error, *given.bounds, given.result_bound], lambda: large)
    # entries are moved, and added up where they were copied
    large = taken(np.abs(adjoint) + error, given.operands, given.result)
    copies = max(1.0, np.size(adjoint) / max(1, np.size(given.operands[position])))
    passed = taken(np.broadcast_to(error, np.shape(adjoint)), given.operands, given.result)
    return passed + (copies - 1) * given.unit / 2 * large


def _share(given: Given) -> tuple[Array, Array]:
    """The derivative of a logarithm of a sum of exponentials, and the bound on its error."""
    (exponents,), (bound,) = given.operands, given.bounds
    axis: Any = given.static[0]
    result, error = np.expand_dims(given.result, axis), np.expand_dims(given.result_bound, axis)
    share = np.exp(exponents - result)
    off = bound + error + given.unit * (np.abs(exponents - result) + 2.0)
    return share, share * np.expm1(off) + given.smallest


def _of_others(given: Given) -> tuple[Array, Array]:
    others = OTHERS.value(given.operands[0], *given.static)
    return others, np.maximum(multiplied(OTHERS.value, given), 0.0)


def _of_determinant(given: Given) -> tuple[Array, Array]:
    return COFACTORS.value(given.operands[0]), cofactors(None, given)


def _of_log_determinant(given: Given) -> tuple[Array, Array]:
    try:
        found = np.linalg.inv(given.operands[0])
    except np.linalg.LinAlgError:
        found = np.full_like(given.operands[0], np.nan)
    return found.T, inverted(None, given._replace(result=found)).T


# the derivative that multiplies the adjoint, and the bound on its error
ADJOINTS: dict[str, Callable[[Given], tuple[Array, Array]]] = {
    "determinant": _of_determinant,
    "log_determinant": _of_log_determinant,
    "product": _of_others,
    "log_sum_exp": _share,
}
