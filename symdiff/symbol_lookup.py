"""Symbols as users name them: by the symbol itself or by its name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.tensor.array.expressions.array_expressions import ArraySymbol

from symdiff.errors import SymbolError
from symdiff.functions import CONSTANTS

# what a model is a function of: scalars, matrices and indexed arrays
INPUTS = (sp.Symbol, sp.MatrixSymbol, sp.IndexedBase, ArraySymbol)
Wrt = sp.Symbol | sp.MatrixSymbol | sp.IndexedBase | str | Sequence[sp.Symbol | sp.MatrixSymbol | sp.IndexedBase | str]


def find_symbols(wrt: Wrt, known: Sequence[sp.Symbol], what: str = "wrt") -> tuple[sp.Symbol, ...]:
    """Symbols named by symbols or by names; a name must belong to exactly one of `known`.

    Names are compared as they are and, where none is the same, after Unicode normalisation (NFKC), as formulas do.

    A symbol that is not among `known` is accepted (the derivative in it is zero) unless one of the same name is: then
    the assumptions differ, and SymPy would silently differentiate to zero.

    >>> x = sp.Symbol("x", real=True)
    >>> find_symbols("x", [x]), find_symbols([x], [x])
    ((x,), (x,))
    """
    items = [wrt] if isinstance(wrt, (*INPUTS, str)) else wrt
    if not isinstance(items, Iterable) or isinstance(items, sp.Basic):
        raise SymbolError(f"{what} is {wrt!r}; give a symbol, a name, or a list of them")
    by_name: dict[str, list[sp.Symbol]] = {}
    for symbol in known:
        by_name.setdefault(symbol.name, []).append(symbol)
    found = [_found(item, by_name, what) for item in items]
    if len(set(found)) < len(found):
        raise SymbolError(f"{what} names a symbol twice: {listed(found)}")
    if not found:
        raise SymbolError(f"{what} is empty; the expression contains {listed(known)}")
    return tuple(found)


def _found(item: Any, by_name: Mapping[str, Sequence[sp.Symbol]], what: str) -> sp.Symbol:
    if isinstance(item, INPUTS):
        item = _indexed(item, by_name)
        named = by_name.get(item.name, ())
        if named and item not in named:
            other = "assumptions differ" if isinstance(item, sp.Symbol) else "shape or kind differs"
            raise SymbolError(
                f"{what} holds a symbol {item} whose {other} from those of {item} in the expression; "
                "use one and the same symbol for both"
            )
        return item
    if not isinstance(item, str):
        raise SymbolError(f"{what} holds {item!r} ({type(item).__name__}); give symbols or their names")
    named = by_name.get(item) or _alike(item, by_name)
    if not named and item in CONSTANTS:
        hint = "to have a symbol of that name, declare it: symdiff.parse(text, symbols=[...])"
        raise SymbolError(f"{what} names {item!r}, which is a constant, not a symbol, in formulas; {hint}")
    if not named:
        every = listed([symbol for symbols in by_name.values() for symbol in symbols])
        raise SymbolError(f"{what} names {item!r}, which the expression does not contain; it contains {every}")
    if len(named) > 1:
        raise SymbolError(f"{what} names {item!r}, but two symbols have that name; give the symbol itself")
    return named[0]


def _indexed(item: Any, by_name: Mapping[str, Sequence[Any]]) -> Any:
    """An indexed array may also be named by its label; it is one array whatever its offset."""
    if not isinstance(item, sp.Symbol):
        return item
    return next((known for known in by_name.get(item.name, ()) if isinstance(known, sp.IndexedBase)), item)


def _alike(name: str, by_name: Mapping[str, Sequence[sp.Symbol]]) -> list[sp.Symbol]:
    normal = unicodedata.normalize("NFKC", name)
    if name.isascii() and all(known.isascii() for known in by_name):
        return []
    return [s for known, found in by_name.items() if unicodedata.normalize("NFKC", known) == normal for s in found]


def listed(symbols: Sequence[sp.Symbol], most: int = 20) -> str:
    """Names of symbols for a message, not more than `most`."""
    names = [symbol.name for symbol in symbols[:most]]
    more = f" and {len(symbols) - most} more" if len(symbols) > most else ""
    return ", ".join(names) + more or "no symbols"


def column_of(symbol: Any, wrt: Sequence[sp.Symbol], columns: Mapping[sp.Symbol, int], what: str) -> int:
    """Where a symbol, or the one of that name, stands in `wrt`."""
    if isinstance(symbol, INPUTS) and symbol in columns:
        return columns[symbol]
    if not isinstance(symbol, (*INPUTS, str)):
        raise SymbolError(f"{what} has no entry {symbol!r}; give a symbol or its name")
    (found,) = find_symbols(symbol, wrt, what)
    if found not in columns:
        raise SymbolError(f"{what} was taken in {listed(wrt)}, not in {found}")
    return columns[found]
