"""Arrays that are given for symbols: read as float64, and fitted to the shapes that the symbols declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sympy.tensor.array.expressions.array_expressions import ArraySymbol

from symdiff.errors import ModelError, ShapeError
from symdiff.tensors.entries import shape_of
from symdiff.tensors.lengths import solved_length
from symdiff.tensors.shapes import Shape, length_of, resolved, same, symbols_of, told, written

Array = NDArray[np.float64]


def is_array(value: object) -> bool:
    """Whether a value has entries: an array, a nested list, a matrix of numbers.

    >>> is_array([[1.0]]), is_array(np.zeros(3)), is_array(1.0), is_array(np.array(1.0))
    (True, True, False, False)
    """
    if isinstance(value, (list, tuple, sp.MatrixBase, sp.NDimArray)):
        return True
    return hasattr(value, "__array__") and getattr(value, "ndim", 0) > 0


def read_array(value: Any, what: str) -> Array:
    """Return a new float64 array that cannot be written to, of whole numbers or floats that are all finite.

    Raises ModelError for texts, truth values, objects, lists of unequal lengths, no entries, NaN and infinities.

    >>> read_array([[1, 2], [3, 4]], "value")
    array([[1., 2.],
           [3., 4.]])
    """
    if isinstance(value, (sp.MatrixBase, sp.NDimArray)):
        if not all(entry.is_real and entry.is_number for entry in sp.flatten(value)):
            raise ModelError(f"{what} is a matrix that holds more than real numbers; give an array of numbers")
        value = np.array(value.tolist(), np.float64)
    try:
        array: NDArray[Any] = np.asarray(value)
    except (ValueError, TypeError):
        raise ModelError(f"{what} is no array: its rows are of unequal length; give each the same") from None
    if array.size == 0:
        raise ModelError(f"{what} has no entries (shape {written(array.shape)}); give at least one number")
    if array.dtype.kind not in "iuf":
        raise ModelError(f"{what} is an array of {array.dtype.name}; give numbers, whole or with a point")
    with np.errstate(over="ignore"):  # what overflows is refused below
        result = np.array(array, np.float64, order="C")
    finite = np.isfinite(result)
    if not finite.all():
        place = np.unravel_index(int(np.argmin(finite)), result.shape)
        entry = ", ".join(map(str, place))
        raise ModelError(f"{what}[{entry}] is {array[place]}; give finite numbers")
    result.setflags(write=False)
    return result


def declared_shapes(symbols: Iterable[Any], expressions: Iterable[sp.Basic]) -> dict[Any, Shape]:
    """Shape of each symbol, () for a scalar; of an IndexedBase without one, a symbol for each of its lengths.

    >>> X, i = sp.IndexedBase("X"), sp.Symbol("i", integer=True)
    >>> declared_shapes([X, sp.MatrixSymbol("W", 2, 3), sp.Symbol("b")], [X[i] ** 2])
    {X: (X.shape[0],), W: (2, 3), b: ()}
    """
    symbols = list(symbols)
    ranks = _ranks(expressions) if any(isinstance(s, sp.IndexedBase) and s.shape is None for s in symbols) else {}
    found: dict[Any, Shape] = {}
    for symbol in symbols:
        if isinstance(symbol, sp.IndexedBase):
            rank = len(symbol.shape) if symbol.shape is not None else ranks.get(symbol.label, 1)
            found[symbol] = shape_of(symbol, rank)
        elif isinstance(symbol, (sp.MatrixSymbol, ArraySymbol)):
            found[symbol] = tuple(map(length_of, cast("tuple[Any, ...]", symbol.shape)))
        else:
            found[symbol] = ()
    return found


def _ranks(expressions: Iterable[sp.Basic]) -> dict[sp.Basic, int]:
    """How many indices the entries of each indexed array have; without recursion."""
    found: dict[sp.Basic, int] = {}
    pending, seen = list(expressions), set[int]()
    while pending:
        part = pending.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, sp.Indexed):
            found.setdefault(part.base.label, len(part.indices))  # type: ignore[union-attr]
        pending.extend(part.args)
    return found


@dataclass
class Lengths:
    """Numbers of symbolic lengths, as they become known from arrays, and from which array each is known."""

    known: dict[sp.Symbol, sp.Integer] = field(default_factory=dict[sp.Symbol, sp.Integer])
    source: dict[sp.Symbol, str] = field(default_factory=dict[sp.Symbol, str])

    def fit(self, symbol: Any, declared: Shape, array: Array, where: str) -> Array:
        """Return the array in the declared shape, with the numbers of its lengths noted.

        A list of numbers is a column where a column is declared. Raises ShapeError, naming both shapes, for another
        number of axes or another length.

        >>> n = sp.Symbol("n", integer=True)
        >>> Lengths().fit(sp.MatrixSymbol("x", n, 1), (n, 1), np.array([1.0, 2.0]), "data").shape
        (2, 1)
        """
        fitted = array
        if array.ndim == 1 and len(declared) == 2 and same(declared[1], 1):
            fitted = array.reshape(-1, 1)
        if array.ndim == 0 and declared and all(same(length, 1) for length in declared):
            fitted = array.reshape((1,) * len(declared))
        misfit = f"{where}: {symbol.name} has the shape {told(declared)}"
        given = f"the array given has the shape {written(array.shape)}" if array.ndim else "a single number is given"
        if fitted.ndim != len(declared):
            raise ShapeError(f"{misfit}, but {given}; give an array of {len(declared)} axes")
        for length, number in zip(declared, fitted.shape, strict=True):
            found = resolved(length, self.known)
            if isinstance(found, int):
                if found != number:
                    raise ShapeError(f"{misfit}{self._because(length)}, but {given}; give an array that fits")
                continue
            unknown = symbols_of(found)
            solution = solved_length(found, number, unknown)
            if solution is not None:
                (name,) = unknown
                self.known[name] = sp.Integer(solution)
                self.source[name] = f"{name} = {solution} by {symbol.name}"
        fitted.setflags(write=False)
        return fitted

    def resolved(self, shape: Shape) -> Shape:
        """The shape with the numbers that are known."""
        return resolved(shape, self.known)

    def _because(self, length: Any) -> str:
        known = [self.source[symbol] for symbol in sorted(symbols_of(length), key=str) if symbol in self.source]
        return f" ({', '.join(known)})" if known else ""


def exact(arrays: Mapping[str, Any] | None) -> object:
    """Named numbers and arrays as something that compares and hashes, bit for bit where they are arrays.

    >>> exact({"w": np.zeros(1)}) == exact({"w": -np.zeros(1)}), exact({"b": 0.0}) == exact({"b": -0.0})
    (False, True)
    """
    if arrays is None:
        return None
    return tuple(
        (name, (value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value)
        for name, value in arrays.items()
    )
