"""One row of a comparison: three routes and the referee on one partial derivative at one point."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation, localcontext
from typing import Any

from compare.verdict import Verdict

ROUTES = ("symbolic", "autodiff", "chain")
LONG = 20
EXACT = Context(prec=60, Emin=MIN_EMIN, Emax=MAX_EMAX)


def finite_or_none(value: float | None) -> float | None:
    """Return what JSON can hold: a finite float, or None."""
    return float(value) if value is not None and math.isfinite(value) else None


@dataclass(frozen=True)
class Enclosure:
    """The referee's answer: the true value lies within `radius` of `digits`, a decimal string; `value` is its float."""

    value: float | None
    radius: float | None
    digits: str | None

    def distance(self, number: float | None) -> float | None:
        """How far `number` lies outside the enclosure, 0 within it; None without an enclosure or number, NaN for NaN.

        >>> Enclosure(0.1, 1e-30, "0.1").distance(0.1)  # the float nearest to 0.1 is not 0.1
        5.551115123124783e-18
        """
        centre = self.digits if self.digits is not None else self.value
        if centre is None or number is None:
            return None
        if not math.isfinite(number):
            return 0.0 if number == self.value else abs(number)
        with localcontext(EXACT):
            try:
                middle = Decimal(centre)
            except InvalidOperation:
                # an exponent beyond what Decimal holds: as good as zero or infinite
                middle = Decimal(self.value or 0.0)
            digits = len(middle.as_tuple().digits)
            # a long string ends where it was rounded: it is known to one unit of its last digit
            last = Decimal(1).scaleb(middle.adjusted() - digits + 1) if digits >= LONG else Decimal(0)
            radius = Decimal(self.radius or 0.0) + last
            return max(0.0, float(abs(Decimal(float(number)) - middle) - radius))


@dataclass(frozen=True)
class Row:
    """One partial derivative at one point.

    `error` and `tolerance` are absolute, in the units of the derivative; `kappa` is the condition number of the partial
    derivative; `slopes` are the one-sided derivatives, left and right, of an undefined point. `tolerances` holds what
    rounding explains of each route, where that is known; `tolerance` is that of the route that decided the verdict.
    `command` repeats a row that does not agree.
    Where a derivative is `claimed`, `claim` is the claimed number, `error` and `tolerance` are its own.
    """

    wrt: str
    at: Mapping[str, float]
    symbolic: float | None
    autodiff: float | None
    chain: float | None
    referee: Enclosure
    verdict: Verdict
    error: float | None
    tolerance: float | None
    kappa: float | None
    reason: str
    slopes: tuple[float | None, float | None] | None = None
    tolerances: Mapping[str, float] | None = None
    claim: float | None = None
    claimed: bool = False
    command: str | None = None

    @classmethod
    def without_numbers(cls, wrt: str, verdict: Verdict, reason: str, at: Mapping[str, float] | None = None) -> "Row":
        """Return a row in which nothing was computed, as for an unsupported function.

        >>> Row.without_numbers("w", Verdict.UNSUPPORTED, "zeta at args[0] has no row").symbolic is None
        True
        """
        nothing = Enclosure(None, None, None)
        return cls(wrt, at or {}, None, None, None, nothing, verdict, None, None, None, reason)

    def route(self, name: str) -> float | None:
        """Return what one of `ROUTES` gave."""
        return {"symbolic": self.symbolic, "autodiff": self.autodiff, "chain": self.chain}[name]

    def distance(self, name: str) -> float | None:
        """How far a route's number lies outside the enclosure, in exact decimal arithmetic.

        An infinite number in a row that agrees is the true value, beyond the dtype's range and rightly rounded.
        """
        number = self.route(name)
        right = self.verdict is Verdict.AGREE and number is not None and math.isinf(number)
        return 0.0 if right else self.referee.distance(number)

    def allowed(self, name: str) -> float | None:
        """Return what rounding explains of a route's error."""
        return self.tolerance if self.tolerances is None else self.tolerances.get(name, self.tolerance)

    @property
    def severity(self) -> tuple[int, float]:
        """A sort key: the verdict, then the error in units of the tolerance; of the true value where inaccurate."""
        inaccurate = self.verdict is Verdict.INACCURATE and self.referee.value
        scale = abs(self.referee.value or 0.0) if inaccurate else self.tolerance
        if self.error is None or math.isnan(self.error):
            return self.verdict.badness, -1.0 if self.error is None else math.inf
        if not scale or math.isnan(scale):
            return self.verdict.badness, math.inf if self.error else 0.0
        return self.verdict.badness, self.error / scale if math.isfinite(scale) else 0.0

    @property
    def explanation(self) -> str:
        """The reason, completed by why each number that JSON cannot hold is missing."""
        numbers = {name: self.route(name) for name in ROUTES} | {"referee": self.referee.value}
        numbers |= {"error": self.error, "tolerance": self.tolerance, "kappa": self.kappa}
        numbers |= {"claim": self.claim} if self.claimed else {}
        left, right = self.slopes or (0.0, 0.0)
        given = {**numbers, "radius": self.referee.radius or 0.0, "left slope": left, "right slope": right, **self.at}
        notes = [f"{name} is {float(x)}" for name, x in given.items() if x is not None and not math.isfinite(x)]
        absent = [name for name, x in given.items() if x is None]
        if absent and (not self.reason or self.verdict in (Verdict.AGREE, Verdict.INACCURATE, Verdict.DISAGREE)):
            notes.append(f"no number for {', '.join(absent)}")
        return "; ".join([self.reason] * bool(self.reason) + [note for note in notes if note not in self.reason])

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON data: a number that is absent or not finite is None, and the reason says why."""
        referee = {"value": finite_or_none(self.referee.value), "radius": finite_or_none(self.referee.radius)}
        row: dict[str, Any] = {"wrt": self.wrt, "at": {name: finite_or_none(value) for name, value in self.at.items()}}
        row |= {name: finite_or_none(self.route(name)) for name in ROUTES}
        row |= {"claim": finite_or_none(self.claim)} if self.claimed else {}
        row |= {"referee": {**referee, "digits": self.referee.digits}, "verdict": self.verdict.value}
        row |= {
            "error": finite_or_none(self.error),
            "tolerance": finite_or_none(self.tolerance),
            "kappa": finite_or_none(self.kappa),
        }
        row["reason"] = self.explanation
        row |= {"command": self.command} if self.command else {}
        return row | ({"slopes": [finite_or_none(slope) for slope in self.slopes]} if self.slopes else {})
