"""The rows of a check: every partial derivative at every point, judged, and explained where it does not agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import sympy as sp

from compare.certified import one_sided
from compare.certified.referee import Judgement, judge
from compare.evaluation import Evaluation, evaluate
from compare.explanations.explaining import Explainer, node_at
from compare.judging import Finding
from compare.points import Point
from compare.row import Row
from compare.second_order import Reading, evaluate_second, pairs
from compare.truth import Truth
from compare.verdict import Verdict
from symdiff.graph import Graph
from symdiff.routes import ROUTES
from symdiff.symbolic import gradient_graph

# an enclosure this much narrower than the tolerance decides as well as a point would
NARROW = 2.0**-10


@dataclass(frozen=True)
class Target:
    """A partial derivative: of the first order in `one`, of the second in `one` and then `other`."""

    one: sp.Symbol
    other: sp.Symbol | None = None

    @cached_property
    def name(self) -> str:
        """What a report calls it: the symbol, or two of them as `--wrt` takes them."""
        return str(self.one) if self.other is None else f"{self.one},{self.other}"


def targets(wrt: Sequence[sp.Symbol], order: int) -> list[Target]:
    """What is checked, in the order of the rows at a point.

    >>> [target.name for target in targets(sp.symbols("x y"), 2)]
    ['x,x', 'x,y', 'y,y']
    """
    if order == 1:
        return [Target(symbol) for symbol in wrt]
    return [Target(wrt[i], wrt[j]) for i, j in pairs(wrt)]


def rows_of(
    graph: Graph,
    wrt: tuple[sp.Symbol, ...],
    symbols: Sequence[sp.Symbol],
    at: Sequence[Point],
    dtype: str,
    order: int,
    compiled: bool = False,
) -> list[Row]:
    """Run, enclose and judge; `at` holds points in numbers of the dtype."""
    listed = targets(wrt, order)
    arrays = {symbol: np.array([place[symbol] for place in at], dtype) for symbol in symbols}
    if order == 1:
        readings = [Reading("", evaluate(graph, wrt, arrays, dtype, compiled))]
    else:
        readings = evaluate_second(graph, wrt, arrays, dtype, compiled)
    # no number of the dtype lies between the smallest normal one and zero
    every = [t for reading in readings for t in reading.found.tolerances.values()]
    finest = [np.fmax(np.where(np.isposinf(t), np.nan, t), np.finfo(dtype).tiny) for t in every]
    judged = judge(graph, at, wrt, NARROW * np.minimum.reduce(finest), order)
    present = sorted({symbol: None for place in at for symbol in place}, key=lambda symbol: symbol.name)
    names = {symbol: str(symbol) for symbol in present}
    named = [{name: place[symbol] for symbol, name in names.items() if symbol in place} for place in at]
    explainer = Explainer(graph, wrt, dtype, order)
    return [
        _row(graph, place, target, (i, k), readings, judgement, named[k], dtype, explainer)
        for k, (place, judgement) in enumerate(zip(at, judged, strict=True))
        for i, target in enumerate(listed)
    ]


def _row(
    graph: Graph,
    place: Point,
    target: Target,
    where: tuple[int, int],
    readings: Sequence[Reading],
    judgement: Judgement,
    at: Mapping[str, float],
    dtype: str,
    explainer: Explainer,
) -> Row:
    truth = _truth(graph, place, target, where[0], judgement)
    candidates = [(reading, *_judged(reading.found, where, truth, dtype)) for reading in readings]
    reading, numbers, finding = candidates[0]
    if len(candidates) > 1:
        reading, numbers, finding = max(candidates, key=lambda each: each[2].severity)
    notes: list[str] = []
    if finding.verdict in (Verdict.DISAGREE, Verdict.INACCURATE) and reading.way:
        notes.append(f"computed {reading.way}")
    notes += explainer.notes(place, where, numbers, finding)
    return truth.row(target.name, at, numbers, finding, bool(reading.found.chosen[where[1]]), notes)


def _judged(found: Evaluation, where: tuple[int, int], truth: Truth, dtype: str) -> tuple[dict[str, float], Finding]:
    """The numbers of each route in one way to compute them, and what is to be said of them."""
    numbers: dict[str, float] = {route: float(found.partials[route][where]) for route in ROUTES}
    tolerances = {route: float(found.tolerances[route][where]) for route in ROUTES}
    return numbers, truth.finding(numbers, tolerances, bool(found.chosen[where[1]]), dtype)


def _truth(graph: Graph, place: Point, target: Target, position: int, judgement: Judgement) -> Truth:
    if judgement.undecided is not None:
        return Truth(None, note=node_at(graph, judgement.undecided, judgement.node))
    if judgement.irregular is None:
        partial = judgement.partials[position]
        return Truth(partial.ball, partial.kappa)
    what = node_at(graph, judgement.irregular, judgement.node)
    return Truth.between(what, _slopes(graph, place, target))


def _slopes(graph: Graph, place: Point, target: Target) -> tuple[one_sided.Side, one_sided.Side]:
    """One-sided slopes, of the second order those of the first partial as SymPy has it, with its value at the point."""
    if target.other is None:
        return one_sided.slopes(graph, place, target.one)
    found: list[tuple[one_sided.Side, one_sided.Side]] = []
    for first, second in dict.fromkeys([(target.one, target.other), (target.other, target.one)]):
        derived = gradient_graph(graph, [first])
        found.append(one_sided.slopes(replace(derived, outputs=derived.outputs[1:]), place, second))
    # both orders of differentiation must have their derivative
    return next((sides for sides in found if one_sided.common_slope(sides) is None), found[0])
