"""Where else a claim is tried: simple numbers, both signs, magnitudes from tiny to huge, and both sides of every seam.

A seam is where a condition, an Abs, a Max, a floor of the expression or of the claim changes over. It is looked for
along each symbol by a change of sign, so that a claim that is wrong only between two of them is found as well.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.points import Point
from symdiff.chain import forward
from symdiff.graph import Graph

SIMPLE = (1.0, 2.0, 3.0, 0.5, 5.0, 4.0, 1.5, 7.0)
MAGNITUDES = (
    *(
        1e-8,
        1e-4,
        1e-3,
        0.01,
        0.05,
        0.1,
        0.2,
        0.3,
        0.5,
        0.7,
        0.9,
        1.0,
        1.1,
        1.3,
        1.5,
        2.0,
        2.5,
        3.0,
        4.0,
        5.0,
        6.0,
        7.0,
        8.0,
    ),
    *(
        9.0,
        10.0,
        11.0,
        13.0,
        15.0,
        20.0,
        25.0,
        30.0,
        40.0,
        60.0,
        90.0,
        101.0,
        110.0,
        150.0,
        300.0,
        700.0,
        1001.0,
        1.1e3,
    ),
    *(3e3, 1.1e4, 1.1e5, 1.1e6, 1e8),
)
# at most this many points, and this many nodes times points
MOST, MOST_WORK = 900, 150_000
# conditions and kinks whose seams are looked for
SEAMS = {
    **dict.fromkeys(("less", "less_equal", "equal", "unequal", "maximum", "minimum"), lambda u, v: u - v),
    **dict.fromkeys(("abs", "sign", "heaviside", "sqrt", "log", "power_constant", "power"), lambda u, *_: u),
    **dict.fromkeys(("floor", "ceiling", "frac"), lambda u, *_: np.round(u) - u),
}
MOST_SEAMS, MOST_ROOTS = 40, 8
# beside a number in a callable
NEAR = (0.97, 1.03, 0.6, 1.7)


def edges(
    graphs: Sequence[Graph], symbols: Sequence[sp.Symbol], around: Sequence[Point], constants: Iterable[float]
) -> list[Point]:
    """Points beside those that were drawn; `constants` are numbers at which something may change over.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> found = edges([graph_of([sp.Max(x, 1234)])], [x], [], [])
    >>> any(1234 < point[x] < 1240 for point in found)
    True
    """
    if not symbols:
        return []
    most = max(40, min(MOST, MOST_WORK // sum(map(len, graphs))))
    simple = _simple(symbols)
    bases = [*simple[:2], *around[:1]]
    seams = _seam_points(graphs, symbols, bases)
    marks = sorted({abs(c) for c in constants if np.isfinite(c) and c != 0.0})[:12]
    beside = [*marks, *((a + b) / 2 for a, b in itertools.pairwise(marks)), *(c * f for c in marks for f in NEAR)]
    marked = _lines(symbols, bases[:2], beside)
    lines = _lines(symbols, bases[:2], MAGNITUDES)
    every = [*simple, *_thinned(seams, most // 2), *_thinned(marked, most // 4), *_thinned(lines, most)]
    unique = {tuple(point[s] for s in symbols): point for point in every if admitted(point)}
    return list(unique.values())[:most]


def _thinned(points: list[Point], most: int) -> list[Point]:
    return points[:: 1 + len(points) // most]


def admitted(point: Point) -> bool:
    """Whether the symbols' assumptions admit a point."""
    for symbol, value in point.items():
        if symbol.is_integer and value != round(value):
            return False
        if (symbol.is_nonnegative and value < 0) or (symbol.is_nonpositive and value > 0):
            return False
        if symbol.is_nonzero and value == 0:
            return False
    return True


def _simple(symbols: Sequence[sp.Symbol]) -> list[Point]:
    """Small numbers, in turns; all signs of the first four symbols; zeros."""
    n = len(symbols)
    found = [{s: SIMPLE[(i + k) % len(SIMPLE)] for i, s in enumerate(symbols)} for k in range(len(SIMPLE))]
    signs = list(itertools.product((1.0, -1.0), repeat=min(n, 4)))
    for k, pattern in enumerate(signs):
        point = found[k % len(SIMPLE)]
        found.append({s: point[s] * pattern[i % len(pattern)] for i, s in enumerate(symbols)})
    found += [{s: -value for s, value in found[k].items()} for k in range(4)]
    found += [dict.fromkeys(symbols, value) for value in (1.0, -1.0, 2.0, 0.0)]
    found += [found[k] | {s: 0.0} for s in symbols[:20] for k in (0, len(SIMPLE) + 1)]
    return found


