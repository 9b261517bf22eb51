"""What else a verdict rests on, beside the routes: the referee, the domain, the functions, the arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from compare.comparison import Comparison
from compare.cross_check import crossed
from compare.digest import PRECISION
from compare.verdict import Verdict


@dataclass(frozen=True)
class Condition:
    """One line of the status: `verdict` gives it sign and colour, None where there is nothing to judge."""

    name: str
    verdict: Verdict | None
    state: str
    words: str


def conditions(comparison: Comparison) -> tuple[Condition, ...]:
    """State them for a comparison.

    >>> [line.state for line in conditions(Comparison("", "w", ("w",), "float64", ()))]
    ['nothing decided', 'clean', 'supported', 'float64', 'not made']
    """
    counts = comparison.counts
    undecided, undefined, refused = (
        counts[verdict] for verdict in (Verdict.UNDECIDED, Verdict.UNDEFINED, Verdict.UNSUPPORTED)
    )
    decided = len(comparison.rows) - undecided - undefined - refused
    if undecided or not comparison.rows:
        state = "undecided" if decided else "nothing decided"
        referee = Condition(
            "Referee",
            Verdict.UNDECIDED,
            state,
            f"{undecided:,} check{'s are' if undecided != 1 else ' is'} left open, see why below",
        )
    else:
        which = f"{decided:,} check" + "s" * (decided != 1)
        words = f"encloses the true value of {which} in ball arithmetic, at the exact inputs"
        referee = Condition("Referee", Verdict.AGREE, "decides", words)
    if undefined:
        many = f"{undefined:,} check{'s stand' if undefined > 1 else ' stands'} where there is no derivative"
        domain = Condition("Domain and kinks", Verdict.UNDEFINED, "not all inside", f"{many}, listed below")
    else:
        domain = Condition("Domain and kinks", Verdict.AGREE, "clean", "no check stands where there is no derivative")
    if refused:
        functions = Condition(
            "Functions", Verdict.UNSUPPORTED, "unsupported", f"not computed: {refused:,}, see the worst points"
        )
    else:
        functions = Condition("Functions", Verdict.AGREE, "supported", "every function has a row in the table")
    bits = PRECISION.get(comparison.dtype, (0, 0))[0]
    arithmetic = Condition(
        "Arithmetic", None, comparison.dtype, f"{bits} significant bits; inputs were rounded to it before anything else"
    )
    return referee, domain, functions, arithmetic, _differences(comparison)


def _differences(comparison: Comparison) -> Condition:
    """The cross-check by difference quotients, on which no verdict rests."""
    name, found = "Difference quotients", crossed(comparison)
    if found is None:
        words = "made of first derivatives of formulas of numbers; nothing rests on them"
        return Condition(name, None, "not made", words)
    blind = f"; {found.blind:,} are too rough to tell" if found.blind else ""
    rest = "extrapolated central differences of the value, on which no verdict rests"
    if found.against:
        words = f"against the referee in {found.against:,} of {found.told:,} checks; a step may cross a kink or pole"
        return Condition(name, Verdict.UNDECIDED, "differ", f"{words}{blind}: {rest}")
    if not found.told:
        return Condition(name, None, "too rough", f"they can tell nothing of any check: {rest}")
    words = f"with the referee in all of {found.told:,} checks that they can tell, to {found.digits:.1f} digits or more"
    return Condition(name, Verdict.AGREE, "confirm", f"{words}{blind}: {rest}")
