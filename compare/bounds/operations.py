"""Rounding error bounds of the operations on whole arrays.

Sums of n products err by at most n u times the sum of their sizes, in whatever order they are added (Higham, Accuracy
and Stability of Numerical Algorithms, 2nd ed. 2002, sections 3.1 and 3.5). An elimination with pivots gives the factors
of a matrix off by at most n u |L||U| (section 9.3); inverses, determinants and solutions follow from that to first
order (sections 14.2 and 14.6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

from symdiff.graph import Application
from symdiff.tensors.linear_algebra import COFACTORS

Array = Any


class Given(NamedTuple):
    """Operands with their bounds, both of full shape, the static arguments, and the result with its bound."""

    operands: Sequence[Array]
    bounds: Sequence[Array]
    static: tuple[Any, ...]
    result: Array
    result_bound: Array
    # the unit in the last place of 1, and the smallest normal number
    unit: float
    smallest: float


def value_bound(step: Application, given: Given) -> Array:
    """Bound on the error of the result of an operation."""
    rule = VALUES.get(step.function.name)
    bound = _moved(step.function.value, given) if rule is None else rule(step.function.value, given)
    return np.maximum(bound, 0.0)


def terms(letters: Sequence[str], position: int, operands: Sequence[Array]) -> float:
    """Terms of each sum of a contraction towards one operand, or the result (position -1), and its factors and one."""
    lengths = {
        c: n for part, u in zip(letters[:-1], operands, strict=True) for c, n in zip(part, np.shape(u), strict=True)
    }
    kept = set(letters[position])
    return math.prod(n for c, n in lengths.items() if c not in kept) + len(operands)


def grown(operands: Sequence[Array], bounds: Sequence[Array]) -> list[Array]:
    """Sizes of operands, each with its error added."""
    return [np.abs(u) + e for u, e in zip(operands, bounds, strict=True)]


def with_infinite(bound: Array, sources: Sequence[Array], shape_of: Callable[[], Array]) -> Array:
    """A bound on sums of products, infinite or NaN in all entries if a source is so anywhere."""
    for source in sources:
        if not np.all(np.isfinite(source)):
            worst = np.nan if np.any(np.isnan(source)) else np.inf
            return np.full(np.shape(shape_of()), worst)
    return bound


def _moved(value: Callable[..., Array], given: Given) -> Array:
    bounds = [
        np.broadcast_to(e, np.shape(u)).astype(np.float64) for u, e in zip(given.operands, given.bounds, strict=True)
    ]
    return value(*bounds, *given.static) if bounds else np.zeros(np.shape(given.result))


def _looked_up(value: Callable[..., Array], given: Given) -> Array:
    bound = value(np.asarray(given.bounds[0], np.float64), *given.operands[1:], *given.static)
    # a place that is rounded may be another one
    return with_infinite(bound, [np.where(np.asarray(e) > 0, np.inf, 0.0) for e in given.bounds[1:]], lambda: bound)


def _added_up(value: Callable[..., Array], given: Given) -> Array:
    bound = _looked_up(value, given)
    sizes = value(np.abs(given.operands[0]) + given.bounds[0], *given.operands[1:], *given.static)
    return bound + np.size(given.operands[0]) * given.unit / 2 * sizes


def _contracted(value: Callable[..., Array], given: Given) -> Array:
    sizes, letters = [np.abs(u) for u in given.operands], given.static[0]
    large = value(*grown(given.operands, given.bounds), *given.static)
    own = (terms(letters, -1, given.operands) - 2) * given.unit / 2 * large  # type: ignore[arg-type]
    if len(sizes) == 1:
        # of one operand the errors are added up as they are
        bound = value(np.asarray(given.bounds[0]), *given.static) + own
    else:
        bound = large - value(*sizes, *given.static) + own + given.unit / 2 * large + np.size(sizes[0]) * given.smallest
    return with_infinite(bound, given.bounds, lambda: large)


def _factors(matrix: Array, bound: Array, unit: float, smallest: float) -> Array:
    """How far off the matrix is whose inverse or determinant an elimination gives: its own bound and 3 n u |L||U|."""
    if not np.all(np.isfinite(matrix)):
        return np.full(np.shape(matrix), np.nan)
    sizes = np.abs(matrix[matrix != 0])
    if sizes.size and np.max(sizes) * math.sqrt(smallest) > np.min(sizes):
        # products on the way may fall below the normal numbers
        return np.full(np.shape(matrix), np.inf)
    order, lower, upper = scipy.linalg.lu(matrix)
    return bound + 3 * len(matrix) * unit / 2 * (order @ (np.abs(lower) @ np.abs(upper)))


def inverted(_: Any, given: Given) -> Array:
    """The change that an error of the matrix makes in its inverse is |inverse| |error| |inverse| to first order."""
    (matrix,), (bound,) = given.operands, given.bounds
    size = np.abs(given.result)
    off = _factors(matrix, bound, given.unit, given.smallest)
    found = size @ off @ size
    # beyond the first order nothing is known where the matrix may be singular
    if np.linalg.norm(size @ off, 1) >= 0.5:
        found = np.full_like(found, np.inf)
    return found + given.unit * size


def _determined(_: Any, given: Given) -> Array:
    (matrix,), (bound,) = given.operands, given.bounds
    off = _factors(matrix, bound, given.unit, given.smallest)
    return np.sum(np.abs(COFACTORS.value(matrix)) * off) + len(matrix) * given.unit * np.abs(given.result)


def _log_determined(_: Any, given: Given) -> Array:
    (matrix,), (bound,) = given.operands, given.bounds
    try:
        size = np.abs(np.linalg.inv(matrix))
    except np.linalg.LinAlgError:
        return np.inf
    off = _factors(matrix, bound, given.unit, given.smallest)
    logs = np.sum(np.abs(np.log(np.abs(np.diagonal(scipy.linalg.lu(matrix)[2])))))
    found = np.sum(size.T * off) + len(matrix) * given.unit * (logs + 1.0)
    return np.inf if np.linalg.norm(size @ off, 1) >= 0.5 else found


def cofactors(_: Any, given: Given) -> Array:
    """By singular values s: a small change of the matrix moves a cofactor by at most n |change| s1 ... s(n-2)."""
    (matrix,), (bound,) = given.operands, given.bounds
    if not np.all(np.isfinite(matrix)):
        return np.full(np.shape(matrix), np.nan)
    size, values = len(matrix), np.linalg.svd(matrix, compute_uv=False)
    if size == 1:
        return np.zeros((1, 1))
    change = float(np.linalg.norm(np.broadcast_to(bound, matrix.shape))) + 4 * size * given.unit * values[0]
    found = size * change * np.prod(values[: size - 2]) + size * given.unit * np.prod(values[: size - 1])
    return np.full(np.shape(matrix), found)


def multiplied(value: Callable[..., Array], given: Given) -> Array:
    """A product of n factors, or of n - 1 of them."""
    (operand,), (bound,) = given.operands, given.bounds
    large = value(np.abs(operand) + bound, *given.static)
    terms = np.shape(operand)[given.static[0]]  # type: ignore[call-overload]
    return large - value(np.abs(operand), *given.static) + terms * given.unit / 2 * large + given.smallest


def _log_sum_exp(_: Any, given: Given) -> Array:
    (exponents,), (bound,) = given.operands, given.bounds
    axis: Any = given.static[0]
    share = np.exp(exponents - np.expand_dims(given.result, axis))
    top = np.max(exponents, axis=axis, keepdims=True)
    own = given.unit * (np.abs(exponents - top) + np.abs(top) + np.shape(exponents)[axis] + 3)
    return np.sum(share * (bound + own), axis=axis) + 2 * given.unit * np.abs(given.result)


VALUES: dict[str, Callable[[Any, Given], Array]] = {
    "contract": _contracted,
    "gather": _looked_up,
    "scatter": _added_up,
    "inverse": inverted,
    "determinant": _determined,
    "log_determinant": _log_determined,
    "cofactors": cofactors,
    "product": multiplied,
    "others": multiplied,
    "log_sum_exp": _log_sum_exp,
}
