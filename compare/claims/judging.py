"""Is a claim right at these points? One judge a claim, who knows the expression and how its derivative rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import numpy as np
import sympy as sp

from compare import judging
from compare.bounds import jaxpr
from compare.bounds.graph import SAFETY, output_bounds
from compare.certified.balls import Ball
from compare.claims.reading import Call, Claim
from compare.claims.values import Found, called, enclosures, formula_found, in_balls, truths
from compare.points import Point
from compare.truth import Truth
from symdiff.from_sympy import graph_of
from symdiff.graph import Graph
from symdiff.precision import working
from symdiff.symbolic import gradient_graph

# a relative difference that may be that of decimal numbers, which are binary ones in a formula
DECIMAL = 1e-12
# beyond this a callable may overflow on its way to a finite number
LARGE = 50.0
BESIDE = 1e-3


@dataclass(frozen=True, eq=False)
class Judge:
    """Judges one claim of one expression, in a dtype."""

    graph: Graph
    expression: sp.Expr
    claim: Claim
    dtype: str

    @cached_property
    def formula(self) -> Graph:
        """Graph of the claimed formula."""
        return graph_of([self.claim.formula])  # type: ignore[list-item]

    @cached_property
    def derived(self) -> Graph:
        """Graph of the value and of the partial, as the symbolic route has it."""
        return gradient_graph(self.graph, [self.claim.symbol])

    def found(self, points: Sequence[Point]) -> list[tuple[Truth, Found]]:
        """The truth and the claim at points."""
        if not points:
            return []
        (column,) = truths(self.graph, points, [self.claim.symbol], sides=False)
        return list(zip(column, self.beside(points, column), strict=True))

    def beside(self, points: Sequence[Point], column: Sequence[Truth]) -> list[Found]:
        """The claim at points, compared with the truth there."""
        if self.claim.call is not None:
            return self._called(self.claim.call, points, column)
        results = formula_found(self.formula, points, column)
        close = [k for k, result in enumerate(results) if result.equal is False and _close(result.ball, column[k].ball)]
        for k in close if self._decimals else ():
            if self._forgiven(points[k]):
                results[k] = replace(results[k], equal=True, note="equal as the decimal numbers that are written")
        return results

    def apart(self, points: Sequence[Point]) -> list[bool]:
        """Whether a formula and SymPy's derivative are certainly different, however close they come."""
        if self.claim.formula is None or not points:
            return [False] * len(points)
        with working(2048):
            true = enclosures(self.derived, points)[self.derived.outputs[1]]
            claimed = enclosures(self.formula, points)[self.formula.outputs[0]]
            return [a.is_finite() and b.is_finite() and not a.overlaps(b) for a, b in zip(true, claimed, strict=True)]

    @cached_property
    def _decimals(self) -> bool:
        return bool(self.claim.formula is not None and (floats_in(self.claim.formula) or floats_in(self.expression)))

    @cached_property
    def _in_decimals(self) -> tuple[Graph, Graph]:
        """Expression and claim with each binary number as the shortest decimal one that is the same float."""
        both = [e.xreplace({f: sp.Rational(repr(float(f))) for f in floats_in(e)}) for e in self._formulas]
        return graph_of([both[0]]), graph_of([both[1]])

    @property
    def _formulas(self) -> tuple[sp.Expr, Any]:
        return self.expression, self.claim.formula

    def _forgiven(self, point: Point) -> bool:
        """Whether a small difference is that of decimal numbers in expression or claim, and not one of formulas."""
        graph, formula = self._in_decimals
        (column,) = truths(graph, [point], [self.claim.symbol], sides=False)
        if formula_found(formula, [point], column)[0].equal:
            return True
        with working(256):
            (truth,), (value,) = (_widened(g, k, point) for g, k in ((self.derived, 1), (self.formula, 0)))
        return bool(truth.is_finite() and value.is_finite() and truth.overlaps(value))

    def _called(self, call: Call, points: Sequence[Point], column: Sequence[Truth]) -> list[Found]:
        arrays = {s: np.array([point[s] for point in points], self.dtype) for s in points[0]}
        bounds = SAFETY * output_bounds(self.derived, arrays, self.dtype)[1]
        tolerances = [tolerance_of(float(b), t, self.dtype) for b, t in zip(bounds, column, strict=True)]
        numbers = called(call, points, self.dtype)
        results = [
            told(*n, t.ball, tolerance, self.dtype) for n, t, tolerance in zip(numbers, column, tolerances, strict=True)
        ]
        off = [k for k, result in enumerate(results) if result.equal is False]
        for k in off:
            better = _in_exact_arithmetic(call, points[k], column[k], results[k], self.dtype)
            results[k] = results[k] if better is None else better
        off = [k for k in off if results[k].equal is False]
        own = _own_bounds(call, [points[k] for k in off], self.dtype) if off else None
        for place, k in enumerate(off):
            if own is not None and math.isfinite(own[place]) and math.isfinite(numbers[k][0]):
                results[k] = told(*numbers[k], column[k].ball, max(tolerances[k], float(own[place])), self.dtype)
            elif not math.isfinite(numbers[k][0]):
                results[k] = self._no_number(call, points[k], results[k])
        return results

    def _no_number(self, call: Call, point: Point, result: Found) -> Found:
        """No number where there is a derivative: overflow, a form that is undefined just here, or a mistake."""
        if any(abs(value) > LARGE for value in point.values()):
            return replace(result, equal=None, note=f"{result.note}, perhaps from overflow on its way")
        beside = [
            point | {s: point[s] + sign * BESIDE * (abs(point[s]) or 1.0)} for s in call.symbols for sign in (1, -1)
        ]
        (column,) = truths(self.graph, beside, [self.claim.symbol], sides=False)
        numbers = called(call, beside, self.dtype)
        near = [
            t.ball is not None and math.isfinite(n) and abs(n - float(t.ball)) <= 1e-4 * (abs(float(t.ball)) + BESIDE)
            for (n, _), t in zip(numbers, column, strict=True)
        ]
        if all(near):
            return replace(
                result,
                equal=True,
                note=f"{result.note} just here and is right beside it: only its form is undefined (a removable 0/0)",
            )
        return replace(result, note=f"the claim is undefined here, where the derivative exists: {result.note}")


