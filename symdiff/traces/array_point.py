"""One point of an expression of arrays: an array or a number for every symbol, and the lengths they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import sympy as sp

from symdiff.array_values import Array, is_array, read_array, told
from symdiff.array_values import Lengths as Fitting
from symdiff.data import listed, short
from symdiff.errors import InputError, ShapeError, SymbolError
from symdiff.graph import Graph
from symdiff.symbol_lookup import find_symbols
from symdiff.tensors.lengths import Lengths, find_lengths, with_lengths
from symdiff.tensors.shapes import Shape, written
from symdiff.traces.point import number_at

Point = dict[Any, float | Array]


def array_point(
    at: Mapping[Any, Any],
    known: Sequence[Any],
    shapes: Mapping[Any, Shape],
    graph: Graph,
    lengths: Sequence[sp.Symbol],
    dtype: np.dtype[Any],
) -> tuple[Point, Lengths]:
    """Read a point that maps symbols or names to arrays and numbers, in the order of `at`, and find all lengths.

    `shapes` are declared, () for a number; `lengths` are the symbols that shapes are written with. A list of numbers is
    a column where a column is declared.

    Raises SymbolError for symbols that are missing, unknown or given twice, ShapeError for shapes that do not fit,
    InputError for what is no array of finite numbers.

    >>> from symdiff.from_sympy import graph_of
    >>> n = sp.Symbol("n", integer=True)
    >>> x = sp.MatrixSymbol("x", n, 1)
    >>> array_point({"x": [1, 2]}, [x], {x: (n, 1)}, graph_of([sp.Trace(x.T * x)]), [n], np.dtype("float64"))
    ({x: array([[1.],
           [2.]])}, {n: 2})
    """
    if not isinstance(cast(object, at), Mapping):
        raise InputError(f"the point is {short(at)}; give a mapping of symbols or names to arrays and numbers")
    names = listed(map(str, known))
    point: Point = {}
    whole: dict[sp.Symbol, Any] = {}
    fitting = Fitting()
    for key, value in at.items():
        (symbol,) = find_symbols([key], (*known, *lengths), "the point")
        if symbol in lengths and symbol not in known:
            whole[symbol] = value
            continue
        if symbol not in known:
            raise SymbolError(f"the point names {symbol}, which the expression does not contain; it contains {names}")
        if symbol in point:
            raise SymbolError(f"the point gives {symbol} twice, as a symbol and by name; give it once")
        if not shapes[symbol]:
            if is_array(value):
                raise ShapeError(f"the point gives {symbol} an array, but {symbol} is a number; give one number")
            point[symbol] = number_at(value, symbol, dtype)
        else:
            array = fitting.fit(symbol, shapes[symbol], read_array(value, f"the point's {symbol}"), "the point")
            with np.errstate(over="ignore"):
                rounded = array.astype(dtype)
            if not np.all(np.isfinite(rounded)):
                limit = f"{np.finfo(dtype).max:.2g}"
                raise InputError(f"the point gives {symbol} an entry beyond {limit} ({dtype}); give smaller numbers")
            rounded.setflags(write=False)
            point[symbol] = rounded
    missing = [symbol for symbol in known if symbol not in point]
    if missing:
        shape = shapes[missing[0]]
        what = f"array of shape {told(shape)}" if shape else "number"
        raise SymbolError(f"the point gives no {what} for {missing[0]}; give a value for each of {names}")
    _, given = with_lengths(list(whole.values()), list(whole), [], list(whole))
    own = {symbol: np.shape(value) for symbol, value in point.items()}
    return point, find_lengths(graph, own, given)


def shape_text(shape: Shape) -> str:
    """A shape for a table; nothing for a number.

    >>> shape_text((2, 3)), shape_text((4,)), shape_text(())
    ('2×3', '4', '')
    """
    return written(shape).strip("()") if shape else ""
