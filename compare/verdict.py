"""The six verdicts, their order, their meaning and the exit code of each."""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """Six answers, from the worst to the best; `undefined` stands beside them and never outweighs another.

    >>> Verdict.worst([Verdict.AGREE, Verdict.UNDEFINED, Verdict.INACCURATE])
    <Verdict.INACCURATE: 'inaccurate'>
    """

    DISAGREE = "disagree"
    INACCURATE = "inaccurate"
    UNSUPPORTED = "unsupported"
    UNDECIDED = "undecided"
    AGREE = "agree"
    UNDEFINED = "undefined"

    @property
    def meaning(self) -> str:
        """One clause that says what the verdict means."""
        return MEANINGS[self]

    @property
    def badness(self) -> int:
        """5 for the worst verdict, 0 for the one that any other outweighs."""
        return BADNESS[self]

    @property
    def exit_code(self) -> int:
        """What the command line returns for it."""
        return EXIT_CODES[self]

    @staticmethod
    def worst(verdicts: "Iterable[Verdict]") -> "Verdict":
        """Return the worst of several; nothing compared is undecided."""
        return max(verdicts, key=lambda verdict: verdict.badness, default=Verdict.UNDECIDED)


MEANINGS = {
    Verdict.DISAGREE: "the error of at least one route is not explained by rounding: a rule is wrong",
    Verdict.INACCURATE: "explained by rounding, but the formula loses more digits than the mathematics forces",
    Verdict.UNSUPPORTED: "a function has no row in the function table, so nothing was compiled",
    Verdict.UNDECIDED: "the referee could not separate the cases within its precision budget",
    Verdict.AGREE: "the error of every route is explained by rounding, and enough digits are kept",
    Verdict.UNDEFINED: "there is no derivative here: a kink, a pole, a jump or a point outside the domain",
}
EXIT_CODES = {
    Verdict.DISAGREE: 1,
    Verdict.INACCURATE: 1,
    Verdict.UNSUPPORTED: 3,
    Verdict.UNDECIDED: 3,
    Verdict.AGREE: 0,
    Verdict.UNDEFINED: 0,
}
BADNESS = {verdict: number for number, verdict in enumerate(reversed(Verdict))}
