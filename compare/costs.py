"""What a derivative costs by each route, and from how many calls on deriving it first pays.

A route takes `setup` seconds before its first answer (deriving, tracing, compiling) and `call` seconds for each one, so
n answers take setup + n*call: two routes are two lines, and where they cross is the break-even.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import jax
import numpy as np
import sympy as sp

from symdiff.errors import OptionError, UnsupportedError
from symdiff.from_sympy import as_expression, free_symbols
from symdiff.gradients import Gradient, curved, gradient
from symdiff.graph import Graph
from symdiff.jacobians import hessian
from symdiff.routes import ROUTES, Route, value_and_gradient
from symdiff.sparsity import pattern_of
from symdiff.symbol_lookup import Wrt

# operations of the model, written out, times partials: what sympy.diff is still asked for, a second or so
MOST_RAW = 5_000
# entries of a Hessian that is still derived to be counted, some ten seconds
MOST_ENTRIES = 100_000
# the tape machine takes memory for each, and some seconds to derive
MOST_COMPILED = 1_000_000
ROUNDS, ROUND_SECONDS = 7, 0.02


@dataclass(frozen=True)
class Operations:
    """Operations of a model and its derivatives.

    `shared` counts each computed once, as they are run; `written` as trees, as they print: the model's from its graph,
    the derivatives' as `sympy.count_ops` counts what `sympy.diff` gives. The gradient's include the value's; None
    where counting would take too long.
    """

    shared: Mapping[str, int | None]
    written: Mapping[str, int | None]


@dataclass(frozen=True)
class RouteCost:
    """Seconds of one route: `setup` from the expression to the first answer, less a call; `call` the median of calls.

    None, with a `reason`, where it was not run.
    """

    route: Route
    setup: float | None
    call: float | None
    reason: str | None = None


@dataclass(frozen=True)
class BreakEven:
    """Costs of value and gradient by each route at `points` points a call, and where the symbolic route pays.

    `pays[route]` is the least number of calls after which the symbolic route has taken less time than that route, 1
    where it is ahead from the first answer and None where it never is; `until[route]` the most calls up to which it is
    ahead, None where it stays so.
    """

    wrt: tuple[str, ...]
    points: int
    operations: Operations
    routes: tuple[RouteCost, ...]
    pays: Mapping[str, int | None]
    until: Mapping[str, int | None]

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON data, times in seconds."""
        return asdict(self)

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def __str__(self) -> str:
        lines = [f"{'operations':<12}{'shared':>12}{'written out':>14}"]
        for name, count in self.operations.shared.items():
            written = self.operations.written[name]
            lines.append(f"{name:<12}{_grouped(count):>12}{_grouped(written):>14}")
        lines += ["", f"{'route':<12}{'first answer':>14}{'then a call':>14}  symbolic pays"]
        for cost in self.routes:
            if cost.setup is None or cost.call is None:
                lines.append(f"{cost.route:<12}  {cost.reason}")
                continue
            first, call = in_seconds(cost.setup + cost.call), in_seconds(cost.call)
            lines.append(f"{cost.route:<12}{first:>14}{call:>14}  {self.paid(cost.route)}".rstrip())
        return "\n".join(lines)

    def paid(self, route: str) -> str:
        """From how many calls on the symbolic route has taken less time than this one, in words; "" for itself."""
        if route not in self.pays:
            return ""
        start, end = self.pays[route], self.until[route]
        if start is None:
            return "never"
        begun = "from the first call on" if start == 1 else f"from {start:,} calls on"
        return begun if end is None else f"up to {end:,} calls"


def crossing(first: tuple[float, float], second: tuple[float, float]) -> tuple[int | None, int | None]:
    """From how many and up to how many calls the first (setup, call) takes less time than the second in all.

    >>> crossing((3.0, 1.0), (1.0, 2.0)), crossing((1.0, 2.0), (3.0, 1.0))
    ((3, None), (1, 1))
    >>> crossing((1.0, 1.0), (2.0, 2.0)), crossing((2.0, 2.0), (1.0, 1.0))
    ((1, None), (None, None))
    """
    extra, gain = first[0] - second[0], second[1] - first[1]
    if gain > 0:
        return max(1, math.floor(extra / gain) + 1), None
    if gain == 0:
        return (1, None) if extra < 0 else (None, None)
    last = math.ceil(extra / gain) - 1
    return (1, last) if last >= 1 else (None, None)


