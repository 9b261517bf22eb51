"""Data of a model with arrays: which array holds one sample a row, and which is whole, the same for every sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdiff.array_columns import grouped
from symdiff.data import array_of, found_in, listed, name_of, named_columns
from symdiff.errors import DataError
from symdiff.tensors.shapes import Length, Shape, resolved, told, written

Array = NDArray[np.float64]
Sizes = dict[sp.Symbol, sp.Integer]


@dataclass(frozen=True, eq=False)
class Samples:
    """Arrays by name, each with the shape that its symbol has in one sample.

    An array of `whole` is that of its symbol; any other has an axis more in front, of length `count`.
    """

    arrays: Mapping[str, Array]
    whole: frozenset[str]
    count: int

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of one sample of an array."""
        return self.arrays[name].shape[0 if name in self.whole else 1 :]

    def taken(self, rows: NDArray[np.integer[Any]]) -> dict[str, Array]:
        """The arrays with only these samples."""
        return {name: array if name in self.whole else array[rows] for name, array in self.arrays.items()}


def samples_of(data: Any, declared: Mapping[Any, Shape], sizes: Mapping[Any, int], where: str = "data") -> Samples:
    """Take the arrays of the symbols `declared`, with their shapes, out of `data`, as float64.

    An array of exactly its symbol's shape is whole; one with an axis more in front holds a sample a row. Of a column
    or a row (64×1, 1×64) the axis of length 1 may be left out. Lengths that are symbols are those of `sizes`, or
    whatever the array has. A scalar takes a column of numbers, one a sample.

    Raises DataError naming the symbol and both shapes; for samples of unequal number; for no data.

    >>> x = sp.MatrixSymbol("x", 3, 1)
    >>> found = samples_of({"x": np.zeros((5, 3))}, {x: (3, 1)}, {})
    >>> found.count, found.shape("x")
    (5, (3, 1))
    >>> samples_of({"x": np.zeros((5, 4))}, {x: (3, 1)}, {})
    Traceback (most recent call last):
        ...
    symdiff.errors.DataError: data: x has the shape 3×1, but its array has the shape 5×4; give 3×1, or samples×3×1
    """
    numbers = {symbol: sp.Integer(length) for symbol, length in sizes.items()}
    arrays: dict[str, Array] = {}
    whole: set[str] = set()
    for symbol, array in zip(declared, _taken(data, declared, where), strict=True):
        shape = tuple(resolved(tuple(declared[symbol]), numbers))
        fitted, is_whole = fitted_to(symbol.name, shape, array, where)
        arrays[symbol.name] = fitted
        if is_whole:
            whole.add(symbol.name)
    counts = {name: len(array) for name, array in arrays.items() if name not in whole}
    if len(set(counts.values())) > 1:
        unequal = listed([f"{name} has {count}" for name, count in counts.items()])
        raise DataError(f"{where}: unequal numbers of samples ({unequal}); give one row of each for every sample")
    if 0 in counts.values():
        raise DataError(f"{where}: no samples; give at least one")
    count = next(iter(counts.values()), 1)
    if count == 1:
        # one sample is all there is
        arrays |= {name: arrays[name][0] for name in counts}
        whole |= set(counts)
    return Samples(MappingProxyType(arrays), frozenset(whole), count)


def fitted_to(name: str, shape: Sequence[Length], array: Array, where: str) -> tuple[Array, bool]:
    """The array with the axes of its symbol, of which one in front may count samples, and whether none does."""
    rank = len(shape)
    for whole, axes in _readings(shape):
        if array.ndim == len(axes) + (not whole) and _fits(axes, array.shape[0 if whole else 1 :]):
            if len(axes) == rank:
                return array, whole
            # the axis of length 1 that was left out
            place = next(k for k, length in enumerate(shape) if length == 1)
            return np.expand_dims(array, place + (not whole)), whole
    own = told(shape)
    given = written(array.shape)
    if not rank:
        raise DataError(f"{where}: {name} is a number, but its array has the shape {given}; give one number a sample")
    more = "samples×" + "×".join(own.strip("()").split(", ")) if rank else "samples"
    raise DataError(f"{where}: {name} has the shape {own}, but its array has the shape {given}; give {own}, or {more}")


def _readings(shape: Sequence[Length]) -> Iterable[tuple[bool, tuple[Length, ...]]]:
    """What an array may mean, most literal first: (whole or not, the axes of one sample that it shows)."""
    own = tuple(shape)
    if own:
        yield True, own
    yield False, own
    if len(own) == 2 and 1 in own:
        short = tuple(length for length in own if length != 1)
        if short:
            yield False, short
            yield True, short
        else:
            # one number a sample
            yield False, ()


def _fits(axes: Sequence[Length], actual: Sequence[int]) -> bool:
    return all(not isinstance(length, int) or length == number for length, number in zip(axes, actual, strict=True))


def _taken(data: Any, declared: Mapping[Any, Shape], where: str) -> list[Array]:
    """The array of each symbol; where it has none, its entries may be columns x0, x1, ..."""
    place = {name_of(key): key for key in named_columns(data, where)}
    found: list[Array] = []
    for symbol, shape in declared.items():
        if symbol.name in place or not shape:
            found.append(array_of(found_in(data, [symbol], where)[symbol.name], f"{where}: {symbol.name}"))
        else:
            found.append(grouped(data, place, symbol, shape, where))
    return found
