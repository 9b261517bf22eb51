"""Gradient of the residual sum of squares of the 27 NIST problems, by each route, against 60 digits.

`python -m compare.benchmarks.nist` prints the largest relative error of each problem, at both of its starting points.
Problems: NIST Statistical Reference Datasets, nonlinear regression, https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml
The truth is SymPy's derivative of one squared residual, evaluated by mpmath at the doubles and summed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import mpmath
import numpy as np
import sympy as sp
from numpy.typing import NDArray

import symdiff
from symdiff.routes import ROUTES, Route

FOLDER = Path(__file__).parents[2] / "tests" / "data" / "nist_strd"
DIGITS = 60


@dataclass(frozen=True)
class Problem:
    """One squared residual as a formula, the data it is summed over, and the two starting points."""

    name: str
    loss: sp.Expr
    parameters: tuple[sp.Symbol, ...]
    data: Mapping[sp.Symbol, NDArray[np.float64]]
    starts: tuple[tuple[float, ...], tuple[float, ...]]


def names() -> list[str]:
    """The problems whose files are here.

    >>> len(names())
    27
    """
    return sorted(path.stem for path in FOLDER.glob("*.dat"))


def problem(name: str) -> Problem:
    """Read a problem from NIST's file.

    >>> found = problem("Misra1a")
    >>> found.loss, found.starts
    ((-b1*(1 - exp(-b2*x)) + y)**2, ((500.0, 0.0001), (250.0, 0.0005)))
    """
    text = (FOLDER / f"{name}.dat").read_text()
    model = text[text.index("\nModel:") :]
    formula = re.search(r"^ +(y|log\[y\]) += (.*?)\+ +e *$", model, flags=re.MULTILINE | re.DOTALL)
    table = re.findall(r"^ +(b\d) = +(\S+) +(\S+) +\S+ +\S+ *$", text, flags=re.MULTILINE)
    head, *lines = text[text.rindex("Data:") :].splitlines()
    if formula is None or not table:
        raise ValueError(f"{name}.dat has no model or no starting values where they are expected; take NIST's file")
    columns, parameters = head.split()[1:], tuple(row[0] for row in table)
    left, right = (_as_formula(part) for part in formula.groups())
    symbols = {key: sp.Symbol(key, real=True) for key in (*parameters, *columns)}
    # log(y) needs no more than that the data are positive
    loss = (symdiff.parse(left, symbols=symbols.values()) - symdiff.parse(right, symbols=symbols.values())) ** 2
    numbers = np.array([line.split() for line in lines if line.strip()], np.float64).T
    first, second = (tuple(float(row[k]) for row in table) for k in (1, 2))
    data = {symbols[key]: column for key, column in zip(columns, numbers, strict=True)}
    return Problem(name, loss, tuple(symbols[key] for key in parameters), data, (first, second))


def _as_formula(text: str) -> str:
    """NIST's notation in ours.

    >>> _as_formula("exp[ -b1*x ] - arctan[x]/pi")
    'exp( -b1*x ) - atan(x)/pi'
    """
    joined = " ".join(text.split())
    return joined.replace("[", "(").replace("]", ")").replace("arctan", "atan").strip()


def truth(of: Problem, start: tuple[float, ...]) -> list[Any]:
    """The gradient with `DIGITS` digits, at the doubles of data and starting point.

    >>> one = problem("Misra1a")
    >>> [mpmath.nstr(number, 8) for number in truth(one, one.starts[0])]
    ['-32.364979', '-1.5739375e+8']
    """
    symbols = [*of.parameters, *of.data]
    with mpmath.workdps(DIGITS):
        exact = [mpmath.mpf(number) for number in start]
        rows = [[*exact, *map(mpmath.mpf, row)] for row in np.stack(list(of.data.values()), axis=1).tolist()]
        partials = [sp.lambdify(symbols, sp.diff(of.loss, b), "mpmath") for b in of.parameters]
        return [mpmath.fsum(partial(*row) for row in rows) for partial in partials]


def by_route(of: Problem, start: tuple[float, ...], route: Route) -> NDArray[np.float64]:
    """The gradient by a route in float64, summed over the data.

    >>> one = problem("Misra1a")
    >>> by_route(one, one.starts[0], "chain").shape
    (2,)
    """
    run = symdiff.value_and_gradient(of.loss, of.parameters, args=[*of.parameters, *of.data], route=route)
    _, gradient = run(*start, *of.data.values())
    return np.asarray(gradient, np.float64).sum(axis=1)


def relative_errors(of: Problem) -> dict[tuple[Route, int], float]:
    """The largest relative error of a partial, by route and starting point (1 or 2).

    >>> max(relative_errors(problem("Misra1a")).values()) < 1e-11
    True
    """
    found: dict[tuple[Route, int], float] = {}
    for number, start in enumerate(of.starts, start=1):
        exact = truth(of, start)
        for route in ROUTES:
            pairs = zip(by_route(of, start, route).tolist(), exact, strict=True)
            with mpmath.workdps(DIGITS):
                found[route, number] = max(float(abs((mpmath.mpf(a) - b) / b)) for a, b in pairs)
    return found


@click.command()
def main() -> None:
    """Print a line for each problem, then the largest error of each route."""
    worst = dict.fromkeys(ROUTES, 0.0)
    for name in names():
        found = relative_errors(problem(name))
        worst = {route: max(worst[route], found[route, 1], found[route, 2]) for route in ROUTES}
        click.echo(f"{name}: " + ", ".join(f"{route} {found[route, 1]:.1e} {found[route, 2]:.1e}" for route in ROUTES))
    click.echo("largest: " + ", ".join(f"{route} {error:.2g}" for route, error in worst.items()))


if __name__ == "__main__":
    main()
