"""What is known of an expression of arrays at a point: graphs of known lengths, its gradient in floats and in balls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.arrays.places import Place, shapes_at
from compare.arrays.rows import Entry, truths_of
from compare.bounds.graph import SAFETY, node_bounds
from compare.truth import Truth
from symdiff.chain import forward
from symdiff.graph import Graph
from symdiff.symbolic import gradient_graph
from symdiff.tensors.lengths import concrete

Array = NDArray[np.float64]
Arrays = Mapping[Any, Array]
# an entry this much smaller than the largest one is a zero that no precision separates from one
NOTHING = 1e-60


@dataclass(frozen=True, eq=False)
class Case:
    """An expression, the graph of its value, a number, and the arrays that it is differentiated in.

    `symbols` are all inputs, `lengths` the symbols that stand for lengths of arrays.
    """

    expression: sp.Expr
    number: Graph
    wrt: tuple[Any, ...]
    symbols: tuple[Any, ...]
    lengths: tuple[sp.Symbol, ...]
    dtype: str

    @cached_property
    def derived(self) -> Graph:
        """Graph of the value and of all partials, as the symbolic route has it."""
        return gradient_graph(self.number, self.wrt)

    @cached_property
    def _known(self) -> dict[Any, tuple[Graph, Graph]]:
        return {}

    def graphs(self, place: Place) -> tuple[Graph, Graph]:
        """Definition and gradient for the lengths of a point; raises ShapeError where an index leaves its array."""
        shapes = shapes_at(place)
        key = tuple(shapes.items()), tuple(place.lengths.items())
        if key not in self._known:
            self._known[key] = (
                concrete(self.number, place.lengths, shapes),
                concrete(self.derived, place.lengths, shapes),
            )
        return self._known[key]

    def gradient(self, place: Place) -> list[Array]:
        """The partials in float64, as the symbolic route's formulas give them."""
        derived = self.graphs(place)[1]
        values = forward(derived, {symbol: place.arrays[symbol] for symbol in derived.inputs})
        shapes = shapes_at(place)
        return [
            np.broadcast_to(np.asarray(values[node], np.float64), shapes[symbol])
            for symbol, node in zip(self.wrt, derived.outputs[1:], strict=True)
        ]

    def rounding(self, place: Place, which: int) -> Array:
        """What rounding explains of each entry of one partial, where it is computed by the derived formula."""
        derived = self.graphs(place)[1]
        inputs = {symbol: np.asarray(place.arrays[symbol], self.dtype) for symbol in derived.inputs}
        bounds = node_bounds(derived, inputs, self.dtype)[1][derived.outputs[1 + which]]
        return np.broadcast_to(SAFETY * np.asarray(bounds, np.float64), np.shape(place.arrays[self.wrt[which]]))

    def truths(self, place: Place, entries: Sequence[Entry]) -> list[Truth]:
        """The true numbers of entries at a point, enclosed by the referee."""
        radii = np.full(len(entries), self.nothing(place))
        return truths_of(self.graphs(place)[0], place.arrays, entries, radii)

    def nothing(self, place: Place) -> float:
        """The size below which a difference is that of two equal numbers."""
        sizes = [np.max(np.abs(array), initial=0.0, where=np.isfinite(array)) for array in self.gradient(place)]
        return NOTHING * float(max([1e-200, *sizes]))
