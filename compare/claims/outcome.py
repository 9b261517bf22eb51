"""What was found of one claimed partial derivative, over all points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compare.row import Row
from compare.verdict import Verdict

MEANINGS = {
    Verdict.AGREE: "the claimed derivatives are right at every point where there is one",
    Verdict.DISAGREE: "a claimed derivative is wrong",
    Verdict.UNDEFINED: "at none of these points is there a derivative",
    Verdict.UNSUPPORTED: "a function has no row in the function table, so nothing was compared",
    Verdict.UNDECIDED: "at some points the referee could not separate right from wrong",
}


@dataclass(frozen=True)
class Outcome:
    """Verdict on the claim of one partial derivative, with what a person needs to mend it.

    `true` is the true formula; `proved` says that equality or difference is certain, not only seen; `example` is the
    simplest point at which the claim is wrong, `guess` what the mistake may be and `mistake` its kind in a word or two.
    """

    wrt: str
    claim: str
    verdict: Verdict
    true: str
    proved: bool = False
    points: int = 0
    example: Row | None = None
    mistake: str = ""
    guess: str = ""
    note: str = ""

    @property
    def meaning(self) -> str:
        """The verdict in a clause.

        >>> Outcome("x", "2*x", Verdict.AGREE, "2*x", proved=True).meaning
        'equal, proved'
        """
        if self.verdict is Verdict.AGREE:
            tried = "the one point" if self.points == 1 else f"all {self.points:,} points"
            return "equal, proved" if self.proved else f"equal at {tried} tried"
        if self.verdict is Verdict.DISAGREE:
            return "wrong, proved" if self.proved else "wrong"
        return MEANINGS.get(self.verdict, self.verdict.value)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        given = {"wrt": self.wrt, "claim": self.claim, "true": self.true, "verdict": self.verdict.value}
        found = {"proved": self.proved, "points": self.points, "mistake": self.mistake or None}
        example = None if self.example is None else self.example.to_dict()
        return given | found | {"guess": self.guess or None, "note": self.note or None, "example": example}
