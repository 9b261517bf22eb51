"""A function without a definition: its derivatives beside each other and beside central differences of itself.

Nothing here is certified. Central differences at steps h, h/2, h/4, ... are extrapolated to h = 0, and their error is
estimated from how far the extrapolations lie apart and from what rounding makes of f at each step. In float32 the
derivatives are compared with those in float64 at the same points.

Source: Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in Engineering Software 4 (2), 1982.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare import differences, judging, points, provenance
from compare.assertions import callables
from compare.assertions.callables import SCALE, Answers
from compare.assertions.callee import Callee, parameter_names, read_callee
from compare.assertions.function_row import FunctionRow, decided_rows
from compare.bounds.graph import SAFETY
from compare.comparison import Comparison
from compare.row import Enclosure
from compare.verdict import Verdict
from symdiff.errors import InputError, OptionError
from symdiff.graph import Graph

Array = NDArray[np.float64]
# step of the directional change that tells the condition number
NUDGE = 1e-4
# rounding errors of the function, in eps, that no difference is blamed for
GRAIN = 64.0
NOTE = "no certified referee: compared with central differences of the function itself"


def check_alone(
    f: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    args: Any,
    at: Any,
    count: int,
    seed: int,
    dtypes: Sequence[str],
    elementwise: bool,
) -> Comparison:
    """Rows for each partial by each mode; a verdict `agree` means no more than that two of them agree."""
    symbols = _symbols(f, args)
    callee = read_callee(f, symbols, args, elementwise)
    at_given = points.mappings(at) if at is not None else []
    given = [points.given(mapping, callee.symbols) for mapping in at_given] or _drawn(callee.symbols, count, seed)
    facts = {"referee": NOTE}
    rows: list[FunctionRow] = []
    with jax.enable_x64(True):
        for dtype in dtypes:
            columns = [np.array([place[s] for place in given], dtype) for s in callee.symbols]
            wide = [column.astype(np.float64) for column in columns]
            modes = {"jax.vjp": callables.reverse(callee, columns), "jax.jvp": callables.forward(callee, columns)}
            missing = {name: mode.why for name, mode in modes.items() if mode.numbers is None}
            facts |= {f"{name} of {callee.name}": f"not there: {why}" for name, why in missing.items()}
            if gradient is not None:
                modes["gradient"] = callables.claimed(callee, gradient, columns)
            elif len(missing) == len(modes):
                callables.values(callee, columns)
                raise InputError(f"JAX cannot differentiate {callee.name}: {missing['jax.vjp']}; write it in jax.numpy")
            found = _rows(callee, modes, columns, wide, dtype)
            rows += found if at is not None else decided_rows(found)
    wrt = tuple(str(symbol) for symbol in callee.symbols)
    return Comparison(
        callee.name,
        f"{callee.name}({', '.join(wrt)})",
        wrt,
        " and ".join(dtypes),
        tuple(rows),
        seed=int(seed) if at is None else None,
        facts=facts,
        versions=provenance.versions(),
    )


def _symbols(f: Callable[..., Any], args: Any) -> tuple[sp.Symbol, ...]:
    if args is not None:
        return ()
    names = parameter_names(f)
    if not names:
        raise OptionError("the arguments of the function cannot be read; give args, one name for each argument")
    return tuple(sp.Symbol(name, real=True) for name in names)


def _drawn(symbols: Sequence[sp.Symbol], count: int, seed: int) -> list[points.Point]:
    from symdiff.from_sympy import graph_of

    graph: Graph = graph_of([sp.Add(*symbols)])
    return points.seeded(graph, symbols, count, seed)


def _rows(
    callee: Callee, modes: Mapping[str, Answers], columns: Sequence[NDArray[Any]], wide: Sequence[Array], dtype: str
) -> list[FunctionRow]:
    rows: list[FunctionRow] = []
    values = callables.values(callee, wide)
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    for i, symbol in enumerate(callee.symbols):
        slope, error, sides = _slope(callee, wide, i, values)
        kappa = _kappa(callee, wide, i)
        scale = np.abs(values.present[0]) / np.where(wide[i] == 0.0, 1.0, np.abs(wide[i]))
        for name, answers in modes.items():
            if answers.numbers is None:
                continue
            for k in range(len(slope)):
                at = {s.name: float(column[k]) for s, column in zip(callee.symbols, columns, strict=True)}
                number = float(answers.numbers[i, k])
                if answers.scaled is not None and not _linear(number, float(answers.scaled[i, k])):
                    number = float(answers.scaled[i, k])
                    name = f"{name.split(',')[0]}, by {SCALE:g}, divided by it"
                own = 0.0 if answers.bound is None else SAFETY * float(answers.bound[i, k])
                own = own if math.isfinite(own) else 0.0
                size = abs(float(slope[k]))
                allowed = (
                    differences.MARGIN * float(error[k])
                    + own
                    + judging.FORCED * eps * (1 + float(kappa[k])) * size
                    + tiny
                )
                rows.append(
                    _row(symbol.name, at, name, number, float(slope[k]), allowed, float(scale[k]), sides[k], dtype)
                )
    return rows


def _linear(once: float, scaled: float) -> bool:
    return once == scaled or (math.isnan(once) and math.isnan(scaled))


def _row(
    wrt: str,
    at: Mapping[str, float],
    source: str,
    number: float,
    slope: float,
    allowed: float,
    scale: float,
    sides: tuple[float, float] | None,
    dtype: str,
) -> FunctionRow:
    estimate = Enclosure(slope if math.isfinite(slope) else None, allowed, f"{slope:.15g}")
    kind, reason, slopes = Verdict.AGREE, "", None
    error: float | None = abs(number - slope)
    if sides is not None:
        kind, error, slopes = Verdict.UNDEFINED, None, sides
        reason = f"the slopes on both sides differ: {sides[0]:.6g} and {sides[1]:.6g}; {source} returns {number:.6g}"
    elif not math.isfinite(slope) or not math.isfinite(allowed):
        kind, error, reason = Verdict.UNDECIDED, None, "the function is not finite around this point"
    elif math.isinf(number) and number * slope > 0 and abs(slope) + allowed > float(np.finfo(dtype).max):
        # beyond the range of the dtype
        error = 0.0
    elif math.isnan(number) or abs(number - slope) > allowed:
        kind = Verdict.DISAGREE
        reason = (
            f"{source} is off by {abs(number - slope):.3g}, where the differences and rounding explain {allowed:.3g}"
        )
    if kind is Verdict.AGREE and allowed > differences.BLIND * max(abs(slope), abs(number), scale):
        # what may be anything is neither right nor wrong
        kind, error, reason = Verdict.UNDECIDED, None, "central differences are too coarse here"
    nothing = Enclosure(None, None, None)
    return FunctionRow(
        wrt=wrt,
        at=at,
        symbolic=None,
        autodiff=None,
        chain=None,
        referee=nothing if kind in (Verdict.UNDEFINED, Verdict.UNDECIDED) else estimate,
        verdict=kind,
        error=error,
        tolerance=allowed if math.isfinite(allowed) else None,
        kappa=None,
        reason=reason,
        slopes=slopes,
        claim=number,
        claimed=True,
        source=source,
        dtype=dtype,
        certified=False,
    )


def _slope(
    callee: Callee, columns: Sequence[Array], i: int, values: Answers
) -> tuple[Array, Array, list[tuple[float, float] | None]]:
    """The slope in the i-th coordinate, an estimate of its error, and the one-sided slopes where they differ."""
    noise = np.zeros_like(columns[i]) if values.bound is None else np.nan_to_num(values.bound[0], posinf=0.0)
    slope, error = differences.slope(lambda given: _values(callee, given), columns, i, noise)
    return slope, error, _kinks(callee, columns, i)


def _values(callee: Callee, columns: Sequence[Array]) -> Array:
    return callables.values(callee, list(columns)).present[0]


def _moved(callee: Callee, columns: Sequence[Array], i: int, by: Array) -> Array:
    return _values(callee, differences.moved(columns, i, by))


def _kinks(callee: Callee, columns: Sequence[Array], i: int) -> list[tuple[float, float] | None]:
    """One-sided slopes where they stay apart as the step shrinks: a kink, as far as differences can tell."""
    x = columns[i]
    middle = _moved(callee, columns, i, np.zeros_like(x))
    apart: list[Array] = []
    left = right = noise = np.zeros_like(x)
    with np.errstate(all="ignore"):
        for rung in (14, 16):
            h = differences.steps(x, 1.0) * 0.5**rung
            right = (_moved(callee, columns, i, h) - middle) / h
            left = (middle - _moved(callee, columns, i, -h)) / h
            apart.append(np.abs(right - left))
            # what rounding alone makes of the two slopes
            noise = GRAIN * np.finfo(np.float64).eps * np.abs(middle) / h
        size = np.maximum(np.abs(left), np.abs(right))
        # of a smooth function the gap shrinks with the step, by 4 here
        kink = (apart[1] > 0.5 * apart[0]) & (apart[1] > 1e-3 * size + noise)
    return [(float(a), float(b)) if is_kink else None for a, b, is_kink in zip(left, right, kink, strict=True)]


def _kappa(callee: Callee, columns: Sequence[Array], i: int) -> Array:
    """Condition number of a partial, from how it changes as each coordinate is nudged; 0 where that fails."""
    here = callables.reverse(callee, columns).numbers
    if here is None:
        return np.zeros_like(columns[i])
    total = np.zeros_like(columns[i])
    with np.errstate(all="ignore"):
        for k in range(len(columns)):
            moved = [column * (1 + NUDGE) if j == k else column for j, column in enumerate(columns)]
            there = callables.reverse(callee, moved).numbers
            total += 0.0 if there is None else np.abs((there[i] - here[i]) / (NUDGE * here[i]))
    return np.nan_to_num(total, nan=0.0, posinf=0.0)
