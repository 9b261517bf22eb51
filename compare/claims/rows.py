"""From a claim at one point to the row of a comparison."""

from __future__ import annotations

from collections.abc import Mapping

from compare import judging
from compare.claims.reading import Claim
from compare.claims.values import Found
from compare.points import Point
from compare.row import Enclosure, Row
from compare.truth import Truth
from compare.verdict import Verdict
from symdiff.precision import working

PROVED_WRONG = "proved: the claim and the derivative are certainly different numbers at these exact inputs"
PROVED_EQUAL = "proved: the claim minus the derivative simplifies to 0"


def row_of(
    claim: Claim,
    point: Point,
    truth: Truth,
    found: Found,
    numbers: Mapping[str, float],
    tolerances: Mapping[str, float],
    proved: bool,
) -> Row:
    """The row of a claim at one point, with what the routes gave there; `proved` that it is equal as a formula."""
    at = {str(s): value for s, value in sorted(point.items(), key=lambda item: item[0].name)}
    error, tolerance = _distance(truth, found)
    notes = [truth.note, found.note]
    if truth.ball is None:
        verdict = Verdict.UNDEFINED if truth.slopes is not None else Verdict.UNDECIDED
    else:
        verdict = {True: Verdict.AGREE, False: Verdict.DISAGREE, None: Verdict.UNDECIDED}[found.equal]
    if verdict is Verdict.DISAGREE and found.number is not None and found.ball is not None and truth.ball is not None:
        told = f"the claim gives {found.number:.6g}, the derivative is {float(truth.ball):.6g}"
        notes += [told, PROVED_WRONG] if claim.formula is not None else [told]
    elif verdict is Verdict.AGREE and proved:
        notes.append(PROVED_EQUAL)
    elif verdict is Verdict.UNDECIDED and not any(notes):
        notes.append("whether the claim equals the derivative here was not settled")
    return Row(
        str(claim.symbol),
        at,
        numbers["symbolic"],
        numbers["autodiff"],
        numbers["chain"],
        Enclosure(None, None, None) if truth.ball is None else judging.enclosure(truth.ball),
        verdict,
        error,
        tolerance,
        truth.kappa,
        "; ".join(note for note in notes if note),
        truth.slopes,
        tolerances,
        claim=found.number,
        claimed=True,
    )


def _distance(truth: Truth, found: Found) -> tuple[float | None, float | None]:
    """How far the claim's centre lies from the truth, and how much of that its enclosure explains."""
    if truth.ball is None or found.ball is None:
        return None, None
    with working(256):
        apart = float(abs(found.ball.mid() - truth.ball.mid()))
        explained = float(found.ball.rad() + truth.ball.rad())
    return (0.0 if found.equal and apart <= explained else apart), explained
