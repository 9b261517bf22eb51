"""Claims of the entry of an array at indices, such as "X[i]: 2*X[i]", read as claims of the whole array."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from compare.arrays.lengths import declared
from symdiff.errors import SymbolError
from symdiff.graph import Graph
from symdiff.tensors.notation import Entries
from symdiff.tensors.shapes import written

ENTRY = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")
NAME = re.compile(r"[^\W\d]\w*")


def without_indices(
    named: Mapping[Any, Any], known: Sequence[Any]
) -> tuple[dict[Any, Any], dict[str, tuple[str, ...]]]:
    """Claims by array, and the names of the indices with which its entry is claimed.

    Raises SymbolError for one of a single entry.

    >>> without_indices({"X[i]": "2*X[i]"}, [sp.IndexedBase("X")])
    ({'X': '2*X[i]'}, {'X': ('i',)})
    """
    names = {symbol.name for symbol in known if not isinstance(symbol, sp.Symbol)}
    found: dict[Any, Any] = {}
    indices: dict[str, tuple[str, ...]] = {}
    for key, value in named.items():
        match = ENTRY.fullmatch(key) if isinstance(key, str) else None
        if match is None or (name := match[1].strip()) not in names:
            found[key] = value
            continue
        words = tuple(word.strip() for word in match[2].split(","))
        if not all(NAME.fullmatch(word) for word in words) or len(set(words)) < len(words):
            raise SymbolError(
                f"the claim is of the entry {key}; claim the array, '{name}: ...', or its entry at indices, "
                f"'{name}[i, j]: ...'"
            )
        if name in found:
            raise SymbolError(f"two claims are of {name}; give one")
        found[name], indices[name] = value, words
    return found, indices


def index_symbols(words: Sequence[str]) -> tuple[sp.Symbol, ...]:
    """Symbols for indices."""
    return tuple(sp.Symbol(word, integer=True) for word in words)


def of_entry(graph: Graph, symbol: Any, indices: Sequence[sp.Symbol], entry: sp.Expr) -> Any:
    """The array whose entry at these indices is given; raises SymbolError for another number of axes.

    >>> from symdiff.from_sympy import graph_of
    >>> i, x = sp.Symbol("i", integer=True), sp.MatrixSymbol("x", 3, 1)
    >>> of_entry(graph_of([sp.Trace(x * x.T)]), x, (i,), 2 * x[i, 0])
    Entries(2*x[i, 0], (i, 0, 2), (_0, 0, 0))
    """
    shape: Any = declared(graph, symbol)
    if len(shape) == 2 == len(indices) + 1 and shape[1] == 1:
        # of a column
        indices = (*indices, sp.Symbol("_0", integer=True))
    if len(shape) != len(indices):
        given = ", ".join(map(str, indices))
        raise SymbolError(f"the claim is of {symbol}[{given}], but {symbol} has the shape {written(shape)}")
    return Entries(entry, *((i, 0, n - 1) for i, n in zip(indices, shape, strict=True)))
