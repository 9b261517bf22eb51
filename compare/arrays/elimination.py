"""Determinants and inverses in scalar operations.

A small determinant is expanded along its rows, which needs no division and is right for singular matrices too. Larger
ones, and inverses, are eliminated; the pivots are chosen by the numbers at the point (Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed. 2002, section 9.1), and any other choice would give the same in exact arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdiff.graph_builder import GraphBuilder

Nodes = NDArray[np.int64]
# determinants up to this size are expanded: n 2^(n - 1) products
LARGEST_EXPANDED = 7


def operations(size: int, inverse: bool) -> int:
    """About how many scalar operations a determinant or an inverse of this size takes.

    >>> operations(3, inverse=False), operations(10, inverse=True)
    (24, 2000)
    """
    if inverse:
        return 2 * size**3
    return size * 2**size if size <= LARGEST_EXPANDED else size**3


def determinant(b: GraphBuilder, matrix: Nodes, numbers: Any) -> int:
    """Node of the determinant of a matrix of nodes, whose numbers at the point are given."""
    rows = matrix.tolist()
    if len(rows) <= LARGEST_EXPANDED:
        return _expanded(b, rows)
    _, upper, _, odd = _eliminated(b, rows, numbers)
    product = upper[0][0]
    for k in range(1, len(upper)):
        product = b.call("multiply", product, upper[k][k])
    return b.call("negate", product) if odd else product


def _expanded(b: GraphBuilder, rows: list[list[int]]) -> int:
    """Laplace's expansion, each minor of the first rows once: minors by the set of their columns, as bits."""
    minors = {0: b.constant(sp.Integer(1))}
    for row in rows:
        found: dict[int, int] = {}
        for columns, minor in minors.items():
            for column, entry in enumerate(row):
                if columns >> column & 1:
                    continue
                term = b.call("multiply", entry, minor)
                # the sign is that of moving the column behind those of the minor that come after it
                if (columns >> column).bit_count() % 2:
                    term = b.call("negate", term)
                bits = columns | 1 << column
                found[bits] = b.call("add", found[bits], term) if bits in found else term
        minors = found
    return next(iter(minors.values()))


def inverse(b: GraphBuilder, matrix: Nodes, numbers: Any) -> Nodes:
    """Nodes of the inverse of a matrix of nodes, column by column from its factors."""
    lower, upper, order, _ = _eliminated(b, matrix.tolist(), numbers)
    size = len(order)
    zero, one = b.constant(sp.Integer(0)), b.constant(sp.Integer(1))
    result = np.empty((size, size), np.int64)
    for column in range(size):
        solved = [one if row == column else zero for row in order]
        for i in range(size):
            for j in range(i):
                solved[i] = b.call("subtract", solved[i], b.call("multiply", lower[i][j], solved[j]))
        for i in reversed(range(size)):
            for j in range(i + 1, size):
                solved[i] = b.call("subtract", solved[i], b.call("multiply", upper[i][j], solved[j]))
            solved[i] = b.call("divide", solved[i], upper[i][i])
        result[:, column] = solved
    return result


def _eliminated(
    b: GraphBuilder, rows: list[list[int]], numbers: Any
) -> tuple[list[list[int]], list[list[int]], list[int], bool]:
    """Factors L and U of the rows in the order given third, and whether that order is an odd permutation."""
    size = len(rows)
    upper, known = [list(row) for row in rows], np.array(numbers, np.float64)
    lower = [[-1] * size for _ in rows]
    order, odd = list(range(size)), False
    for k in range(size):
        sizes = np.nan_to_num(np.abs(known[k:, k]), nan=-1.0)
        pivot = k + int(np.argmax(sizes))
        if pivot != k:
            odd = not odd
            known[[k, pivot]] = known[[pivot, k]]
            for table in (upper, lower, order):
                table[k], table[pivot] = table[pivot], table[k]  # type: ignore[index]
        for i in range(k + 1, size):
            lower[i][k] = factor = b.call("divide", upper[i][k], upper[k][k])
            with np.errstate(all="ignore"):
                known[i, k:] -= known[i, k] / known[k, k] * known[k, k:]
            for j in range(k + 1, size):
                upper[i][j] = b.call("subtract", upper[i][j], b.call("multiply", factor, upper[k][j]))
    return lower, upper, order, odd
