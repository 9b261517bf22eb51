"""On which part of the domain a claim is right: a quantity that is smaller at all points where it is than elsewhere."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.claims.guess import Guess
from compare.points import Point

Array = NDArray[np.float64]
MOST_PAIRS, HALVINGS = 6, 40
Passes = Callable[[Sequence[Point]], list[bool | None]]


def part(right: Sequence[Point], wrong: Sequence[Point], passes: Passes) -> Guess | None:
    """Say where a claim is right, from points where it is and where it is not; `passes` tells it of more.

    >>> x = sp.Symbol("x", real=True)
    >>> points = [{x: value} for value in (-700.0, -11.0, -3.0, 0.1, 2.0, 9.0, 12.0, 400.0)]
    >>> inside = lambda points: [abs(point[x]) < 10 for point in points]
    >>> part([p for p in points if abs(p[x]) < 10], [p for p in points if abs(p[x]) > 10], inside).text
    'right only for |x| < 10'
    """
    if not right or not wrong:
        return None
    symbols = list(right[0])
    for name, measure in _quantities(symbols):
        inside, outside = measure(right), measure(wrong)
        if not (np.all(np.isfinite(inside)) and np.all(np.isfinite(outside))):
            continue
        if inside.max() < outside.min():
            bound = _between(right[int(inside.argmax())], wrong[int(outside.argmin())], measure, passes)
            if bound == 0.0 and inside.min() == 0.0:
                return Guess("part of the domain", f"right only at {name.strip('|')} = 0")
            return Guess("part of the domain", f"right only for {name} < {bound:.6g}")
        if inside.min() > outside.max():
            bound = _between(right[int(inside.argmin())], wrong[int(outside.argmax())], measure, passes)
            if bound == 0.0 and name.startswith("|"):
                return Guess("part of the domain", f"wrong only at {name.strip('|')} = 0")
            return Guess("part of the domain", f"right only for {name} > {bound:.6g}")
    return _range(right, wrong, passes) or _few(right, wrong)


def _range(right: Sequence[Point], wrong: Sequence[Point], passes: Passes) -> Guess | None:
    """One symbol between two bounds, with either the right or the wrong points inside."""
    for s in right[0] if len(wrong) > 1 and len(right) > 1 else ():

        def measure(points: Sequence[Point], s: sp.Symbol = s) -> Array:
            return np.array([point[s] for point in points])

        for inner, outer, name in ((wrong, right, "wrong"), (right, wrong, "right")):
            low, high = measure(inner).min(), measure(inner).max()
            below = [point for point in outer if point[s] < low]
            above = [point for point in outer if point[s] > high]
            if low == high or len(below) + len(above) < len(outer) or not below or not above:
                continue
            first, last = inner[int(measure(inner).argmin())], inner[int(measure(inner).argmax())]
            before, after = below[int(measure(below).argmax())], above[int(measure(above).argmin())]
            sides = [(first, before), (last, after)] if name == "right" else [(before, first), (after, last)]
            ends = [_between(one, other, measure, passes) for one, other in sides]
            return Guess("part of the domain", f"{name} only for {ends[0]:.6g} < {s} < {ends[1]:.6g}")
    return None


def _few(right: Sequence[Point], wrong: Sequence[Point]) -> Guess | None:
    if len(wrong) * 20 < len(right):
        return Guess("part of the domain", f"wrong only at single points or in a narrow range, as at {_told(wrong[0])}")
    if len(right) * 4 < len(wrong):
        simplest = min(
            right, key=lambda point: sum(abs(math.log10(abs(v) or 1e3)) + 0.1 * (v < 0) for v in point.values())
        )
        only = "right only at one point," if len(right) == 1 else "right only at single points, as"
        return Guess("only at one point", f"{only} {_told(simplest)}")
    return Guess("part of the domain", f"right at some points, as at {_told(right[0])}, and wrong at others")


def _told(point: Point) -> str:
    return ", ".join(f"{symbol} = {value:.6g}" for symbol, value in list(point.items())[:6])


def _quantities(symbols: Sequence[sp.Symbol]) -> Iterator[tuple[str, Callable[[Sequence[Point]], Array]]]:
    for s in symbols:
        yield str(s), lambda points, s=s: np.array([point[s] for point in points])
        yield f"|{s}|", lambda points, s=s: np.abs([point[s] for point in points])
    for s, t in itertools.combinations(symbols[:MOST_PAIRS], 2):
        yield f"{s} - {t}", lambda points, s=s, t=t: np.array([point[s] - point[t] for point in points])
        yield f"{s}*{t}", lambda points, s=s, t=t: np.array([point[s] * point[t] for point in points])
        yield f"{s} + {t}", lambda points, s=s, t=t: np.array([point[s] + point[t] for point in points])
        yield f"|{s} - {t}|", lambda points, s=s, t=t: np.abs([point[s] - point[t] for point in points])
        yield f"{s}**2 + {t}**2", lambda points, s=s, t=t: np.array([point[s] ** 2 + point[t] ** 2 for point in points])
    if len(symbols) > 1:
        yield "every |coordinate|", lambda points: np.array([max(map(abs, point.values())) for point in points])


def _between(right: Point, wrong: Point, measure: Callable[[Sequence[Point]], Array], passes: Passes) -> float:
    """The simplest number at which the change may happen, halving the way from one point to the other."""
    low, high = right, wrong
    for _ in range(HALVINGS):
        middle = {s: (low[s] + high[s]) / 2 for s in low}
        (passed,) = passes([middle])
        if passed is None:
            break
        low, high = (middle, high) if passed else (low, middle)
    a, b = sorted(measure([low, high]).tolist())
    slack = 1e-9 * max(abs(a), abs(b))
    if a - slack <= 0.0 <= b + slack or -1e-7 < a <= b < 1e-7:
        return 0.0
    for digits in range(1, 17):
        for value in (a, b, (a + b) / 2):
            rounded = float(f"{value:.{digits}g}")
            if a - slack <= rounded <= b + slack:
                return rounded
    return (a + b) / 2
