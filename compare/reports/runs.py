"""What a page says of parameters, of a training run, of a fit and of the cost: texts and plots, nothing to compute."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from compare.comparison import Comparison
from compare.costs import BreakEven, in_seconds
from compare.courses import Course
from compare.reports.plots import MISSING, available, drift_plot, fit_plot, loss_plot, path_plot
from compare.reports.texts import Table
from symdiff.fitting import Fit
from symdiff.tensors.shapes import written

MOST_PARAMETERS, MOST_CORRELATIONS, CORRELATED = 40, 12, 0.1
DIGITS = 17
NEAR_ZERO = (
    "Each route rounds in an order of its own, and every update starts from what the ones before it left. The ulp is "
    "that of the parameter as it stands: near zero the same difference is many of them."
)


@dataclass(frozen=True)
class RunView:
    """A training run or a fit: whether it went well, in words; facts; a table of parameters; plots with captions."""

    good: bool
    state: str
    words: str
    facts: tuple[tuple[str, str], ...]
    table: Table
    plots: tuple[tuple[Markup, str], ...]
    notes: tuple[str, ...]


def number(value: Any) -> str:
    """Write a number so that it reads back the same, and of an array its shape and norm.

    >>> number(0.1), number(np.zeros((2, 3)))
    ('0.1', '2×3, norm 0')
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return f"{written(value.shape)}, norm {np.linalg.norm(value):.6g}"
    return repr(float(value))


def parameter_view(comparison: Comparison) -> Table | None:
    """The parameters of the model; None where there are none."""
    found = comparison.parameters
    rows = tuple(
        (
            name,
            number(p.value),
            "" if p.min is None else number(p.min),
            "" if p.max is None else number(p.max),
            p.unit or "",
            "fixed" if p.fixed else "moves",
        )
        for name, p in itertools.islice(found.items(), MOST_PARAMETERS)
    )
    heads = ("Parameter", "Value", "Least", "Largest", "Unit", "In training")
    return _table(heads, rows, len(found) - len(rows)) if found else None


def _table(heads: tuple[str, ...], rows: tuple[tuple[str, ...], ...], left_out: int = 0) -> Table:
    """A table without the columns that are empty."""
    kept = [k for k in range(len(heads)) if k == 0 or any(row[k] for row in rows)]
    return Table(tuple(heads[k] for k in kept), tuple(tuple(row[k] for k in kept) for row in rows), left_out)


def course_view(comparison: Comparison) -> RunView | None:
    """The training run, if the comparison is of one."""
    course = comparison.course
    if course is None:
        return None
    result = course.result
    names = list(itertools.islice(result.parameters, MOST_PARAMETERS))
    starts = {symbol.name: parameter for symbol, parameter in result.model.parameters.items()}
    rows = tuple(
        (name, number(starts[name].value), number(result.parameters[name]), starts[name].unit or "") for name in names
    )
    heads = ("Parameter", "Start", f"After {result.steps:,} updates", "Unit")
    drift = tuple(_drift(course, one, other) for one, other in course.pairs)
    notes = (*(f"{route} was not run: {reason}." for route, reason in course.absent.items()),)
    plots = _plots(
        (loss_plot(course), f"Mean loss of each epoch, {_routes(course)} on one axis."),
        (path_plot(course), f"Parameters after each of the first {course.updates:,} updates, {_routes(course)}."),
        (drift_plot(course), "Drift: the largest difference between two routes’ parameters, in ulp of the first."),
    )
    notes += () if available() else (f"Plots are {MISSING}.",)
    notes += (NEAR_ZERO,) if course.worst_drift else ()
    first, last = float(result.losses[0]), float(result.losses[-1])
    facts = (
        *((name.replace("_", " "), text) for name, text in course.options.items()),
        ("mean loss, first epoch", repr(first)),
        ("mean loss, last epoch", repr(last)),
        *(("drift, " + " and ".join(pair), text) for pair, text in zip(course.pairs, drift, strict=True)),
    )
    same = course.worst_drift == 0.0
    state = "routes identical" if same else "routes drift"
    words = f"{len(result.losses):,} epochs, {result.steps:,} updates; mean loss {first:.6g}, then {last:.6g}. "
    words += f"Over the first {course.updates:,} updates the routes "
    words += "compute the same numbers, bit for bit." if same else f"drift by at most {course.worst_drift:.3g} ulp."
    table = _table(heads, rows, len(result.parameters) - len(rows))
    return RunView(same, state, words, facts, table, plots, notes)


def _routes(course: Course) -> str:
    dashes = {"symbolic": "symbolic drawn wide", "autodiff": "autodiff in dashes", "chain": "chain in dots"}
    return ", ".join(dashes[route] for route in course.paths)


