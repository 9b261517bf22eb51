"""The guess at a mistake, put together: what kind it is, and where the claim is right nonetheless."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from compare.claims.domain import part
from compare.claims.guess import Evidence, Guess, guesses
from compare.claims.judging import Judge
from compare.claims.tried import Judged, Tried
from compare.claims.values import truths
from compare.points import Point
from symdiff.graph import Graph
from symdiff.precision import working

# points that a guess rests on; symbols that a claim may have been meant for
MOST_EVIDENCE, MOST_OTHERS = 14, 24
# kinds of mistakes that explain a claim that is right on a part only, better than the part does
WHOLE = ("transposed", "wrong variable")


def diagnosis(
    graph: Graph, wrt: Sequence[sp.Symbol], each: Judged, true: sp.Basic | str, judged: Sequence[Judged]
) -> Guess:
    """Say what may be wrong with a claim, of `judged` ones in `wrt`, given the true formula."""
    right = [t for t in each.every if t[2].equal]
    wrong = [t for t in each.every if t[2].equal is False]
    by_value = [t for t in wrong if t[2].ball is not None]
    found = _hypotheses(graph, wrt, each, _spread(by_value, right), true, judged)
    telling = [t[0] for t in _telling(right, wrong)]
    telling = [p for p, apart in zip(telling, each.judge.apart(telling), strict=True) if not apart]
    where = part(telling, [t[0] for t in wrong], _passing(each.judge)) if each.extra else None
    half = where is not None and where.text.startswith("right only for") and 5 * len(telling) > len(wrong)
    undefined = bool(wrong) and not by_value
    if where is not None and not found and by_value and where.kind == "part of the domain":
        inner = _hypotheses(graph, wrt, each, _spread(by_value, []), true, judged)
        text = f"valid only on part of the domain: {where.text}" + (f"; elsewhere {inner[0].text}" if inner else "")
        return Guess(where.kind, text + ("; undefined elsewhere" if undefined else ""))
    if undefined and where is not None:
        return Guess("part of the domain", f"valid only on part of the domain: {where.text}; undefined elsewhere")
    if found and where is not None and half and found[0].kind not in WHOLE:
        return Guess(where.kind, f"valid only on part of the domain: {where.text}; {found[0].text}")
    if found:
        text = "; ".join(guess.text for guess in found[:2])
        told = where is not None and (where.text.startswith("right only at") or half)
        return Guess(found[0].kind, f"{text}; {where.text}" if where is not None and told else text)
    return where or Guess("", "no simple mistake explains it")


def _hypotheses(
    graph: Graph,
    wrt: Sequence[sp.Symbol],
    each: Judged,
    tried: Sequence[Tried],
    true: sp.Basic | str,
    judged: Sequence[Judged],
) -> list[Guess]:
    if len(tried) < 3:
        return []
    points = [t[0] for t in tried]
    symbols = tuple(dict.fromkeys((each.claim.symbol, *wrt, *graph.inputs)))[:MOST_OTHERS]
    columns = truths(graph, points, symbols, sides=False)
    by_symbol = {s: np.array([_float(t.ball) for t in column]) for s, column in zip(symbols, columns, strict=True)}
    with working(256):
        difference = np.array([0.0 if f.equal else float(f.ball - truth.ball) for _, truth, f in tried])
        slack = np.array([float(f.ball.rad()) + 1e-17 * abs(float(t.ball)) for _, t, f in tried])
    others = {
        other.claim.symbol: np.array([_float(found.ball) for _, found in other.judge.found(points)])
        for other in judged
        if other.claim.symbol != each.claim.symbol and len(judged) <= MOST_OTHERS
    }
    claimed = np.array([_float(found.ball) for _, _, found in tried])
    evidence = Evidence(points, each.claim.symbol, claimed, difference, slack, by_symbol, others)
    return guesses(graph, each.claim.formula, true, evidence)


def _telling(tried: Sequence[Tried], wrong: Sequence[Tried]) -> list[Tried]:
    """Those at which a claim that is as wrong as elsewhere would be seen to be."""
    sizes = [abs(float(f.ball) / float(t.ball) - 1.0) for _, t, f in wrong if f.ball is not None and float(t.ball)]
    typical = 0.1 * float(np.median(sizes)) if sizes else 1.0
    # where the derivative is 0, a wrong factor does not show
    nonzero = [one for one in tried if one[1].ball is not None and abs(float(one[1].ball)) > 1e-300]
    return [
        one for one in nonzero if one[2].ball is None or float(one[2].ball.rad()) <= typical * abs(float(one[1].ball))
    ]


def _float(ball: Any) -> float:
    return math.nan if ball is None else float(ball)


def _spread(wrong: Sequence[Tried], right: Sequence[Tried]) -> list[Tried]:
    """Points of moderate size at which the claim is wrong, and some at which it is right."""

    def moderate(tried: Tried) -> bool:
        point, truth, found = tried
        sizes = [abs(value) for value in point.values()]
        return (
            found.ball is not None
            and all(0.01 <= value <= 60.0 for value in sizes)
            and 1e-12 < abs(_float(truth.ball)) < 1e12
        )

    chosen: list[Tried] = []
    for group, most in ((wrong, MOST_EVIDENCE), (right, MOST_EVIDENCE // 2)):
        fit = [t for t in group if moderate(t)]
        if group is wrong and len(fit) < 3:
            fit = [t for t in group if t[2].ball is not None and math.isfinite(_float(t[1].ball))]
        chosen += fit[:: 1 + len(fit) // most]
    return chosen


def _passing(judge: Judge) -> Callable[[Sequence[Point]], list[bool | None]]:
    return lambda points: [found.equal for _, found in judge.found(points)]
