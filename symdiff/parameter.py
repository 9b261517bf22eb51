"""A parameter of a model: where it starts, between which bounds it stays, whether it moves at all."""

from __future__ import annotations

import hashlib
import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from symdiff.array_values import Array, is_array, read_array
from symdiff.data import short
from symdiff.errors import ModelError
from symdiff.initial_values import INITIAL, initial
from symdiff.tensors.shapes import written

# arrays of more entries are told by shape and SHA-256
SHOWN_ENTRIES = 8


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


@dataclass(frozen=True, eq=False, repr=False)
class Parameter:
    """Start value of a parameter, with optional bounds `min <= value <= max` and unit.

    The value is a number, or an array, which is kept as float64 and read-only; bounds are numbers and hold for every
    entry. A parameter that is `fixed` keeps its value in training and fitting. An infinite bound is no bound and
    becomes None. The unit is a label for reports; nothing is converted. `initial` tells by which form the value was
    drawn, if it was. Arrays are equal bit for bit.

    Raises ModelError where a number is not one or not finite, or the value lies outside its bounds.

    >>> Parameter(1, min=0, unit="m/s")
    Parameter(value=1.0, min=0.0, max=None, fixed=False, unit='m/s')
    >>> Parameter([[1, 2]])
    Parameter(value=array([[1.0, 2.0]]), min=None, max=None, fixed=False, unit=None)
    >>> Parameter(-1, min=0)
    Traceback (most recent call last):
        ...
    symdiff.errors.ModelError: value -1.0 lies below min 0.0; give a value between the bounds
    """

    value: Any
    min: float | None = None
    max: float | None = None
    fixed: bool = False
    unit: str | None = None
    initial: str | None = None

    @classmethod
    def drawn(cls, form: str, shape: Sequence[int], name: str, seed: int = 0, **others: Any) -> Parameter:
        """Return the parameter with an initial value of a form in `symdiff.initial_values.INITIAL`.

        The value depends on form, shape, name and seed alone; `others` are `min`, `max`, `fixed`, `unit`. A model draws
        its parameters by itself where a form stands in place of a value.

        >>> Parameter.drawn("zeros", (2,), "b1")
        Parameter(value=array([0.0, 0.0]), min=None, max=None, fixed=False, unit=None, initial='zeros')
        """
        return cls(initial(form, shape, name, seed), initial=form, **others)

    def __post_init__(self) -> None:
        value = read_array(self.value, "value") if is_array(self.value) else _finite(self.value)
        low = _bound(self.min, "min", -math.inf)
        high = _bound(self.max, "max", math.inf)
        if low is not None and high is not None and low > high:
            raise ModelError(f"min {low!r} lies above max {high!r}; exchange them")
        if low is not None and np.less(value, low).any():
            raise ModelError(f"{_entry(value, np.less(value, low))} lies below min {low!r}; {_BETWEEN}")
        if high is not None and np.greater(value, high).any():
            raise ModelError(f"{_entry(value, np.greater(value, high))} lies above max {high!r}; {_BETWEEN}")
        if not isinstance(cast(object, self.fixed), bool):
            raise ModelError(f"fixed is {short(self.fixed)}; give true or false")
        unit = cast(object, self.unit)
        if unit is not None and not (isinstance(unit, str) and unit.isprintable() and unit.strip()):
            raise ModelError(f"unit is {short(unit)}; give one line of text, such as 'm/s'")
        form = cast(object, self.initial)
        if form is not None and form not in INITIAL:
            raise ModelError(f"initial is {short(form)}; give one of {', '.join(INITIAL)}")
        # a frozen dataclass leaves no other way to store what was converted
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "min", low)
        object.__setattr__(self, "max", high)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value, () for a number."""
        return np.shape(self.value)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Parameter) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        rest = f"min={self.min!r}, max={self.max!r}, fixed={self.fixed!r}, unit={self.unit!r}"
        rest += "" if self.initial is None else f", initial={self.initial!r}"
        return f"Parameter(value={_shown(self.value)}, {rest})"

    def __reduce__(self) -> Any:
        # a copied array could be written to
        return Parameter, self._parts()

    def _parts(self) -> tuple[Any, ...]:
        return self.value, self.min, self.max, self.fixed, self.unit, self.initial

    def _key(self) -> tuple[Any, ...]:
        value, *rest = self._parts()
        return (value if isinstance(value, float) else (value.shape, value.tobytes()), *rest)


_BETWEEN = "give a value between the bounds"


def _finite(given: object) -> float:
    value = number(given.item() if isinstance(given, np.ndarray) and given.ndim == 0 else given, "value")
    if not math.isfinite(value):
        raise ModelError(f"value is {value}; give a finite number")
    return value


def _entry(value: float | Array, where: Any) -> str:
    """The value, or the first entry of it that is meant."""
    if not isinstance(value, np.ndarray):
        return f"value {value!r}"
    place = np.unravel_index(int(np.argmax(where)), value.shape)
    return f"value[{', '.join(map(str, place))}] {float(value[place])!r}"


def _shown(value: float | Array) -> str:
    """A number or a short array in full; of a long one the shape, and enough of its SHA-256 to tell it from others."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.size <= SHOWN_ENTRIES:
        return f"array({value.tolist()!r})"
    return f"array({written(value.shape)}, sha256={hashlib.sha256(value.tobytes()).hexdigest()[:16]})"


def _bound(value: object, what: str, none: float) -> float | None:
    if value is None:
        return None
    bound = number(value, what)
    if math.isnan(bound) or bound == -none:
        raise ModelError(f"{what} is {bound}; give a finite number, or leave it out for no bound")
    return None if bound == none else bound
