"""Exact constants as floating-point numbers."""

from __future__ import annotations

import math

import sympy as sp


def float_of(constant: sp.Basic | int) -> float | bool:
    """The double nearest to an exact constant; infinite beyond the range of doubles.

    >>> float_of(sp.Rational(1, 3)), float_of(sp.pi), float_of(sp.Integer(-10) ** 400)
    (0.3333333333333333, 3.141592653589793, inf)
    """
    if constant is sp.true or constant is sp.false:
        return constant is sp.true
    if isinstance(constant, sp.Float):
        # the binary number itself, which may have more digits than a double
        constant = sp.Rational(constant)
    if isinstance(constant, (int, sp.Rational)):
        top, bottom = (constant, 1) if isinstance(constant, int) else (constant.p, constant.q)
        try:
            return top / bottom
        except OverflowError:
            return math.inf if top > 0 else -math.inf
    return float(constant) if constant is sp.nan else float(sp.N(constant, 30))
