"""The points of a check of arrays: given ones, a model's data, or drawn ones, as many as their size allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.arrays import points as sampling
from compare.arrays.given import given
from compare.arrays.lengths import declared, drawn_lengths, shapes_for
from compare.arrays.rows import ENTRIES
from compare.arrays.scalars import entry_name, scalar_operations
from compare.points import mappings
from compare.subject import Subject
from symdiff.errors import OptionError
from symdiff.graph import Graph
from symdiff.tensors.lengths import Lengths, concrete
from symdiff.tensors.shapes import own_length

# scalar operations, and rows, of all drawn points together
OPERATIONS, ROWS = 40_000, 1_500
# numbers of a point that are written out in each of its rows
COORDINATES = 12
# entries of an array that the list of points holds; of a larger one it gives shape and norm
WRITTEN = 100


@dataclass(frozen=True)
class Place:
    """One point: an array for every symbol, and a number for every length."""

    arrays: Mapping[Any, Any]
    lengths: Lengths

    @property
    def numbers(self) -> dict[str, Any]:
        """All of it by name, arrays as nested lists, large ones by shape and norm."""
        found: dict[str, Any] = {symbol.name: _written(np.asarray(array)) for symbol, array in self.arrays.items()}
        found |= {symbol.name: number for symbol, number in self.named_lengths}
        return dict(sorted(found.items()))

    @property
    def named_lengths(self) -> list[tuple[Any, int]]:
        """Lengths by name, without those of arrays whose shape is not declared: nobody can give these."""
        return [(symbol, number) for symbol, number in _named(self.lengths) if not own_length(symbol)]

    def coordinates(self, number: int) -> dict[str, float]:
        """What a row says of where it stands: every entry, or of many the number of the point."""
        if sum(np.size(array) for array in self.arrays.values()) > COORDINATES:
            return {"point": number}
        found: dict[str, float] = {}
        for symbol, array in _named(self.arrays):
            found |= {entry_name(symbol, place): float(array[place]) for place in np.ndindex(*np.shape(array))}
        # a length that no array tells
        told = {length for symbol in self.arrays for length in getattr(symbol, "shape", None) or ()}
        return found | {s.name: k for s, k in self.named_lengths if s not in told}


def shapes_at(place: Place) -> dict[Any, tuple[int, ...]]:
    """Shape of every array of a point."""
    return {symbol: np.shape(array) for symbol, array in place.arrays.items()}


def _written(array: NDArray[np.float64]) -> Any:
    if array.size <= WRITTEN:
        return array.tolist()
    return {"shape": list(array.shape), "norm": float(np.linalg.norm(array))}


def _named(mapping: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return sorted(mapping.items(), key=lambda item: item[0].name)


@dataclass(frozen=True)
class Places:
    """The points of a check; `drawn` by seed or given, and what is to be told of their number."""

    places: list[Place]
    drawn: bool
    facts: Mapping[str, str]


def places_of(
    asked: Subject, graph: Graph, number: Graph, symbols: Sequence[Any], at: Any, points: int, seed: int, dtype: str
) -> Places:
    """Where to look: as `checking.check` says of `at` and `points`; `number` is the graph of one output, a number."""
    known: dict[Any, Any] = {symbol: value for symbol, value in asked.values.items() if symbol in symbols}
    if at is not None:
        places = [
            given(mapping, graph, symbols, {**known, **row})
            for mapping in mappings(at)
            for row in _data(asked, mapping)
        ]
    elif asked.data:
        places = [given({}, graph, symbols, {**known, **row}) for row in asked.data]
    else:
        fixed = _lengths_of(graph, symbols, known)
        places = [({}, drawn_lengths(graph, symbols, fixed, seed))]
    drawn = at is None and not asked.data
    facts: dict[str, str] = {}
    if drawn:
        lengths_here = places[0][1]
        shapes = shapes_for(graph, symbols, lengths_here) | {s: np.shape(v) for s, v in known.items()}
        here = concrete(number, lengths_here, shapes)
        count = _affordable(here, _count(asked.wrt, shapes), points)
        arrays = sampling.drawn(here, symbols, shapes, known, count, seed)
        found = [Place(each, lengths_here) for each in arrays]
    else:
        shapes = {symbol: np.shape(places[0][0][symbol]) for symbol in symbols}
        here = concrete(number, places[0][1], shapes)
        count = len(places) if at is not None else _affordable(here, _count(asked.wrt, shapes), len(places))
        # of a model's data some rows, evenly
        picked = np.linspace(0, len(places) - 1, count).round().astype(int).tolist()
        found = [Place(*places[k]) for k in picked]
    wanted = points if drawn else len(places)
    if count < wanted:
        size = scalar_operations(here)
        facts["points"] = (
            f"{count} of {wanted:,}, each of {size:,} scalar operations and {_count(asked.wrt, shapes)} entries"
        )
    return Places([rounded(place, dtype) for place in found], drawn, facts)


def _data(asked: Subject, mapping: Mapping[Any, Any]) -> Sequence[Mapping[Any, Any]]:
    """Rows of a model's data, unless some of them are given."""
    observed = {symbol.name for row in asked.data[:1] for symbol in row}
    return asked.data if observed and observed.isdisjoint(map(str, mapping)) else ({},)


def _lengths_of(graph: Graph, symbols: Sequence[Any], known: Mapping[Any, Any]) -> Lengths:
    """The lengths that arrays tell which are known already."""
    found: Lengths = {}
    for symbol in symbols:
        if symbol in known:
            for length, n in zip(declared(graph, symbol), np.shape(known[symbol]), strict=False):
                if isinstance(length, sp.Symbol):
                    found.setdefault(length, n)
    return found


def _count(wrt: Sequence[Any], shapes: Mapping[Any, tuple[int, ...]]) -> int:
    return sum(min(ENTRIES, int(np.prod(shapes[symbol], dtype=int))) for symbol in wrt)


def _affordable(graph: Graph, entries: int, wanted: int) -> int:
    """How many points are checked: as many as wanted, unless each of them is large."""
    return max(1, min(wanted, OPERATIONS // max(1, scalar_operations(graph)), ROWS // max(1, entries)))


def rounded(place: Place, dtype: str) -> Place:
    """The point with every number as the dtype has it; raises OptionError where one is beyond its range."""
    arrays: dict[Any, Any] = {}
    for symbol, array in place.arrays.items():
        with np.errstate(over="ignore"):
            arrays[symbol] = np.asarray(array, np.float64).astype(dtype).astype(np.float64)
        if not np.all(np.isfinite(arrays[symbol])):
            raise OptionError(f"{symbol} has an entry beyond the range of {dtype}; give smaller numbers")
    return Place(arrays, place.lengths)
