"""`check`: one definition, three routes, a referee, and a verdict for every partial derivative at every point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from compare import judging, one_sided, provenance
from compare.balls import Ball
from compare.comparison import Comparison
from compare.evaluation import Evaluation, evaluate
from compare.formula import as_text
from compare.judging import Finding
from compare.points import At, Point
from compare.referee import Judgement, judge
from compare.row import Enclosure, Row
from compare.subject import Subject, places, read_subject
from compare.verdict import Verdict
from symdiff.errors import OptionError, UnsupportedError
from symdiff.from_sympy import graph_of
from symdiff.gradients import Wrt
from symdiff.graph import Graph
from symdiff.routes import ROUTES
from symdiff.symbolic import gradient_graph
from symdiff.to_sympy import expressions_of

DTYPES = ("float64", "float32")
# an enclosure this much narrower than the tolerance decides as well as a point would
NARROW = 2.0**-10
# operations up to which formulas are written out: to build one, SymPy may take exponential time
LARGEST_FORMULA = 300
CHOSEN = "rounding may decide here on which side of a kink or seam the point lies"


def check(
    subject: Any,
    wrt: Wrt | None = None,
    at: At | Sequence[At] | None = None,
    points: int = 64,
    seed: int = 0,
    dtype: str = "float64",
    order: int = 1,
) -> Comparison:
    """Compare the three routes with the referee for every partial derivative of `subject`.

    Args:
        subject: an expression (or formula text), a `Gradient`, or a `Model`: then the loss of one sample is checked.
        wrt: symbols or names; by default a model's parameters, else every symbol.
        at: one mapping or a list of mappings from symbols or names to numbers. A model fills in its parameters' values,
            and its data, row by row, where inputs and target are left out. Default: a model's data; else `points`
            seeded points.
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
    kind = _dtype(dtype)
    if order != 1:
        raise OptionError(f"order is {order!r}; only the gradient, order 1, can be checked so far")
    _whole("points", points, 1)
    _whole("seed", seed, 0)
    asked = read_subject(subject, wrt)
    drawn = at is None and asked.drawn
    common: dict[str, Any] = {
        "subject": asked.name,
        "expression": as_text(asked.expression),
        "wrt": tuple(str(symbol) for symbol in asked.wrt),
        "dtype": kind,
        "seed": int(seed) if drawn else None,
        "facts": dict(asked.facts),
        "constants": judging.constants(kind),
        "versions": provenance.versions(),
    }
    try:
        graph = graph_of([asked.expression])
    except UnsupportedError as error:
        rows = tuple(Row.without_numbers(str(symbol), Verdict.UNSUPPORTED, str(error)) for symbol in asked.wrt)
        command = provenance.command(asked.name, asked.wrt, None, points if drawn else None, seed, kind)
        return Comparison(**common, rows=rows, command=command)
    at_given = places(asked, graph, at, int(points), int(seed))
    command = provenance.command(asked.name, asked.wrt, at, points if drawn else None, seed, kind)
    rows = tuple(_rows(graph, asked, [_rounded(place, kind) for place in at_given], kind))
    derived = gradient_graph(graph, asked.wrt, textbook=True)
    operations = {"model": graph.operation_count, "model and gradient": derived.operation_count}
    formulas = dict(zip(common["wrt"], _formulas(derived), strict=True))
    return Comparison(
        **common, rows=rows, command=command, model=asked.expression, formulas=formulas, operations=operations
    )


def _dtype(dtype: Any) -> str:
    try:
        name = np.dtype(dtype).name if dtype is not None else "None"
    except TypeError:
        name = repr(dtype)
    if name not in DTYPES:
        raise OptionError(f"dtype is {dtype!r}; choose float64 or float32")
    return name


