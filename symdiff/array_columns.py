"""Data of models with arrays: for every symbol an array of samples, each of the symbol's shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from symdiff.array_values import Array, Lengths, is_array, read_array
from symdiff.data import check_lengths, columns, did_you_mean, listed, name_of, named_columns
from symdiff.errors import DataError, ModelError, ShapeError
from symdiff.tensors.shapes import Shape, same, told, written


def table(
    data: Any, shapes: Mapping[Any, Shape], lengths: Lengths, where: str = "data", whole: bool = False
) -> dict[str, Array]:
    """Take what belongs to the symbols out of `data`: for each a float64 array of shape (samples, *shape), copied.

    `data` is as for `symdiff.data.columns`. Of a symbol of shape n×1 or 1×n each sample may be a list of n numbers.
    Where no column has the name of an array x, the columns x0, x1, ... or x[0], x[1], ... are its entries; those of a
    matrix are x[0,0], x[0,1], .... With `whole`, an array of the symbol's own shape is one sample.

    Raises DataError for a missing column or values that are no numbers, ShapeError for another shape, with both.

    >>> import sympy as sp
    >>> x, y = sp.MatrixSymbol("x", 2, 1), sp.Symbol("y")
    >>> table({"x0": [1, 2], "x1": [3, 4], "y": [0, 1]}, {x: (2, 1), y: ()}, Lengths())["x"].tolist()
    [[[1.0], [3.0]], [[2.0], [4.0]]]
    """
    scalars = [symbol for symbol, shape in shapes.items() if not shape]
    arrays = {symbol: shape for symbol, shape in shapes.items() if shape}
    if not arrays and not whole:
        return columns(data, scalars, where)
    place = {name_of(key): key for key in named_columns(data, where)}
    if whole:
        numbers = {s.name: place[s.name] for s in scalars if s.name in place and np.ndim(data[place[s.name]]) == 0}
        found: dict[str, Array] = (
            columns({name: [data[key]] for name, key in numbers.items()}, numbers, where) if numbers else {}
        )
        scalars = [symbol for symbol in scalars if symbol.name not in found]
    else:
        found = {}
    found |= columns(data, scalars, where) if scalars else {}
    for symbol, shape in arrays.items():
        given = data[place[symbol.name]] if symbol.name in place else grouped(data, place, symbol, shape, where)
        array, single = sampled(given, symbol, shape, lengths, f"{where}: column {symbol.name!r}", whole)
        found[symbol.name] = array[None] if single else array
    check_lengths(found, where, "entry")
    return {symbol.name: found[symbol.name] for symbol in shapes}


def sampled(given: Any, symbol: Any, shape: Shape, lengths: Lengths, where: str, whole: bool) -> tuple[Array, bool]:
    """Return an array of samples of an array symbol; with `whole`, perhaps one of one sample, and whether it is that.

    >>> import sympy as sp
    >>> x = sp.MatrixSymbol("x", 3, 1)
    >>> array, single = sampled([1, 2, 3], x, (3, 1), Lengths(), "probe", True)
    >>> array.shape, single
    ((3, 1), True)
    """
    if not is_array(given):
        raise ShapeError(
            f"{where}: {symbol.name} has the shape {told(shape)}, and a single number is given; give an array"
        )
    try:
        array = read_array(given, where)
    except ModelError as error:
        raise DataError(str(error)) from None
    flat = len(shape) == 2 and any(same(length, 1) for length in shape)
    if whole and array.ndim <= len(shape):
        # of a column, a table of two axes may be one sample, n×1, or one list of n numbers a sample
        two = (
            array.ndim == 2
            and flat
            and not any(n == 1 and same(length, 1) for n, length in zip(array.shape, shape, strict=True))
        )
        # of a 1×1 matrix, rows of one number are samples
        rows = array.ndim == 2 and array.shape != (1, 1) and all(same(length, 1) for length in shape)
        if not (two or rows):
            return lengths.fit(symbol, shape, _upright(array, shape, 0), where), True
    array = _upright(array, shape, 1) if flat else array
    if array.ndim != len(shape) + 1:
        raise ShapeError(
            f"{where}: {symbol.name} has the shape {told(shape)}, so samples have {len(shape) + 1} axes, but the array "
            f"given has the shape {written(array.shape)}; give one {told(shape)} array a sample"
        )
    lengths.fit(symbol, shape, array[0], f"{where}, each row")
    array.setflags(write=False)
    return array, False


def _upright(array: Array, shape: Shape, front: int) -> Array:
    """Lists of numbers as the columns or rows that they are."""
    if array.ndim != front + 1 or len(shape) != 2:
        if front and array.ndim == 1 and all(same(length, 1) for length in shape):
            return array.reshape(-1, 1, 1)
        return array
    lead = array.shape[:front]
    return (
        array.reshape(*lead, -1, 1)
        if same(shape[1], 1)
        else array.reshape(*lead, 1, -1)
        if same(shape[0], 1)
        else array
    )


def grouped(data: Any, place: Mapping[str, Any], symbol: Any, shape: Shape, where: str) -> Array:
    """The array of a symbol from columns that are its entries, counted from 0."""
    name = symbol.name
    vector = len(shape) == 1 or (len(shape) == 2 and any(same(length, 1) for length in shape))
    pattern = re.compile(
        re.escape(name) + r"(?:\[ *(\d{1,9}(?: *, *\d{1,9})*) *\]" + (r"|(\d{1,9})" if vector else "") + ")"
    )
    entries: dict[tuple[int, ...], str] = {}
    for column in place:
        match = pattern.fullmatch(column)
        if match is None:
            continue
        index = tuple(int(part) for part in next(filter(None, match.groups())).split(","))
        if vector and len(shape) == 2 and len(index) == 2:
            # x[3,0] of a column is x[3]
            index = (index[0],) if same(shape[1], 1) else (index[1],)
        if index in entries:
            raise DataError(
                f"{where}: columns {entries[index]!r} and {column!r} are the same entry of {name}; take one out"
            )
        entries[index] = column
    if not entries:
        example = f"{name}[0], {name}[1], ..." if vector else f"{name}[0,0], {name}[0,1], ..."
        raise DataError(
            f"{where}: no column {name!r}{did_you_mean(name, place)} (columns: {listed(place)}), and none of the "
            f"entries {example}; {name} has the shape {told(shape)}"
        )
    rank = 1 if vector else len(shape)
    odd = next((column for index, column in entries.items() if len(index) != rank), None)
    if odd is not None:
        raise DataError(f"{where}: column {odd!r} is no entry of {name}, which has the shape {told(shape)}; rename it")
    found = tuple(max(index[axis] for index in entries) + 1 for axis in range(rank))
    if len(entries) != np.prod(found, dtype=object):
        missing = _first_missing(entries, found)
        raise DataError(
            f"{where}: the entry {name}[{missing}] has no column; entries count from 0, and none is left out"
        )
    read = columns({column: data[place[column]] for column in entries.values()}, entries.values(), where)
    order = sorted(entries)
    return np.stack([read[entries[index]] for index in order], axis=1).reshape(-1, *found)


def _first_missing(entries: Iterable[tuple[int, ...]], shape: tuple[int, ...]) -> str:
    present = sorted(entries)
    for count, index in enumerate(present):
        expected = np.unravel_index(count, shape)
        if tuple(map(int, expected)) != index:
            return ", ".join(map(str, map(int, expected)))
    return ", ".join(map(str, map(int, np.unravel_index(len(present), shape))))
