"""A row for somebody's function: the number that one of JAX's modes gave for it, beside the referee's enclosure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare import judging
from compare.certified.balls import Ball
from compare.judging import Finding
from compare.row import Enclosure, Row, finite_or_none
from compare.truth import CHOSEN
from compare.verdict import Verdict
from symdiff.precision import working

# verdicts of rows in which there is a true value to compare with
DECIDED = (Verdict.DISAGREE, Verdict.INACCURATE, Verdict.AGREE)


@dataclass(frozen=True)
class FunctionRow(Row):
    """A row in which `claim` is judged: what the function gave by `source` (its value, jax.vjp, jax.jvp, gradient).

    The columns of the routes hold what they gave for the definition.
    """

    source: str = ""
    dtype: str = "float64"
    certified: bool = True

    @property
    def mode(self) -> str:
        """The source without what it was asked for."""
        return self.source.split(",")[0]

    @property
    def subject(self) -> tuple[str, str, str]:
        """What is judged: a partial, by a mode, in a dtype."""
        return self.wrt, self.mode, self.dtype

    @property
    def explanation(self) -> str:
        """The reason, completed by why each number that JSON cannot hold is missing."""
        given = {"claim": self.claim, "error": self.error, **self.at}
        notes = [f"{name} is {x}" for name, x in given.items() if x is not None and not math.isfinite(x)]
        return "; ".join([self.reason] * bool(self.reason) + notes)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON data, with the claim, where it comes from, and in which dtype."""
        more = {"claim": finite_or_none(self.claim), "source": self.source, "dtype": self.dtype}
        return super().to_dict() | more | {"certified": self.certified}


@dataclass(frozen=True)
class Told:
    """What one mode gave of one partial at one point, and what rounding explains of it along the mode's own program."""

    source: str
    number: float
    bound: float | None


def judged(truth: Row, told: Sequence[Told], wrt: str, at: Mapping[str, float], dtype: str) -> FunctionRow:
    """The row of the worst of several numbers for the one quantity that `truth` encloses.

    The tolerance is the largest of `judging.FORCED` * eps * (1 + kappa) times the true value, `graph.SAFETY` times
    the running bound of the mode's own program, and what rounding explains of the definition's three routes.
    """
    first = told[0]
    empty = FunctionRow(
        wrt=wrt,
        at=at,
        symbolic=truth.symbolic,
        autodiff=truth.autodiff,
        chain=truth.chain,
        referee=truth.referee,
        verdict=Verdict.AGREE,
        error=None,
        tolerance=None,
        kappa=None,
        reason="",
        claimed=True,
        dtype=dtype,
    )
    if truth.verdict not in DECIDED:
        returned = f"; {first.source} returns {first.number:.6g}"
        reason = truth.reason.split("; returned by convention")[0] + returned
        return replace(
            empty, verdict=truth.verdict, reason=reason, slopes=truth.slopes, claim=first.number, source=first.source
        )
    ball, doubt = ball_of(truth.referee), CHOSEN if CHOSEN in truth.reason else ""
    explained = tolerance(truth, dtype)
    ranked: list[tuple[tuple[float, float], Told, Finding]] = []
    for each in told:
        allowed = _joined(explained, each.bound)
        finding = judging.verdict_on(
            {each.source: each.number}, ball, truth.kappa, {each.source: allowed}, dtype, doubt
        )
        error = finding.error or 0.0
        excess = error / finding.tolerance if finding.tolerance else math.inf if error else 0.0
        ranked.append(((float(finding.verdict.badness), excess), each, finding))
    _, each, finding = max(ranked, key=lambda entry: entry[0])
    return replace(
        empty,
        verdict=finding.verdict,
        error=finding.error,
        tolerance=finding.tolerance,
        kappa=truth.kappa,
        reason=finding.reason,
        claim=each.number,
        source=each.source,
    )


def ball_of(enclosure: Enclosure) -> Ball:
    """The ball that an enclosure tells of: its digits, and its radius or one unit of the last digit.

    >>> bool(ball_of(Enclosure(0.1, 0.0, "0.1")).contains(0.1))
    False
    """
    import flint

    with working(256):
        middle = flint.arb(enclosure.digits)
        last = abs(middle) * flint.arb("1e-24") if len((enclosure.digits or "").replace(".", "")) > 20 else flint.arb(0)
        return middle + flint.arb(0, flint.arb(enclosure.radius or 0.0) + last)


def tolerance(truth: Row, dtype: str) -> float:
    """What rounding explains of the definition, the condition number included; infinite where it explains anything."""
    info = np.finfo(dtype)
    size = abs(truth.referee.value or 0.0)
    forced = judging.FORCED * float(info.eps) * (1.0 + (truth.kappa or 0.0)) * size
    routes = [bound for bound in (truth.tolerances or {}).values() if not math.isnan(bound)]
    # what one route cannot explain at all, another may
    finite = [bound for bound in routes if math.isfinite(bound)]
    return max([forced if math.isfinite(forced) else 0.0, float(info.tiny), *(finite or routes)])


def _joined(explained: float, bound: float | None) -> float:
    if bound is None or math.isnan(bound):
        return explained
    if math.isinf(bound) or math.isinf(explained):
        return min(bound, explained)
    return max(bound, explained)


def along_all(truths: Sequence[Row], dtype: str) -> Row | None:
    """The derivative along (1, ..., 1): the sum of the partials, where the referee encloses every one of them."""
    if not all(truth.verdict in DECIDED and CHOSEN not in truth.reason for truth in truths):
        return None
    with working(256):
        ball = sum((ball_of(truth.referee) for truth in truths[1:]), ball_of(truths[0].referee))
    allowed = sum(tolerance(truth, dtype) for truth in truths)
    return Row(
        "", {}, None, None, None, judging.enclosure(ball), Verdict.AGREE, 0.0, 0.0, None, "", None, {"": allowed}
    )


def decided_rows(rows: Sequence[FunctionRow]) -> list[FunctionRow]:
    """The rows that got a verdict; where a partial, by a mode, has none, those that did not."""
    decided = {row.subject for row in rows if row.verdict in DECIDED}
    return [row for row in rows if row.verdict is not Verdict.UNDECIDED or row.subject not in decided]
