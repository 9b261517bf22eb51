"""Where a check of arrays looks: arrays that are given, or drawn at moderate magnitude.

Entries are rounded to four digits, so that a point can be typed in again. Of the candidates the first is taken at which
the expression has a finite value and no matrix that is inverted is badly conditioned. A matrix whose inverse or
determinant is taken is drawn positive definite; what indexes an array is drawn as whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.arrays.lengths import Shapes
from symdiff.chain import forward
from symdiff.graph import Graph
from symdiff.tensors.gathering import GATHER

SMALLEST, LARGEST = 0.1, 3.0
CANDIDATES = 64
LARGEST_CONDITION = 1e4
INVERTED = ("inverse", "determinant", "log_determinant")
Arrays = dict[Any, NDArray[np.float64]]


def drawn(
    graph: Graph, symbols: Sequence[Any], shapes: Shapes, known: Mapping[Any, Any], count: int, seed: int
) -> list[Arrays]:
    """`count` points for the inputs of a graph of known lengths, the same for the same seed; `known` stay as they are.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> a = sp.MatrixSymbol("a", 2, 2)
    >>> (point,) = drawn(graph_of([sp.log(sp.Determinant(a))]), [a], {a: (2, 2)}, {}, 1, 0)
    >>> bool(np.linalg.det(point[a]) > 0)
    True
    """
    generator = np.random.default_rng(seed)
    indices, inverted = whole_numbers(graph), _inverted(graph)
    found: list[Arrays] = []
    for _ in range(count):
        first: Arrays = {}
        for candidate in range(CANDIDATES):
            place = {
                symbol: np.asarray(known[symbol], np.float64)
                if symbol in known
                else _draw(generator, symbol, shapes[symbol], candidate, symbol in indices, symbol in inverted)
                for symbol in symbols
            }
            first = first or place
            if _regular(graph, place):
                first = place
                break
        found.append(first)
    return found


def whole_numbers(graph: Graph) -> set[Any]:
    """Inputs that say which entries of an array are looked up: they stay whole numbers."""
    needed = {place for step in graph.applications if step.function is GATHER for place in step.operands[1:]}
    for step in reversed(graph.applications):
        if step.node in needed:
            needed.update(step.operands[1:] if step.function is GATHER else step.operands)
    return {symbol for node, symbol in graph.symbols.items() if node in needed}


def _inverted(graph: Graph) -> set[Any]:
    """Inputs of which an inverse or a determinant is taken as they are."""
    nodes = {step.operands[0] for step in graph.applications if step.function.name in INVERTED}
    return {symbol for node, symbol in graph.symbols.items() if node in nodes}


def _draw(
    generator: np.random.Generator, symbol: Any, shape: tuple[int, ...], candidate: int, index: bool, inverted: bool
) -> NDArray[np.float64]:
    kind = getattr(symbol, "label", symbol)
    if index:
        return generator.integers(0, 2 + candidate % 3, shape).astype(np.float64)
    sizes = np.exp(generator.uniform(np.log(SMALLEST), np.log(LARGEST), shape))
    signs = np.where(generator.random(shape) < 0.5, -1.0, 1.0)
    # after two candidates of either sign one of positive numbers, and one of fractions
    if candidate % 4 >= 2 or kind.is_nonnegative:
        signs = np.ones(shape)
    if kind.is_nonpositive:
        signs = -np.ones(shape)
    if candidate % 4 == 3:
        sizes = 0.05 + 0.9 * generator.random(shape)
    if kind.is_integer:
        sizes = np.ceil(sizes)
    elif len(shape) > 1:
        # so that products of matrices stay moderate
        sizes = sizes / np.sqrt(shape[-1])
    array = signs * sizes
    if inverted and len(shape) == 2 and shape[0] == shape[1]:
        # the part that changes its sign when transposed leaves it positive definite, and shows a transposed factor
        skew = np.triu(array, 1) - np.triu(array, 1).T
        array = array @ array.T + 0.5 * np.eye(shape[0]) + skew
    rounded = [float(f"{number:.4g}") for number in array.ravel().tolist()]
    return np.array(rounded).reshape(shape)


def _regular(graph: Graph, place: Mapping[Any, Any]) -> bool:
    """Whether the value is finite, and no matrix badly conditioned that is inverted."""
    values = forward(graph, {symbol: place[symbol] for symbol in graph.inputs})
    if not all(np.all(np.isfinite(values[node])) for node in graph.outputs):
        return False
    matrices = [values[step.operands[0]] for step in graph.applications if step.function.name in INVERTED]
    return all(np.all(np.isfinite(m)) and np.linalg.cond(m) < LARGEST_CONDITION for m in matrices)