def _whole(name: str, number: Any, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < least:
        raise OptionError(f"{name} is {number!r}; give a whole number of at least {least}")


def _rounded(place: Point, dtype: str) -> Point:
    with np.errstate(over="ignore"):
        rounded = {symbol: float(np.dtype(dtype).type(value)) for symbol, value in place.items()}
    beyond = next((symbol for symbol, value in rounded.items() if not np.isfinite(value)), None)
    if beyond is not None:
        raise OptionError(f"{beyond} = {place[beyond]} is beyond the range of {dtype}; give a smaller number")
    return rounded


def _formulas(derived: Graph) -> Sequence[sp.Basic | str]:
    count = derived.operation_count
    if count > LARGEST_FORMULA:
        return [f"(one of the outputs of {count:,} operations, not written out)"] * (len(derived.outputs) - 1)
    return expressions_of(derived, derived.outputs[1:])


def _rows(graph: Graph, asked: Subject, at: Sequence[Point], dtype: str) -> list[Row]:
    symbols = tuple(dict.fromkeys((*graph.inputs, *asked.wrt)))
    arrays = {symbol: np.array([place[symbol] for place in at], dtype) for symbol in symbols}
    found = evaluate(graph, asked.wrt, arrays, dtype)
    # no number of the dtype lies between the smallest normal one and zero
    finest = [np.fmax(np.where(np.isposinf(t), np.nan, t), np.finfo(dtype).tiny) for t in found.tolerances.values()]
    judged = judge(graph, at, asked.wrt, NARROW * np.minimum.reduce(finest))
    named = [{str(s): value for s, value in sorted(place.items(), key=lambda item: item[0].name)} for place in at]
    return [
        _row(graph, place, symbol, (i, k), found, judgement, named[k], dtype)
        for k, (place, judgement) in enumerate(zip(at, judged, strict=True))
        for i, symbol in enumerate(asked.wrt)
    ]


def _row(
    graph: Graph,
    place: Point,
    symbol: sp.Symbol,
    where: tuple[int, int],
    found: Evaluation,
    judgement: Judgement,
    at: Mapping[str, float],
    dtype: str,
) -> Row:
    numbers = {route: float(found.partials[route][where]) for route in ROUTES}
    tolerances = {route: float(found.tolerances[route][where]) for route in ROUTES}
    truth = _truth(graph, place, symbol, where[0], judgement)
    kappa, notes = truth.kappa, [truth.note] * bool(truth.note)
    if truth.ball is None:
        verdict = Verdict.UNDEFINED if truth.slopes is not None else Verdict.UNDECIDED
        finding = Finding(verdict, None, None, "")
        if truth.slopes is not None:
            notes.append("returned by convention: " + ", ".join(f"{name} {x:.6g}" for name, x in numbers.items()))
    else:
        doubt = CHOSEN if found.chosen[where[1]] else ""
        # the condition number knows nothing of a kink
        kappa = None if doubt else kappa
        finding = judging.verdict_on(numbers, truth.ball, kappa, tolerances, dtype, doubt)
        if doubt and finding.verdict is not Verdict.UNDECIDED:
            notes.append(doubt)
    return Row(
        str(symbol),
        at,
        numbers["symbolic"],
        numbers["autodiff"],
        numbers["chain"],
        Enclosure(None, None, None) if truth.ball is None else judging.enclosure(truth.ball),
        finding.verdict,
        finding.error,
        finding.tolerance,
        kappa,
        "; ".join([finding.reason] * bool(finding.reason) + notes),
        truth.slopes,
        finding.tolerances,
    )


@dataclass(frozen=True)
class Truth:
    """What the referee says of one partial: a ball, or why there is none; `slopes` where there certainly is none."""

    ball: Ball | None
    kappa: float | None = None
    slopes: tuple[float | None, float | None] | None = None
    note: str = ""


def _truth(graph: Graph, place: Point, symbol: sp.Symbol, position: int, judgement: Judgement) -> Truth:
    if judgement.undecided is not None:
        return Truth(None, note=_at_node(graph, judgement.undecided, judgement.node))
    if judgement.irregular is None:
        partial = judgement.partials[position]
        return Truth(partial.ball, partial.kappa)
    what = _at_node(graph, judgement.irregular, judgement.node)
    left, right = one_sided.slopes(graph, place, symbol)
    common = one_sided.common_slope((left, right))
    if common is not None:
        return Truth(common, note=f"{what}, but the slopes on both sides are equal")
    return Truth(
        None, slopes=(left.number, right.number), note=f"{what}: {_told('left', left)}, {_told('right', right)}"
    )


def _told(side: str, slope: one_sided.Side) -> str:
    return f"{side} slope {slope.number:.6g}" if slope.number is not None else f"{side} slope: {slope.note}"


def _at_node(graph: Graph, what: str, node: int | None) -> str:
    if node is None or graph.operation_count > LARGEST_FORMULA:
        return what
    return f"{what}, at {as_text(expressions_of(graph, [node])[0])}"
