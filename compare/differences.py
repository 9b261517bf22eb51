"""Central differences of a function, extrapolated to a step of nothing: a cross-check, never the judge.

Steps h, h/2, h/4, ... give a ladder of slopes, from which the terms in h**2, h**4, ... are taken out one after the
other (C. J. F. Ridders, Accurate computation of F'(x) and F'(x) F''(x), Advances in Engineering Software 4, 1982). How
far the rungs lie apart tells how far the best of them may be off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# the first step as a part of the coordinate, of which two ladders are climbed down that share no step
FIRST = (0.125, 0.125 / math.pi)
RUNGS = 10
# the estimate of the error is a guess: a difference must be so many times larger to be held against a derivative
MARGIN = 16.0
# a relative error estimate above which differences decide nothing
BLIND = 1e-3


def slope(f: Callable[[Sequence[Array]], Array], columns: Sequence[Array], i: int, noise: Array) -> tuple[Array, Array]:
    """The slope of `f` in its i-th coordinate at many points, and an estimate of its error.

    `f` takes one array for each coordinate; `noise` bounds what else is known of the rounding errors of its values.

    >>> found, error = slope(lambda given: given[0] ** 3, [np.array([2.0])], 0, np.zeros(1))
    >>> bool(abs(found[0] - 12) < 1e-10), bool(error[0] < 1e-8)
    (True, True)
    """
    (u, error_u), (v, error_v) = (_ladder(f, columns, i, first, noise) for first in FIRST)
    better = error_u <= error_v
    # two ladders that lie further apart than they own up to are both wrong by as much
    error = np.where(better, error_u, error_v) + np.abs(u - v)
    return np.where(better, u, v), error


def moved(columns: Sequence[Array], i: int, by: Array) -> list[Array]:
    """The points, moved in one coordinate."""
    return [column + by if k == i else column for k, column in enumerate(columns)]


def steps(column: Array, first: float) -> Array:
    """A step for each point, in proportion to its coordinate."""
    size = np.where(column == 0.0, 1.0, np.abs(column))
    # a step that is itself a sum of two powers of two, so that x + h is nearly never rounded
    return np.ldexp(1.0, np.floor(np.log2(size)).astype(int)) * np.float64(np.float32(first))


def _ladder(
    f: Callable[[Sequence[Array]], Array], columns: Sequence[Array], i: int, first: float, noise_of_f: Array
) -> tuple[Array, Array]:
    x = columns[i]
    eps = float(np.finfo(np.float64).eps)
    best, least = np.full_like(x, np.nan), np.full_like(x, np.inf)
    before: list[Array] = []
    with np.errstate(all="ignore"):
        for rung in range(RUNGS):
            h = steps(x, first) * 0.5**rung
            up, down = f(moved(columns, i, h)), f(moved(columns, i, -h))
            width = (x + h) - (x - h)
            noise = (2 * noise_of_f + 4 * eps * (np.abs(up) + np.abs(down))) / width
            here = [(up - down) / width]
            for j, older in enumerate(before, start=1):
                here.append(here[-1] + (here[-1] - older) / (4.0**j - 1))
                spread = np.maximum(np.abs(here[j] - here[j - 1]), np.abs(here[j] - older)) + 2 * noise
                take = np.isfinite(here[j]) & (spread < least)
                best, least = np.where(take, here[j], best), np.where(take, spread, least)
            before = here
    return best, least
