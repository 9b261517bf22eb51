"""The message of a failed assertion: its worst row, with all that is needed to see and to repeat it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compare.assertions.function_row import DECIDED, FunctionRow
from compare.bounds.graph import SAFETY
from compare.comparison import Comparison
from compare.digest import digits, ulps
from compare.explanations.mistake import guess
from compare.judging import FORCED
from compare.row import ROUTES, Row
from compare.verdict import Verdict

LONGEST = 400


def message(found: Comparison, failed: Comparison, call: str) -> str:
    """The worst of the failed rows of a comparison, first its verdict in one line.

    >>> from compare.row import Enclosure
    >>> six = Enclosure(6.0, 0.0, "6")
    >>> row = FunctionRow("x", {"x": 3.0}, None, None, None, six, Verdict.DISAGREE, 12.0, 1e-14, 1.0,
    ...     "", claim=-6.0, claimed=True, source="jax.vjp")
    >>> found = Comparison("square", "x**2", ("x",), "float64", (row,))
    >>> print(message(found, found, "square, definition='x**2'"))
    disagree: d square/dx by jax.vjp is -6.0 and should be 6.0, at x = 3.0 in float64
      error      12: 1.35e+16 ulps, 0.0 digits are right
      tolerance  1e-14 is what rounding explains: ...
      probably   the sign is wrong; at every point
      fails      in 1 of 1 rows, at 1 of 1 points
      of         square: x**2
      repeat     compare.assert_gradients_agree(square, definition='x**2', at={'x': 3.0}, dtype='float64')
    """
    worst = failed.worst()
    if worst is None:
        return f"undecided: {found.subject}: nothing was compared"
    dtype = worst.dtype if isinstance(worst, FunctionRow) else found.dtype
    at = _at(worst, dtype)
    lines = [_headline(worst, found, at, dtype)]
    lines += _numbers(worst, dtype)
    if worst.reason:
        lines.append(f"  reason     {_cut(worst.reason)}")
    if isinstance(worst, FunctionRow):
        every = [row for row in found.rows if isinstance(row, FunctionRow)]
        likely = guess(worst, every) if worst.verdict is Verdict.DISAGREE else ""
        lines += [f"  probably   {likely}"] * bool(likely)
        if not worst.certified:
            lines.append("  beware     no certified referee: compared with the function's own central differences only")
    for outcome in getattr(found, "claims", None) or ():
        if outcome.guess and str(outcome.wrt) == worst.wrt:
            lines.append(f"  probably   {_cut(outcome.guess)}")
    lines.append(f"  fails      in {_share(failed, found)}")
    lines.append(f"  of         {found.subject}: {_cut(found.expression)}")
    lines += [f"  note       {name}: {_cut(fact)}" for name, fact in found.facts.items() if "not there" in fact]
    inner = "{" + ", ".join(f"{name!r}: {text}" for name, text in at) + "}"
    placed = f", at={inner}" if at else ""
    lines.append(f"  repeat     compare.assert_gradients_agree({call}{placed}, dtype='{dtype}')")
    lines += [f"             {found.command}"] if found.command else []
    return "\n".join(lines)


def _headline(row: Row, found: Comparison, at: Sequence[tuple[str, str]], dtype: str) -> str:
    where = f", at {', '.join(f'{name} = {text}' for name, text in at)}" if at else ""
    what = f"d {found.subject}/d{row.wrt}"
    if row.wrt == "value":
        what = f"the value of {found.subject}"
    elif row.wrt.startswith("direction"):
        what = f"the derivative of {found.subject} in {row.wrt}"
    if isinstance(row, FunctionRow) and row.verdict in DECIDED:
        should = row.referee.value
        by = "" if row.source == "value" else f" by {row.source}"
        return f"{row.verdict}: {_cut(what)}{by} is {row.claim!r} and should be {should!r}{where} in {dtype}"
    return f"{row.verdict}: {_cut(what)}{where} in {dtype}"


def _numbers(row: Row, dtype: str) -> list[str]:
    lines: list[str] = []
    if not isinstance(row, FunctionRow) and row.verdict in DECIDED:
        claim = getattr(row, "claim", None)
        shown = {name: row.route(name) for name in ROUTES} | ({"claim": claim} if claim is not None else {})
        lines += [f"  {name:<10} {number!r}" for name, number in shown.items()]
    certified = getattr(row, "certified", True)
    if (
        certified
        and row.verdict in DECIDED
        and (len(row.referee.digits or "") > 18 or not isinstance(row, FunctionRow))
    ):
        lines.append(f"  referee    {row.referee.digits} ± {row.referee.radius:.2g}")
    if row.error is not None:
        parts = [f"{row.error:.3g}"]
        units, right = ulps(row.error, row.referee.value, dtype), digits(row.error, row.referee.value, dtype)
        measures = [] if units is None else [f"{units:.3g} ulps"]
        measures += [] if right is None else [f"{right:.1f} digits are right"]
        lines.append(f"  error      {': '.join([*parts, ', '.join(measures)] if measures else parts)}")
    if row.tolerance is not None:
        eps = float(np.finfo(dtype).eps)
        kappa = "" if row.kappa is None else f"; kappa = {row.kappa:.3g}"
        rule = f"{SAFETY:g} * running error bound, or {FORCED:g} * {eps:.2g} * (1 + kappa) of it{kappa}"
        rule = rule if certified else "of the error estimate of differences, and rounding"
        lines.append(f"  tolerance  {row.tolerance:.3g} is what rounding explains: {rule}")
    return lines


def _at(row: Row, dtype: str) -> list[tuple[str, str]]:
    """The point, in the fewest digits that give it back in the dtype."""
    return [
        (name, str(float(str(np.float32(u)))) if dtype == "float32" else repr(float(u))) for name, u in row.at.items()
    ]


def _share(failed: Comparison, found: Comparison) -> str:
    wrt = sorted({row.wrt for row in failed.rows})
    listed = f" ({', '.join(wrt[:6])})" if len({row.wrt for row in found.rows}) > 1 else ""
    undefined = sum(row.verdict is Verdict.UNDEFINED for row in found.rows)
    more = f"; {undefined} rows are undefined" if undefined else ""
    places = f"at {failed.points} of {found.points} points" if found.points else ""
    return f"{len(failed.rows)} of {len(found.rows)} rows{listed}, {places}{more}".rstrip(", ")


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
