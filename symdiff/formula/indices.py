"""Indices of arrays: which formulas in whole numbers are whole numbers themselves."""

from __future__ import annotations

import itertools
from typing import Any

import sympy as sp

# points of the grid on which a polynomial is looked at
MAX_GRID = 1_000


def is_whole(index: Any) -> bool:
    """Whether an index is a whole number wherever its symbols are; SymPy alone does not see that s*(s - 1)/2 is.

    A polynomial of degree d in a variable is whole at all whole numbers if it is at d + 1 in a row, since it is then a
    sum of whole multiples of binomial coefficients.

    >>> s = sp.Symbol("s", integer=True)
    >>> is_whole(s * (s - 1) / 2), is_whole(s / 2)
    (True, False)

    Source: Polya, Über ganzwertige ganze Funktionen, Rend. Circ. Mat. Palermo 40 (1915).
    """
    if index.is_integer or index.is_Number:
        return bool(index.is_integer)
    symbols = sorted(index.free_symbols, key=str)
    if not symbols or not all(symbol.is_integer for symbol in symbols) or not index.is_polynomial(*symbols):
        return False
    polynomial = sp.Poly(index, *symbols)
    degrees = [polynomial.degree(symbol) for symbol in symbols]
    count = sp.prod(degree + 1 for degree in degrees)
    if count > MAX_GRID or not polynomial.domain.is_QQ:
        return False
    grid = itertools.product(*(range(degree + 1) for degree in degrees))
    return all(polynomial.eval(point).is_integer for point in grid)
