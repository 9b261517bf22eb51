"""`check`: one definition, three routes, a referee, and a verdict for every partial derivative at every point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from compare import judging, one_sided, provenance, referee, rounding, rounding_chain, rounding_jaxpr
from compare import points as sampling
from compare.comparison import Comparison, Enclosure, Row
from compare.formula import as_text
from compare.verdict import Verdict
from symdiff.errors import OptionError, UnsupportedError
from symdiff.from_sympy import as_expression, free_symbols, graph_of
from symdiff.gradients import Gradient, Wrt, find_symbols
from symdiff.graph import Graph
from symdiff.guard import guarded
from symdiff.model import Model
from symdiff.routes import ROUTES, of_graph
from symdiff.symbolic import gradient_graph
from symdiff.to_sympy import expressions_of

DTYPES = ("float64", "float32")
# an enclosure this much narrower than the tolerance decides as well as a point would
NARROW = 2.0**-10
Array = np.ndarray[Any, Any]
Symbols = tuple[sp.Symbol, ...]


@dataclass(frozen=True)
class Subject:
    """What is checked: an expression in all its symbols, in which of them, what it is called, and where a model looks."""

    name: str
    expression: sp.Expr
    symbols: Symbols
    wrt: Symbols
    values: Mapping[sp.Symbol, float] = field(default_factory=dict[sp.Symbol, float])
    data: tuple[sampling.Point, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    derived: Gradient | None = None


def check(
    subject: Any,
    wrt: Wrt | None = None,
    at: sampling.At | Sequence[sampling.At] | None = None,
    points: int = 64,
    seed: int = 0,
    dtype: str = "float64",
    order: int = 1,
) -> Comparison:
    """Compare the three routes with the referee for every partial derivative of `subject`.

    Args:
        subject: an expression (or formula text), a `Gradient`, or a `Model`, of which the loss of one sample is checked.
        wrt: symbols or names; by default a model's parameters, else every symbol.
        at: one mapping or a list of mappings from symbols or names to numbers. A model fills in its parameters' values, and its
            data, row by row, where inputs and target are left out. Default: a model's data; else `points` seeded points.
        points: how many points to draw where none are given.
        seed: of the drawn points.
        dtype: "float64" or "float32": inputs are rounded to it first, and the referee takes the rounded ones as exact.
        order: 1, the gradient.

    Raises SymbolError, OptionError and their kin for bad input; an unsupported function is a verdict, not an error.

    >>> x = sp.Symbol("x", real=True)
    >>> c = check(sp.Abs(x) * sp.exp(x), at=[{"x": 1.5}, {"x": 0}])
    >>> [row.verdict.value for row in c.rows], c.rows[1].slopes, c.exit_code
    (['agree', 'undefined'], (-1.0, 1.0), 0)

    """
    if dtype not in DTYPES:
        raise OptionError(f"dtype is {dtype!r}; choose float64 or float32")
    if order != 1:
        raise OptionError(f"order is {order!r}; only the gradient, order 1, can be checked so far")
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or points < 1:
        raise OptionError(f"points is {points!r}; give a whole number of at least 1")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise OptionError(f"seed is {seed!r}; give a whole number of at least 0")
    asked = _subject(subject, wrt)
    drawn = at is None and not asked.data
    common: dict[str, Any] = {
        "subject": asked.name,
        "expression": as_text(asked.expression),
        "wrt": tuple(str(symbol) for symbol in asked.wrt),
        "dtype": dtype,
        "seed": int(seed) if drawn else None,
        "facts": dict(asked.facts),
        "constants": judging.constants(dtype),
        "versions": provenance.versions(),
        "command": provenance.command(asked.name, asked.wrt, at, points if drawn else None, seed, dtype),
    }
    try:
        graph = graph_of([asked.expression])
    except UnsupportedError as error:
        rows = tuple(Row.without_numbers(str(symbol), Verdict.UNSUPPORTED, str(error)) for symbol in asked.wrt)
        return Comparison(**common, rows=rows)
    places = [_rounded(place, dtype) for place in _places(asked, graph, at, int(points), int(seed))]
    derived = gradient_graph(graph, asked.wrt)
    formulas = dict(zip(common["wrt"], expressions_of(derived, derived.outputs[1:]), strict=True))
    operations = {"model": graph.operation_count, "model and gradient": derived.operation_count}
    rows = tuple(_rows(graph, asked, places, dtype))
    return Comparison(**common, rows=rows, model=asked.expression, formulas=formulas, operations=operations)


def _subject(subject: Any, wrt: Wrt | None) -> Subject:
    if isinstance(subject, Model):
        symbols = free_symbols(subject.loss)
        values = {symbol: parameter.value for symbol, parameter in subject.parameters.items()}
        data: tuple[sampling.Point, ...] = ()
        facts = {"checked": "the loss of one sample", "prediction": as_text(subject.prediction)}
        if subject.data is not None:
            columns = {symbol: subject.data[symbol.name] for symbol in (*subject.inputs, subject.target)}
            samples = len(next(iter(columns.values())))
            data = tuple({symbol: float(column[k]) for symbol, column in columns.items()} for k in range(samples))
            facts["data"] = f"{samples} samples"
        chosen = find_symbols(wrt, symbols) if wrt is not None else tuple(subject.parameters)
        return Subject(subject.name, subject.loss, symbols, chosen, values, data, facts)
    if isinstance(subject, Gradient):
        chosen = find_symbols(wrt, subject.wrt) if wrt is not None else subject.wrt
        return Subject(as_text(subject.expression), subject.expression, free_symbols(subject.expression), chosen)
    expression = as_expression(subject, "the subject")
    symbols = free_symbols(expression)
    chosen = find_symbols(symbols if wrt is None else wrt, symbols)
    return Subject(as_text(expression), expression, symbols, chosen)


def _places(asked: Subject, graph: Graph, at: Any, count: int, seed: int) -> list[sampling.Point]:
    symbols = tuple(dict.fromkeys((*asked.symbols, *asked.wrt)))
    if at is None and asked.data:
        return [{symbol: (asked.values | row)[symbol] for symbol in symbols} for row in asked.data]
    if at is None:
        drawn = sampling.seeded(graph, symbols, count, seed)
        return [place | {s: v for s, v in asked.values.items() if s in symbols} for place in drawn]
    mappings = [at] if isinstance(at, Mapping) else list(at)
    defaults = {symbol: value for symbol, value in asked.values.items() if symbol in symbols}
    observed = {symbol.name for row in asked.data[:1] for symbol in row}
    expanded: list[sampling.Point] = []
    for mapping in mappings:
        left_out = observed - {str(key) for key in mapping}
        rows: Sequence[sampling.Point] = asked.data if left_out == observed and observed else ({},)
        for row in rows:
            filled = {symbol: value for symbol, value in row.items() if symbol in symbols}
            expanded += sampling.given(mapping, symbols, defaults | filled)
    return expanded or sampling.given([], symbols)


def _rounded(place: sampling.Point, dtype: str) -> sampling.Point:
    kind = np.dtype(dtype).type
    rounded = {symbol: float(kind(value)) for symbol, value in place.items()}
    beyond = next((symbol for symbol, value in rounded.items() if not np.isfinite(value)), None)
    if beyond is not None:
        raise OptionError(f"{beyond} = {place[beyond]} is beyond the range of {dtype}; give a smaller number")
    return rounded


def _rows(graph: Graph, asked: Subject, places: Sequence[sampling.Point], dtype: str) -> list[Row]:
    symbols = tuple(dict.fromkeys((*graph.inputs, *asked.wrt)))
    arrays = {symbol: np.array([place[symbol] for place in places], dtype) for symbol in symbols}
    safe = guarded(graph)
    results = {route: np.asarray(of_graph(safe, asked.wrt, route)(arrays)[1], np.float64) for route in ROUTES}
    tolerances = _tolerances(safe, asked.wrt, arrays, dtype)
    finite = [np.where(np.isfinite(tolerance), tolerance, 0.0) for tolerance in tolerances.values()]
    smallest = np.minimum.reduce(finite)
    rows: list[Row] = []
    for k, place in enumerate(places):
        radii = [NARROW * float(smallest[i, k]) for i in range(len(asked.wrt))]
        found = (
            referee.judge(graph, place, asked.wrt, radii)
            if referee.available()
            else referee.Judgement(undecided="python-flint is not installed; pip install python-flint")
        )
        for i, symbol in enumerate(asked.wrt):
            numbers = {route: float(results[route][i, k]) for route in ROUTES}
            allowed = {route: float(tolerances[route][i, k]) for route in ROUTES}
            rows.append(_row(graph, place, symbol, i, numbers, allowed, found, dtype))
    return rows


def _tolerances(graph: Graph, wrt: Symbols, arrays: Mapping[sp.Symbol, Array], dtype: str) -> dict[str, Array]:
    """What rounding explains of each route, along that route's own operations; shape (len(wrt), points) each."""
    symbolic = np.stack(rounding.output_bounds(gradient_graph(graph, wrt), arrays, dtype)[1:])
    order = tuple(arrays)
    differentiate = of_graph(graph, wrt, "autodiff")
    jaxpr = rounding_jaxpr.output_bounds(
        lambda *given: differentiate(dict(zip(order, given, strict=True))), list(arrays.values()), dtype
    )
    autodiff = symbolic if jaxpr is None else jaxpr[1]
    return {
        "symbolic": rounding.SAFETY * symbolic,
        "autodiff": rounding.SAFETY * np.asarray(autodiff),
        "chain": rounding.SAFETY * rounding_chain.adjoint_bounds(graph, arrays, wrt, dtype),
    }


