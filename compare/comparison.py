"""What a comparison found, as plain data: its rows, their verdict, and what is needed to read and to repeat it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sympy as sp

from compare.claims.outcome import Outcome
from compare.formula import as_text, visible
from compare.row import ROUTES, finite_or_none
from compare.row import Enclosure as Enclosure
from compare.row import Row as Row
from compare.verdict import Verdict as Verdict
from symdiff.errors import OutputError
from symdiff.mimebundle import Shown
from symdiff.output_file import write_file
from symdiff.parameter import Parameter

if TYPE_CHECKING:
    from compare.costs import BreakEven
    from compare.courses import Course
    from symdiff.fitting import Fit


@dataclass(frozen=True)
class Comparison(Shown):
    """All rows of one check, with what is needed to read and to repeat it.

    `model` and `formulas` (one a partial derivative) are SymPy expressions, or text; `operations` counts the operations
    of each graph, `constants` names the numbers that verdicts rest on, `facts` is anything else known of the model,
    `claims` what was found of each claimed partial derivative. `places` are points of many numbers, arrays as nested
    lists, which rows call by their number, 1 being the first. `parameters` are a model's, `hashes` SHA-256 of the
    formula's graph and of the data. `cost` was measured, if asked for; `course` and `fitted` are of the training run or
    the fit of which the derivatives were checked.

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
    claims: tuple[Outcome, ...] = ()
    places: tuple[Mapping[str, Any], ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    cost: BreakEven | None = None
    course: Course | None = None
    fitted: Fit | None = None

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
        return f"{visible(self.subject, 120)}: {self.verdict}; {self.findings}."

    def to_dict(self) -> dict[str, Any]:
        """Return the whole as JSON data, its keys those of the contract and more."""
        formulas = {name: as_text(formula) for name, formula in self.formulas.items()}
        outcome = {"verdict": self.verdict.value, "exit_code": self.exit_code, "dtype": self.dtype}
        outcome |= {"summary": self.summary(), "counts": {v.value: n for v, n in self.counts.items()}}
        given = {"subject": self.subject, "expression": self.expression, "wrt": list(self.wrt), "formulas": formulas}
        given |= {
            "operations": dict(self.operations),
            "constants": {k: finite_or_none(v) for k, v in self.constants.items()},
            "facts": dict(self.facts),
        }
        origin = {"seed": self.seed, "command": self.command, "versions": dict(self.versions)}
        claims = {"claims": [claim.to_dict() for claim in self.claims]} if self.claims else {}
        claims |= {"points": list(self.places)} if self.places else {}
        given |= {"parameters": {name: _described(p) for name, p in self.parameters.items()}} if self.parameters else {}
        given |= {"hashes": dict(self.hashes)} if self.hashes else {}
        runs = {"training": self.course, "fit": self.fitted, "cost": self.cost}
        claims |= {name: run.to_dict() for name, run in runs.items() if run is not None}
        return outcome | given | origin | claims | {"rows": [row.to_dict() for row in self.rows]}

    def save(self, path: str | os.PathLike[str], *, beside: bool = False) -> None:
        """Write the report: a page for .html, data for .json, text for .md; whole or not at all.

        `beside` tells the page that its data stand beside it, in a file of the same name that ends in .json.

        Raises OutputError for another ending and for a path that cannot be written.
        """
        from compare import report  # here: the report reads this module's types

        match Path(path).suffix.lower():
            case ".html":
                text = report.to_html(self, beside=beside)
            case ".json":
                text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
            case ".md":
                text = report.to_markdown(self)
            case _:
                raise OutputError(f"cannot tell the form of {os.fspath(path)!r}: end its name in .html, .json or .md")
        # a file name from the command line may hold half of a surrogate pair, which UTF-8 cannot
        write_file(path, text.encode("utf-8", "backslashreplace"))

    def _repr_html_(self) -> str:
        from compare import report

        return report.to_notebook(self)

    def __repr__(self) -> str:
        return f"<Comparison of {visible(self.subject, 60)!r}: {self.verdict}, {len(self.rows):,} checks>"


def _described(parameter: Parameter) -> dict[str, Any]:
    """A parameter as JSON data; of an array its shape, since its numbers may be many."""
    value = parameter.value if isinstance(parameter.value, float) else {"shape": list(parameter.shape)}
    return {"value": value, "min": parameter.min, "max": parameter.max, "fixed": parameter.fixed} | {
        "unit": parameter.unit
    }