def break_even(
    expr: Any, wrt: Wrt, points: int = 1, routes: Sequence[Route] = ROUTES, seed: int = 0, largest: int = MOST_COMPILED
) -> BreakEven:
    """Count the operations of an expression and its derivatives, and time value and gradient by each route.

    Args:
        expr: an expression or formula text.
        wrt: symbols or names to differentiate in.
        points: how many points a call computes.
        routes: the routes to time.
        seed: of the points, drawn between 0.5 and 1.5; the numbers do not matter to the times.
        largest: operations of a gradient beyond which a route that JAX runs is left out.

    Raises:
        OptionError: an unknown route, or points that is no positive whole number.
        SymbolError, UnsupportedError: as `symdiff.gradient`.

    >>> found = break_even("(w*x - y)**2", ["w"], routes=["chain"])
    >>> dict(found.operations.shared)
    {'model': 3, 'gradient': 5, 'hessian': 2}

    """
    unknown = [route for route in routes if route not in ROUTES]
    if unknown or not routes:
        given = f"holds {unknown[0]!r}" if unknown else "is empty"
        raise OptionError(f"routes {given}; choose from {', '.join(ROUTES)}")
    if not isinstance(cast(object, points), int) or points < 1:
        raise OptionError(f"points is {points!r}; give a whole number, 1 or more")
    expression = as_expression(expr, "the expression")
    first = gradient(expression, wrt)
    symbols = tuple(dict.fromkeys((*first.wrt, *free_symbols(expression))))
    draw = np.random.default_rng(seed)
    arrays = [draw.uniform(0.5, 1.5, points) if points > 1 else draw.uniform(0.5, 1.5) for _ in symbols]
    # what is built once for all expressions (tables, XLA itself) is nobody's setup
    for route in routes:
        value_and_gradient("x + 1", ["x"], route=route)(1.0)
    costs = tuple(_timed(expression, first, route, arrays, largest) for route in routes)
    known = {cost.route: (cost.setup, cost.call) for cost in costs if cost.setup is not None and cost.call is not None}
    own = known.get("symbolic")
    crossed = {route: crossing(own, other) for route, other in known.items() if own and route != "symbolic"}  # type: ignore[arg-type]
    return BreakEven(
        tuple(symbol.name for symbol in first.wrt),
        points,
        counted(expression, first),
        costs,
        {route: start for route, (start, _) in crossed.items()},
        {route: end for route, (_, end) in crossed.items()},
    )


def counted(expression: sp.Expr, first: Gradient) -> Operations:
    """Operations shared and written out; see `Operations`."""
    count, size = len(first.wrt), tree_operations(first.primal)
    taken, _ = curved(first)
    nonzeros = sum(map(len, pattern_of(taken, [taken.inputs.get(symbol, -1) for symbol in first.wrt])))
    second_count = hessian(expression, first.wrt).operations if nonzeros <= MOST_ENTRIES else None
    shared = {"model": first.primal.operation_count, "gradient": first.operations, "hessian": second_count}
    written: dict[str, int | None] = {"model": size, "gradient": None, "hessian": None}
    if size * count <= MOST_RAW:
        partials = [sp.diff(expression, symbol) for symbol in first.wrt]
        raw = sum(_ops(partial) for partial in partials)
        written["gradient"] = size + raw
        if raw * count <= MOST_RAW:
            second = [sp.diff(p, s) for k, p in enumerate(partials) for s in first.wrt[k:]]
            written["hessian"] = sum(map(_ops, second))
    return Operations(shared, written)


def tree_operations(graph: Graph) -> int:
    """Operations of the outputs of a graph if nothing were shared; exact however large.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> tree_operations(graph_of([sp.sin(x) * sp.sin(sp.sin(x))]))
    4
    """
    sizes = [0] * len(graph)
    for step in graph.applications:
        sizes[step.node] = 1 + sum(sizes[operand] for operand in step.operands)
    return sum(sizes[node] for node in graph.outputs)


def _ops(expression: sp.Expr) -> int:
    return int(sp.count_ops(expression))


def _timed(expression: sp.Expr, first: Gradient, route: Route, arrays: Sequence[Any], largest: int) -> RouteCost:
    if route != "chain" and first.operations > largest:
        reason = f"not run: {first.operations:,} operations, more than the limit of {largest:,}; raise `largest`"
        return RouteCost(route, None, None, reason)
    try:
        start = time.perf_counter()
        function = value_and_gradient(expression, first.wrt, route=route)
        jax.block_until_ready(function(*arrays))
        until_first = time.perf_counter() - start
    except UnsupportedError as error:
        return RouteCost(route, None, None, str(error))
    call = seconds_a_call(lambda: function(*arrays))
    return RouteCost(route, max(0.0, until_first - call), call)


def seconds_a_call(call: Callable[[], Any]) -> float:
    """Median over rounds of so many calls that a round takes a while; each result is waited for."""
    found: list[float] = []
    repeat = 1
    while len(found) < ROUNDS:
        start = time.perf_counter()
        for _ in range(repeat):
            jax.block_until_ready(call())
        seconds = time.perf_counter() - start
        if not found and seconds < ROUND_SECONDS and repeat < 10_000:
            repeat *= 4
            continue
        found.append(seconds / repeat)
    return statistics.median(found)


def _grouped(number: int | None) -> str:
    if number is None:
        return "not counted"
    return f"{number:,}" if number < 10**9 else f"{float(number):.1e}" if number < 10**300 else "over 1e300"


def in_seconds(seconds: float) -> str:
    """A time with three digits and its unit.

    >>> in_seconds(2.5e-5)
    '25 µs'
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
