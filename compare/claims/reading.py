"""What is claimed: formulas, texts and callables, each for one symbol, read and refused before anything is computed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sympy as sp

from compare.arrays.lengths import every_length
from compare.claims.arrays.indexed import index_symbols, of_entry, without_indices
from compare.formula import as_text, visible
from compare.subject import Subject, read_subject
from symdiff.errors import InputError, OptionError, ParseError, SymbolError, UnsupportedError
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.gradients import Gradient, Wrt, find_symbols
from symdiff.graph import Graph
from symdiff.parsing import parse
from symdiff.symbol_lookup import listed

EXAMPLE = 'write it as "w: 2*x*(w*x - y)"'


@dataclass(frozen=True)
class Call:
    """How a callable is called: with the values of `symbols`, by name or in this order; `part` of what it returns."""

    function: Callable[..., Any]
    symbols: tuple[sp.Symbol, ...]
    by_name: bool
    part: int
    parts: int


@dataclass(frozen=True)
class Claim:
    """What is claimed of the partial derivative in one symbol: a formula, or else a callable; `text` shows it."""

    symbol: sp.Symbol
    formula: sp.Expr | None
    call: Call | None
    text: str


def read(subject: Any, claimed: Any, wrt: Wrt | None, args: Sequence[Any] | None) -> tuple[Subject, tuple[Claim, ...]]:
    """Read subject and claims together: the claims may say in which symbols they are.

    Raises SymbolError, ParseError or OptionError, which say what is allowed.

    >>> x, y = sp.symbols("x y", real=True)
    >>> asked, (claim,) = read(x**2 * y, "x: 2*x*y", None, None)
    >>> asked.wrt, claim.formula
    ((x,), 2*x*y)
    """
    every = read_subject(subject, None)
    known = tuple(dict.fromkeys((*every.symbols, *every.mentioned, *every.wrt)))
    named = _named(claimed)
    named, indices = (None, {}) if named is None else without_indices(named, known)
    if named is not None:
        symbols = _symbols(list(named), known, "the claim")
        if wrt is not None and (missing := [s for s in find_symbols(wrt, known) if s not in symbols]):
            raise SymbolError(
                f"wrt holds {listed(missing)}, of which nothing is claimed; the claims are of {listed(symbols)}"
            )
        given = list(named.values())
    else:
        if wrt is None and len(known) > 1:
            raise SymbolError(f"the claim does not say in which of {listed(known)}; give wrt, or {EXAMPLE}")
        symbols = _symbols(known if wrt is None else wrt, known, "wrt")
        given = _listed(claimed, symbols)
    asked = read_subject(subject, list(symbols))
    graph, lengths = _arrays(asked)
    arguments = (*symbols, *(s for s in known if s not in symbols))
    order = arguments if args is None else _symbols(args, known, "args")
    claims: list[Claim] = []
    for symbol, (one, part, parts) in zip(symbols, given, strict=True):
        if callable(one) and not isinstance(one, sp.Basic):
            claims.append(_called(symbol, one, order, args is not None, part, parts))
        else:
            words = index_symbols(indices.get(symbol.name, ()))
            formula = _formula(symbol, one, (*known, *lengths, *words))
            if words and graph is not None:
                formula = of_entry(graph, symbol, words, formula)
            claims.append(Claim(symbol, formula, None, one.strip() if isinstance(one, str) else as_text(formula)))
    return asked, tuple(claims)


def _arrays(asked: Subject) -> tuple[Graph | None, tuple[sp.Symbol, ...]]:
    """The graph of an expression of arrays, and the symbols that their lengths are written with."""
    if all(isinstance(symbol, sp.Symbol) for symbol in asked.symbols):
        return None, ()
    try:
        graph = graph_of([asked.expression])
    except UnsupportedError:
        return None, ()
    return graph, tuple(s for s in every_length(graph, asked.symbols) if s not in asked.symbols)


def _symbols(given: Any, known: Sequence[sp.Symbol], what: str) -> tuple[sp.Symbol, ...]:
    symbols = find_symbols(given, known, what)
    strange = [symbol for symbol in symbols if symbol not in known]
    if strange:
        raise SymbolError(f"{what} names {listed(strange)}, not in the expression; it contains {listed(known)}")
    return symbols


def split(text: str) -> tuple[str, str]:
    """Part a text such as "w: 2*x" at its colon; raises ParseError where a side is missing.

    >>> split("w: 2*x")
    ('w', '2*x')
    """
    name, colon, formula = (part.strip() for part in text.partition(":"))
    if not (name and colon and formula):
        raise ParseError(f"the claim {visible(text, 60)!r} does not say of which symbol it is; {EXAMPLE}")
    return name, formula


Given = tuple[Any, int, int]


def _named(claimed: Any) -> dict[Any, Given] | None:
    """Claims by symbol or name where they tell it themselves, else None."""
    if isinstance(claimed, Gradient):
        claimed = dict(zip(claimed.wrt, claimed.expressions, strict=True))
    if isinstance(claimed, Mapping):
        if not claimed:
            raise OptionError("nothing is claimed: the mapping is empty; give one formula or callable for a symbol")
        return {key: (value, 0, 1) for key, value in cast("Mapping[Any, Any]", claimed).items()}
    texts = [claimed] if isinstance(claimed, str) else claimed
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) and ":" in text for text in texts):
        return None
    found: dict[Any, Given] = {}
    for name, formula in map(split, cast("list[str]", texts)):
        if name in found:
            raise SymbolError(f"two claims are of {name}; give one")
        found[name] = (formula, 0, 1)
    return found or None


def _listed(claimed: Any, symbols: Sequence[sp.Symbol]) -> list[Given]:
    """One claim for each of the symbols."""
    if callable(claimed) and not isinstance(claimed, sp.Basic):
        return [(claimed, k, len(symbols)) for k in range(len(symbols))]
    if isinstance(claimed, sp.MatrixBase) and all(isinstance(symbol, sp.Symbol) for symbol in symbols):
        claimed = list(cast(Any, claimed))
    several = isinstance(claimed, Iterable) and not isinstance(claimed, (str, sp.Expr, sp.MatrixBase))
    entries = list(cast("Iterable[Any]", claimed)) if several else [claimed]
    if len(entries) != len(symbols):
        raise OptionError(f"{len(entries)} claims for {len(symbols)} symbols ({listed(symbols)}); give one for each")
    return [(entry, 0, 1) for entry in entries]


def _formula(symbol: sp.Symbol, given: Any, known: Sequence[sp.Symbol]) -> sp.Expr:
    try:
        if isinstance(given, str):
            return parse(given, [*known])
        formula = as_expression(given.as_immutable() if isinstance(given, sp.MatrixBase) else given, "it")
    except InputError as error:
        raise type(error)(f"the claim of {symbol}: {error}") from None
    by_name = {s.name: s for s in known}
    own = free_symbols(formula)
    strange = [s for s in own if s.name not in by_name]
    if strange:
        text = visible(as_text(formula), 60)
        raise SymbolError(
            f"the claim of {symbol}, {text}, holds {listed(strange)}; the expression contains {listed(known)}"
        )
    # who writes a claim down makes symbols of the same names
    every = (*own, *(s for s in formula.free_symbols if isinstance(s, sp.Symbol) and s.is_integer))
    swaps = {s: by_name[s.name] for s in every if s != by_name.get(s.name, s)}
    return cast(sp.Expr, formula.xreplace(swaps)) if swaps else formula


_FIXED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _called(
    symbol: sp.Symbol, function: Callable[..., Any], order: Sequence[sp.Symbol], positional: bool, part: int, parts: int
) -> Claim:
    name = getattr(function, "__name__", type(function).__name__)
    text = f"{visible(name, 60)}(...)" + (f"[{part}]" if parts > 1 else "")

    def made(symbols: Sequence[sp.Symbol], by_name: bool) -> Claim:
        return Claim(symbol, None, Call(function, tuple(symbols), by_name, part, parts), text)

    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return made(order, by_name=False)
    by_name = {s.name: s for s in order}
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    named = [p.name for p in parameters if p.name in by_name and p.kind not in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL)]
    if not positional and named and all(p.name in named for p in needed):
        # in the order of its own parameters where that will do: jax.grad knows no others
        first = [p.name for p in parameters[: len(named)] if p.kind is p.POSITIONAL_OR_KEYWORD]
        return made([by_name[n] for n in named], by_name=first != named)
    fixed = [p for p in parameters if p.kind in _FIXED]
    most = len(order) if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(fixed)
    required = sum(p.default is p.empty for p in fixed)
    misplaced = [p.name for p, s in zip(fixed, order, strict=False) if p.name in by_name and p.name != s.name]
    only = [p.name for p in needed if p.kind is p.KEYWORD_ONLY]
    if required > len(order) or most < len(order) or only or (misplaced and not positional):
        takes = ", ".join(p.name for p in parameters) or "no arguments"
        raise OptionError(
            f"the claim {text} takes {visible(takes, 80)}; it is called with the values of {listed(order)}, in this "
            "order, or by these names if it uses no others"
        )
    return made(order, by_name=False)
