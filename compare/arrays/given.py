"""Points that are given for arrays: nested lists, arrays, single entries, numbers for scalars and lengths."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.arrays.lengths import declared, every_length
from symdiff.errors import OptionError, ShapeError, SymbolError
from symdiff.gradients import find_symbols
from symdiff.graph import Graph
from symdiff.tensors.lengths import Lengths, find_lengths, misfit, with_lengths

ENTRY = re.compile(r"(.+)\[(\d+(?:, ?\d+)*)\]")


def given(
    mapping: Mapping[Any, Any], graph: Graph, symbols: Sequence[Any], defaults: Mapping[Any, Any]
) -> tuple[dict[Any, NDArray[np.float64]], Lengths]:
    """A point from a mapping of symbols or names to arrays; `defaults` fill in what it leaves out.

    Entries may be given one by one, as rows of a report have them; a column may be a plain list. Lengths may be left
    out where they follow from arrays.

    Raises SymbolError for unknown or missing symbols, OptionError for what is no array of finite numbers, ShapeError
    for shapes that do not fit.

    >>> from symdiff.from_sympy import graph_of
    >>> n = sp.Symbol("n", integer=True)
    >>> x = sp.MatrixSymbol("x", n, 1)
    >>> given({"x": [[1], [2]]}, graph_of([sp.Trace(x * x.T)]), [x], {})
    ({x: array([[1.],
           [2.]])}, {n: 2})
    """
    lengths = every_length(graph, symbols)
    known = (*symbols, *lengths)
    point = {symbol: np.asarray(value, np.float64) for symbol, value in defaults.items() if symbol in symbols}
    numbers: dict[sp.Symbol, Any] = {}
    named: set[Any] = set()
    for key, value in _gathered(mapping, [symbol.name for symbol in known]).items():
        (symbol,) = find_symbols([key], known, "at")
        if symbol not in known:
            raise SymbolError(f"at gives {symbol}, which is not in the expression; it contains {_names(known)}")
        if symbol in named:
            raise SymbolError(f"at gives {symbol} twice, once as a symbol and once by name; give it once")
        named.add(symbol)
        if symbol in lengths:
            numbers[symbol] = value
        else:
            point[symbol] = _array(symbol, value)
    missing = [symbol for symbol in symbols if symbol not in point]
    if missing:
        raise SymbolError(f"at gives no value for {_names(missing)}; give every one of {_names(symbols)}")
    for symbol in symbols:
        shape, array = declared(graph, symbol), point[symbol]
        if len(shape) == 2 and shape[1] == 1 and array.ndim == 1:
            # a column as a plain list, as data and traces take it
            point[symbol] = array[:, None]
        if not shape and array.ndim:
            raise ShapeError(f"{symbol} is a number, but the array given has the shape {array.shape}; give one number")
    _, whole = with_lengths(list(numbers.values()), list(numbers), [], list(numbers))
    return point, _all_lengths(graph, symbols, point, whole)


def _all_lengths(graph: Graph, symbols: Sequence[Any], point: Mapping[Any, Any], whole: Lengths) -> Lengths:
    shapes = {symbol: np.shape(array) for symbol, array in point.items()}
    found = find_lengths(graph, shapes, whole)
    for symbol in symbols:
        if symbol in graph.inputs:
            continue
        # a symbol whose derivative is zero: its lengths are those of its array
        shape = declared(graph, symbol)
        if len(shape) != len(shapes[symbol]):
            raise ShapeError(misfit(symbol, shape, shapes[symbol]))
        found |= {
            n: k for n, k in zip(shape, shapes[symbol], strict=True) if isinstance(n, sp.Symbol) and n not in found
        }
    return found


def _gathered(mapping: Mapping[Any, Any], names: Sequence[str]) -> dict[Any, Any]:
    """The mapping with arrays in the place of single entries such as "W[0, 2]"."""
    result: dict[Any, Any] = {}
    entries: dict[str, dict[tuple[int, ...], Any]] = {}
    for key, value in mapping.items():
        match = ENTRY.fullmatch(key) if isinstance(key, str) and key not in names else None
        if match is None:
            result[key] = value
        else:
            place = tuple(int(part) for part in match[2].split(","))
            entries.setdefault(match[1], {})[place] = value
    for name, its in entries.items():
        if name in result:
            raise OptionError(f"at gives {name} and entries of it; give the array or all of its entries")
        ranks = {len(place) for place in its}
        shape = tuple(1 + max(axis) for axis in zip(*its, strict=True)) if len(ranks) == 1 else ()
        missing = next((place for place in np.ndindex(*shape) if place not in its), None) if shape else ()
        if missing is not None:
            told = f"{name}{list(missing)}" if shape else f"entries of {name} of different numbers of indices"
            raise OptionError(f"at gives entries of {name}, but not {told}; give the whole array")
        array = np.empty(shape, object)
        for place, value in its.items():
            array[place] = value
        result[name] = array.tolist()
    return result


def _array(symbol: Any, value: Any) -> NDArray[np.float64]:
    try:
        array = np.asarray(value)
        if array.dtype.kind in "USOc" and not all(isinstance(u, (int, float, sp.Expr)) for u in array.ravel().tolist()):
            raise TypeError
        array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise OptionError(f"at gives {symbol} a value that is no array of equal rows of real numbers") from None
    if not np.all(np.isfinite(array)):
        raise OptionError(f"at gives {symbol} an entry that is not finite; give finite numbers")
    return array


def _names(symbols: Sequence[Any]) -> str:
    return ", ".join(map(str, symbols)) or "no symbols"