def _drift(course: Course, one: str, other: str) -> str:
    first = course.first_apart(one, other)
    if first is None:
        return f"none in {course.updates:,} updates: the same bits"
    apart = course.drift(one, other)
    return f"first after update {first:,}; at most {apart.max():.3g} ulp, at the end {apart[-1]:.3g} ulp"


def fit_view(comparison: Comparison) -> RunView | None:
    """The fit, if the comparison is of one."""
    fitted = comparison.fitted
    if fitted is None:
        return None
    rows: list[tuple[str, ...]] = []
    for symbol, parameter in itertools.islice(fitted.model.parameters.items(), MOST_PARAMETERS):
        name, error = symbol.name, fitted.stderr[symbol.name]
        value = fitted.parameters[name]
        shown = f"{error:#.8g}" if math.isfinite(error) else "not determined" if name in fitted.moving else "fixed"
        share = f"{abs(error / value):.2%}" if value and math.isfinite(error) else ""
        rows.append((name, f"{value:.{DIGITS}g}", shown, share, number(parameter.value), parameter.unit or ""))
    heads = ("Parameter", "Estimate", "Standard error", "Share", "Start", "Unit")
    data = fitted.model.data
    plots = _plots((None if data is None else fit_plot(fitted, data), "Data, the fitted curve, and the residuals."))
    count = fitted.degrees_of_freedom + len(fitted.moving)
    facts = (
        ("samples", f"{count:,}"),
        ("degrees of freedom", f"{fitted.degrees_of_freedom:,}"),
        ("residual sum of squares", f"{fitted.rss:.{DIGITS}g}"),
        ("residual standard deviation", f"{fitted.residual_sd:.{DIGITS}g}"),
        ("iterations", f"{fitted.iterations:,}"),
        *_correlations(fitted),
    )
    notes = (
        "Standard errors are from s²(JᵀJ)⁻¹, with J the exact Jacobian and s estimated from the residuals: they take "
        "the errors of measurement for equal and independent, and their size for unknown beforehand.",
        *(() if available() or data is None else (f"The plot is {MISSING}.",)),
    )
    state = "converged" if fitted.converged else "not converged"
    words = f"after {fitted.iterations:,} iterations: {fitted.reason}."
    table = _table(heads, tuple(rows), len(fitted.parameters) - len(rows))
    return RunView(fitted.converged, state, words, facts, table, plots, notes)


def _correlations(fitted: Fit) -> tuple[tuple[str, str], ...]:
    """The largest correlations between estimates, as lmfit and others print them."""
    with np.errstate(all="ignore"):
        spread = np.sqrt(np.diag(fitted.covariance))
        matrix = fitted.covariance / np.outer(spread, spread)
    pairs = [
        (float(matrix[i, j]), f"correlation of {fitted.moving[i]} and {fitted.moving[j]}")
        for i, j in itertools.combinations(range(len(fitted.moving)), 2)
        if math.isfinite(matrix[i, j]) and abs(matrix[i, j]) >= CORRELATED
    ]
    pairs.sort(key=lambda pair: (-abs(pair[0]), pair[1]))
    return tuple((name, f"{value:+.4f}") for value, name in pairs[:MOST_CORRELATIONS])


def _plots(*drawn: tuple[Markup | None, str]) -> tuple[tuple[Markup, str], ...]:
    return tuple((plot, caption) for plot, caption in drawn if plot is not None)


@dataclass(frozen=True)
class CostView:
    """Operations, and where they were measured, times; `words` say how much each table is worth."""

    operations: Table
    times: Table | None


def cost_view(comparison: Comparison) -> CostView | None:
    """What the derivatives cost; None where nothing was compiled."""
    cost = comparison.cost
    if cost is None:
        rows = tuple((name, f"{count:,}") for name, count in comparison.operations.items())
        return CostView(Table(("Graph", "Operations"), rows), None) if rows else None
    counted = cost.operations
    rows = tuple((name, _count(counted.shared[name]), _count(counted.written[name])) for name in counted.shared)
    return CostView(Table(("Graph", "Shared", "Written out"), rows), _times(cost))


def _times(cost: BreakEven) -> Table:
    rows: list[tuple[str, ...]] = []
    for route in cost.routes:
        if route.setup is None or route.call is None:
            rows.append((route.route, "", "", route.reason or "not run"))
        else:
            first, call = in_seconds(route.setup + route.call), in_seconds(route.call)
            rows.append((route.route, first, call, cost.paid(route.route)))
    return Table(("Route", "First answer", "Each call", "Symbolic pays"), tuple(rows))


def _count(number: int | None) -> str:
    return "not counted" if number is None else f"{number:,}" if number < 10**15 else f"{float(number):.1e}"
