"""One row opened up: what each route gave and how far off it is, where they part, the likely cause, the remedy."""

from __future__ import annotations

from dataclasses import dataclass

from compare.comparison import Comparison
from compare.digest import DECIDED, digits, ulps, worst_rows
from compare.row import ROUTES, Row
from compare.verdict import Verdict

PARTS = ("parts from the referee at", "is nan here", "is inf here", "is -inf here", "and its partial in")
REMEDY = "write "
REMEDIES = {
    Verdict.DISAGREE: "take another route, and mend the rule of this one at the node named (see symdiff functions)",
    Verdict.INACCURATE: "write the part named here in another form, such as expm1, log1p or a series",
    Verdict.UNSUPPORTED: "write it in functions of the table (symdiff functions), or add a row (symdiff.register)",
    Verdict.UNDECIDED: "move the point a little, or write the formula in a form that loses fewer digits",
}
REMEDY_FLOAT32 = "compute in float64, or " + REMEDIES[Verdict.INACCURATE]


@dataclass(frozen=True)
class RouteDetail:
    """One route at one point; None where there is nothing to measure."""

    name: str
    value: float | None
    distance: float | None
    ratio: float | None
    ulps: float | None
    digits: float | None


@dataclass(frozen=True)
class Detail:
    """A row with all that is known of it: `parts` where the routes part, `causes` why, `remedy` what to do."""

    row: Row
    routes: tuple[RouteDetail, ...]
    parts: tuple[str, ...]
    causes: tuple[str, ...]
    remedy: str


def details(comparison: Comparison) -> list[Detail]:
    """Open up the worst rows of a comparison.

    >>> details(Comparison("", "w", ("w",), "float64", ()))
    []
    """
    remedies = {claim.wrt: f"∂/∂{claim.wrt} = {claim.true}" for claim in comparison.claims if claim.true}
    return [_detail(row, comparison.dtype, remedies.get(row.wrt)) for row in worst_rows(comparison)]


def _detail(row: Row, dtype: str, true_formula: str | None) -> Detail:
    numbers = {name: (row.route(name), row.distance(name), row.allowed(name)) for name in ROUTES}
    if row.claimed:
        # its own error: a formula is judged exactly, and its number here is rounded
        numbers["claim"] = row.claim, row.error, row.tolerance
    routes: list[RouteDetail] = []
    for name, (value, distance, allowed) in numbers.items():
        error = distance if row.verdict in DECIDED else None  # a wide enclosure says nothing of a route's own error
        ratio = error / allowed if error is not None and allowed else None
        units = ulps(error, row.referee.value, dtype), digits(error, row.referee.value, dtype)
        routes.append(RouteDetail(name, value, distance, ratio, *units))
    notes = [note for note in row.explanation.split("; ") if note]
    remedy = [note for note in notes if note.startswith(REMEDY)]
    parts = [note for note in notes if any(sign in note for sign in PARTS) and note not in remedy]
    causes = tuple(note for note in notes if note not in remedy and note not in parts)
    return Detail(row, tuple(routes), tuple(parts), causes, _remedy(row, remedy, dtype, true_formula))


def _remedy(row: Row, written: list[str], dtype: str, true_formula: str | None) -> str:
    if written:
        return "; ".join(written)
    if row.claimed and row.verdict is Verdict.DISAGREE:
        return f"take {true_formula}" if true_formula else ""
    if row.verdict is Verdict.INACCURATE and dtype == "float32":
        return REMEDY_FLOAT32
    return REMEDIES.get(row.verdict, "")
