"""Arrays that a point leaves out, drawn as `symdiff check` draws them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy as sp


def completed(expression: sp.Expr, point: Mapping[str, Any], seed: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The point with arrays and numbers for all that it leaves out, and their names; the same for the same seed.

    Lengths follow from the arrays that are given; others are drawn too, small and different.
    """
    import numpy as np

    from compare.arrays.lengths import drawn_lengths, every_length, shapes_for
    from compare.arrays.points import drawn
    from symdiff.array_values import Lengths, declared_shapes, read_array
    from symdiff.from_sympy import free_symbols, graph_of
    from symdiff.tensors.lengths import concrete, with_lengths

    graph = graph_of([expression])
    known = free_symbols(expression)
    lengths = every_length(graph, [s for s in known if not _is_number(s)])
    symbols = tuple(symbol for symbol in known if symbol not in lengths)
    missing = tuple(symbol for symbol in symbols if symbol.name not in point)
    if not missing:
        return dict(point), ()
    fitting, given, declared = Lengths(), dict[Any, Any](), declared_shapes(symbols, [expression])
    for symbol in symbols:
        if symbol.name in point and isinstance(point[symbol.name], list):
            array = read_array(point[symbol.name], f"--at: {symbol.name}")
            given[symbol] = fitting.fit(symbol, declared[symbol], array, "--at")
        elif symbol.name in point:
            given[symbol] = np.float64(point[symbol.name])
    whole = {length: point[length.name] for length in lengths if length.name in point}
    _, whole = with_lengths(list(whole.values()), list(whole), [], list(whole))
    numbers = drawn_lengths(graph, symbols, {s: int(n) for s, n in fitting.known.items() if s in lengths} | whole, seed)
    shapes = shapes_for(graph, symbols, numbers) | {s: np.shape(array) for s, array in given.items()}
    (found,) = drawn(concrete(graph, numbers, shapes), symbols, shapes, given, 1, seed)
    # a length that no array tells has to be given
    told = {s.name: n for s, n in numbers.items()}
    return {**told, **point, **{s.name: found[s].tolist() for s in missing}}, tuple(s.name for s in missing)


def _is_number(symbol: Any) -> bool:
    import sympy as sp

    return isinstance(symbol, sp.Symbol)
