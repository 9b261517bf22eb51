"""A comparison on the terminal: the verdict in words, the partial derivatives, the worst rows opened up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from symdiff.cli.tables import Column, Screen, screen

if TYPE_CHECKING:
    from compare import Comparison, Row

# rows opened up, where all agree and where not; undefined points; partial derivatives of a large model
WORST_AGREEING, WORST, UNDEFINED, PARTIALS = 1, 5, 10, 40
COORDINATES = 12
FULL_DIGITS = {"float64": 17, "float32": 9}


def show(found: Comparison) -> None:
    """Print a comparison on standard output."""
    view = screen()
    if found.claims:
        from compare.claims.outcome import MEANINGS

        view.verdict(found.verdict.value, MEANINGS.get(found.verdict, found.verdict.meaning))
        view.line(f"{_cut(found.subject)}: {found.findings}")
        _show_entries(view, found)
        show_claims(view, found)
    else:
        view.verdict(found.verdict.value, found.verdict.meaning)
        view.line(f"{_cut(found.subject)}: {found.findings}")
        _show_entries(view, found)
        view.heading("Partial derivatives")
        show_partials(view, found)
        _show_worst(view, found)
    _show_undefined(view, found)
    view.heading("To repeat this")
    view.verbatim(found.command or "")
    packages = ("symdiff", "sympy", "jax", "numpy", "python-flint")
    versions = [f"{name} {found.versions[name]}" for name in packages if name in found.versions]
    view.line(", ".join(versions))


def _show_entries(view: Screen, found: Comparison) -> None:
    """Of arrays which entries are checked, and how large they are."""
    if any("[" in row.wrt for row in found.rows):
        for name, fact in found.facts.items():
            view.line(fact if name.startswith("entries") else f"{name}: {fact}")


def show_claims(view: Screen, found: Comparison) -> None:
    """Print each claimed partial derivative: verdict, simplest failing point, guess at the mistake, true formula."""
    view.heading("Claimed" if len(found.claims) == 1 else f"Claimed, {len(found.claims):,} partial derivatives")
    for claim in found.claims[:PARTIALS]:
        view.verdict(claim.verdict.value, f"∂/∂{claim.wrt} = {claim.claim} ({claim.meaning})")
        if claim.example is not None:
            row = claim.example
            view.line(f"simplest failing point: {coordinates(row.at)}", indent=2)
            truth = row.referee.digits or exact(row.referee.value, "float64")
            truth = truth.rstrip("0").rstrip(".") if "." in truth and "e" not in truth else truth
            nothing = (
                f"has no value ({row.reason})" if row.reason.startswith("the claim is an array") else "has no value"
            )
            given = nothing if row.claim is None else f"gives {exact(row.claim, 'float64')}"
            view.line(f"there the claim {given}, the true value is {truth}", indent=2)
        if claim.guess:
            view.line(f"the mistake, perhaps: {claim.guess}", indent=2)
        if claim.true:
            view.line(f"the true formula: {claim.true}", indent=2)
        if claim.note:
            view.line(f"note: {claim.note}", indent=2)


def show_partials(view: Screen, found: Comparison) -> None:
    """Print a table of the partial derivatives, each over all its rows."""
    from compare.digest import owner, partials
    from compare.formula import as_text

    columns = [Column("∂/∂"), Column("formula", fit="cut")]
    columns += [Column(f"{text}\n{found.dtype}", right=True) for text in ("worst error", "digits")]
    columns += [Column("error/\ntolerance", right=True), Column("verdict")]
    rows: list[list[str]] = []
    gathered = partials(found)
    for partial in gathered[:PARTIALS]:
        formula = found.formulas.get(partial.wrt)
        own = [row.error for row in found.rows if owner(row.wrt, found.wrt) == partial.wrt and row.error is not None]
        digits = [accuracy.digits for accuracy in partial.accuracies if accuracy.digits is not None]
        rows.append(
            [
                partial.wrt,
                "" if formula is None else as_text(formula),
                brief(max(own, default=None)),
                f"{min(digits):.1f}" if digits else "",
                brief(partial.ratio),
                partial.verdict.value,
            ]
        )
    view.table(columns, rows)
    if len(gathered) > PARTIALS:
        view.line(f"and {len(gathered) - PARTIALS:,} more; --json holds all")


def _show_worst(view: Screen, found: Comparison) -> None:
    from compare.digest import worst_rows
    from compare.verdict import Verdict

    agree = found.verdict is Verdict.AGREE
    rows = worst_rows(found, WORST_AGREEING if agree else WORST)
    rows = tuple(row for row in rows if agree or row.verdict is not Verdict.AGREE)
    if not rows:
        return
    view.heading("Worst row" if len(rows) == 1 else "Worst rows")
    for row in rows:
        where = f", at {coordinates(row.at)}" if row.at else ""
        view.verdict(row.verdict.value, f"∂/∂{row.wrt}{where}")
        if row.symbolic is not None:
            _show_numbers(view, row, found.dtype)
        if row.explanation:
            view.line(row.explanation, indent=2)
        if row.command:
            view.verbatim(f"  {row.command}")


def _show_numbers(view: Screen, row: Row, dtype: str) -> None:
    from compare.comparison import ROUTES

    lines = [(name, exact(row.route(name), dtype), row.distance(name), row.allowed(name)) for name in ROUTES]
    cells = [[f"  {name}", value, brief(distance), brief(allowed)] for name, value, distance, allowed in lines]
    truth = row.referee.digits or exact(row.referee.value, "float64")
    cells.append(["  referee", truth, f"± {brief(row.referee.radius)}", ""])
    columns = [
        Column("  route"),
        Column(f"value ({dtype})"),
        Column("error", right=True),
        Column("tolerance", right=True),
    ]
    view.table(columns, cells)
    if row.kappa is not None:
        view.line(f"condition number of this derivative: {brief(row.kappa)}", indent=2)


def _show_undefined(view: Screen, found: Comparison) -> None:
    from compare.comparison import ROUTES
    from compare.verdict import Verdict

    rows = [row for row in found.rows if row.verdict is Verdict.UNDEFINED]
    if not rows:
        return
    view.heading(f"No derivative there: {len(rows):,} undefined row{'s' * (len(rows) != 1)}")
    columns = [
        Column("∂/∂"),
        Column("at", fit="wrap"),
        Column("slope\nleft", right=True),
        Column("slope\nright", right=True),
    ]
    columns += [Column(f"{name}\n{found.dtype}", right=True) for name in ROUTES]
    cells: list[list[str]] = []
    for row in rows[:UNDEFINED]:
        left, right = row.slopes or (None, None)
        cells.append([row.wrt, coordinates(row.at), *map(brief, (left, right, *(row.route(name) for name in ROUTES)))])
    view.table(columns, cells)
    if len(rows) > UNDEFINED:
        view.line(f"and {len(rows) - UNDEFINED:,} more; --json holds all")
    reasons = dict.fromkeys(row.explanation.split(":")[0] for row in rows[:UNDEFINED] if row.explanation)
    for reason in list(reasons)[:3]:
        view.line(reason, indent=2)


def coordinates(at: Mapping[str, float]) -> str:
    """Write a point so that it reads back as the same numbers.

    >>> coordinates({"w": 1.0, "x": 0.1})
    'w=1, x=0.1'
    """
    shown = [f"{name}={short(value)}" for name, value in list(at.items())[:COORDINATES]]
    return ", ".join(shown) + (f" and {len(at) - COORDINATES:,} more" if len(at) > COORDINATES else "")


def short(value: float) -> str:
    """Write a number as shortly as reads back the same.

    >>> short(1.0), short(0.1), short(1e300)
    ('1', '0.1', '1e+300')
    """
    return repr(float(value)).removesuffix(".0")


def brief(value: float | None) -> str:
    """Write a number with three digits; nothing for none.

    >>> brief(1.23456e-7), brief(None), brief(0.0)
    ('1.23e-07', '', '0')
    """
    return "" if value is None else f"{value:.3g}"


def exact(value: float | None, dtype: str) -> str:
    """Write a number with the digits that tell it from every other of its dtype.

    >>> exact(0.1, "float64")
    '0.10000000000000001'
    """
    return "none" if value is None else f"{value:.{FULL_DIGITS.get(dtype, 17)}g}"


def _cut(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
