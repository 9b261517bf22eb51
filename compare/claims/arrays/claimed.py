"""What a claim of an array gives at a point: the graph of a formula for these lengths, or what a callable returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from compare.arrays.lengths import declared
from compare.arrays.places import Place, shapes_at
from compare.claims.arrays.case import Array, Case
from compare.claims.reading import Call, Claim
from compare.formula import visible
from symdiff.chain import forward
from symdiff.errors import OptionError, ShapeError, SymdiffError
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph
from symdiff.tensors.lengths import concrete, find_lengths
from symdiff.tensors.shapes import written


@dataclass(frozen=True, eq=False)
class Claimed:
    """One claim of the partial derivative in `case.wrt[which]`."""

    case: Case
    claim: Claim
    which: int

    @property
    def symbol(self) -> Any:
        """The array that is differentiated in."""
        return self.case.wrt[self.which]

    @cached_property
    def graph(self) -> Graph:
        """Graph of the claimed formula; raises ShapeError for one whose shapes do not fit each other."""
        try:
            return graph_of([self.claim.formula])  # type: ignore[list-item]
        except ShapeError as error:
            raise ShapeError(f"the claim of {self.symbol}: {error}") from None

    def fixed(self, place: Place) -> Graph:
        """The same for the lengths of a point."""
        shapes = shapes_at(place)
        own = {symbol: shapes[symbol] for symbol in self.graph.inputs if symbol in shapes}
        try:
            lengths = find_lengths(self.graph, own, place.lengths)
            return concrete(self.graph, lengths, shapes)
        except ShapeError as error:
            raise ShapeError(f"the claim of {self.symbol}: {error}") from None

    def array(self, place: Place) -> NDArray[Any]:
        """The claimed array in floats, of whatever shape it has."""
        if self.claim.call is not None:
            return self._returned(self.claim.call, place)
        fixed = self.fixed(place)
        values = forward(fixed, {symbol: place.arrays[symbol] for symbol in fixed.inputs})
        node = fixed.outputs[0]
        return np.broadcast_to(np.asarray(values[node], np.float64), cast("tuple[int, ...]", fixed.shape(node)))

    def turned(self, shape: tuple[int, ...], place: Place) -> bool:
        """Whether a claimed array of a shape is the transpose of what is wanted, and not merely written otherwise.

        Raises ShapeError, with both shapes, for one that is neither.
        """
        wanted = shapes_at(place)[self.symbol]
        if shape == wanted or (math.prod(shape) == 1 == math.prod(wanted)):
            return False
        if shape != wanted[::-1] and _without_ones(shape) == _without_ones(wanted) and len(shape) < len(wanted):
            # a column as NumPy has it, of one axis
            return False
        if len(wanted) == 2 and shape == wanted[::-1]:
            return True
        if shape == () and self.claim.formula is not None and self.claim.formula.is_zero:
            return False
        if shape == ():
            raise ShapeError(
                f"the claim of {self.symbol}, {visible(self.claim.text, 60)}, is a number, but {self.symbol} has the "
                f"shape {written(declared(self.case.number, self.symbol))}; give an array of that shape"
            )
        here = f"{written(shape)}, but {self.symbol} has the shape {written(wanted)}"
        if self.claim.call is None:
            claimed, asked = self.graph.shape(self.graph.outputs[0]), declared(self.case.number, self.symbol)
            if (claimed, asked) != (shape, wanted):
                here = (
                    f"{written(claimed)}, here {written(shape)}, but {self.symbol} has {written(asked)}, here {wanted}"
                )
        raise ShapeError(
            f"the claim of {self.symbol}, {visible(self.claim.text, 60)}, has the shape {here}; a derivative has the "
            "shape of what it is taken in"
        )

    def fitted(self, array: NDArray[Any], place: Place) -> NDArray[Any]:
        """A claimed array that is not transposed, in the shape of the symbol."""
        wanted = shapes_at(place)[self.symbol]
        return np.broadcast_to(array, wanted) if array.shape == () else array.reshape(wanted)

    def _returned(self, call: Call, place: Place) -> NDArray[Any]:
        kind = np.dtype(self.case.dtype)
        values = {s: np.asarray(place.arrays[s], kind)[()] for s in call.symbols}
        try:
            with np.errstate(all="ignore"):
                result = called(call, values)
        except (ArithmeticError, np.linalg.LinAlgError):
            return np.full(shapes_at(place)[self.symbol], np.nan)
        except SymdiffError:
            raise
        except Exception as error:
            told = ", ".join(f"{s} of shape {np.shape(v)}" for s, v in values.items())
            what = visible(" ".join(str(error).split()), 120)
            raise OptionError(f"the claim raises {type(error).__name__} at {told}: {what}") from None
        return self._numbers(result)

    def _numbers(self, result: Any) -> Array:
        try:
            numbers = np.asarray(result)
            if numbers.dtype.kind == "O" or numbers.dtype.name == "bfloat16":
                numbers = numbers.astype(np.float64)
        except (TypeError, ValueError):
            numbers = np.asarray("")
        if numbers.dtype.kind not in "biuf":
            text = visible(" ".join(repr(result).split()), 60)
            raise OptionError(f"the claim of {self.symbol} returns {text}; it must return an array of real numbers")
        return np.asarray(numbers, np.float64)


def called(call: Call, values: Mapping[Any, Any]) -> Any:
    """What a callable returns for the values of its symbols, its own part of it."""
    if call.by_name:
        result = call.function(**{symbol.name: value for symbol, value in values.items()})
    else:
        result = call.function(*values.values())
    if call.parts == 1:
        return result
    if not isinstance(result, (tuple, list)) and not hasattr(result, "__len__"):
        result = (result,)
    if len(cast(Any, result)) != call.parts:
        count = len(cast(Any, result))
        raise OptionError(f"the claim returns {count} arrays; it must return {call.parts}, one for each symbol in wrt")
    return cast(Any, result)[call.part]


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)
