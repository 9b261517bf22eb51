"""The numbers that a guess at the mistake in a claim about arrays rests on: claimed and true arrays at a few points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.arrays.places import Place
from compare.claims.arrays.case import Array, Case
from compare.claims.arrays.claimed import Claimed
from symdiff import chain
from symdiff.errors import SymdiffError
from symdiff.graph import Graph
from symdiff.tensors.lengths import concrete

CLOSE = 1e-7
Arrays = Sequence[Array]


@dataclass(frozen=True)
class Evidence:
    """At each of some points the claimed array, and the true partials by symbol."""

    claimed: Claimed
    places: Sequence[Place]
    arrays: Arrays
    truths: Sequence[dict[Any, Array]]

    @property
    def case(self) -> Case:
        """The expression."""
        return self.claimed.case

    @property
    def true(self) -> list[Array]:
        """The true partial at each point."""
        return [truth[self.claimed.symbol] for truth in self.truths]

    @property
    def difference(self) -> list[Array]:
        """The claim less the truth."""
        return [a - t for a, t in zip(self.arrays, self.true, strict=True)]

    def turned(self) -> Evidence:
        """The same of the transposed claim."""
        return replace(self, arrays=[a.T for a in self.arrays])

    def gradient_of(self, changed: Graph) -> list[Array] | None:
        """The partial at each point, where the graph of the definition has wrong local partials."""
        found: list[Array] = []
        for place, true in zip(self.places, self.true, strict=True):
            shapes = {symbol: np.shape(array) for symbol, array in place.arrays.items()}
            fixed = concrete(changed, place.lengths, shapes)
            values = chain.forward(fixed, {symbol: place.arrays[symbol] for symbol in fixed.inputs})
            source = fixed.inputs.get(self.claimed.symbol)
            if source is None:
                return None
            array = chain.adjoints(fixed, values, fixed.outputs[0], [source], keep=False)[source]
            found.append(np.zeros_like(true) if array is None else np.broadcast_to(array, true.shape))
        return found


def same(first: Arrays, second: Arrays) -> bool:
    """Whether arrays are equal at every point, as far as floats tell."""
    for a, b in zip(first, second, strict=True):
        if np.shape(a) != np.shape(b):
            return False
        scale = max(np.max(np.abs(a), initial=0.0), np.max(np.abs(b), initial=0.0))
        if not bool(np.all(np.abs(a - b) <= CLOSE * scale)):
            return False
    return True


def ratio(first: Arrays, second: Arrays) -> list[float] | None:
    """The number at each point by which all of the second array has to be multiplied to give the first; None if none.

    >>> ratio([np.array([2.0, 4.0])], [np.array([1.0, 2.0])])
    [2.0]
    """
    found: list[float] = []
    for a, b in zip(first, second, strict=True):
        if np.shape(a) != np.shape(b) or not np.any(b) or not np.any(a):
            return None
        found.append(float(np.sum(a * b) / np.sum(b * b)))
    return found if same(first, [c * b for c, b in zip(found, second, strict=True)]) else None


def gathered(claimed: Claimed, places: Sequence[Place]) -> Evidence | None:
    """Evidence from the points at which claim and derivative are finite and the derivative is not zero."""
    # in double precision whatever the claim is judged in: a guess needs digits
    claimed = replace(claimed, case=replace(claimed.case, dtype="float64"))
    case = replace(claimed.case, wrt=claimed.case.symbols)
    kept: list[tuple[Place, Array, dict[Any, Array]]] = []
    for place in places:
        try:
            true = dict(zip(case.wrt, case.gradient(place), strict=True))
            array = claimed.array(place)
            if not claimed.turned(array.shape, place):
                array = claimed.fitted(array, place)
        except SymdiffError:
            continue
        if np.all(np.isfinite(array)) and all(np.all(np.isfinite(a)) for a in true.values()):
            kept.append((place, np.asarray(array, np.float64), true))
    if not kept:
        return None
    one, two, three = zip(*kept, strict=True)
    return Evidence(claimed, one, two, three)


def everywhere(values: Sequence[float], wanted: Callable[[int], float | None]) -> bool:
    """Whether the numbers found at the points are those wanted at each of them."""
    pairs = [(value, wanted(k)) for k, value in enumerate(values)]
    return all(w is not None and abs(v - w) <= CLOSE * abs(w) for v, w in pairs)
