"""Arithmetic of whole numbers, which does not round: what computes the places at which arrays are looked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any

SUMS = frozenset({"add", "subtract", "multiply", "negate"})


def not_rounded(name: str, operands: Sequence[Array], result: Array, dtype: Any) -> Array:
    """Where an operation on exact operands has an exact result: whole numbers that the dtype holds one by one.

    Sums, differences and products of whole numbers below 2**53, in float32 2**24, do not round (Higham, Accuracy and
    Stability of Numerical Algorithms, 2nd ed. 2002, section 2.1). Nor does dividing by a power of two, also where a
    compiler multiplies by its inverse.

    >>> not_rounded("divide", [np.array([6.0, 7.0]), np.float64(2)], np.array([3.0, 3.5]), np.float64).tolist()
    [True, False]
    >>> bool(not_rounded("divide", [np.float64(6), np.float64(3)], np.float64(2), np.float64))
    False
    """
    if name not in SUMS and name != "divide":
        return np.False_
    largest = 2.0 ** (np.finfo(dtype).nmant + 1)
    exact: Array = np.True_
    for number in (*operands, result):
        exact = exact & (np.abs(number) <= largest) & (np.asarray(number) == np.rint(number))
    if name == "divide":
        exact = exact & (np.frexp(np.abs(operands[1]))[0] == 0.5)
    return exact
