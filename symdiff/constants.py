"""Exact constants as floating-point numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy as sp


def float_of(constant: sp.Basic | int) -> float | bool:
    """The double nearest to an exact constant; infinite beyond the range of doubles.

    >>> float_of(sp.Rational(1, 3)), float_of(sp.pi), float_of(sp.Integer(-10) ** 400)
    (0.3333333333333333, 3.141592653589793, inf)
    """
    if constant is sp.true or constant is sp.false:
        return constant is sp.true
    if constant is sp.nan:
        return math.nan
    top, bottom = _ratio(constant)
    try:
        return top / bottom
    except OverflowError:
        return math.inf if top > 0 else -math.inf


def nearest(constant: sp.Basic | int, dtype: Any) -> Any:
    """The number of a floating dtype nearest to an exact constant, as a NumPy scalar; a truth value as np.bool_.

    It is rounded once. Rounded to a double first, 1 + 2**-24 + 2**-60 would be the tie 1 + 2**-24, and round down:

    >>> above = 1 + sp.Rational(1, 2**24) + sp.Rational(1, 2**60)
    >>> nearest(above, np.float32) > np.float32(float_of(above))
    np.True_
    """
    number = float_of(constant)
    if isinstance(number, bool):
        return np.bool_(number)
    scalar = np.dtype(dtype).type
    with np.errstate(over="ignore"):
        rounded = scalar(number)
    if not math.isfinite(number) or float(rounded) == number:
        return rounded
    other = np.nextafter(rounded, scalar(math.copysign(math.inf, number - float(rounded))))
    if float(rounded) + float(other) == 2 * number:
        # the double is a tie, which the exact number need not be
        top, bottom = _ratio(constant)
        part, whole = number.as_integer_ratio()
        above = top * whole - part * bottom
        return rounded if above == 0 else max(rounded, other) if above > 0 else min(rounded, other)
    return rounded


def _ratio(constant: sp.Basic | int) -> tuple[int, int]:
    """An exact constant as a quotient of integers; an irrational one to 30 digits."""
    if isinstance(constant, int):
        return constant, 1
    # of a Float, the binary number itself, which may have more digits than a double
    exact = sp.Rational(constant if isinstance(constant, (sp.Rational, sp.Float)) else sp.N(constant, 30))
    return exact.p, exact.q
