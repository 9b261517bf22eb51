"""`check` of an expression with matrices, indexed arrays and sums over data."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.arrays import points as sampling
from compare.arrays.evaluation import Routes
from compare.arrays.given import given
from compare.arrays.lengths import declared, drawn_lengths, every_length, refuse_lengths, shapes_for
from compare.arrays.rows import ENTRIES, Entry, chosen_entries, rows_at
from compare.arrays.scalars import entry_name, scalar_operations
from compare.comparison import Comparison
from compare.formula import formulas_of
from compare.points import mappings
from compare.row import Row
from compare.subject import Subject
from compare.verdict import Verdict
from symdiff.errors import OptionError, UnsupportedError
from symdiff.gradients import gradient
from symdiff.graph import Graph
from symdiff.symbolic import gradient_graph
from symdiff.tensors.lengths import Lengths
from symdiff.tensors.running import scalar
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


def _written(array: NDArray[np.float64]) -> Any:
    if array.size <= WRITTEN:
        return array.tolist()
    return {"shape": list(array.shape), "norm": float(np.linalg.norm(array))}


def _named(mapping: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return sorted(mapping.items(), key=lambda item: item[0].name)


def check_arrays(
    asked: Subject, graph: Graph, at: Any, points: int, seed: int, dtype: str, common: Mapping[str, Any]
) -> Comparison:
    """Compare the three routes with the referee for entries of every partial derivative; see `checking.check`.

    `graph` is that of the definition, `common` what the comparison holds besides what is found here.
    """
    number = scalar(graph)
    lengths = every_length(graph, asked.symbols)
    refuse_lengths(lengths, asked.wrt)
    symbols = tuple(s for s in dict.fromkeys((*asked.symbols, *asked.wrt)) if s not in lengths)
    names = tuple(symbol.name for symbol in asked.wrt)
    try:
        derived = gradient_graph(number, asked.wrt)
        shown = gradient(asked.expression, asked.wrt).graph
    except UnsupportedError as error:
        refused = tuple(Row.without_numbers(name, Verdict.UNSUPPORTED, str(error)) for name in names)
        return Comparison(**common, rows=refused)
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
    facts: dict[str, str] = dict(common["facts"])
    routes = Routes(number, asked.wrt, symbols)
    found: list[Place] = []
    if drawn:
        lengths_here = places[0][1]
        shapes = shapes_for(graph, symbols, lengths_here) | {s: np.shape(v) for s, v in known.items()}
        here = routes.definition(shapes, lengths_here)
        count = _affordable(here, _count(asked.wrt, shapes), points)
        arrays = sampling.drawn(here, symbols, shapes, known, count, seed)
        found = [Place(each, lengths_here) for each in arrays]
    else:
        shapes = {symbol: np.shape(places[0][0][symbol]) for symbol in symbols}
        here = routes.definition(shapes, places[0][1])
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
    found = [_rounded(place, dtype) for place in found]
    rows: list[Row] = []
    for k, place in enumerate(found):
        rows += _rows(routes, place, k + 1, seed, dtype)
    if found[0].named_lengths and len({tuple(place.named_lengths) for place in found}) == 1:
        facts["lengths"] = ", ".join(f"{symbol.name} = {n}" for symbol, n in found[0].named_lengths)
    for symbol in asked.wrt:
        count = int(np.prod(np.shape(found[0].arrays[symbol]), dtype=int))
        if count > ENTRIES:
            facts[f"entries of {symbol.name}"] = (
                f"{ENTRIES} of {count:,} entries of {symbol.name}, drawn by seed {seed}"
            )
    formulas = dict(zip(names, formulas_of(shown, shown.outputs[1:]), strict=True))
    by_seed = drawn or any("drawn" in fact for fact in facts.values())
    told: dict[str, Any] = {**common, "facts": facts, "seed": seed if by_seed else None}
    return Comparison(
        **told,
        rows=tuple(rows),
        command=_command(asked, at, points if drawn else None, seed, dtype),
        model=asked.expression,
        formulas=formulas,
        operations={"model": graph.operation_count, "model and gradient": derived.operation_count},
        places=tuple(place.numbers for place in found) if any("point" in row.at for row in rows) else (),
    )


def _rows(routes: Routes, place: Place, k: int, seed: int, dtype: str) -> list[Row]:
    arrays = {symbol: np.asarray(array, dtype) for symbol, array in place.arrays.items()}
    shapes = {symbol: np.shape(array) for symbol, array in arrays.items()}
    entries: list[Entry] = chosen_entries(routes.wrt, shapes, seed)
    found = routes.at(arrays, place.lengths, dtype)
    return rows_at(routes.definition(shapes, place.lengths), arrays, entries, found, place.coordinates(k), dtype)


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


def _rounded(place: Place, dtype: str) -> Place:
    """The point with every number as the dtype has it; raises OptionError where one is beyond its range."""
    arrays: dict[Any, Any] = {}
    for symbol, array in place.arrays.items():
        with np.errstate(over="ignore"):
            arrays[symbol] = np.asarray(array, np.float64).astype(dtype).astype(np.float64)
        if not np.all(np.isfinite(arrays[symbol])):
            raise OptionError(f"{symbol} has an entry beyond the range of {dtype}; give smaller numbers")
    return Place(arrays, place.lengths)


def _command(asked: Subject, at: Any, points: int | None, seed: int, dtype: str) -> str | None:
    """The command line that repeats a check of a formula text; None where there is none."""
    if not isinstance(asked.given, str) or at is not None:
        return None
    words = ["symdiff", "check", asked.given, "--wrt", ",".join(symbol.name for symbol in asked.wrt)]
    words += [] if points is None else ["--points", str(points), "--seed", str(seed)]
    words += ["--dtype", dtype] if dtype != "float64" else []
    return shlex.join(words)
