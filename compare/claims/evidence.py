"""The numbers that a guess at a mistake rests on, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.points import Point

Array = NDArray[np.float64]
LONGEST_TEXT = 60
CLOSE = 1e-7
# numbers that get lost, by how they are written
NAMED = {
    "pi": math.pi,
    "E": math.e,
    "sqrt(2)": math.sqrt(2),
    "log(2)": math.log(2),
    "log(10)": math.log(10),
    "sqrt(pi)": math.sqrt(math.pi),
}


@dataclass(frozen=True)
class Guess:
    """A guess at the mistake: what kind it is, in a word, and what exactly."""

    kind: str
    text: str


@dataclass(frozen=True)
class Evidence:
    """Numbers at some points: the claim, the difference C - T, and the true partials by symbol; `slack` is noise."""

    points: Sequence[Point]
    symbol: sp.Symbol
    claimed: Array
    difference: Array
    slack: Array
    truths: Mapping[sp.Symbol, Array]
    others: Mapping[sp.Symbol, Array]

    @property
    def true(self) -> Array:
        """The true partial."""
        return self.truths[self.symbol]

    def same(self, a: Array, b: Array, slack: Array | float = 0.0) -> bool:
        """Whether two rows of numbers are equal at every point, as far as floats tell."""
        with np.errstate(all="ignore"):
            near = np.abs(a - b) <= CLOSE * np.maximum(np.abs(a), np.abs(b)) + slack
        return bool(np.all(near & np.isfinite(a) & np.isfinite(b)))

    def is_difference(self, hypothesis: Array) -> bool:
        """Whether a mistake explains all of C - T."""
        return self.same(self.difference, hypothesis, self.slack)


def number_text(value: float, less_one: float) -> str:
    """A number as a short fraction, one with a named constant, or in decimals.

    >>> number_text(0.5, -0.5), number_text(1 + 1e-12, 1e-12), number_text(1.0, 0.0)
    ('1/2', '(1 + 1e-12)', '1')
    """
    if 0.0 < abs(less_one) < 1e-9:
        return f"(1 {'+' if less_one > 0 else '-'} {abs(less_one):.6g})"
    for name, constant in ({"": 1.0} | NAMED | {f"/{k}": 1 / v for k, v in NAMED.items()}).items():
        fraction = Fraction(value / constant).limit_denominator(200)
        if fraction and abs(float(fraction) * constant - value) <= 1e-10 * abs(value) and abs(fraction) < 1e6:
            if not name:
                return str(fraction)
            number = str(fraction) if fraction.denominator == 1 else f"({fraction})"
            return f"{number}{name}" if name[0] == "/" else name if fraction == 1 else f"{number}*{name}"
    return f"(1 {'+' if less_one > 0 else '-'} {abs(less_one):.6g})" if abs(less_one) < 1e-4 else f"{value:.10g}"


def cut_text(text: str) -> str:
    """Cut a text that is too long for a line."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."
