"""Where a check looks: given points, a model's own data and parameters, or seeded points inside the domain.

Seeded points are rounded to four digits, so that one can be typed in again. Their magnitudes are spread evenly over
1e-3 to 1e3 on a logarithmic scale, with signs as the symbols' assumptions allow; of the candidates those at which the
model has a finite value are taken first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
import sympy as sp

from symdiff.chain import forward
from symdiff.errors import OptionError, SymbolError
from symdiff.gradients import find_symbols
from symdiff.graph import Graph

Point = dict[sp.Symbol, float]
At = Mapping[Any, float]

CANDIDATES = 64
SMALLEST, LARGEST = 1e-3, 1e3


def mappings(at: At | Sequence[At]) -> list[At]:
    """One mapping, or several, as a list; raises OptionError for anything else, and for none.

    >>> mappings({"x": 1.0})
    [{'x': 1.0}]
    """
    listed = [at] if isinstance(at, Mapping) else list(at) if isinstance(at, (list, tuple)) else [at]
    wrong = next((entry for entry in listed if not isinstance(cast(object, entry), Mapping)), None)
    if wrong is not None:
        kind = type(wrong).__name__
        raise OptionError(f"at holds {_short(wrong)} ({kind}); give a mapping such as {{'x': 1.0}}, or a list of them")
    if not listed:
        raise OptionError("at holds no point; leave it out to have points drawn")
    return cast("list[At]", listed)


def given(mapping: At, symbols: Sequence[sp.Symbol], defaults: Mapping[sp.Symbol, float] | None = None) -> Point:
    """A point from a mapping of symbols or names to numbers; `defaults` fill in what it leaves out.

    Raises SymbolError for an unknown name or a symbol without a value, OptionError for what is not a finite number.

    >>> x = sp.Symbol("x", real=True)
    >>> given({"x": 2}, [x])
    {x: 2.0}
    """
    point = dict(defaults or {})
    named: dict[sp.Symbol, object] = {}
    known = tuple(symbols)
    for key, value in mapping.items():
        symbol = _named(key, known)
        if symbol not in symbols:
            raise SymbolError(f"at gives {symbol}, which is not in the expression; it contains {_names(symbols)}")
        if symbol in named:
            raise SymbolError(f"at gives {symbol} twice, once as a symbol and once by name; give it once")
        named[symbol] = value
        point[symbol] = _finite(symbol, value)
    missing = [symbol for symbol in symbols if symbol not in point]
    if missing:
        raise SymbolError(f"at gives no value for {_names(missing)}; give every one of {_names(symbols)}")
    return point


@lru_cache(maxsize=1024)
def _named(key: Any, symbols: tuple[sp.Symbol, ...]) -> sp.Symbol:
    """Kept: the mappings of one check have the same keys."""
    return find_symbols([key], symbols, "at")[0]


def _finite(symbol: sp.Symbol, value: Any) -> float:
    try:
        number = float("text" if isinstance(value, str) else value)
    except (TypeError, ValueError):
        raise OptionError(f"at gives {symbol} = {_short(value)}, which is not a number") from None
    except OverflowError:
        raise OptionError(f"at gives {symbol} = {_short(value)}, which is beyond the range of float64") from None
    if not np.isfinite(number):
        raise OptionError(f"at gives {symbol} = {value}; give a finite number")
    return number


def _short(value: object) -> str:
    text = " ".join(repr(value).split()) if not isinstance(value, int) or abs(value) < 10**60 else "an integer"
    return text if len(text) <= 60 else text[:59] + "…"


def _names(symbols: Sequence[sp.Symbol]) -> str:
    return ", ".join(map(str, symbols)) or "no symbols"


def seeded(graph: Graph, symbols: Sequence[sp.Symbol], count: int, seed: int) -> list[Point]:
    """`count` points for the inputs of a graph, the same for the same seed.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> all(point[x] > 0 for point in seeded(graph_of([sp.log(x)]), [x], 20, seed=0))
    True
    """
    generator = np.random.default_rng(seed)
    drawn = {symbol: _draw(generator, symbol, count * CANDIDATES) for symbol in symbols}
    values = forward(graph, drawn)
    regular = np.ones(count * CANDIDATES, dtype=np.bool_)
    for output in graph.outputs:
        regular &= np.isfinite(values[output])
    inside = regular.copy()
    counting = _counting(graph, values)
    for node, function, operands, static in graph.applications:
        for operand, domain in zip(operands, function.domain_of(static), strict=True):
            # a choice is made whatever stands in the other branch
            if not domain.truth and function.name != "select":
                inside &= domain.contains(values[operand]) | ~counting[node]
    # regular candidates inside every domain first, then other regular ones, each kind in the order drawn
    chosen = np.argsort(2 - regular.astype(int) - inside, kind="stable")[:count]
    return [{symbol: float(drawn[symbol][k]) for symbol in symbols} for k in chosen]


def admitted(symbol: sp.Symbol, value: float, bounds: Mapping[sp.Symbol, tuple[float, float]]) -> bool:
    """Whether the assumptions of a symbol, and its bounds if it has any, allow a number.

    >>> n = sp.Symbol("n", integer=True, positive=True)
    >>> admitted(n, 2.0, {}), admitted(n, 2.5, {}), admitted(n, 0.0, {}), admitted(n, 9.0, {n: (0.0, 5.0)})
    (True, False, False, False)
    """
    low, high = bounds.get(symbol, (-math.inf, math.inf))
    if not math.isfinite(value) or not low <= value <= high:
        return False
    if symbol.is_integer and value != math.floor(value):
        return False
    if (symbol.is_nonnegative and value < 0) or (symbol.is_nonpositive and value > 0):
        return False
    return not (symbol.is_zero is False and value == 0)


def _counting(graph: Graph, values: Sequence[Any]) -> list[Any]:
    """At which points each node counts: nodes of a branch only where it is taken."""
    found: list[Any] = [np.False_] * len(graph)
    for node in graph.outputs:
        found[node] = np.True_
    for node, function, operands, _ in reversed(graph.applications):
        for position, operand in enumerate(operands):
            here = found[node]
            if function.name == "select" and position:
                taken = np.asarray(values[operands[0]], np.bool_)
                here = here & (taken if position == 1 else ~taken)
            found[operand] = found[operand] | here
    return found


def _draw(generator: np.random.Generator, symbol: sp.Symbol, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    magnitude = np.exp(generator.uniform(np.log(SMALLEST), np.log(LARGEST), count))
    sign = np.where(generator.random(count) < 0.5, -1.0, 1.0)
    if symbol.is_integer:
        magnitude = np.ceil(magnitude)
    if symbol.is_nonnegative:
        sign = np.ones(count)
    elif symbol.is_nonpositive:
        sign = -np.ones(count)
    # rounded in decimal, to four significant digits
    return np.array([float(f"{value:.4g}") for value in sign * magnitude])
