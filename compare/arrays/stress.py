"""Points for arrays where derivatives are hard: at kinks, seams and edges in one entry, tiny, huge and zero arrays."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from compare.arrays.places import Place
from compare.arrays.points import whole_numbers
from compare.arrays.scalars import scalar_operations, written_out
from compare.points import admitted
from compare.stress import Bounds, stressed
from symdiff.chain import forward
from symdiff.errors import UnsupportedError
from symdiff.graph import Graph
from symdiff.tensors.lengths import concrete

# entries, and scalar operations, up to which kinks and edges are looked for entry by entry
ENTRIES, OPERATIONS = 60, 5_000
REAL = sp.Symbol("entry", real=True)
# what a whole array is multiplied by
SIZES = (1e-8, 1e8, 0.0, 1e-3, 1e3, 1e-150, 1e100)


def stressed_places(
    number: Graph, symbols: Sequence[Any], base: Place, count: int, seed: int, dtype: str, bounds: Bounds
) -> list[Place]:
    """Up to `count` points beside an ordinary one, the same for the same seed, of the same lengths.

    >>> from symdiff.from_sympy import graph_of
    >>> u, x = sp.Symbol("u", real=True), sp.MatrixSymbol("x", 2, 1)
    >>> graph = graph_of([sp.Trace(sp.ones(1, 2) * x.applyfunc(sp.Lambda(u, sp.Abs(u - 3))))])
    >>> found = stressed_places(graph, [x], Place({x: np.ones((2, 1))}, {}), 9, 0, "float64", {})
    >>> any(3.0 in place.arrays[x] for place in found)
    True
    """
    shapes = {symbol: np.shape(base.arrays[symbol]) for symbol in symbols}
    fixed = concrete(number, base.lengths, shapes)
    moving = [symbol for symbol in symbols if symbol not in whole_numbers(fixed)]
    kinds = (_by_entry(fixed, moving, base, count, seed, dtype), _whole(moving, base, dtype, bounds))
    found: dict[Any, Place] = {}
    for place in itertools.chain.from_iterable(itertools.zip_longest(*kinds)):
        if place is not None and len(found) < count:
            found.setdefault(tuple(place.arrays[symbol].tobytes() for symbol in symbols), place)
    return list(found.values())


def _by_entry(fixed: Graph, moving: Sequence[Any], base: Place, count: int, seed: int, dtype: str) -> Iterator[Place]:
    """One entry moved to where the scalar operations have a kink, an edge or a pole, or to an extreme."""
    total = sum(np.size(base.arrays[symbol]) for symbol in moving)
    if total > ENTRIES or scalar_operations(fixed) > OPERATIONS:
        return
    try:
        scalars = written_out(fixed, forward(fixed, {symbol: base.arrays[symbol] for symbol in fixed.inputs}))
    except UnsupportedError:
        return
    names = {
        name: (s, place) for s in moving if s in scalars.entries for place, name in np.ndenumerate(scalars.entries[s])
    }
    ordinary = scalars.point(base.arrays)
    every = [*names, *(symbol for symbol in ordinary if symbol not in names)]
    for point in stressed(scalars.graph, every, count, seed, dtype, [ordinary], {}):
        arrays = {symbol: np.array(array, np.float64) for symbol, array in base.arrays.items()}
        for name, (symbol, place) in names.items():
            arrays[symbol][place] = point[name]
        if all(_admitted(symbol, arrays[symbol], {}) for symbol in moving):
            yield Place(arrays, base.lengths)


def _whole(moving: Sequence[Any], base: Place, dtype: str, bounds: Bounds) -> Iterator[Place]:
    """One array, or all of them, multiplied by a tiny or huge number, or zero, as the dtype has it."""
    for size in SIZES:
        for group in (*([symbol] for symbol in moving), *([moving] if len(moving) > 1 else [])):
            with np.errstate(all="ignore"):
                moved = {s: (base.arrays[s] * size).astype(dtype).astype(np.float64) for s in group}
            if all(np.all(np.isfinite(a)) and _admitted(s, a, bounds) for s, a in moved.items()):
                yield Place({**base.arrays, **moved}, base.lengths)


def _admitted(symbol: Any, array: Any, bounds: Mapping[Any, tuple[float, float]]) -> bool:
    # SymPy says of a matrix that it is not zero
    kind: Any = REAL if isinstance(symbol, sp.MatrixSymbol) else getattr(symbol, "label", symbol)
    limits = {kind: bounds[symbol]} if symbol in bounds else {}
    return all(admitted(kind, value, limits) for value in np.unique(array).tolist())
