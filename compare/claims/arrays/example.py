"""The smallest failing example of a claim about arrays: few entries, of small whole numbers, at which it is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sympy as sp

from compare.arrays import points as sampling
from compare.arrays.lengths import drawn_lengths, shapes_for
from compare.arrays.places import Place, rounded
from compare.claims.arrays.case import Case
from compare.claims.example import complexity
from symdiff.chain import forward
from symdiff.errors import SymdiffError
from symdiff.tensors.lengths import concrete

# lengths that are tried for every symbolic length at once, and then those that differ
ALIKE = (1, 2)
# entries beyond which no simple points are made up
LARGEST = 200
DRAWS = 6
# matrices of which an inverse or a logarithm of the determinant is taken have to be positive definite
INVERTED = ("inverse", "determinant", "log_determinant")


def simple_places(case: Case, seed: int) -> list[Place]:
    """Points of few small whole numbers, the smallest first, at which the expression and its gradient have values."""
    return [place for place in _candidates(case, seed) if _regular(case, place)]


def other_places(case: Case, place: Place, seed: int) -> list[Place]:
    """Drawn points of other lengths than a point has, where any are symbols: they tell a length from a number."""
    found: list[Place] = []
    for more in (1, 2) if case.lengths else ():
        lengths = {symbol: number + more for symbol, number in place.lengths.items()}
        try:
            shapes = shapes_for(case.number, case.symbols, lengths)
            here = concrete(case.number, lengths, shapes)
            (arrays,) = sampling.drawn(here, case.symbols, shapes, {}, 1, seed + more)
        except SymdiffError:
            continue
        found.append(rounded(Place(arrays, lengths), case.dtype))
    return found


def size(place: Place) -> tuple[int, float]:
    """How hard a point is to read: its entries, then their digits."""
    numbers = [float(u) for array in place.arrays.values() for u in np.ravel(array).tolist()]
    return len(numbers), sum(map(complexity, numbers))


def _candidates(case: Case, seed: int) -> Iterator[Place]:
    free = case.lengths
    sizes: list[Mapping[sp.Symbol, int]] = [dict.fromkeys(free, k) for k in ALIKE] if free else [{}]
    if free:
        sizes.append(drawn_lengths(case.number, case.symbols, {}, seed))
    inverted = {
        case.number.symbols[step.operands[0]]
        for step in case.number.applications
        if step.function.name in INVERTED and step.operands[0] in case.number.symbols
    }
    generator = np.random.default_rng(seed)
    for lengths, draw in itertools.product(sizes, range(DRAWS)):
        try:
            shapes = shapes_for(case.number, case.symbols, lengths)
        except SymdiffError:
            continue
        if sum(int(np.prod(shape, dtype=int)) for shape in shapes.values()) > LARGEST:
            continue
        counter = itertools.count(1)
        arrays = {s: _filled(generator, s, shapes[s], draw, counter, s in inverted) for s in case.symbols}
        yield rounded(Place(arrays, dict(lengths)), case.dtype)


def _filled(
    generator: np.random.Generator,
    symbol: Any,
    shape: tuple[int, ...],
    draw: int,
    counter: Iterator[int],
    inverted: bool,
) -> Any:
    """Whole numbers: first 2, 3, 4, 1, ... in turn, then small ones of either sign, then halves."""
    count = int(np.prod(shape, dtype=int))
    kind = getattr(symbol, "label", symbol)
    numbers = np.array([1 + next(counter) % 4 for _ in range(count)], float)
    if draw:
        numbers = generator.integers(-3, 4, count) / (1.0 if draw < DRAWS // 2 or kind.is_integer else 2.0)
    if kind.is_nonnegative or kind.is_positive or draw == 1:
        numbers = np.abs(numbers) + (kind.is_positive or False)
    if kind.is_nonpositive:
        numbers = -np.abs(numbers)
    array = numbers.reshape(shape)
    if inverted and len(shape) == 2 and shape[0] == shape[1]:
        # dominated by its diagonal, and not symmetric
        array = np.triu(array, 1) + np.diag(np.sum(np.abs(np.triu(array, 1)), axis=1) + 1 + draw % 3)
    return array


def _regular(case: Case, place: Place) -> bool:
    try:
        fixed = case.graphs(place)[0]
        value = forward(fixed, {symbol: place.arrays[symbol] for symbol in fixed.inputs})[fixed.outputs[0]]
        return bool(np.all(np.isfinite(value))) and all(np.all(np.isfinite(a)) for a in case.gradient(place))
    except SymdiffError:
        return False
