"""The running error bound through JAX's sums and products of arrays, and through what cuts arrays up.

A sum of n terms in any order errs by at most (n - 1) u times the sum of their sizes, a scalar product by n u.
Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. 2002, sections 3.1 and 4.2.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = Any
Pair = tuple[Array, Array]  # a value and the bound on its rounding error


def contraction(name: str, params: Mapping[str, Any], operands: Sequence[Pair], unit: float) -> list[Pair] | None:
    """Values and bounds of the results; None for any other primitive.

    >>> row = np.array([[1.0, 2.0, 3.0]])
    >>> [(value, bound)] = contraction("reduce_sum", {"axes": (1,)}, [(row, np.zeros_like(row))], 2.0**-52)
    >>> value, bool(bound < 1e-14)
    (array([6.]), True)
    """
    if name == "dot_general":
        return [_dot(params["dimension_numbers"], operands[0], operands[1], unit)]
    if not operands:
        return None
    value, bound = operands[0]
    if name == "reduce_sum":
        axes = tuple(params["axes"])
        terms = int(np.prod([np.shape(value)[axis] for axis in axes], dtype=int))
        own = terms * unit / 2 * np.sum(np.abs(value) + bound, axis=axes)
        return [(np.sum(value, axis=axes), np.sum(bound, axis=axes) + own)]
    if name == "cumsum":
        axis, back = params["axis"], params["reverse"]
        sums = [_running(each, axis, back) for each in (value, bound, np.abs(value) + bound)]
        return [(sums[0], sums[1] + np.shape(value)[axis] * unit / 2 * sums[2])]
    if name in ("reduce_max", "reduce_min"):
        axes = tuple(params["axes"])
        return [((np.max if name == "reduce_max" else np.min)(value, axis=axes), np.max(bound, axis=axes))]
    if name == "transpose":
        return [(np.transpose(value, params["permutation"]), np.transpose(bound, params["permutation"]))]
    if name == "slice":
        steps = params["strides"] or (1,) * np.ndim(value)
        cut = tuple(map(slice, params["start_indices"], params["limit_indices"], steps))
        return [(value[cut], bound[cut])]
    if name == "split":
        ends = np.cumsum(params["sizes"])[:-1]
        parts = (np.split(each, ends, axis=params["axis"]) for each in (value, bound))
        return list(zip(*parts, strict=True))
    if name == "unstack":
        parts = (np.moveaxis(each, params["axis"], 0) for each in (value, bound))
        return list(zip(*parts, strict=True))
    return None


def _running(array: Array, axis: int, back: bool) -> Array:
    return np.flip(np.cumsum(np.flip(array, axis), axis), axis) if back else np.cumsum(array, axis)


def _dot(dimensions: Any, left: Pair, right: Pair, unit: float) -> Pair:
    (over_left, over_right), (batch_left, batch_right) = dimensions
    letters = iter(string.ascii_letters)
    names_left = [next(letters) for _ in range(np.ndim(left[0]))]
    names_right = [next(letters) for _ in range(np.ndim(right[0]))]
    for k, other in zip((*over_left, *batch_left), (*over_right, *batch_right), strict=True):
        names_right[other] = names_left[k]
    batch = [names_left[k] for k in batch_left]
    free_left = [c for k, c in enumerate(names_left) if k not in (*over_left, *batch_left)]
    free_right = [c for k, c in enumerate(names_right) if k not in (*over_right, *batch_right)]
    form = f"{''.join(names_left)},{''.join(names_right)}->{''.join(batch + free_left + free_right)}"
    terms = int(np.prod([np.shape(left[0])[k] for k in over_left], dtype=int))
    size_left, size_right = np.abs(left[0]), np.abs(right[0])
    sizes = np.einsum(form, size_left + left[1], size_right + right[1])
    passed = np.einsum(form, left[1], size_right) + np.einsum(form, size_left + left[1], right[1])
    return np.einsum(form, left[0], right[0]), passed + (terms + 1) * unit / 2 * sizes
