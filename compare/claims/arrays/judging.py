"""Is a claim of an array right at a point? Entry by entry, against the referee's enclosures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import numpy as np
import sympy as sp

from compare.arrays.places import Place
from compare.arrays.rows import Entry
from compare.arrays.scalars import written_out
from compare.bounds import jaxpr
from compare.bounds.graph import SAFETY
from compare.certified.balls import array as column_of
from compare.certified.referee import PRECISIONS
from compare.certified.regularity import faults
from compare.claims.arrays.case import Array, Case
from compare.claims.arrays.claimed import Claimed, called
from compare.claims.judging import DECIMAL, floats_in, told, tolerance_of
from compare.claims.values import Found, compared, enclosures
from compare.truth import Truth
from symdiff.chain import forward
from symdiff.errors import UnsupportedError
from symdiff.from_sympy import graph_of
from symdiff.precision import working
from symdiff.tensors.running import scalar

# times the spread of results when last digits change
UNITS = 8.0
NO_VALUE = "the claim has no value here, where the derivative exists"
OPEN = "whether the claim has a value here is open"


@dataclass(frozen=True, eq=False)
class Judge:
    """Judges one claim at points, entry by entry."""

    claimed: Claimed

    @property
    def case(self) -> Case:
        """The expression that it is a derivative of."""
        return self.claimed.case

    def at(self, place: Place, entries: Sequence[Entry], truths: Sequence[Truth]) -> list[Found]:
        """The claim in some entries, compared with the truth there.

        Raises ShapeError, with both shapes, where the claim has neither the derivative's shape nor its transpose's.
        """
        array = self.claimed.array(place)
        if self.claimed.turned(array.shape, place):
            wanted = np.shape(place.arrays[self.claimed.symbol])
            note = f"the claim is an array of shape {array.shape}, the derivative one of shape {wanted}"
            return [Found(None, None, None if t.ball is None else False, note) for t in truths]
        if self.claimed.claim.call is not None:
            return self._called(self.claimed.fitted(array, place), place, entries, truths)
        found = self._formula(place, entries, truths)
        close = [k for k, one in enumerate(found) if one.equal is False and _close(one, truths[k])]
        if close and self._in_decimals is not None:
            exact = self._in_decimals.case.truths(place, [entries[k] for k in close])
            again = self._in_decimals.at(place, [entries[k] for k in close], exact)
            for k, one in zip(close, again, strict=True):
                if one.equal:
                    found[k] = replace(found[k], equal=True, note="equal as the decimal numbers that are written")
        return found

    @cached_property
    def _in_decimals(self) -> Judge | None:
        """The same of expression and claim in which each binary number is the shortest decimal that gives it."""
        claim, case = self.claimed.claim, self.case
        if claim.formula is None or not (floats_in(claim.formula) or floats_in(case.expression)):
            return None
        both = [
            e.xreplace({f: sp.Rational(repr(float(f))) for f in floats_in(e)}) for e in (case.expression, claim.formula)
        ]
        exact = replace(case, expression=both[0], number=scalar(graph_of([both[0]])))
        return Judge(Claimed(exact, replace(claim, formula=both[1]), self.claimed.which))

    def _formula(self, place: Place, entries: Sequence[Entry], truths: Sequence[Truth]) -> list[Found]:
        fixed = self.claimed.fixed(place)
        values = forward(fixed, {symbol: place.arrays[symbol] for symbol in fixed.inputs})
        try:
            scalars = written_out(fixed, values)
        except UnsupportedError as error:
            return [Found(None, None, None, str(error))] * len(entries)
        point = scalars.point(place.arrays)
        shape = np.shape(place.arrays[self.claimed.symbol])
        outputs = scalars.graph.outputs
        if len(outputs) == 1:
            outputs = outputs * math.prod(shape)
        nodes = [outputs[int(np.ravel_multi_index(e.place, shape)) if shape else 0] for e in entries]
        nothing = self.case.nothing(place)
        found = [Found(None, None, None)] * len(entries)
        pending = list(range(len(entries)))
        for bits in PRECISIONS:
            with working(bits):
                balls = enclosures(scalars.graph, [point])
                for k in pending:
                    found[k] = compared(balls[nodes[k]][0], truths[k].ball, nothing)
            pending = [k for k in pending if found[k].equal is None and truths[k].ball is not None]
            if not pending:
                return found
        with working(PRECISIONS[-1]):
            columns = [column_of(column, 1) for column in enclosures(scalars.graph, [point])]
            fault = faults(scalars.graph, scalars.graph.applications, columns, [point]).get(0)
        certain = fault is not None and fault.certain
        for k in pending:
            if found[k].ball is None:
                note = f"{NO_VALUE}: {fault.what}" if fault is not None and certain else OPEN
                found[k] = Found(None, None, False if certain else None, note)
        return found

    def _called(self, array: Array, place: Place, entries: Sequence[Entry], truths: Sequence[Truth]) -> list[Found]:
        bounds = self.case.rounding(place, self.claimed.which)
        allowed = [
            tolerance_of(float(bounds[e.place]), t, self.case.dtype) for e, t in zip(entries, truths, strict=True)
        ]
        numbers = [float(array[e.place]) for e in entries]

        def judged(k: int, tolerance: float) -> Found:
            note = "" if math.isfinite(numbers[k]) else f"the claim gives {numbers[k]}"
            return told(numbers[k], note, truths[k].ball, tolerance, self.case.dtype)

        found = [judged(k, tolerance) for k, tolerance in enumerate(allowed)]
        off = [k for k, one in enumerate(found) if one.equal is False and math.isfinite(numbers[k])]
        if off:
            own = self._own_rounding(place)
            for k in off:
                found[k] = judged(k, max(allowed[k], float(own[entries[k].place])))
        return found

    def _own_rounding(self, place: Place) -> Array:
        """What rounding does to a callable's own formula: a bound where JAX traces it, else what last digits do."""
        call: Any = self.claimed.claim.call
        given = {s: np.asarray(place.arrays[s], self.case.dtype)[()] for s in call.symbols}
        shape = np.shape(place.arrays[self.claimed.symbol])
        try:
            program = jax.make_jaxpr(lambda *each: called(call, dict(zip(given, each, strict=True))))(*given.values())
            bounds = jaxpr.output_bounds(program, list(given.values()), self.case.dtype, 0.0)
        except Exception:  # a callable that is not JAX's fails in whatever way it likes
            bounds = None
        if bounds is not None:
            found = SAFETY * np.asarray(bounds[0])
            found = found.reshape(shape) if found.size == math.prod(shape) else np.broadcast_to(found, shape)
            return np.where(np.isfinite(found), found, 0.0)
        return self._spread(place, shape)

    def _spread(self, place: Place, shape: tuple[int, ...]) -> Array:
        """How far apart the results are when the last digit of every input is changed."""
        generator = np.random.default_rng(0)
        eps = float(np.finfo(self.case.dtype).eps)
        results: list[Any] = [self.claimed.fitted(self.claimed.array(place), place)]
        for _ in range(4):
            moved = {s: a * (1 + eps * generator.integers(-1, 2, np.shape(a))) for s, a in place.arrays.items()}
            array = self.claimed.array(replace(place, arrays=moved))
            results.append(self.claimed.fitted(array, place))
        spread = np.max(results, axis=0) - np.min(results, axis=0)
        # more than a few last digits of the whole array are no rounding
        most = 2.0**-20 * np.max(np.abs(results[0]), initial=0.0)
        return np.minimum(UNITS * np.where(np.isfinite(spread), spread, 0.0), most).reshape(shape)


def _close(found: Found, truth: Truth) -> bool:
    if found.ball is None or truth.ball is None:
        return False
    with working(128):
        return bool(abs(found.ball - truth.ball) < DECIMAL * abs(truth.ball))
