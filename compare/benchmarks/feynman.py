"""The 100 formulas of the Feynman lectures, checked at 64 points in their ranges.

`python -m compare.benchmarks.feynman` prints the verdicts in float64 and float32 and the time in all after imports, the
first time round and the second. Formulas and ranges: S.-M. Udrescu and M. Tegmark, AI Feynman, Science Advances 6
(2020) eaay2631, https://space.mit.edu/home/tegmark/aifeynman.html, FeynmanEquations.csv; its number of variables is
wrong in six rows, so the names are counted instead.
"""

from __future__ import annotations

import csv
import importlib
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

POINTS = 64
MOST_VARIABLES = 10
FILE = Path(__file__).parents[2] / "tests" / "data" / "feynman" / "FeynmanEquations.csv"


@dataclass(frozen=True)
class Formula:
    """One row of the file: a formula in named variables, each with the range it is sampled in."""

    name: str
    number: int
    text: str
    ranges: Mapping[str, tuple[float, float]]

    def points(self, count: int = POINTS) -> list[dict[str, float]]:
        """So many points, uniform in the ranges, seeded by the formula's number.

        >>> Formula("a", 1, "x", {"x": (2.0, 2.0)}).points(1)
        [{'x': 2.0}]
        """
        draw = np.random.default_rng(self.number)
        return [{name: float(draw.uniform(*ends)) for name, ends in self.ranges.items()} for _ in range(count)]


def formulas(path: Path = FILE) -> list[Formula]:
    """The formulas of the file, in its order.

    >>> first = formulas()[0]
    >>> first.name, first.text, dict(first.ranges)
    ('I.6.2a', 'exp(-theta**2/2)/sqrt(2*pi)', {'theta': (1.0, 3.0)})
    """
    found: list[Formula] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["Filename"].strip():
                places = [k for k in range(1, MOST_VARIABLES + 1) if row[f"v{k}_name"]]
                ranges = {row[f"v{k}_name"]: (float(row[f"v{k}_low"]), float(row[f"v{k}_high"])) for k in places}
                found.append(Formula(row["Filename"], int(row["Number"]), row["Formula"], ranges))
    return found


def check(formula: Formula, dtype: str) -> Any:
    """`compare.check` of a formula in all of its variables.

    >>> check(Formula("a", 1, "gamma*I", {"gamma": (1.0, 2.0), "I": (1.0, 2.0)}), "float64").verdict
    <Verdict.AGREE: 'agree'>
    """
    import compare
    import symdiff

    # declared, so that gamma, beta, I and E_n are variables
    expression = symdiff.parse(formula.text, symbols=formula.ranges)
    return compare.check(expression, wrt=list(formula.ranges), at=formula.points(), dtype=dtype)


def verdicts(dtype: str) -> dict[str, Any]:
    """The Comparison of each formula by its name."""
    return {formula.name: check(formula, dtype) for formula in formulas()}


@click.command()
def main() -> None:
    """Check all of them twice in each dtype; print counts, times, and whatever does not agree."""
    for module in ("compare.checking", "compare.certified.referee", "symdiff.parsing", "flint"):
        importlib.import_module(module)  # not to be timed
    for dtype in ("float64", "float32"):
        for run in ("first", "second"):
            start = time.perf_counter()
            found = verdicts(dtype)
            seconds = time.perf_counter() - start
            counts = dict(Counter(c.verdict.value for c in found.values()))
            click.echo(
                f"{dtype}, {run} run: {counts}, {sum(len(c.rows) for c in found.values()):,} rows, {seconds:.1f} s"
            )
        for name, comparison in found.items():
            if comparison.verdict.value != "agree":
                click.echo(f"{name}: {comparison.summary()}")


if __name__ == "__main__":
    main()