def floats_in(expression: sp.Basic) -> set[sp.Float]:
    """The binary numbers of an expression."""
    return expression.atoms(sp.Float)


def _close(value: Ball, truth: Ball) -> bool:
    if value is None or truth is None:
        return False
    with working(128):
        return bool(abs(value - truth) < DECIMAL * abs(truth))


def _widened(graph: Graph, output: int, point: Point) -> list[Ball]:
    """An output where every binary number is a ball of half a unit in its last place."""
    import flint

    values = enclosures(graph, [point])
    for node, constant in graph.constants.items():
        if isinstance(constant, sp.Float):
            values[node] = [flint.arb(values[node][0], abs(float(constant)) * 2.0**-53)]
    for node, function, operands, static in graph.applications:
        values[node] = [function.ball(*(values[i][0] for i in operands), *static)]
    return values[graph.outputs[output]]


def tolerance_of(bound: float, truth: Truth, dtype: str) -> float:
    """What rounding may do to a number computed by a good formula, of which nothing else is known."""
    if truth.ball is None:
        return math.nan
    info = np.finfo(dtype)
    forced = judging.FORCED * float(info.eps) * (1.0 + (truth.kappa or 0.0)) * abs(float(truth.ball))
    return forced + (bound if math.isfinite(bound) else 0.0) + float(info.tiny)


def told(number: float, note: str, truth: Ball, tolerance: float, dtype: str) -> Found:
    """A float, with what rounding explains of it, beside the truth."""
    import flint

    if not math.isfinite(number):
        with working(128):
            beyond = (
                truth is not None
                and number == math.copysign(math.inf, float(truth))
                and abs(truth) > float(np.finfo(dtype).max)
            )
        return Found(None, number, None if truth is None else bool(beyond), "" if beyond else note)
    if truth is None:
        return Found(flint.arb(number), number, None, note)
    with working(128):
        ball = flint.arb(number, tolerance)
        return Found(ball, number, bool(ball.overlaps(truth)), note)


def _in_exact_arithmetic(call: Call, point: Point, truth: Truth, result: Found, dtype: str) -> Found | None:
    """What a callable makes of balls, if it takes them: equal there, its floats are off by their own rounding."""
    for bits in (256, 1024, 4096):
        with working(bits):
            value = in_balls(call, point)
            if value is None:
                return None
            if value.rad() > abs(truth.ball.mid()) * 2.0**-60:
                continue
            size = (1.0 + (truth.kappa or 0.0)) * float(np.finfo(np.float64).eps) * 8
            if abs(value - truth.ball) <= size * abs(truth.ball):
                told = (
                    "its float is no number"
                    if result.number is None or not math.isfinite(result.number)
                    else "its float loses digits"
                )
                return Found(
                    value, result.number, equal=True, note=f"right in exact arithmetic; {told} by rounding in {dtype}"
                )
            return None
    return None


def _own_bounds(call: Call, points: Sequence[Point], dtype: str) -> Any:
    """Rounding bounds along what a JAX function computes; None where it cannot be traced."""
    arrays = [np.array([point[s] for point in points], dtype) for s in call.symbols]
    names = [s.name for s in call.symbols]

    def applied(*given: Any) -> Any:
        result = call.function(**dict(zip(names, given, strict=True))) if call.by_name else call.function(*given)
        return result[call.part] if call.parts > 1 else result

    try:
        # one point a call, as a function given to jax.grad has to be called
        program = jax.make_jaxpr(jax.vmap(applied))(*arrays)
        bounds = jaxpr.output_bounds(program, arrays, dtype, 0.0)
        return None if bounds is None else SAFETY * np.broadcast_to(bounds[0], (len(points),))
    except Exception:  # a callable that is not JAX's fails in whatever way it likes
        return None
