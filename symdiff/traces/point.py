"""One point: a finite number for every symbol of an expression, and for nothing else."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, cast

import numpy as np
import sympy as sp

from symdiff.constants import float_of
from symdiff.data import listed, short
from symdiff.errors import InputError, SymbolError
from symdiff.gradients import find_symbols


def point_of(at: Mapping[Any, Any], known: Sequence[sp.Symbol], dtype: np.dtype[Any]) -> dict[sp.Symbol, float]:
    """Read a point that maps symbols or names to numbers: a double for each of `known`, in the order of `at`.

    Numbers are real ones of Python, NumPy, SymPy (exact constants too) and arrays of no dimension.

    Raises SymbolError where a symbol is missing, given twice or not among `known`; InputError where a number is not
    one, is not finite, or lies beyond the range of the dtype.

    >>> x, y = sp.symbols("x y", real=True)
    >>> point_of({"y": 4, x: sp.Rational(1, 2)}, [x, y], np.dtype("float64"))
    {y: 4.0, x: 0.5}
    >>> point_of({"x": 1.0}, [x, y], np.dtype("float64"))
    Traceback (most recent call last):
        ...
    symdiff.errors.SymbolError: the point gives no number for y; give one for each of x, y
    """
    if not isinstance(cast(object, at), Mapping):
        raise InputError(f"the point is {short(at)}; give a mapping of symbols or names to numbers, as {{'x': 1.0}}")
    names = listed(map(str, known))
    point: dict[sp.Symbol, float] = {}
    for key, value in at.items():
        (symbol,) = find_symbols([key], known, "the point")
        if symbol not in known:
            raise SymbolError(f"the point names {symbol}, which the expression does not contain; it contains {names}")
        if symbol in point:
            raise SymbolError(f"the point gives {symbol} twice, as a symbol and by name; give it once")
        point[symbol] = number_at(value, symbol, dtype)
    missing = [symbol for symbol in known if symbol not in point]
    if missing:
        euler = " (Euler's number is written E)" if missing[0].name == "e" else ""
        raise SymbolError(f"the point gives no number for {missing[0]}{euler}; give one for each of {names}")
    return point


def number_at(value: Any, symbol: sp.Symbol, dtype: np.dtype[Any]) -> float:
    """The double nearest to a given number, rounded to the dtype; raises InputError for what is none.

    >>> number_at(sp.Rational(1, 2), sp.Symbol("w"), np.dtype("float32"))
    0.5
    """
    number = math.nan
    given = value.item() if isinstance(value, np.generic) or getattr(value, "shape", None) == () else value
    # a whole number or a fraction beyond the range of doubles cannot be converted
    with suppress(OverflowError):
        if isinstance(given, sp.Expr) and not given.free_symbols and given.is_extended_real:
            number = float_of(given)
        elif isinstance(given, (numbers.Real, Decimal)) and not isinstance(cast(object, given), bool):
            number = float(given)
    with np.errstate(over="ignore"):
        rounded = float(dtype.type(number))
    if not math.isfinite(rounded):
        limit = f"{np.finfo(dtype).max:.2g}"
        raise InputError(
            f"the point gives {symbol} the value {short(value)}; give a real number up to {limit} ({dtype})"
        )
    return rounded
