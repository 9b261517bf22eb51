"""A Python function under test and its arguments: which symbol, or nested lists of symbols, each of them is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jax.numpy as jnp
import sympy as sp

from symdiff.errors import OptionError, SymbolError


@dataclass(frozen=True)
class Callee:
    """A function and its arguments: each a symbol, or nested lists of symbols for an array of them."""

    f: Callable[..., Any]
    layout: tuple[Any, ...]
    symbols: tuple[sp.Symbol, ...]
    elementwise: bool = False

    @property
    def name(self) -> str:
        """What the function is called."""
        return str(getattr(self.f, "__name__", "") or type(self.f).__name__)

    def arguments(self, given: Sequence[Any]) -> list[Any]:
        """The arguments from one number, or one column, a symbol."""
        known = dict(zip(self.symbols, given, strict=True))
        return [_assembled(entry, known) for entry in self.layout]


def read_callee(f: Callable[..., Any], symbols: Sequence[sp.Symbol], args: Any, elementwise: bool) -> Callee:
    """Match the function's arguments with symbols: as `args` lists them, else by name; a single one needs no name.

    Raises OptionError for a function that cannot be called so, SymbolError for symbols that are left over.

    >>> x, y = sp.symbols("x y")
    >>> read_callee(lambda y, x: x / y, [x, y], None, False).symbols
    (y, x)
    """
    layout = tuple(_entry(entry, symbols) for entry in _listed(args)) if args is not None else _by_name(f, symbols)
    found = tuple(symbol for entry in layout for symbol in _leaves(entry))
    if len(set(found)) < len(found):
        raise SymbolError(f"args names a symbol twice: {names_of(found)}; name each once")
    if missing := [symbol for symbol in symbols if symbol not in found]:
        raise SymbolError(
            f"the definition contains {names_of(missing)}, which args ({names_of(found)}) leaves out; name every symbol"
        )
    callee = Callee(f, layout, found, elementwise)
    if (signature := _signature(f)) is not None:
        try:
            signature.bind(*layout)
        except TypeError:
            raise OptionError(
                f"{callee.name}{signature} cannot be called with {len(layout)} arguments ({names_of(found)}); "
                "give args, one symbol or list of symbols for each argument"
            ) from None
    return callee


def _assembled(entry: Any, known: Mapping[sp.Symbol, Any]) -> Any:
    if isinstance(entry, sp.Symbol):
        return known[entry]
    return jnp.stack([_assembled(part, known) for part in entry], axis=-_depth(entry))


def _depth(entry: Any) -> int:
    return 0 if isinstance(entry, sp.Symbol) else 1 + _depth(entry[0])


def _leaves(entry: Any) -> list[sp.Symbol]:
    return [entry] if isinstance(entry, sp.Symbol) else [leaf for part in entry for leaf in _leaves(part)]


def _listed(args: Any) -> list[Any]:
    if isinstance(args, (sp.Symbol, str)):
        return [args]
    if not isinstance(args, (list, tuple)) or not args:
        raise OptionError(f"args is {args!r}; give a list, one symbol or list of symbols for each argument")
    return list(cast("Sequence[Any]", args))


def _entry(entry: Any, symbols: Sequence[sp.Symbol]) -> Any:
    if isinstance(entry, sp.Symbol):
        alike = next((symbol for symbol in symbols if symbol.name == entry.name and symbol != entry), None)
        if alike is not None:
            raise SymbolError(f"args holds a {entry} whose assumptions differ from those of {entry} in the definition")
        return entry
    if isinstance(entry, str):
        known = {symbol.name: symbol for symbol in symbols}
        return known.get(entry, sp.Symbol(entry, real=True))
    parts: Sequence[Any] = cast("Sequence[Any]", entry) if isinstance(entry, (list, tuple)) else ()
    nested = tuple(_entry(part, symbols) for part in parts)
    if not nested or len({(_depth(part), len(_leaves(part))) for part in nested}) > 1:
        raise OptionError(f"args holds {entry!r}; give symbols, names, or lists of them that are not ragged")
    return nested


def _by_name(f: Callable[..., Any], symbols: Sequence[sp.Symbol]) -> tuple[sp.Symbol, ...]:
    signature = _signature(f)
    if signature is None:
        if len(symbols) == 1:
            return tuple(symbols)
        raise OptionError(f"the arguments of {f!r} cannot be read; give args, one symbol for each argument")
    known = {symbol.name: symbol for symbol in symbols}
    named = parameter_names(f, tuple(known))
    if set(named) == set(known):
        return tuple(known[name] for name in named)
    if len(symbols) == 1 and len(named) == 1:
        return tuple(symbols)
    raise SymbolError(
        f"the function takes ({', '.join(named)}), the definition contains {names_of(symbols)}; "
        "give args, one symbol or list of symbols for each argument"
    )


def parameter_names(f: Callable[..., Any], known: Sequence[str] = ()) -> list[str]:
    """Names of the positional parameters, of those with a default only the known ones.

    >>> parameter_names(lambda x, n=2: x**n)
    ['x']
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = _signature(f)
    parameters = [] if signature is None else [p for p in signature.parameters.values() if p.kind in kinds]
    return [p.name for p in parameters if p.name in known or p.default is inspect.Parameter.empty]


def _signature(f: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(f)
    except (TypeError, ValueError):
        return None


def names_of(symbols: Sequence[sp.Symbol]) -> str:
    """Names of symbols for a message."""
    return ", ".join(map(str, symbols)) or "no symbols"
