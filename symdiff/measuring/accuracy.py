"""How far each route is from the truth, row by row of the function table.

An error is counted in units of eps*(|exact| + sum over the operands of |u * d(exact)/du|): relative errors, in units in
the last place, over one plus the condition number of the quantity (Higham, Accuracy and Stability, 2nd ed., 1.6).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symdiff.function import Function
from symdiff.measuring.case import RowCase
from symdiff.measuring.routes import by_route
from symdiff.measuring.truth import Exact, truth

# relative errors asked for, in units of the float64 eps; the same number of ulps is asked for in float32
ELEMENTARY, SPECIAL = 1e-13 * 2.0**52, 1e-10 * 2.0**52


@dataclass(frozen=True)
class RowDeviation:
    """One number that one route gave for one row at one point, and by how many units it is off."""

    row: str
    static: tuple[Any, ...]
    quantity: tuple[int, ...]
    route: str
    dtype: str
    at: tuple[Any, ...]
    got: float
    exact: str
    units: float
    limit: float

    @property
    def allowed(self) -> bool:
        """Whether the error is within the limit."""
        return self.units <= self.limit

    def __str__(self) -> str:
        places = ", ".join(f"operand {k + 1}" for k in self.quantity)
        quantity = f"derivative in {places}" if places else "value"
        at = ", ".join(str(u) for u in (*self.at, *self.static))
        return (
            f"{self.row}: {quantity} by {self.route} in {self.dtype} at ({at}) is {self.got!r}, expected {self.exact}: "
            f"{self.units:.3g} units off, {self.limit:.3g} allowed"
        )


def limit_of(row: Function) -> float:
    """How many units a row may be off: 1e-13 for elementary, 1e-10 for special functions, in float64's eps."""
    return SPECIAL if row.special_function else ELEMENTARY


def largest_errors(cases: Sequence[RowCase]) -> list[RowDeviation]:
    """The largest error of each quantity of each case by each route.

    >>> from symdiff.functions import FUNCTIONS
    >>> from symdiff.measuring.case import cases
    >>> found = largest_errors(list(cases([FUNCTIONS["exp"]], "float64", 6)))
    >>> len(found), all(error.allowed for error in found)
    (9, True)
    """
    found: list[RowDeviation] = []
    for case, routes in zip(cases, by_route(cases), strict=True):
        worst: dict[tuple[tuple[int, ...], str], RowDeviation] = {}
        for error in errors_of(case, routes):
            known = worst.get((error.quantity, error.route))
            if known is None or error.units > known.units:
                worst[error.quantity, error.route] = error
        found += worst.values()
    return found


def errors_of(case: RowCase, routes: dict[str, Any]) -> Iterator[RowDeviation]:
    """Every error of a case: all points at which the ball form gives the quantity, all quantities, all routes."""
    row, dtype = case.row, case.dtype
    limit = limit_of(row)
    for index in range(case.points):
        point = case.point(index)
        for where, exact in truth(row, case.static, point, case.moving).items():
            if exact is None:
                continue
            for route, quantities in routes.items():
                got = quantities[where][index]
                units = _units(got, exact, dtype, len(where))
                shown = str(exact.value) if isinstance(exact.value, bool) else exact.value.str(17, radius=False)
                yield RowDeviation(
                    row.name, case.static, where, route, dtype.name, point, float(got), shown, units, limit
                )


def _units(got: Any, exact: Exact, dtype: np.dtype[Any], order: int) -> float:
    if isinstance(exact.value, bool):
        return 0.0 if bool(got) is exact.value else math.inf
    info = np.finfo(dtype)
    largest, middle = float(info.max), exact.value.mid()
    if abs(middle) > largest / 4:
        return 0.0 if math.copysign(1.0, middle > 0 or -1.0) * float(got) > largest / 8 else math.inf
    if not math.isfinite(got):
        return math.inf
    import flint

    # what a derivative is made of may underflow before the whole does
    underflow = float(info.tiny) * (8, 8, 4096)[order]
    distance = abs(flint.arb(float(got)) - middle) + exact.value.rad() - underflow
    if not distance > 0:
        return 0.0
    scale = (abs(middle) + exact.sensitivity) * float(info.eps)
    return float((distance / scale).mid()) if scale > 0 else math.inf
