"""The claimed and the true numbers at a point, as balls: a formula is enclosed, a callable called.

A formula is judged in exact arithmetic, so its rounding is no matter. A callable is judged by the floats that it
returns, and, where these are off, by what it makes of balls, if it takes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import BuiltinFunctionType, FunctionType, SimpleNamespace
from typing import Any, cast

import numpy as np
import sympy as sp

from compare.certified import one_sided
from compare.certified.balls import Ball, array, exact
from compare.certified.referee import PRECISIONS, judge
from compare.certified.regularity import faults
from compare.claims.reading import Call
from compare.formula import visible
from compare.points import Point
from compare.truth import Truth
from symdiff.errors import OptionError
from symdiff.graph import Graph
from symdiff.precision import working

# an enclosure narrower than this, the smallest float, is that of a zero
NOTHING = 2.0**-1074
# relative width at which the enclosure of a claim decides
NARROW = 2.0**-60


def truths(graph: Graph, points: Sequence[Point], wrt: Sequence[sp.Symbol], sides: bool) -> list[list[Truth]]:
    """The true partials at points, one list a symbol; with `sides`, slopes at kinks are worked out.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> ((truth,),) = truths(graph_of([x**2]), [{x: 3.0}], [x], sides=False)
    >>> float(truth.ball)
    6.0
    """
    judged = judge(graph, points, wrt, np.full((len(wrt), len(points)), NOTHING))
    columns: list[list[Truth]] = []
    for k, symbol in enumerate(wrt):
        column: list[Truth] = []
        for point, found in zip(points, judged, strict=True):
            if found.undecided is not None or (found.irregular is not None and not sides):
                column.append(Truth(None, note=found.undecided or found.irregular or ""))
            elif found.irregular is None:
                column.append(Truth(found.partials[k].ball, found.partials[k].kappa))
            else:
                column.append(Truth.between(found.irregular, one_sided.slopes(graph, point, symbol)))
        columns.append(column)
    return columns


@dataclass(frozen=True)
class Found:
    """A claim at one point: its ball and number; `equal` to the truth, or None where that is open or there is none."""

    ball: Ball
    number: float | None
    equal: bool | None
    note: str = ""


def enclosures(graph: Graph, points: Sequence[Point]) -> list[list[Any]]:
    """Balls of every node at every point, at the present precision."""
    import flint

    count = len(points)
    values: list[Any] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = [flint.arb(point[symbol]) for point in points]
    for node, constant in graph.constants.items():
        values[node] = [exact(constant)] * count
    for node, function, operands, static in graph.applications:
        columns = [values[i] for i in operands]
        values[node] = [function.ball(*row, *static) for row in zip(*columns, strict=True)]
    return values


def formula_found(graph: Graph, points: Sequence[Point], column: Sequence[Truth]) -> list[Found]:
    """Compare a formula with the truth where there is one, raising precision until that is decided."""
    found: list[Found] = [Found(None, None, None)] * len(points)
    pending = list(range(len(points)))
    for bits in PRECISIONS:
        with working(bits):
            values = enclosures(graph, [points[k] for k in pending])[graph.outputs[0]]
            for k, value in zip(pending, values, strict=True):
                found[k] = compared(value, column[k].ball)
        pending = [k for k in pending if found[k].equal is None and (column[k].ball is not None or bits < 512)]
        if not pending:
            return found
        if bits == 512:
            # what is not finite by now is looked at as such
            for k in [k for k in pending if found[k].ball is None]:
                found[k] = _absent(graph, points[k], column[k].ball)
            pending = [k for k in pending if found[k].ball is not None and found[k].equal is None]
    return found


def compared(value: Ball, truth: Ball | None, nothing: float = NOTHING) -> Found:
    """A claimed ball beside the true one: equal where both are narrow, or no wider than `nothing`, and overlap."""
    if value is None or not value.is_finite():
        return Found(None, None, None)
    if truth is None:
        return Found(value, float(value), None)
    if not value.overlaps(truth):
        return Found(value, float(value), equal=False)
    narrow = value.rad() <= nothing or bool(value.rad() <= abs(truth.mid()) * NARROW)
    return Found(value, float(value), True if narrow else None)


def _absent(graph: Graph, point: Point, truth: Ball | None) -> Found:
    """A claim that has no finite enclosure: undefined for certain, for its form alone, or an open question."""
    if truth is None:
        return Found(None, None, None)
    with working(512):
        value = one_sided.value_at(graph, point)
        if value.is_finite():
            return compared(value, truth)
        columns = [array(column, 1) for column in enclosures(graph, [point])]
        fault = faults(graph, graph.applications, columns, [point]).get(0)
    limits = [one_sided.limit(graph, point, symbol, sign) for symbol in graph.inputs for sign in (-1, 1)]
    if limits and all(limit is not None and limit.overlaps(truth) for limit in limits):
        return Found(
            truth,
            None,
            equal=True,
            note="only the claim's form is undefined here (a removable 0/0): its limit is the derivative",
        )
    if fault is not None and fault.certain:
        return Found(
            None, None, equal=False, note=f"the claim is undefined here, where the derivative exists: {fault.what}"
        )
    return Found(None, None, None, note="whether the claim has a value here is open")


def called(call: Call, points: Sequence[Point], dtype: str) -> list[tuple[float, str]]:
    """What a callable returns at each point, in its dtype, and a note where that is an error or no number.

    Raises OptionError for what is no claim: another shape, no number, an exception that is not about numbers.
    """
    kind = np.dtype(dtype).type
    return [_once(call, {s: kind(point[s]) for s in call.symbols}) for point in points]


def _once(call: Call, values: Mapping[sp.Symbol, Any]) -> tuple[float, str]:
    try:
        with np.errstate(all="ignore"):
            result = _applied(call, values)
    except (ArithmeticError, ValueError) as error:
        return math.nan, f"the claim raises {type(error).__name__} ({visible(str(error), 60)})"
    except Exception as error:
        where = ", ".join(f"{s}={float(v)!r}" for s, v in values.items())
        raise OptionError(
            f"the claim raises {type(error).__name__} at {where}: {visible(' '.join(str(error).split()), 120)}"
        ) from None
    try:
        numbers = np.asarray(result)
        numbers = (
            np.asarray(numbers, np.float64)
            if numbers.dtype.kind in "biuf"
            or numbers.dtype.name == "bfloat16"
            or (numbers.dtype.kind == "O" and all(hasattr(n, "__float__") for n in numbers.flat))
            else None
        )
    except (TypeError, ValueError):
        numbers = None
    if numbers is None:
        raise OptionError(f"the claim returns {visible(repr(result), 60)}; it must return {_wanted(call)}")
    if numbers.size != call.parts or numbers.ndim > 1:
        raise OptionError(f"the claim returns an array of shape {numbers.shape}; it must return {_wanted(call)}")
    number = float(numbers.reshape(-1)[call.part])
    return number, "" if math.isfinite(number) else f"the claim gives {number}"


def _wanted(call: Call) -> str:
    return "one real number" if call.parts == 1 else f"{call.parts} real numbers, one for each symbol in wrt"


def _applied(call: Call, values: Mapping[sp.Symbol, Any]) -> Any:
    if call.by_name:
        return call.function(**{symbol.name: value for symbol, value in values.items()})
    return call.function(*values.values())


def in_balls(call: Call, point: Point) -> Ball | None:
    """What a callable makes of balls, at the present precision; None where it does not take them.

    NumPy's functions of an object call its method of that name, and a ball has them; so do, in a copy of the callable,
    those of the module `math`.
    """
    import flint

    try:
        call = replace(call, function=_without_math(call.function))
        result: Any = _applied(call, {s: flint.arb(point[s]) for s in call.symbols})
        if call.parts > 1:
            result = cast("Sequence[Any]", result)[call.part]
    except Exception:  # whatever a callable does with arguments that it was not written for
        return None
    if isinstance(result, np.ndarray) and result.size == 1:
        result = result.reshape(-1)[0]
    return result if isinstance(result, flint.arb) and result.is_finite() else None


def _by_method(name: str) -> Callable[..., Any]:
    """A function of `math` as the method of that name, for balls."""
    powers = {"pow": lambda u, v: u**v, "fabs": abs}
    return powers.get(name) or (
        lambda u, *rest: getattr(u, name)(*rest) if hasattr(u, name) else getattr(math, name)(u, *rest)
    )


def _without_math(function: Callable[..., Any]) -> Callable[..., Any]:
    """A copy of a Python function, or of one of `math`, in which `math` knows balls."""
    if isinstance(function, BuiltinFunctionType) and function.__module__ == "math":
        return _by_method(function.__name__)
    if not isinstance(function, FunctionType):
        return function
    methods = {name: _by_method(name) if callable(getattr(math, name)) else getattr(math, name) for name in dir(math)}
    shim = SimpleNamespace(**methods)

    def known(value: Any) -> Any:
        if value is math:
            return shim
        of_math = isinstance(value, BuiltinFunctionType) and value.__module__ == "math"
        return methods.get(value.__name__, value) if of_math else value

    names = set(function.__code__.co_names)
    replaced = {**function.__globals__, **{n: known(v) for n, v in function.__globals__.items() if n in names}}
    copy = FunctionType(function.__code__, replaced, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy
