"""The rows of a check of second partials of arrays: pairs of entries at one point, judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.arrays.rows import LARGEST, Entry
from compare.arrays.scalars import scalar_operations, written_out
from compare.arrays.second_order import SecondOrder, Way
from compare.bounds.chain_arrays import adjoint_bounds
from compare.certified.referee import judge
from compare.judging import Finding
from compare.row import Row
from compare.rows import NARROW
from compare.second_order import pairs
from compare.truth import Truth
from compare.verdict import Verdict
from symdiff.chain import forward
from symdiff.errors import UnsupportedError
from symdiff.graph import Graph
from symdiff.routes import ROUTES

# entries whose pairs are checked where there are more
ENTRIES = 12
# rows of all points together
ROWS = 400
# scalar operations times inputs up to which the referee encloses second partials
LARGEST_SECOND = 200_000


def second_entries(wrt: Sequence[Any], shapes: Mapping[Any, tuple[int, ...]], seed: int) -> list[Entry]:
    """All entries of arrays that have few, else some drawn by the seed.

    >>> a = sp.MatrixSymbol("a", 40, 1)
    >>> len(second_entries([a], {a: (40, 1)}, 0)), len(second_entries([a], {a: (3, 1)}, 0))
    (12, 3)
    """
    every = [Entry(s, which, place) for which, s in enumerate(wrt) for place in np.ndindex(*shapes[s])]
    if len(every) <= ENTRIES:
        return every
    picked = np.random.default_rng([seed, 2]).choice(len(every), ENTRIES, replace=False)
    return [every[k] for k in sorted(picked.tolist())]


def second_rows_at(
    fixed: Graph,
    wrt: tuple[Any, ...],
    arrays: Mapping[Any, NDArray[Any]],
    entries: Sequence[Entry],
    at: Mapping[str, float],
    dtype: str,
) -> list[Row]:
    """Run, enclose and judge the pairs of entries at one point; `fixed` is the definition for these lengths."""
    ways = SecondOrder(fixed, wrt, entries, arrays, dtype).ways()
    places = pairs([sp.Symbol(entry.name) for entry in entries])
    smallest = float(np.finfo(dtype).tiny)
    finest = [np.fmax(np.where(np.isposinf(t), np.nan, t), smallest) for way in ways for t in way.tolerances.values()]
    radii = NARROW * np.minimum.reduce(finest)
    truths = _truths(fixed, arrays, entries, np.array([[radii[place]] for place in places]))
    chosen = adjoint_bounds(fixed, arrays, wrt, dtype)[1]
    return [
        _row(f"{entries[i].name},{entries[j].name}", (i, j), ways, truth, at, dtype, chosen)
        for (i, j), truth in zip(places, truths, strict=True)
    ]


def _truths(
    fixed: Graph, arrays: Mapping[Any, Any], entries: Sequence[Entry], radii: NDArray[np.float64]
) -> list[Truth]:
    count = len(radii)
    size = scalar_operations(fixed)
    numbers = sum(int(np.size(arrays[symbol])) for symbol in fixed.inputs)
    if size > LARGEST or size * numbers > LARGEST_SECOND:
        note = (
            f"{size:,} scalar operations of {numbers:,} numbers are too many for second partials; give smaller arrays"
        )
        return [Truth(None, note=note)] * count
    try:
        scalars = written_out(fixed, forward(fixed, {symbol: arrays[symbol] for symbol in fixed.inputs}))
    except UnsupportedError as error:
        return [Truth(None, note=str(error))] * count
    names = [
        scalars.entries[e.symbol][e.place] if e.symbol in scalars.entries else sp.Symbol(e.name, real=True)
        for e in entries
    ]
    (judgement,) = judge(scalars.graph, [scalars.point(arrays)], names, radii, order=2)
    if judgement.undecided is not None:
        return [Truth(None, note=judgement.undecided)] * count
    if judgement.irregular is not None:
        return [Truth(None, slopes=(None, None), note=judgement.irregular)] * count
    return [Truth(partial.ball, partial.kappa) for partial in judgement.partials]


def _row(
    name: str,
    place: tuple[int, int],
    ways: Sequence[Way],
    truth: Truth,
    at: Mapping[str, float],
    dtype: str,
    chosen: bool,
) -> Row:
    """The worst of the ways to compute a pair, in both orders."""
    i, j = place
    candidates: list[tuple[str, dict[str, float], Finding]] = []
    for way in ways:
        for here, told in ((place, way.name), ((j, i), f"{way.name}, the pair exchanged"))[: 1 + (i != j)]:
            numbers: dict[str, float] = {route: float(way.numbers[route][here]) for route in ROUTES}
            allowed = {route: float(way.tolerances[route][here]) for route in ROUTES}
            finding = truth.finding(numbers, allowed, chosen, dtype)
            candidates.append((told, numbers, finding))
    told, numbers, finding = max(candidates, key=lambda each: each[2].severity)
    notes = [f"computed {told}"] * (finding.verdict in (Verdict.DISAGREE, Verdict.INACCURATE))
    return truth.row(name, at, numbers, finding, chosen, notes)
