"""What a comparison found, as plain data: verdicts, rows, and the whole.

A row is one partial derivative at one point: three routes, the referee's enclosure of the true value, and a verdict.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from pathlib import Path
from typing import Any

import sympy as sp

from compare.formula import as_text, visible
from compare.output import write_text
from compare.verdict import Verdict as Verdict
from symdiff.errors import OutputError

ROUTES = ("symbolic", "autodiff", "chain")
EXACT = Context(prec=60, Emin=MIN_EMIN, Emax=MAX_EMAX)


def _number(value: float | None) -> float | None:
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
            beyond = abs(Decimal(float(number)) - Decimal(centre)) - Decimal(self.radius or 0.0)
            return max(0.0, float(beyond))


@dataclass(frozen=True)
class Row:
    """One partial derivative at one point.

    `error` and `tolerance` are absolute, in the units of the derivative; `kappa` is the condition number of the partial
    derivative; `slopes` are the one-sided derivatives, left and right, of an undefined point.
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
        """How far a route's number lies from the enclosure, in exact decimal arithmetic."""
        return self.referee.distance(self.route(name))

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
        left, right = self.slopes or (0.0, 0.0)
        given = {**numbers, "radius": self.referee.radius or 0.0, "left slope": left, "right slope": right, **self.at}
        notes = [f"{name} is {float(x)}" for name, x in given.items() if x is not None and not math.isfinite(x)]
        absent = [name for name, x in given.items() if x is None]
        if absent and (not self.reason or self.verdict in (Verdict.AGREE, Verdict.INACCURATE, Verdict.DISAGREE)):
            notes.append(f"no number for {', '.join(absent)}")
        return "; ".join([self.reason] * bool(self.reason) + [note for note in notes if note not in self.reason])

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON data: a number that is absent or not finite is None, and the reason says why."""
        referee = {"value": _number(self.referee.value), "radius": _number(self.referee.radius)}
        row: dict[str, Any] = {"wrt": self.wrt, "at": {name: _number(value) for name, value in self.at.items()}}
        row |= {name: _number(self.route(name)) for name in ROUTES}
        row |= {"referee": {**referee, "digits": self.referee.digits}, "verdict": self.verdict.value}
        row |= {"error": _number(self.error), "tolerance": _number(self.tolerance), "kappa": _number(self.kappa)}
        row["reason"] = self.explanation
        return row | ({"slopes": [_number(slope) for slope in self.slopes]} if self.slopes else {})


@dataclass(frozen=True)
class Comparison:
    """All rows of one check, with what is needed to read and to repeat it.

    `model` and `formulas` (one a partial derivative) are SymPy expressions, or text; `operations` counts the operations
    of each graph, `constants` names the numbers that verdicts rest on, `facts` is anything else known of the model.

    >>> row = Row("w", {"w": 1.0}, 2.0, 2.0, 2.0, Enclosure(2.0, 0.0, "2"), Verdict.AGREE, 0.0, 4e-16, 1.0, "")
    >>> comparison = Comparison("square", "w**2", ("w",), "float64", (row,))
    >>> comparison.verdict, comparison.exit_code
    (<Verdict.AGREE: 'agree'>, 0)
    """

    subject: str
    expression: str
    wrt: tuple[str, ...]
    dtype: str
    rows: tuple[Row, ...]
    seed: int | None = None
    model: sp.Basic | str | None = None
    formulas: Mapping[str, sp.Basic | str] = field(default_factory=dict[str, "sp.Basic | str"])
    operations: Mapping[str, int] = field(default_factory=dict[str, int])
    constants: Mapping[str, float] = field(default_factory=dict[str, float])
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    command: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of the rows; without rows, undecided."""
        return Verdict.worst(row.verdict for row in self.rows)

    @property
    def exit_code(self) -> int:
        """0 agree or undefined alone, 1 inaccurate or disagree, 3 unsupported or undecided."""
        return self.verdict.exit_code

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many rows have each verdict, the worst verdict first."""
        counts = dict.fromkeys(Verdict, 0)
        for row in self.rows:
            counts[row.verdict] += 1
        return counts

    @property
    def points(self) -> int:
        """How many different points the rows stand at."""
        return len({tuple(row.at.items()) for row in self.rows if row.at})

    def worst(self) -> Row | None:
        """Return the row with the worst verdict and, among those, the largest error; the first of equals."""
        return max(self.rows, key=lambda row: row.severity, default=None)

    def _findings(self) -> Iterator[str]:
        found = [f"{count:,} {verdict}" for verdict, count in self.counts.items() if count]
        checks = f"{len(self.rows):,} check{'s' * (len(self.rows) != 1)}"
        points = f" at {self.points:,} point{'s' * (self.points != 1)}" if self.points else ""
        yield f"{checks}{points} in {self.dtype}{': ' + ', '.join(found) if found else ''}"
        worst = self.worst()
        if worst is None or worst.error is None:
            yield from [worst.reason.rstrip(".")] if worst is not None and worst.reason else []
            return
        size = f"worst error {worst.error:.3g}"
        if not math.isfinite(worst.error):
            size = (
                ", ".join(f"{name} is {x}" for name in ROUTES if not math.isfinite(x := worst.route(name) or 0.0))
                or size
            )
        elif worst.tolerance:
            size += f" ({worst.error / worst.tolerance:.3g} of its tolerance)"
        at = ", ".join(f"{name} = {value:.6g}" for name, value in list(worst.at.items())[:8])
        more = f" and {len(worst.at) - 8:,} more" if len(worst.at) > 8 else ""
        yield f"{size} in ∂/∂{worst.wrt}{' at ' + at + more if at else ''}"

    @property
    def findings(self) -> str:
        """The counts and the worst error, without subject and verdict."""
        return visible("; ".join(self._findings()))

    def summary(self) -> str:
        """Return the outcome as one sentence.

        >>> Comparison("nothing", "0", (), "float64", ()).summary()
        'nothing: undecided; 0 checks in float64.'
        """
        return f"{visible(self.subject, 200)}: {self.verdict}; {self.findings}."

    def to_dict(self) -> dict[str, Any]:
        """Return the whole as JSON data, its keys those of the contract and more."""
        formulas = {name: as_text(formula) for name, formula in self.formulas.items()}
        outcome = {"verdict": self.verdict.value, "exit_code": self.exit_code, "dtype": self.dtype}
        outcome |= {"summary": self.summary(), "counts": {v.value: n for v, n in self.counts.items()}}
        given = {"subject": self.subject, "expression": self.expression, "wrt": list(self.wrt), "formulas": formulas}
        given |= {
            "operations": dict(self.operations),
            "constants": {k: _number(v) for k, v in self.constants.items()},
            "facts": dict(self.facts),
        }
        origin = {"seed": self.seed, "command": self.command, "versions": dict(self.versions)}
        return outcome | given | origin | {"rows": [row.to_dict() for row in self.rows]}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report: a page for .html, data for .json, text for .md; whole or not at all.

        Raises OutputError for another ending and for a path that cannot be written.
        """
        from compare import report  # here: the report reads this module's types

        match Path(path).suffix.lower():
            case ".html":
                text = report.to_html(self)
            case ".json":
                text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
            case ".md":
                text = report.to_markdown(self)
            case _:
                raise OutputError(f"cannot tell the form of {os.fspath(path)!r}: end its name in .html, .json or .md")
        write_text(path, text)
