"""The truth about a row of the function table at a point, from its ball column: value, partials, and how they react.

Partials are Arb's truncated power series of the ball form, along each operand and, for the mixed one, the diagonal.
The precision is raised until enclosures are narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from symdiff.function import Function
from symdiff.precision import applied, working

PRECISIONS = (256, 1024, 4096, 16384)
BITS = 128
# operands are moved by this part of themselves to see how a quantity reacts
NUDGE = 70
NOTHING = -1400  # a radius of 2**-1400 is none


class Exact(NamedTuple):
    """A quantity, and the sum over the operands of |operand * d(quantity)/d(operand)|; balls, or a truth value."""

    value: Any
    sensitivity: Any


def truth(
    row: Function, static: Sequence[Any], point: Sequence[float | bool], moving: Sequence[int]
) -> dict[tuple[int, ...], Exact | None]:
    """Each quantity at a point: () the value, (0,) a partial, (0, 1) a second one; None where there is none.

    >>> from symdiff.functions import FUNCTIONS
    >>> found = truth(FUNCTIONS["abs"], (), (0.0,), (0,))
    >>> float(found[()].value), found[0,], found[0, 0]
    (0.0, None, None)
    """
    found: dict[tuple[int, ...], Exact | None] = {}
    for bits in PRECISIONS:
        with working(bits):
            found = _at(row, static, point, moving)
        if all(exact is not None and _narrow(exact.value) for exact in found.values()):
            break
    return {where: exact if exact is not None and _narrow(exact.value) else None for where, exact in found.items()}


def _narrow(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    radius = value.rad()
    return value.rel_accuracy_bits() >= BITS or not radius or bool(radius.log() < NOTHING)


def _at(row: Function, static: Sequence[Any], point: Sequence[Any], moving: Sequence[int]) -> Any:
    import flint

    balls = [u if isinstance(u, bool) else flint.arb(u) for u in point]
    here = _quantities(row, static, balls, moving)
    reacting = [k for k, u in enumerate(balls) if not isinstance(u, bool) and u != 0]
    nudged = []
    for k in reacting:
        moved = [*balls[:k], balls[k] * (1 + flint.arb(2) ** -NUDGE), *balls[k + 1 :]]
        nudged.append(_quantities(row, static, moved, moving))
    found: dict[tuple[int, ...], Exact | None] = {}
    for where, value in here.items():
        if isinstance(value, bool):
            found[where] = Exact(value, flint.arb(0))
        elif value is None or not value.is_finite():
            found[where] = None
        else:
            changes = [abs((there[where] - value).mid()) * flint.arb(2) ** NUDGE for there in nudged]
            found[where] = Exact(value, sum((c for c in changes if c.is_finite()), flint.arb(0)))
    return found


def _quantities(row: Function, static: Sequence[Any], balls: Sequence[Any], moving: Sequence[int]) -> Any:
    import flint

    def along(*axes: int) -> tuple[Any, Any]:
        line = [
            u if isinstance(u, bool) else flint.arb_series([u, 1] if k in axes else [u]) for k, u in enumerate(balls)
        ]
        series = applied(row.ball, line, static)
        nothing = flint.arb.nan()
        return (series[1], 2 * series[2]) if isinstance(series, flint.arb_series) else (nothing, nothing)

    found: dict[tuple[int, ...], Any] = {(): applied(row.ball, balls, static)}
    for k in moving:
        found[k,], found[k, k] = along(k)
    for i, k in enumerate(moving):
        for j in moving[:i]:
            found[j, k] = (along(j, k)[1] - found[j, j] - found[k, k]) / 2
    return found
