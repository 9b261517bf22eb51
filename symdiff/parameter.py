"""A parameter of a model: where it starts, between which bounds it stays, whether it moves at all."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import cast

from symdiff.data import short
from symdiff.errors import ModelError


def number(value: object, what: str) -> float:
    """Return `value` as a float, or raise ModelError saying that `what` is not a number.

    >>> number(3, "value")
    3.0
    """
    # SymPy's and NumPy's numbers are registered as Real; true and false are too, and are meant as no number
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ModelError(f"{what} is {short(value)}, a {type(value).__name__}; give a number")
    try:
        return float(value)
    except OverflowError:
        raise ModelError(f"{what} lies beyond the range of float64; give a number up to 1.8e308") from None


@dataclass(frozen=True)
class Parameter:
    """Start value of a scalar parameter, with optional bounds `min <= value <= max` and unit.

    A parameter that is `fixed` keeps its value in training and fitting. An infinite bound is no bound and becomes None.
    The unit is a label for reports; nothing is converted.

    Raises ModelError where a number is not one or not finite, or the value lies outside its bounds.

    >>> Parameter(1, min=0, unit="m/s")
    Parameter(value=1.0, min=0.0, max=None, fixed=False, unit='m/s')
    >>> Parameter(-1, min=0)
    Traceback (most recent call last):
        ...
    symdiff.errors.ModelError: value -1.0 lies below min 0.0; give a value between the bounds
    """

    value: float
    min: float | None = None
    max: float | None = None
    fixed: bool = False
    unit: str | None = None

    def __post_init__(self) -> None:
        value = number(self.value, "value")
        if not math.isfinite(value):
            raise ModelError(f"value is {value}; give a finite number")
        low = _bound(self.min, "min", -math.inf)
        high = _bound(self.max, "max", math.inf)
        if low is not None and high is not None and low > high:
            raise ModelError(f"min {low!r} lies above max {high!r}; exchange them")
        if low is not None and value < low:
            raise ModelError(f"value {value!r} lies below min {low!r}; give a value between the bounds")
        if high is not None and value > high:
            raise ModelError(f"value {value!r} lies above max {high!r}; give a value between the bounds")
        if not isinstance(cast(object, self.fixed), bool):
            raise ModelError(f"fixed is {short(self.fixed)}; give true or false")
        unit = cast(object, self.unit)
        if unit is not None and not (isinstance(unit, str) and unit.isprintable() and unit.strip()):
            raise ModelError(f"unit is {short(unit)}; give one line of text, such as 'm/s'")
        # a frozen dataclass leaves no other way to store what was converted
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "min", low)
        object.__setattr__(self, "max", high)


def _bound(value: object, what: str, none: float) -> float | None:
    if value is None:
        return None
    bound = number(value, what)
    if math.isnan(bound) or bound == -none:
        raise ModelError(f"{what} is {bound}; give a finite number, or leave it out for no bound")
    return None if bound == none else bound
