"""The smallest failing example: numbers of few digits and moderate size, at which the claim is still wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from compare.points import Point

# from the simplest on
PLAIN = (1.0, 2.0, 3.0, 0.5, 4.0, 5.0, 10.0, 6.0, 7.0, 8.0, 9.0, 0.0, 0.1, 11.0, 12.0, 15.0, 20.0, 0.2, 0.01)
LARGE = (30.0, 50.0, 100.0, 101.0, 110.0, 200.0, 300.0, 500.0, 1000.0, 1001.0, 0.001, 1e4, 1e5, 1e6)
CANDIDATES = tuple(value for size in (*PLAIN, *LARGE) for value in ((size, -size) if size else (size,)))
ROUNDS, STARTS, MOST_SYMBOLS = 3, 3, 40
Fails = Callable[[Sequence[Point]], list[bool]]


def complexity(value: float) -> float:
    """How hard a number is to read and to type: digits, then magnitude, then the sign.

    >>> complexity(1.0) < complexity(2.0) < complexity(-2.0) < complexity(0.1) < complexity(0.37)
    True
    """
    if value == 0.0:
        return 1.2
    digits = len(repr(abs(value)).partition("e")[0].replace(".", "").strip("0"))
    whole = value == round(value)
    size = 2.0 * abs(math.log10(abs(value))) + (0.0 if whole else 0.3)
    return size + (0.4 if whole else 2.0) * (digits - 1) + 0.25 * (value < 0)


def smallest(failing: Sequence[Point], fails: Fails, admits: Callable[[Point], bool]) -> Point:
    """Make failing points simpler, one coordinate at a time, while they fail; return the simplest.

    >>> from sympy import Symbol
    >>> x = Symbol("x", real=True)
    >>> above = lambda points: [point[x] > 10 for point in points]
    >>> smallest([{x: 437.21}], above, lambda _: True)
    {x: 11.0}
    """
    starts = sorted(failing, key=_size)[:STARTS]
    return min((_simplified(start, fails, admits) for start in starts), key=_size)


def _size(point: Point) -> float:
    return sum(map(complexity, point.values()))


def _simplified(point: Point, fails: Fails, admits: Callable[[Point], bool]) -> Point:
    together: list[Point] = [{s: value * (1 + k % 3) for k, s in enumerate(point)} for value in (1.0, -1.0)]
    point = _best(point, together, fails, admits)
    for _ in range(ROUNDS):
        before = point
        for symbol in sorted(point, key=lambda s: -complexity(point[s]))[:MOST_SYMBOLS]:
            own = point[symbol]
            rounded = {float(f"{own:.{digits}g}") for digits in (1, 2, 3, 4)} | _near(own)
            simpler = {v for v in (*CANDIDATES, *rounded) if complexity(v) < complexity(own)}
            point = _best(point, [point | {symbol: v} for v in sorted(simpler, key=complexity)], fails, admits)
        if point == before:
            return point
    return point


def _near(value: float) -> set[float]:
    """Rounded away from zero and towards it."""
    if not value or not math.isfinite(value):
        return set()
    unit = 10.0 ** math.floor(math.log10(abs(value)))
    steps = [unit, unit / 10]
    return {float(f"{f(value / u) * u:.6g}") for u in steps for f in (math.floor, math.ceil)}


def _best(point: Point, candidates: Sequence[Point], fails: Fails, admits: Callable[[Point], bool]) -> Point:
    """The simplest of the candidates that fails, if it is simpler than the point."""
    kept = [candidate for candidate in candidates if _size(candidate) < _size(point) and admits(candidate)]
    for failed, candidate in sorted(zip(fails(kept), kept, strict=True), key=lambda pair: _size(pair[1])):
        if failed:
            return candidate
    return point
