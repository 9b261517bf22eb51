"""A function beside its SymPy definition: its value, and its derivatives by each of JAX's modes, point by point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import sympy as sp

from compare import judging, provenance
from compare.assertions import callables
from compare.assertions.callables import SCALE, Answers
from compare.assertions.callee import Callee, read_callee
from compare.assertions.function_row import FunctionRow, Told, along_all, decided_rows, judged
from compare.bounds.graph import SAFETY
from compare.checking import check
from compare.comparison import Comparison
from compare.formula import as_text
from compare.points import At, Point
from compare.row import Row
from compare.subject import Subject, places, read_subject
from compare.verdict import Verdict
from symdiff.errors import InputError, OptionError, UnsupportedError
from symdiff.from_sympy import graph_of
from symdiff.gradients import Wrt

# beside drawn points: where a rule that was written for the general case forgets a special one
PLAIN = (0.0, 1.0, -1.0)
VALUE = "value"


def check_function(
    f: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    definition: Any,
    wrt: Wrt | None,
    args: Any,
    at: At | Sequence[At] | None,
    points: int,
    seed: int,
    dtypes: Sequence[str],
    elementwise: bool,
) -> Comparison:
    """Rows for the value and each partial, by each mode, at each point, in each dtype.

    Of drawn points those are left out at which no verdict can be had in a dtype.
    """
    asked = read_subject(definition, wrt)
    array = next((symbol for symbol in asked.symbols if not isinstance(symbol, sp.Symbol)), None)
    if array is not None:
        raise OptionError(
            f"the definition holds the array {array}; give one of numbers, or compare it by compare.check"
        )
    callee = read_callee(f, asked.symbols, args, elementwise)
    asked = replace(asked, symbols=callee.symbols, wrt=asked.wrt if wrt is not None else callee.symbols)
    common: dict[str, Any] = {
        "subject": callee.name,
        "expression": as_text(asked.expression),
        "wrt": (VALUE, *map(str, asked.wrt)),
        "dtype": " and ".join(dtypes),
        "versions": provenance.versions(),
        "constants": judging.constants(dtypes[0]),
        "model": asked.expression,
    }
    try:
        graph = graph_of([asked.expression])
    except UnsupportedError as error:
        rows = tuple(Row.without_numbers(str(symbol), Verdict.UNSUPPORTED, str(error)) for symbol in asked.wrt)
        return Comparison(**common, rows=rows)
    drawn = at is None and asked.drawn
    at_given = places(asked, graph, at, int(points), int(seed)) + (_plain(callee.symbols) if drawn else [])
    rows, facts = [], {}
    for dtype in dtypes:
        with jax.enable_x64(True):
            found, notes = _rows(callee, gradient, asked, at_given, dtype)
        facts |= notes
        rows += decided_rows(found) if drawn else found
    return Comparison(**common, rows=tuple(rows), seed=int(seed) if drawn else None, facts=facts)


def _plain(symbols: Sequence[sp.Symbol]) -> list[Point]:
    return [dict.fromkeys(symbols, u) for u in PLAIN if all(_allowed(symbol, u) for symbol in symbols)]


def _allowed(symbol: sp.Symbol, number: float) -> bool:
    wrong = (symbol.is_nonnegative and number < 0) or (symbol.is_nonpositive and number > 0)
    return not (wrong or (symbol.is_nonzero and number == 0))


def _rows(
    callee: Callee, gradient: Callable[..., Any] | None, asked: Subject, at: Sequence[Point], dtype: str
) -> tuple[list[FunctionRow], dict[str, str]]:
    truths = _truths(asked, at, dtype)
    columns = [np.array([truth[0].at[s.name] for truth in truths], dtype) for s in callee.symbols]
    values = callables.values(callee, columns)
    modes = {"jax.vjp": callables.reverse(callee, columns), "jax.jvp": callables.forward(callee, columns)}
    missing = {name: mode.why for name, mode in modes.items() if mode.numbers is None}
    if gradient is not None:
        modes["gradient"] = callables.claimed(callee, gradient, columns)
    elif len(missing) == len(modes):
        raise InputError(f"JAX cannot differentiate {callee.name}: {missing['jax.vjp']}; write it with jax.numpy")
    facts = {f"{name} of {callee.name}": f"not there: {why}" for name, why in missing.items()}
    rows: list[FunctionRow] = []
    for k, truth in enumerate(truths):
        place = {name: u for name, u in truth[0].at.items() if name in {s.name for s in callee.symbols}}
        rows.append(judged(truth[0], list(_told(VALUE, values, 0, k)), VALUE, place, dtype))
        for name, answers in modes.items():
            if answers.numbers is not None:
                rows += _of_mode(name, answers, callee, asked, truth[1:], (k, place), dtype)
    return rows, facts


def _of_mode(
    name: str,
    answers: Answers,
    callee: Callee,
    asked: Subject,
    truths: Sequence[Row],
    where: tuple[int, Mapping[str, float]],
    dtype: str,
) -> Iterator[FunctionRow]:
    k, place = where
    for symbol, truth in zip(asked.wrt, truths, strict=True):
        i = callee.symbols.index(symbol)
        yield judged(truth, list(_told(name, answers, i, k)), str(symbol), place, dtype)
    # a rule that multiplies two tangents gives nothing along either of them
    if name == "jax.jvp" and len(asked.wrt) == len(callee.symbols) > 1:
        total = along_all(truths, dtype)
        if total is not None:
            label = f"({', '.join(['1'] * len(asked.wrt))})"
            yield judged(total, list(_told("jax.jvp", answers, -1, k)), f"direction {label}", place, dtype)


def _told(name: str, answers: Answers, i: int, k: int) -> Iterator[Told]:
    bound = None if answers.bound is None else SAFETY * float(answers.bound[i, k])
    number = float(answers.present[i, k])
    yield Told(name, number, bound)
    if answers.scaled is not None and not _same(number, scaled := float(answers.scaled[i, k])):
        what = "cotangent" if name == "jax.vjp" else "tangent"
        yield Told(f"{name}, {what} {SCALE:g}, divided by it", scaled, bound)


def _same(u: float, v: float) -> bool:
    return u == v or (u != u and v != v)


def _truths(asked: Subject, at: Sequence[Point], dtype: str) -> list[list[Row]]:
    """For each point the referee's row for the value and for each partial.

    The value of f is the partial of s*f in s, and at s = 1 its other partials are those of f; the condition number of
    each is greater by one.
    """
    taken = {symbol.name for symbol in (*asked.symbols, *asked.wrt)}
    scale = sp.Symbol(next(name for name in (VALUE, "scale", "factor_of_the_value") if name not in taken), real=True)
    together = [place | {scale: 1.0} for place in at]
    found = check(scale * asked.expression, wrt=(scale, *asked.wrt), at=together, dtype=dtype)
    width = 1 + len(asked.wrt)
    rows = [row if row.wrt == scale.name else _without_scale(row) for row in found.rows]
    return [rows[start : start + width] for start in range(0, len(rows), width)]


def _without_scale(row: Row) -> Row:
    return row if row.kappa is None else replace(row, kappa=max(0.0, row.kappa - 1.0))
