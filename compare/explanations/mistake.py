"""A guess at what is wrong with a function's derivative, from all rows of a comparison."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from compare.assertions.function_row import DECIDED, FunctionRow
from compare.verdict import Verdict

# ratios are the same if they lie so much closer to each other than to one
ALIKE = 1e-2
# a relative error that float32 shows at most points
VISIBLE = 1e-4


def guess(worst: FunctionRow, rows: Sequence[FunctionRow]) -> str:
    """What would explain the failing rows like the worst one; empty where nothing simple does.

    >>> from compare.row import Enclosure
    >>> two = Enclosure(2.0, 0.0, "2")
    >>> row = FunctionRow("x", {"x": 1.0}, None, None, None, two, Verdict.DISAGREE, 4.0, 0.0, 1.0, "",
    ...     claim=-2.0, claimed=True, source="jax.vjp")
    >>> guess(row, [row])
    'the sign is wrong; at every point'
    """
    source = worst.mode
    alike = [r for r in rows if r.wrt == worst.wrt and r.mode == source and r.verdict in DECIDED]
    wrong = [r for r in alike if r.verdict is Verdict.DISAGREE]
    parts = [_form(worst, wrong, rows), _place(worst, wrong, alike), _mode(source, worst, rows)]
    return "; ".join(part for part in parts if part)


def _form(worst: FunctionRow, wrong: Sequence[FunctionRow], rows: Sequence[FunctionRow]) -> str:
    if "divided by it" in worst.source:
        return "the rule is not linear in its cotangent or tangent, or leaves it out"
    if worst.claim is not None and math.isnan(worst.claim):
        return "not a number: an undefined operation in a branch that is not taken, or inf - inf"
    if all(row.claim == 0.0 for row in wrong):
        return "it is zero: a term or argument was left out, or the gradient is stopped"
    ratios = [row.claim / row.referee.value for row in wrong if row.claim is not None and row.referee.value]
    if not ratios:
        return ""
    low, high = min(ratios), max(ratios)
    if math.isfinite(low) and math.isfinite(high) and high - low <= ALIKE * min(abs(low - 1), abs(high - 1)):
        middle = (low + high) / 2
        # nearer to one than its digits show
        named = f"1 {middle - 1:+.3g}" if abs(middle - 1) < 1e-3 else f"{middle:.6g}"
        return "the sign is wrong" if abs(middle + 1) < ALIKE**2 else f"a factor of {named}"
    return _swapped(wrong, rows)


def _swapped(wrong: Sequence[FunctionRow], rows: Sequence[FunctionRow]) -> str:
    others: dict[str, int] = {}
    by_place: dict[tuple[float, ...], list[FunctionRow]] = {}
    for row in rows:
        by_place.setdefault(tuple(row.at.values()), []).append(row)
    for row in wrong:
        found = {
            other.wrt
            for other in by_place[tuple(row.at.values())]
            if other.wrt != row.wrt and other.dtype == row.dtype and _near(row.claim, other)
        }
        for wrt in found:
            others[wrt] = others.get(wrt, 0) + 1
    best = max(others, key=lambda wrt: others[wrt], default="")
    return f"it is what belongs to {best}" if best and others[best] == len(wrong) else ""


def _near(claim: float | None, row: FunctionRow) -> bool:
    value = row.referee.value
    return claim is not None and value is not None and abs(claim - value) <= 1e-5 * abs(value)


def _place(worst: FunctionRow, wrong: Sequence[FunctionRow], alike: Sequence[FunctionRow]) -> str:
    right = [row for row in alike if row.verdict is not Verdict.DISAGREE]
    if {row.dtype for row in wrong} != {row.dtype for row in alike}:
        # a small error is beyond what float32 shows
        if all((row.error or 0.0) < VISIBLE * abs(row.referee.value or 0.0) for row in wrong):
            return "at every point" if len(wrong) == sum(row.dtype == worst.dtype for row in alike) else ""
        return f"only in {worst.dtype}"
    if not right:
        return "at every point"
    for name in worst.at:
        inside, outside = [abs(row.at[name]) for row in wrong], [abs(row.at[name]) for row in right]
        if min(inside) > max(outside):
            return f"only where |{name}| > {max(outside):.4g}"
        if max(inside) < min(outside):
            return f"only where |{name}| < {min(outside):.4g}"
        inside, outside = [row.at[name] for row in wrong], [row.at[name] for row in right]
        if min(inside) > max(outside):
            return f"only where {name} > {max(outside):.4g}"
        if max(inside) < min(outside):
            return f"only where {name} < {min(outside):.4g}"
    for a, b in itertools.combinations(worst.at, 2):
        gaps = [row.at[a] - row.at[b] for row in wrong], [row.at[a] - row.at[b] for row in right]
        if min(gaps[0]) > max(gaps[1]) or max(gaps[0]) < min(gaps[1]):
            return f"only where {a} {'>' if min(gaps[0]) > max(gaps[1]) else '<'} {b}, or nearly so"
    return "only at one point" if len(wrong) == 1 else ""


def _mode(source: str, worst: FunctionRow, rows: Sequence[FunctionRow]) -> str:
    other = {"jax.vjp": "jax.jvp", "jax.jvp": "jax.vjp"}.get(source)
    beside = [row for row in rows if row.wrt == worst.wrt and row.mode == other]
    right = beside and not any(row.verdict is Verdict.DISAGREE for row in beside)
    return f"{other} is right" if right else ""
