"""Where a function is defined: intervals of the real line with a regular point inside each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Domain:
    """An interval of operands, less some points, or less an open interval `gap` in its midst.

    `poles_from`: this integer and all below it are excluded.

    `regular` is a point inside at which the function and all its partials are finite. Guards evaluate a branch that
    is not taken there, and samplers start there.

    >>> POSITIVE.contains(np.array([-1.0, 0.0, 2.0]))
    array([False, False,  True])
    >>> print(POSITIVE, NONNEGATIVE, NONZERO, REAL)
    (0, ∞) [0, ∞) (-∞, ∞) without 0 (-∞, ∞)
    """

    low: float = -math.inf
    high: float = math.inf
    closed_low: bool = False
    closed_high: bool = False
    excluded: tuple[float, ...] = ()
    regular: float = 1.0
    truth: bool = False
    gap: tuple[float, float] | None = None
    poles_from: int | None = None

    def contains(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Elementwise, whether `x` lies in the domain; NaN does not."""
        inside = (x >= self.low if self.closed_low else x > self.low) & (
            x <= self.high if self.closed_high else x < self.high
        )
        for point in self.excluded:
            inside &= x != point
        if self.poles_from is not None:
            inside &= (x > self.poles_from) | (x != np.floor(x))
        return inside if self.gap is None else inside & ((x <= self.gap[0]) | (x >= self.gap[1]))

    def __str__(self) -> str:
        if self.truth:
            return "true or false"
        left = ("[" if self.closed_low else "(") + _bound(self.low)
        right = _bound(self.high) + ("]" if self.closed_high else ")")
        missing = [_bound(point) for point in self.excluded]
        if self.gap is not None:
            closed = self.gap[0] in self.excluded
            missing = [f"{'[' if closed else '('}{_bound(self.gap[0])}, {_bound(self.gap[1])}{']' if closed else ')'}"]
        if self.poles_from is not None:
            missing.append(", ".join(str(self.poles_from - k) for k in range(3)) + ", ...")
        without = " without " + ", ".join(missing) if missing else ""
        return f"{left}, {right}{without}"


def _bound(value: float) -> str:
    return f"{value:g}".replace("inf", "∞")


REAL = Domain()
POSITIVE = Domain(low=0.0)
NONNEGATIVE = Domain(low=0.0, closed_low=True)
NONZERO = Domain(excluded=(0.0,))
TRUTH = Domain(truth=True)
