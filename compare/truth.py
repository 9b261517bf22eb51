"""What the referee says of one partial derivative, and the row that follows from it and the numbers of the routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compare import judging
from compare.certified import one_sided
from compare.certified.balls import Ball
from compare.judging import Finding
from compare.row import Enclosure, Row
from compare.verdict import Verdict

CHOSEN = "rounding may decide here on which side of a kink or seam the point lies"


@dataclass(frozen=True)
class Truth:
    """What the referee says of one partial: a ball, or None and why; `slopes` where there certainly is none."""

    ball: Ball
    kappa: float | None = None
    slopes: tuple[float | None, float | None] | None = None
    note: str = ""

    @classmethod
    def between(cls, what: str, sides: tuple[one_sided.Side, one_sided.Side]) -> Truth:
        """What the slopes on both sides say of a point that is not regular, for the reason `what`."""
        common = one_sided.common_slope(sides)
        if common is not None:
            return cls(common, note=f"{what}, but the slopes on both sides are equal")
        left, right = sides
        told = f"{_told('left', left)}, {_told('right', right)}"
        return cls(None, slopes=(left.number, right.number), note=f"{what}: {told}")

    def finding(
        self, numbers: Mapping[str, float], tolerances: Mapping[str, float], chosen: bool, dtype: str
    ) -> Finding:
        """Judge the numbers of the routes; where rounding may have `chosen` a branch or side, none is to be blamed."""
        if self.ball is None:
            return Finding(Verdict.UNDEFINED if self.slopes is not None else Verdict.UNDECIDED, None, None, "")
        doubt = CHOSEN if chosen else ""
        return judging.verdict_on(numbers, self.ball, None if doubt else self.kappa, tolerances, dtype, doubt)

    def row(
        self,
        name: str,
        at: Mapping[str, float],
        numbers: Mapping[str, float],
        finding: Finding,
        chosen: bool,
        notes: Sequence[str] = (),
    ) -> Row:
        """The row of the numbers and what was found of them; `notes` stand after those that follow from both.

        >>> from flint import arb
        >>> numbers = dict.fromkeys(("symbolic", "autodiff", "chain"), 2.0)
        >>> truth, allowed = Truth(arb(2), 1.0), dict.fromkeys(numbers, 0.0)
        >>> truth.row("w", {}, numbers, truth.finding(numbers, allowed, False, "float64"), False).verdict
        <Verdict.AGREE: 'agree'>
        """
        kappa, own = self.kappa, [self.note] * bool(self.note)
        if self.ball is None:
            if self.slopes is not None:
                own.append("returned by convention: " + ", ".join(f"{route} {x:.6g}" for route, x in numbers.items()))
        elif chosen:
            # the condition number knows nothing of a kink
            kappa = None
            own += [CHOSEN] * (finding.verdict is not Verdict.UNDECIDED)
        return Row(
            name,
            at,
            numbers["symbolic"],
            numbers["autodiff"],
            numbers["chain"],
            Enclosure(None, None, None) if self.ball is None else judging.enclosure(self.ball),
            finding.verdict,
            finding.error,
            finding.tolerance,
            kappa,
            "; ".join([finding.reason] * bool(finding.reason) + [*own, *notes]),
            self.slopes,
            finding.tolerances,
        )


def _told(side: str, slope: one_sided.Side) -> str:
    return f"{side} slope {slope.number:.6g}" if slope.number is not None else f"{side} slope: {slope.note}"