def _row(
    graph: Graph,
    place: sampling.Point,
    symbol: sp.Symbol,
    position: int,
    numbers: Mapping[str, float],
    allowed: Mapping[str, float],
    found: referee.Judgement,
    dtype: str,
) -> Row:
    at = {str(s): value for s, value in sorted(place.items(), key=lambda item: item[0].name)}
    nothing = Enclosure(None, None, None)

    def row(truth: Enclosure, finding: judging.Finding, kappa: float | None, slopes: Any = None) -> Row:
        return Row(
            str(symbol), at, numbers["symbolic"], numbers["autodiff"], numbers["chain"], truth,
            finding.verdict, finding.error, finding.tolerance, kappa, finding.reason, slopes,
        )  # fmt: skip

    if found.undecided is not None:
        reason = _at_node(graph, found.undecided, found.node)
        return row(nothing, judging.Finding(Verdict.UNDECIDED, None, None, reason), None)
    if found.irregular is None:
        partial = found.partials[position]
        finding = judging.verdict_on(numbers, partial.ball, partial.kappa, allowed, dtype)
        return row(judging.enclosure(partial.ball), finding, partial.kappa)
    sides = one_sided.slopes(graph, place, symbol)
    common = one_sided.common_slope(sides)
    if common is not None:
        finding = judging.verdict_on(numbers, common, None, allowed, dtype)
        note = f"{_at_node(graph, found.irregular, found.node)}, but the slopes on both sides are equal"
        reason = f"{finding.reason}; {note}" if finding.reason else note
        return row(judging.enclosure(common), judging.Finding(finding.verdict, finding.error, finding.tolerance, reason), None)
    returned = ", ".join(f"{name} {value:.6g}" for name, value in numbers.items())
    told = ", ".join(
        f"{side} slope {s.number:.6g}" if s.number is not None else f"{side} slope: {s.note}"
        for side, s in zip(("left", "right"), sides, strict=True)
    )
    reason = f"{_at_node(graph, found.irregular, found.node)}: {told}; returned by convention: {returned}"
    finding = judging.Finding(Verdict.UNDEFINED, None, None, reason)
    return row(nothing, finding, None, (sides[0].number, sides[1].number))


def _at_node(graph: Graph, what: str, node: int | None) -> str:
    if node is None:
        return what
    return f"{what}, at {as_text(expressions_of(graph, [node])[0])}"
