"""Options that checks of every kind take: the dtype, whole numbers, and points in that dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from compare.points import Point
from symdiff.errors import OptionError

DTYPES = ("float64", "float32")


def dtype_name(dtype: Any) -> str:
    """The name of a dtype to compute in; raises OptionError for any other.

    >>> dtype_name(np.float32)
    'float32'
    """
    try:
        name = np.dtype(dtype).name if dtype is not None else "None"
    except TypeError:
        name = repr(dtype)
    if name not in DTYPES:
        raise OptionError(f"dtype is {dtype!r}; choose float64 or float32")
    return name


def whole_number(name: str, number: Any, least: int) -> int:
    """An option that is a whole number of at least `least`; raises OptionError for anything else.

    >>> whole_number("points", np.int64(3), 1)
    3
    """
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < least:
        raise OptionError(f"{name} is {number!r}; give a whole number of at least {least}")
    return int(number)


def rounded(place: Point, dtype: str) -> Point:
    """A point with every coordinate as the dtype has it; raises OptionError where one is beyond its range.

    >>> import sympy as sp
    >>> rounded({sp.Symbol("x"): 0.1}, "float32")
    {x: 0.10000000149011612}
    """
    with np.errstate(over="ignore"):
        near = {symbol: float(np.dtype(dtype).type(value)) for symbol, value in place.items()}
    beyond = next((symbol for symbol, value in near.items() if not np.isfinite(value)), None)
    if beyond is not None:
        raise OptionError(f"{beyond} = {place[beyond]} is beyond the range of {dtype}; give a smaller number")
    return near
