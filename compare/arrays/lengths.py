"""Lengths and shapes of the arrays of a check, where they are not given: small, and different for different symbols.

Two symbols that stand for the same number would hide a transposed factor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symdiff.errors import SymbolError
from symdiff.graph import Graph
from symdiff.tensors.layout import SLICE
from symdiff.tensors.lengths import Lengths, length_symbols
from symdiff.tensors.shapes import resolved, symbols_of

SMALLEST, LARGEST = 2, 5
# of an array that is looked up in at computed places, or of which nothing is known
UNKNOWN = 4
Shapes = dict[Any, tuple[int, ...]]


def declared(graph: Graph, symbol: Any) -> tuple[Any, ...]:
    """Shape of an input, or of a symbol that the graph does not contain, as it is written."""
    if symbol in graph.inputs:
        return graph.shape(graph.inputs[symbol])
    return tuple(getattr(symbol, "shape", None) or ())


def every_length(graph: Graph, symbols: Sequence[Any]) -> tuple[sp.Symbol, ...]:
    """The length symbols of a graph, and those of symbols that it does not contain.

    >>> from symdiff.from_sympy import graph_of
    >>> n, m = sp.symbols("n m", integer=True)
    >>> x, y = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("y", m, 1)
    >>> every_length(graph_of([sp.Trace(x * x.T)]), [x, y])
    (n, m)
    """
    others = {s for symbol in symbols if symbol not in graph.inputs for s in symbols_of(declared(graph, symbol))}
    found = dict.fromkeys(length_symbols(graph))
    # a length may be left in no shape, but in a factor, as in a sum of equal terms
    found |= dict.fromkeys(symbol for symbol in graph.inputs if symbol not in symbols)
    return tuple(found | dict.fromkeys(sorted((others - set(found)), key=lambda s: s.name)))


def refuse_lengths(lengths: Sequence[sp.Symbol], wrt: Sequence[Any]) -> None:
    """See that no length is to be differentiated in; raises SymbolError."""
    for symbol in wrt:
        if symbol in lengths:
            raise SymbolError(f"wrt holds {symbol}, which is a length, a whole number; choose an array or a scalar")


def drawn_lengths(graph: Graph, symbols: Sequence[Any], known: Mapping[sp.Symbol, int], seed: int) -> Lengths:
    """A number for every length symbol that is not known; the same for the same seed.

    >>> from symdiff.from_sympy import graph_of
    >>> n, m = sp.symbols("n m", integer=True, positive=True)
    >>> x = sp.MatrixSymbol("x", n, m)
    >>> found = drawn_lengths(graph_of([sp.Trace(x * x.T)]), [x], {}, 0)
    >>> found[n] != found[m], all(2 <= number <= 5 for number in found.values())
    (True, True)
    """
    wanted = [symbol for symbol in every_length(graph, symbols) if symbol not in known]
    generator = np.random.default_rng(seed)
    free = [
        k for k in range(SMALLEST, max(LARGEST + 1, SMALLEST + len(wanted) + len(known))) if k not in known.values()
    ]
    numbers = generator.permutation(free)[: len(wanted)].tolist()
    found = dict(known) | dict(zip(wanted, map(int, numbers), strict=True))
    for more in range(LARGEST):
        longer = found | {symbol: found[symbol] + more for symbol in wanted}
        if _filled(graph, longer):
            return longer
    return found


def _filled(graph: Graph, lengths: Mapping[sp.Symbol, int]) -> bool:
    """Whether no axis is empty."""
    numbers = {symbol: sp.Integer(number) for symbol, number in lengths.items()}
    return all(
        not isinstance(length, int) or length > 0
        for shape in graph.shapes.values()
        for length in resolved(shape, numbers)
    )


def shapes_for(graph: Graph, symbols: Sequence[Any], lengths: Mapping[sp.Symbol, int]) -> Shapes:
    """Shape of every symbol; an array of undeclared shape reaches as far as its indices do.

    >>> from symdiff.from_sympy import graph_of
    >>> i, n = sp.symbols("i n", integer=True)
    >>> x = sp.IndexedBase("x")
    >>> shapes_for(graph_of([sp.Sum(x[i + 1], (i, 0, n - 1))]), [x], {n: 3})
    {x: (4,)}
    """
    numbers = {symbol: sp.Integer(number) for symbol, number in lengths.items()}
    reach: dict[tuple[Any, int], int] = {}
    for step in graph.applications:
        if step.function is SLICE and step.operands[0] in graph.symbols:
            for axis, entry in enumerate(resolved(step.static[0], numbers)):
                _, start, *rest = entry
                count, stride = rest or (1, 1)
                if isinstance(start, int) and isinstance(count, int):
                    last = max(start, start + stride * (count - 1))
                    key = graph.symbols[step.operands[0]], axis
                    reach[key] = max(reach.get(key, 0), last + 1)
    found: Shapes = {}
    for symbol in symbols:
        shape = resolved(declared(graph, symbol), numbers)
        found[symbol] = tuple(
            n if isinstance(n, int) else reach.get((symbol, axis), UNKNOWN) for axis, n in enumerate(shape)
        )
    return found
