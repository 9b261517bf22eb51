"""Points at which formulas fail: at and beside kinks, seams, poles and edges of domains, and at extreme magnitudes.

A quantity of the graph vanishes at each: u at the kink of |u|, u - v at a tie of Max(u, v) and at the boundary of
u < v, u - a at the end a of a domain. Along each symbol in turn, from seeded places, its changes of sign are bracketed
on a grid of magnitudes and bisected, all at once (Brent, Algorithms for Minimization Without Derivatives, 1973, ch. 4).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.points import Point, admitted
from symdiff.chain import forward
from symdiff.graph import Application, Graph

# magnitudes of inputs that are tried, by dtype
RANGES = {"float64": (1e-300, 1e300), "float32": (1e-38, 1e38)}
# a bracket is looked for between neighbours of this grid; the last steps of bisection are below any rounding
GRID = np.concatenate([-np.logspace(6, -6, 49), [0.0], np.logspace(-6, 6, 49)])
BISECTIONS = 110
BASES = 3
# critical quantities and brackets that are followed, so that cost stays linear in the graph
MOST_QUANTITIES, MOST_ROOTS = 64, 256
# where to stand beside a root, relative to it
BESIDE = (0.0, 1e-3, -1e-3, 1e-9, -1e-9)
TWO_SIDED = frozenset({"maximum", "minimum", "less", "less_equal", "equal", "unequal"})
AT_ZERO = frozenset({"abs", "sign", "heaviside", "sqrt", "power_constant", "acot", "real_cbrt"})

Bounds = Mapping[sp.Symbol, tuple[float, float]]


def stressed(
    graph: Graph,
    symbols: Sequence[sp.Symbol],
    count: int,
    seed: int,
    dtype: str,
    bases: Sequence[Point],
    bounds: Bounds,
) -> list[Point]:
    """Up to `count` points, the same for the same seed, that assumptions and `bounds` of the symbols admit.

    `bases` are ordinary points, from which one symbol at a time is moved.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> found = stressed(graph_of([sp.Abs(x - 3)]), [x], 20, 0, "float64", [{x: 1.0}], {})
    >>> 3.0 in [point[x] for point in found]
    True
    """
    generator = np.random.default_rng([seed, 1])
    kinds = (_at_roots(graph, symbols, bases), _extreme(generator, symbols, dtype, bases))
    found: dict[tuple[float, ...], Point] = {}
    for point in itertools.chain.from_iterable(itertools.zip_longest(*kinds)):
        if len(found) >= count:
            break
        if point is None:
            continue
        typed = {symbol: typeable(point[symbol], dtype) for symbol in symbols}
        if all(admitted(symbol, value, bounds) for symbol, value in typed.items()):
            found.setdefault(tuple(typed.values()), typed)
    return list(found.values())


def typeable(value: float, dtype: str) -> float:
    """The shortest decimal that is read back as this number of the dtype.

    >>> typeable(0.1 + 0.2, "float64"), typeable(1 / 3, "float32")
    (0.30000000000000004, 0.33333334)
    """
    with np.errstate(over="ignore", under="ignore"):
        return float(np.format_float_scientific(np.dtype(dtype).type(value)))


def _extreme(
    generator: np.random.Generator, symbols: Sequence[sp.Symbol], dtype: str, bases: Sequence[Point]
) -> Iterator[Point]:
    """Points of tiny and huge magnitude: in one symbol at a time, then in all of them."""
    small, large = map(np.log10, RANGES[dtype])
    for k in range(10_000):
        base = bases[k % len(bases)]
        # every second one moderately far out, where things are about to overflow in exp or to underflow in squares
        reach = 1.0 if k % 2 else 0.1
        moved = symbols if k % 4 == 3 else [symbols[(k // 2) % len(symbols)]]
        point = dict(base)
        for symbol in moved:
            magnitude = 10.0 ** generator.uniform(small * reach, large * reach)
            sign = -1.0 if _may_be_negative(symbol) and generator.random() < 0.5 else 1.0
            # two digits, so that it is quickly typed in
            value = float(f"{sign * magnitude:.1e}")
            point[symbol] = float(np.sign(value) * np.ceil(abs(value))) if symbol.is_integer else value
        yield point


def _may_be_negative(symbol: sp.Symbol) -> bool:
    return not symbol.is_nonnegative


def _at_roots(graph: Graph, symbols: Sequence[sp.Symbol], bases: Sequence[Point]) -> Iterator[Point]:
    """Points where a critical quantity vanishes, first the roots themselves, then those beside them."""
    roots = list(_roots(graph, symbols, bases[:BASES]))
    for part in BESIDE:
        for place, symbol, root in roots:
            # a kink at a decimal is hit exactly only if it is written as one
            rounded = float(f"{root:.6g}")
            exact = rounded if abs(rounded - root) <= 1e-12 * abs(root) else root
            step = part * (abs(exact) or 1.0)
            yield place | {symbol: exact + step}
            if part == 0.0:
                yield place | {symbol: float(np.nextafter(exact, np.inf))}


def _roots(
    graph: Graph, symbols: Sequence[sp.Symbol], bases: Sequence[Point]
) -> Iterator[tuple[Point, sp.Symbol, float]]:
    quantities = list(itertools.islice(_quantities(graph), MOST_QUANTITIES))
    moving = [symbol for symbol in symbols if symbol in graph.inputs]
    brackets: list[tuple[Point, sp.Symbol, int, float, float]] = []
    for base in bases:
        for symbol in moving:
            values = forward(graph, base | {symbol: GRID})
            for q, (step, kind) in enumerate(quantities):
                found = _quantity(step, kind, values, len(GRID))
                with np.errstate(all="ignore"):
                    turns = np.flatnonzero((np.sign(found[:-1]) * np.sign(found[1:]) < 0) | (found[1:] == 0.0))
                # far out many brackets are periods of one wave: the nearest to one say as much
                near = sorted(turns.tolist(), key=lambda k: abs(np.log10(abs(GRID[k + 1]) + 1e-7)))[:4]
                brackets += [(base, symbol, q, float(GRID[k]), float(GRID[k + 1])) for k in near]
    brackets = brackets[:: max(1, len(brackets) // MOST_ROOTS)][:MOST_ROOTS]
    low, high = (np.array([bracket[k] for bracket in brackets]) for k in (3, 4))
    ends = _bisected(graph, symbols, quantities, brackets, low, high)
    for (base, symbol, *_), root in zip(brackets, ends.tolist(), strict=True):
        yield base, symbol, root


def _bisected(
    graph: Graph,
    symbols: Sequence[sp.Symbol],
    quantities: Sequence[tuple[Application, Any]],
    brackets: Sequence[tuple[Point, sp.Symbol, int, float, float]],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    def at(moved: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = zip(brackets, moved.tolist(), strict=True)
        places = [base | {symbol: value} for (base, symbol, *_), value in rows]
        values = forward(graph, {s: np.array([place[s] for place in places]) for s in symbols})
        found = np.zeros(len(moved))
        for q in {bracket[2] for bracket in brackets}:
            mine = np.array([bracket[2] == q for bracket in brackets])
            found[mine] = _quantity(*quantities[q], values, len(moved))[mine]
        return found

    if not brackets:
        return low
    with np.errstate(all="ignore"):
        left, right = at(low), at(high)
        done = right == 0.0
        for _ in range(BISECTIONS):
            middle = np.where(done, high, low + (high - low) / 2)
            if np.all(done | (middle == low) | (middle == high)):
                break
            value = at(middle)
            same = np.sign(value) == np.sign(left)
            hit = (value == 0.0) & ~done
            low, high = np.where(same & ~done, middle, low), np.where(~same & ~done, middle, high)
            done = done | hit
    return high


def _quantities(graph: Graph) -> Iterator[tuple[Application, Any]]:
    """Each application with what vanishes where it turns: "difference", or (position, value) of one operand."""
    for step in graph.applications:
        name = step.function.name
        if name in TWO_SIDED:
            yield step, "difference"
        if name in AT_ZERO:
            yield step, (0, 0.0)
        if name in ("floor", "ceiling", "frac", "Mod"):
            yield step, "step"
        for position, domain in enumerate(step.function.domain_of(step.static)):
            if domain.truth or step.operands[position] in graph.constants:
                continue
            ends = (domain.low, domain.high, *domain.excluded, *(domain.gap or ()))
            for end in dict.fromkeys(end for end in ends if np.isfinite(end)):
                if not (name in AT_ZERO and end == 0.0):
                    yield step, (position, float(end))


def _quantity(step: Application, kind: Any, values: Sequence[Any], count: int) -> NDArray[np.float64]:
    operands = [np.asarray(values[i], np.float64) for i in step.operands]
    with np.errstate(all="ignore"):
        if kind == "difference":
            found = operands[0] - operands[1]
        elif kind == "step":
            # changes its sign at every integer that is passed
            ratio = operands[0] / operands[1] if len(operands) > 1 else operands[0]
            found = np.sin(np.pi * ratio)
        else:
            position, end = kind
            found = operands[position] - end
    return np.broadcast_to(found, (count,))
