"""The values of a group in the segments that are read, so that JAX puts their derivatives side by side.

A slice of an array has as its transpose a padding with zeros, and each slice would add to all entries.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from symdiff.vectorised.patterns import Index, read, reduced


class Segments(NamedTuple):
    """Consecutive parts of the values of a group, and where each starts."""

    starts: tuple[int, ...]
    parts: tuple[jax.Array, ...]


def segmented(values: Any, cuts: Sequence[int]) -> Any:
    """Values cut at these places, or as they are if there are none.

    >>> segmented(jnp.arange(5.0), [2]).starts
    (0, 2)
    """
    if not cuts:
        return values
    places = [0, *cuts, values.shape[0]]
    sizes = [end - start for start, end in pairwise(places)]
    return Segments(tuple(places[:-1]), tuple(jax.lax.split(values, sizes)))


def cuts_between(intervals: Sequence[tuple[int, int]], size: int) -> list[int]:
    """Places within a group of that size that no interval of (first, last) entries spans.

    >>> cuts_between([(0, 3), (6, 8), (2, 5)], 9)
    [6]
    """
    found: list[int] = []
    end = 0
    for first, last in sorted(intervals):
        found += [place for place in (end, first) if place <= first and place >= end]
        end = max(end, last + 1)
    return sorted({place for place in (*found, end) if 0 < place < size})


def entries(values: Any, index: Index) -> Any:
    """Entries in the shape of the reduced index; of constants, which are known, without a slice."""
    if isinstance(values, np.ndarray):
        known: NDArray[Any] = values[reduced(index)]
        return jnp.asarray(known)
    if isinstance(values, Segments):
        own = bisect_right(values.starts, int(index.min())) - 1
        return read(values.parts[own], index - values.starts[own])
    return read(values, index)


def whole(values: Any) -> jax.Array:
    """All values of a group as one array."""
    return jnp.concatenate(values.parts) if isinstance(values, Segments) else jnp.asarray(values)


def dimensions(values: Any) -> int:
    """1, or 2 where there is an axis of points."""
    return values.parts[0].ndim if isinstance(values, Segments) else values.ndim
