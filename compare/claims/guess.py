"""What the mistake in a wrong claim may be: hypotheses tried in numbers at several points, from the likeliest on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import sympy as sp

from compare.claims.evidence import Array, Evidence, Guess, cut_text, number_text
from compare.claims.guess_graph import chain_factor, missing_factor, one_partial
from compare.formula import as_text
from compare.points import Point
from symdiff.chain import forward
from symdiff.errors import SymdiffError
from symdiff.formula.printed_size import PrintedSize
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph

LARGEST_GRAPH, LARGEST_EXPANDED = 400, 150


def guesses(graph: Graph, formula: sp.Expr | None, true: sp.Basic | str, evidence: Evidence) -> list[Guess]:
    """The mistakes that explain every number, the likeliest first; none where nothing fits.

    >>> x = sp.Symbol("x", real=True)
    >>> points = [{x: value} for value in (0.5, 1.0, 2.0, -3.0)]
    >>> at = np.array([point[x] for point in points])
    >>> true, claimed = 3 * np.cos(3 * at), np.cos(3 * at)
    >>> given = Evidence(points, x, claimed, claimed - true, 0 * at, {x: true}, {})
    >>> [guess.text for guess in guesses(graph_of([sp.sin(3 * x)]), None, "3*cos(3*x)", given)][0]
    'missing chain factor 3, the derivative of 3*x in x'
    """
    other = [*_other_variable(evidence)]
    chain = [*chain_factor(graph, evidence)] if len(graph) <= LARGEST_GRAPH else []
    if other:
        # that of b in tanh(w*x + b) is that of w without its factor
        missing = [guess for guess in chain if guess.kind == "missing chain factor"]
        return other if other[0].kind == "transposed" else missing + other
    factors = [*_constant_factor(evidence)]
    if factors or chain:
        signs = [guess for guess in factors if guess.kind == "sign"]
        return signs + chain + factors[len(signs) :]
    found = [*_terms(formula, true, evidence)]
    if not found and len(graph) <= LARGEST_GRAPH:
        found = [*one_partial(graph, evidence)] or [*missing_factor(graph, evidence)]
    return found[:1]


def _other_variable(e: Evidence) -> Iterator[Guess]:
    for symbol, true in e.truths.items():
        if symbol == e.symbol or not e.same(e.claimed, true, e.slack) or e.same(true, e.true):
            continue
        if symbol in e.others and e.same(e.others[symbol], e.true, e.slack):
            yield Guess("transposed", f"transposed: the claims of {e.symbol} and {symbol} are swapped")
        else:
            yield Guess(
                "wrong variable", f"wrong variable: this is the partial derivative in {symbol}, not in {e.symbol}"
            )
        return


def _constant_factor(e: Evidence) -> Iterator[Guess]:
    with np.errstate(all="ignore"):
        less_one = e.difference / e.true
        noise = float(np.max(np.abs(e.slack / e.true))) if np.all(e.true) else math.inf
    middle = float(np.median(less_one)) if np.all(np.isfinite(less_one)) else math.nan
    if not np.all(np.abs(less_one - middle) <= 1e-6 * abs(middle) + 2 * noise) or len(set(np.abs(e.true).tolist())) < 2:
        return
    if abs(middle + 2.0) <= 1e-9 + 2 * noise:
        yield Guess("sign", "wrong sign: it is the true derivative times -1")
    elif abs(middle + 1.0) > 1e-9:
        yield Guess(
            "constant factor",
            f"wrong by a constant factor: it is the true derivative times {number_text(1.0 + middle, middle)}",
        )


def _terms(formula: sp.Expr | None, true: sp.Basic | str, e: Evidence) -> Iterator[Guess]:
    """Terms of the true derivative that are missing or wrong in the claim, and terms of the claim that are too many."""
    if isinstance(true, sp.Expr):
        for term in _addends(true):
            numbers = _values(term, e.points)
            if numbers is None or not np.any(numbers):
                continue
            if e.is_difference(-numbers):
                yield Guess("dropped term", f"a dropped term: {cut_text(as_text(term))} is missing")
                return
            if e.is_difference(-2.0 * numbers):
                yield Guess("sign", f"wrong sign of one term: {cut_text(as_text(term))} enters with the opposite sign")
                return
            with np.errstate(all="ignore"):
                ratio = e.difference / numbers
            if len(set(numbers.tolist())) > 2 and e.same(ratio, np.full_like(ratio, np.median(ratio))):
                factor = number_text(1.0 + float(np.median(ratio)), float(np.median(ratio)))
                yield Guess(
                    "constant factor", f"wrong factor of one term: {cut_text(as_text(term))} is multiplied by {factor}"
                )
                return
    for term in _addends(formula) if formula is not None else ():
        numbers = _values(term, e.points)
        if numbers is not None and np.any(numbers) and e.is_difference(numbers):
            yield Guess("added term", f"an added term: {cut_text(as_text(term))} is too much")
            return
    first = float(e.difference[0])
    if first and len(e.points) > 2 and e.same(e.difference, np.full_like(e.difference, first), 2 * e.slack):
        yield Guess("added term", f"an added constant: it is {number_text(first, 1.0)} more than the true derivative")


def _addends(expression: sp.Expr) -> list[sp.Expr]:
    own = list(sp.Add.make_args(expression))
    if PrintedSize(LARGEST_EXPANDED)(expression)[0] <= LARGEST_EXPANDED:
        own += [term for term in sp.Add.make_args(sp.expand_mul(expression)) if term not in own]
    return own[:200] if len(own) > 1 else []


def _values(term: sp.Expr, points: Sequence[Point]) -> Array | None:
    try:
        graph = graph_of([term])
        given = {s: np.array([point[s] for point in points]) for s in graph.inputs}
        found = np.asarray(forward(graph, given)[graph.outputs[0]], np.float64)
    except (SymdiffError, KeyError):
        return None
    return np.broadcast_to(found, (len(points),)) if np.all(np.isfinite(found)) else None
