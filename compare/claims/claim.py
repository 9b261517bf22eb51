"""`check_claim`: somebody's hand-derived gradient, right or wrong, with the simplest failing example and a guess."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
import sympy as sp

from compare import judging, provenance
from compare.claims.arrays.claim import check_array_claims
from compare.claims.diagnosis import diagnosis
from compare.claims.example import smallest
from compare.claims.judging import Judge
from compare.claims.outcome import Outcome
from compare.claims.points import admitted, edges, numbers_in
from compare.claims.proof import proved_equal
from compare.claims.reading import Claim, read
from compare.claims.rows import row_of
from compare.claims.tried import Judged, Known, Tried, tried
from compare.claims.values import truths
from compare.comparison import Comparison
from compare.evaluation import evaluate
from compare.fingerprint import hashes
from compare.formula import as_text, formulas_of
from compare.options import dtype_name, rounded, whole_number
from compare.points import At, Point
from compare.row import Row
from compare.subject import Subject, places
from compare.verdict import Verdict
from symdiff.errors import UnsupportedError
from symdiff.from_sympy import graph_of
from symdiff.gradients import Wrt
from symdiff.graph import Graph
from symdiff.model import Model
from symdiff.routes import ROUTES
from symdiff.symbolic import gradient_graph
from symdiff.to_sympy import expressions_of

# rows shown of a claim's failures at points that were not asked for
MOST_FAILING = 12


def check_claim(
    subject: Any,
    claimed: Any,
    wrt: Wrt | None = None,
    at: At | Sequence[At] | None = None,
    points: int = 64,
    seed: int = 0,
    dtype: str = "float64",
    args: Sequence[sp.Symbol | str] | None = None,
) -> Comparison:
    """Judge a hand-derived gradient: `agree` where it is right however it is written, `disagree` where it is wrong.

    Args:
        subject: an expression (or formula text), a `Gradient`, or a `Model`: then the loss of one sample.
        claimed: of one symbol a formula (Expr, number or text) or a callable; of several a mapping from symbols or
            names to these, a list with one for each of `wrt`, one callable that returns them all in the order of
            `wrt`, or texts such as "w: 2*x*(w*x - y)". A callable gets numbers in `dtype`, one point a call: by name,
            if its parameters have names of symbols, else in the order of `args`.
        wrt: symbols or names, where the claim does not say which, and the expression has several.
        at: points to judge it at, and no others. Default: a model's data or `points` seeded points, and beside these
            simple numbers, both signs, magnitudes from 1e-8 to 1e8, zeros, and both sides of every seam.
        points: how many points to draw where none are given.
        seed: of the drawn points.
        dtype: "float64" or "float32": inputs are rounded to it, and a callable computes in it.
        args: the order of a callable's arguments; default `wrt`, then the other symbols by name.

    Of arrays a formula of matrices, of indexed entries, as in "X[i]: 2*X[i]", or a callable that gets and returns
    arrays is judged entry by entry, in random entries and the worst ones where there are many, as `facts` says. A claim
    of the transpose's shape is wrong; one of another shape is refused.

    A formula is judged in exact arithmetic at exact inputs: no rounding excuses it, and none is held against it but
    that of decimal numbers it contains. A callable is judged by its floats. Rows are the points asked for, then some
    of those at which a claim failed; `claims` of the result says for each partial what is wrong.

    Raises SymbolError, ParseError, OptionError, ShapeError for bad input.

    >>> found = check_claim("(w*x - y)**2", "w: x*(w*x - y)")
    >>> (outcome,) = found.claims
    >>> found.verdict.value, outcome.guess
    ('disagree', 'wrong by a constant factor: it is the true derivative times 1/2')
    >>> check_claim("(w*x - y)**2", "w: 2*w*x**2 - 2*x*y").claims[0].meaning
    'equal, proved'
    >>> X, t = sp.MatrixSymbol("X", 4, 3), sp.MatrixSymbol("t", 4, 1)
    >>> w = sp.MatrixSymbol("w", 3, 1)
    >>> check_claim(sp.Trace((X * w - t).T * (X * w - t)), {w: 2 * (X * w - t).T * X}).claims[0].guess
    "transposed: the claim's transpose is right"

    """
    dtype = dtype_name(dtype)
    points, seed = whole_number("points", points, 1), whole_number("seed", seed, 0)
    asked, claims = read(subject, claimed, wrt, args)
    drawn = at is None and asked.drawn
    common: dict[str, Any] = {
        "subject": asked.name,
        "expression": as_text(asked.expression),
        "wrt": tuple(str(symbol) for symbol in asked.wrt),
        "dtype": dtype,
        "seed": seed if drawn else None,
        "facts": dict(asked.facts),
        "constants": judging.constants(dtype),
        "versions": provenance.versions(),
        "model": asked.expression,
        "parameters": asked.parameters,
    }
    try:
        graph = graph_of([asked.expression])
        common["hashes"] = hashes(graph, asked.given)
    except UnsupportedError as error:
        return Comparison(**common, **_unsupported(claims, str(error)))
    for claim in claims:
        try:
            graph_of([] if claim.formula is None else [claim.formula])
        except UnsupportedError as error:
            return Comparison(**common, **_unsupported(claims, f"in the claim of {claim.symbol}: {error}"))
    if graph.shapes or not set(graph.inputs) <= set(asked.symbols):
        # arrays, or a length that is left of them
        return check_array_claims(asked, claims, graph, at, points, seed, dtype, common)
    given = [rounded(place, dtype) for place in places(asked, graph, at, points, seed)]
    derived = gradient_graph(graph, asked.wrt, textbook=True)
    case = _Case(asked, graph, claims, dtype, formulas_of(derived, derived.outputs[1:], expressions_of))
    extra = case.edges(given)
    here, beside = truths(graph, given, asked.wrt, sides=True), truths(graph, extra, asked.wrt, sides=False)
    judged = [
        case.judged(claim, list(zip(given, first, strict=True)), list(zip(extra, more, strict=True)), at is None)
        for claim, first, more in zip(claims, here, beside, strict=True)
    ]
    rows, outcomes = case.reported(judged, given)
    command = provenance.command(asked, at, given, points if drawn else None, seed, dtype)
    texts = [claim for claim in claims if claim.call is None]
    if command is not None and len(texts) == len(claims):
        import shlex

        command = " ".join([command, *(f"--claim {shlex.quote(f'{c.symbol}: {c.text}')}" for c in claims)])
    else:
        command = None
    facts = common.pop("facts") | ({"tried beside these points": f"{len(extra):,} more"} if at is None else {})
    operations = {"model": graph.operation_count, "model and gradient": derived.operation_count}
    formulas = dict(zip(common["wrt"], case.formulas, strict=True))
    return Comparison(
        **common, facts=facts, rows=rows, command=command, formulas=formulas, operations=operations, claims=outcomes
    )


def _unsupported(claims: Sequence[Claim], reason: str) -> dict[str, Any]:
    rows = tuple(replace(Row.without_numbers(str(c.symbol), Verdict.UNSUPPORTED, reason), claimed=True) for c in claims)
    outcomes = tuple(Outcome(str(c.symbol), c.text, Verdict.UNSUPPORTED, "", note=reason) for c in claims)
    return {"rows": rows, "claims": outcomes}


@dataclass(frozen=True)
class _Case:
    """An expression with the claims about it."""

    asked: Subject
    graph: Graph
    claims: Sequence[Claim]
    dtype: str
    formulas: Sequence[sp.Basic | str]

    @property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        return tuple(dict.fromkeys((*self.graph.inputs, *self.asked.symbols, *self.asked.wrt)))

    def edges(self, given: Sequence[Point]) -> list[Point]:
        """Points beside those that were drawn, in the dtype and within a model's bounds."""
        graphs = [self.graph, *(graph_of([c.formula]) for c in self.claims if c.formula is not None)]
        constants = [n for c in self.claims if c.call is not None for n in numbers_in(c.call.function)]
        found = edges(graphs, self.symbols, given[:1], constants)
        known = {tuple(point.values()) for point in given}
        near = [rounded({s: point[s] for s in self.symbols}, self.dtype) for point in found]
        return [p for p in near if self.admits(p) and tuple(p.values()) not in known]

    def admits(self, point: Point) -> bool:
        """Whether a point lies within the bounds of a model's parameters and the assumptions on symbols."""
        model = self.asked.given
        if isinstance(model, Model):
            for symbol, parameter in model.parameters.items():
                low, high = getattr(parameter, "min", None), getattr(parameter, "max", None)
                value = point.get(symbol, 0.0)
                if (low is not None and value < low) or (high is not None and value > high):
                    return False
        return admitted(point)

    def judged(self, claim: Claim, given: Sequence[Known], extra: Sequence[Known], everywhere: bool) -> Judged:
        """Judge one claim at the points asked for and, `everywhere`, beside them, and simplify its failure."""
        judge = Judge(self.graph, self.asked.expression, claim, self.dtype)
        first = tried(judge, given)
        more = tried(judge, extra) if everywhere or any(found.equal is False for _, _, found in first) else ()
        wrong = [tried for tried in (first + more if everywhere else first) if tried[2].equal is False]
        if not wrong:
            return Judged(claim, judge, first, more, None, everywhere)
        # a wrong number tells more than none
        number = any(found.ball is not None for _, _, found in wrong)
        failing = [point for point, _, found in wrong if found.ball is not None or not number]
        simplest = failing[0]
        if everywhere:

            def fails(points: Sequence[Point]) -> list[bool]:
                tried = judge.found([rounded(p, self.dtype) for p in points])
                return [f.equal is False and (f.ball is not None or not number) for _, f in tried]

            simplest = rounded(smallest(failing, fails, self.admits), self.dtype)
        elif len(failing) > 1:
            simplest = smallest(failing, lambda points: [False] * len(points), self.admits)
        return Judged(claim, judge, first, more, (simplest, *judge.found([simplest])[0]), everywhere)

    def reported(self, judged: Sequence[Judged], given: Sequence[Point]) -> tuple[tuple[Row, ...], tuple[Outcome, ...]]:
        """Rows at the points asked for, then of failures elsewhere; and what they say of each claim."""
        tried = [self._shown(each) for each in judged]
        places = list({tuple(p.values()): p for each in tried for p, _, _ in each}.values())
        places = places or list(given)
        arrays = {s: np.array([place[s] for place in places], self.dtype) for s in self.symbols}
        routes = evaluate(self.graph, self.asked.wrt, arrays, self.dtype)
        where = {tuple(place.values()): k for k, place in enumerate(places)}
        rows: list[list[Row]] = []
        outcomes: list[Outcome] = []
        for i, (each, shown) in enumerate(zip(judged, tried, strict=True)):
            proved = self._proved(each, self.formulas[i])
            mine: list[Row] = []
            for point, truth, found in shown:
                place = (i, where[tuple(point.values())])
                numbers = {route: float(routes.partials[route][place]) for route in ROUTES}
                tolerances = {route: float(routes.tolerances[route][place]) for route in ROUTES}
                mine.append(row_of(each.claim, point, truth, found, numbers, tolerances, proved))
            rows.append(mine)
            outcomes.append(self._outcome(each, mine, self.formulas[i], proved, judged))
        # point by point, as a check has them, while all claims have a row there
        ordered = [row for at_one in itertools.zip_longest(*rows) for row in at_one if row is not None]
        return tuple(ordered), tuple(outcomes)

    def _shown(self, each: Judged) -> list[Tried]:
        """What is reported of a claim: points asked for, its simplest failure, and some failures beside."""
        # a drawn point at which a callable overflows on its way says nothing of the claim
        overflow = each.everywhere and each.claim.call is not None
        kept = [t for t in each.given if not (overflow and t[1].ball is not None and t[2].equal is None)] or list(
            each.given
        )
        known = {tuple(point.values()) for point, _, _ in kept}
        failing = [t for t in each.counted if t[2].equal is False]
        more = ([each.example] if each.example is not None else []) + failing[:: 1 + len(failing) // MOST_FAILING]
        for one in more:
            if tuple(one[0].values()) not in known:
                known.add(tuple(one[0].values()))
                kept.append(one)
        return kept

    def _proved(self, each: Judged, true: sp.Basic | str) -> bool:
        formula = each.claim.formula
        if each.example is not None or formula is None or not isinstance(true, sp.Expr):
            return False
        return proved_equal(formula, true)

    def _outcome(
        self, each: Judged, rows: Sequence[Row], true: sp.Basic | str, proved: bool, judged: Sequence[Judged]
    ) -> Outcome:
        verdict = Verdict.worst(row.verdict for row in rows)
        count = sum(found.equal is not None for _, _, found in each.counted)
        notes = dict.fromkeys(found.note for _, _, found in each.counted if found.equal and found.note)
        told = [*_left_out(each), *notes][:2]
        common = (str(each.claim.symbol), each.claim.text, verdict, as_text(true))
        if each.example is None:
            return Outcome(*common, proved and verdict is Verdict.AGREE, count, note="; ".join(told))
        point = {str(s): value for s, value in each.example[0].items()}
        example = next(row for row in rows if dict(row.at) == point)
        guess = diagnosis(self.graph, self.asked.wrt, each, true, judged)
        certain = each.claim.formula is not None
        return Outcome(*common, certain, count, example, guess.kind, guess.text, "; ".join(list(notes)[:2]))


def _left_out(each: Judged) -> list[str]:
    """What is to be said of points at which a callable gives no number and the derivative is one."""
    lost = [
        point
        for point, truth, found in each.counted
        if found.equal is None and truth.ball is not None and found.number is not None and not isfinite(found.number)
    ]
    if not lost:
        return []
    where = ", ".join(f"{s} = {value:.6g}" for s, value in lost[0].items())
    return [f"no number at {len(lost):,} points, as {where}, perhaps from overflow on its way: not counted as wrong"]