def _lines(symbols: Sequence[sp.Symbol], bases: Sequence[Point], magnitudes: Sequence[float]) -> list[Point]:
    """One coordinate at a time, and all together, through all magnitudes and both signs."""
    found: list[Point] = []
    for magnitude, sign in itertools.product(magnitudes, (1.0, -1.0)):
        value = float(f"{sign * magnitude:.6g}")
        for base in bases:
            found += [base | {s: value} for s in symbols[:64]]
        if len(symbols) > 1:
            found.append({s: value * (1.0 + 0.25 * (i % 4)) for i, s in enumerate(symbols)})
    return found


def _grid() -> NDArray[np.float64]:
    sizes = np.concatenate([np.geomspace(1e-6, 1e7, 235), np.arange(1.0, 60.5, 0.5)])
    return np.unique(np.concatenate([-sizes, [0.0], sizes]))


def quantities(graph: Graph, values: Sequence[Any]) -> list[Any]:
    """What changes its sign at each of the graph's seams, from the values of all nodes."""
    found: list[Any] = []
    for _, function, operands, _ in graph.applications:
        seam = SEAMS.get(function.name)
        if seam is not None and len(found) < MOST_SEAMS and np.asarray(values[operands[0]]).dtype != np.bool_:
            found.append(seam(*(values[i] for i in operands)))
    return found


def _seam_points(graphs: Sequence[Graph], symbols: Sequence[sp.Symbol], bases: Sequence[Point]) -> list[Point]:
    grid = _grid()
    found: list[Point] = []
    for symbol in symbols[:16]:
        for base in bases:
            line: Mapping[sp.Symbol, Any] = {**base, symbol: grid}
            roots = sorted({r for graph in graphs for r in _roots(graph, line, symbol, grid)})
            if not roots:
                continue
            # either side, farther and nearer, the middles between two, and the seams themselves
            near = [r + sign * max(abs(r), 1.0) * d for r in roots for d in (0.1, 1e-3) for sign in (-1.0, 1.0)]
            middles = [(a + b) / 2 for a, b in itertools.pairwise(roots)]
            found += [base | {symbol: float(f"{value:.6g}")} for value in (*middles, *near)]
            found += [base | {symbol: value} for value in roots]
    return found


def _roots(graph: Graph, line: Mapping[sp.Symbol, Any], symbol: sp.Symbol, grid: NDArray[np.float64]) -> list[float]:
    """Where the seams of a graph cross a line, to ten digits."""
    found: list[float] = []
    given = {s: np.broadcast_to(np.asarray(line[s], np.float64), grid.shape) for s in graph.inputs if s in line}
    if symbol not in given or len(given) < len(graph.inputs):
        return found
    with np.errstate(all="ignore"):
        for which, quantity in enumerate(quantities(graph, forward(graph, given))):
            signs = np.sign(np.broadcast_to(np.asarray(quantity, np.float64), grid.shape))
            found += grid[signs == 0][:MOST_ROOTS].tolist()
            changes = np.flatnonzero(signs[:-1] * signs[1:] < 0)[:MOST_ROOTS]
            found += _bisected(graph, given, symbol, which, grid[changes], grid[changes + 1], signs[changes])
    return found


def _bisected(
    graph: Graph,
    given: Mapping[sp.Symbol, Any],
    symbol: sp.Symbol,
    which: int,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    sign: NDArray[np.float64],
) -> list[float]:
    if not low.size:
        return []
    fixed = {s: np.broadcast_to(array[0], low.shape) for s, array in given.items() if s != symbol}
    for _ in range(44):
        middle = (low + high) / 2
        quantity = quantities(graph, forward(graph, {**fixed, symbol: middle}))[which]
        same = np.sign(np.broadcast_to(np.asarray(quantity), low.shape)) == sign
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return [float(f"{value:.10g}") for value in (low + high) / 2]


def numbers_in(function: Any) -> list[float]:
    """Numbers written in a function's code: where it may change over.

    >>> numbers_in(lambda x: x if x < 7.25 else 0)
    [7.25]
    """
    found: list[float] = []
    pending = [getattr(function, "__code__", None)]
    while pending:
        code = pending.pop()
        for constant in getattr(code, "co_consts", ()):
            if hasattr(constant, "co_consts"):
                pending.append(constant)
            elif isinstance(constant, (int, float)) and not isinstance(constant, bool) and abs(constant) < 1e9:
                found += [float(constant)] if constant else []
    return found
