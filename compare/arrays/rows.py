"""The rows of a check of arrays: chosen entries of every partial derivative at one point, judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.arrays.evaluation import ArrayEvaluation
from compare.arrays.referee import judge_entries
from compare.arrays.scalars import Scalars, entry_name, scalar_operations, written_out
from compare.certified import one_sided
from compare.certified.referee import Judgement
from compare.row import Row
from compare.rows import NARROW
from compare.truth import Truth
from symdiff.chain import forward
from symdiff.errors import UnsupportedError
from symdiff.graph import Graph
from symdiff.routes import ROUTES

# scalar operations that a point may have, and those for which one-sided slopes are looked for
LARGEST = 200_000
LARGEST_SLOPES = 2_000
# entries of an array that are checked where it has more
ENTRIES = 24


@dataclass(frozen=True)
class Entry:
    """One entry of the partial derivative in an array: which of `wrt`, and where."""

    symbol: Any
    which: int
    place: tuple[int, ...]

    @property
    def name(self) -> str:
        """What a row calls it."""
        return entry_name(self.symbol, self.place)


def chosen_entries(wrt: Sequence[Any], shapes: Mapping[Any, tuple[int, ...]], seed: int) -> list[Entry]:
    """All entries of arrays that have few, else some drawn by the seed.

    >>> [entry.name for entry in chosen_entries([sp.MatrixSymbol("a", 2, 1)], {sp.MatrixSymbol("a", 2, 1): (2, 1)}, 0)]
    ['a[0, 0]', 'a[1, 0]']
    """
    found: list[Entry] = []
    for which, symbol in enumerate(wrt):
        shape = shapes[symbol]
        count = int(np.prod(shape, dtype=int))
        picked = range(count)
        if count > ENTRIES:
            picked = sorted(np.random.default_rng([seed, which]).choice(count, ENTRIES, replace=False).tolist())
        found += [Entry(symbol, which, tuple(map(int, np.unravel_index(k, shape)))) for k in picked]
    return found


def rows_at(
    fixed: Graph,
    arrays: Mapping[Any, NDArray[Any]],
    entries: Sequence[Entry],
    found: ArrayEvaluation,
    at: Mapping[str, float],
    dtype: str,
) -> list[Row]:
    """Enclose and judge the entries at one point; `fixed` is the definition for these lengths."""
    tolerances = {route: np.array([found.tolerances[route][e.which][e.place] for e in entries]) for route in ROUTES}
    # no number of the dtype lies between the smallest normal one and zero
    smallest = np.finfo(dtype).tiny
    finest = [np.fmax(np.where(np.isposinf(t), np.nan, t), smallest) for t in tolerances.values()]
    truths = truths_of(fixed, arrays, entries, NARROW * np.minimum.reduce(finest))
    rows: list[Row] = []
    for k, (entry, truth) in enumerate(zip(entries, truths, strict=True)):
        numbers: dict[str, float] = {route: float(found.partials[route][entry.which][entry.place]) for route in ROUTES}
        allowed = {route: float(tolerances[route][k]) for route in ROUTES}
        finding = truth.finding(numbers, allowed, found.chosen, dtype)
        rows.append(truth.row(entry.name, at, numbers, finding, found.chosen))
    return rows


def truths_of(
    fixed: Graph, arrays: Mapping[Any, Any], entries: Sequence[Entry], radii: NDArray[np.float64]
) -> list[Truth]:
    """What the referee says of each entry at one point."""
    operations = scalar_operations(fixed)
    if operations > LARGEST:
        told = (
            f"the definition is {operations:,} scalar operations at these lengths, more than the {LARGEST:,} that the"
        )
        return [Truth(None, note=f"{told} referee writes out; check it at smaller arrays")] * len(entries)
    values = forward(fixed, {symbol: arrays[symbol] for symbol in fixed.inputs})
    try:
        scalars = written_out(fixed, values)
    except UnsupportedError as error:
        return [Truth(None, note=str(error))] * len(entries)
    point = scalars.point(arrays)
    symbols = [_symbol(scalars, entry) for entry in entries]
    judgement = judge_entries(scalars.graph, point, symbols, radii)
    if judgement.undecided is None and judgement.irregular is None:
        return [Truth(partial.ball, partial.kappa) for partial in judgement.partials]
    if judgement.undecided is not None:
        return [Truth(None, note=judgement.undecided)] * len(entries)
    return _beside(scalars.graph, point, symbols, judgement)


def _symbol(scalars: Scalars, entry: Entry) -> sp.Symbol:
    """The scalar that stands for an entry; one that the definition lacks has the derivative zero."""
    names = scalars.entries.get(entry.symbol)
    return sp.Symbol(entry.name, real=True) if names is None else names[entry.place]


def _beside(
    graph: Graph, point: Mapping[sp.Symbol, float], symbols: Sequence[sp.Symbol], judgement: Judgement
) -> list[Truth]:
    """One-sided slopes in each entry, where the graph is not too large for that."""
    what = judgement.irregular or ""
    if graph.operation_count > LARGEST_SLOPES:
        note = f"{what}; slopes on both sides are looked for up to {LARGEST_SLOPES:,} scalar operations"
        return [Truth(None, slopes=(None, None), note=note)] * len(symbols)
    return [Truth.between(what, one_sided.slopes(graph, point, symbol)) for symbol in symbols]
