"""Balls: midpoint and radius, from python-flint."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

Ball = Any  # flint.arb, which has no type stubs
Balls = NDArray[np.object_]  # a ball or, of a condition, True, False or None, for each point


def available() -> bool:
    """Whether python-flint can be imported; without it every row is undecided."""
    try:
        importlib.import_module("flint")
    except ImportError:
        return False
    return True


def exact(constant: sp.Basic) -> Ball | bool:
    """Ball of an exact constant at the present precision; NaN where it is not known."""
    import flint

    if constant is sp.true or constant is sp.false:
        return constant is sp.true
    if isinstance(constant, (sp.Rational, sp.Float)):
        return flint.arb(rational(constant))
    named = {sp.pi: flint.arb.pi, sp.E: flint.arb.const_e, sp.EulerGamma: flint.arb.const_euler}
    named |= {sp.Catalan: flint.arb.const_catalan, sp.GoldenRatio: lambda: (1 + flint.arb(5).sqrt()) / 2}
    named |= {sp.TribonacciConstant: _tribonacci}
    return named[constant]() if constant in named else flint.arb.nan()


def _tribonacci() -> Ball:
    import flint

    root = 3 * flint.arb(33).sqrt()
    return (1 + (19 + root).root(3) + (19 - root).root(3)) / 3


def rational(number: sp.Rational | sp.Float | float) -> Any:
    """The `flint.fmpq` that a rational number or a binary floating-point number is.

    >>> rational(0.5), rational(sp.Rational(1, 3))
    (1/2, 1/3)
    """
    import flint

    fraction = sp.Rational(number)
    return flint.fmpq(int(fraction.p), int(fraction.q))


def spread(factor: Balls | int, count: int) -> Balls:
    """A factor that is the same at every point, as a ball for each; balls as they are."""
    import flint

    return array((flint.arb(factor) for _ in range(count)), count) if isinstance(factor, int) else factor


def array(entries: Iterable[Any], count: int) -> Balls:
    """Balls or conditions, one a point, as an array whose arithmetic is theirs."""
    return np.fromiter(entries, dtype=object, count=count)
