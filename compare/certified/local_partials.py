"""First and second partials of each function in balls, for the referee.

The four operations of arithmetic and the piecewise linear functions have rules here. Of every other function only the
`ball` column is used: Arb's truncated power series of it, along each axis and, for the mixed partials, each diagonal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from compare.certified.balls import Balls, array
from symdiff.function import Absence, Function
from symdiff.graph import Application
from symdiff.precision import applied

Factor = Balls | int  # the same at every point, if an int
First = list[Factor | None]
Second = dict[tuple[int, int], Factor]  # of each pair of operands, in this order


def local_partials(
    step: Application, operands: Sequence[Balls], value: Balls, varying: Sequence[bool]
) -> tuple[First, Second]:
    """Partials of one application at some points in the operands that vary; None, or absent, where zero everywhere."""
    rule = ARITHMETIC.get(step.function.name)
    if rule is not None:
        return rule(operands, value)
    if all(partial is Absence.ZERO for partial in step.function.partials):
        return [None] * len(operands), {}
    return _from_series(step.function, operands, step.static, varying)


def _larger(operands: Sequence[Balls], larger: int) -> tuple[First, Second]:
    import flint

    u, v = operands[larger], operands[1 - larger]
    # 1 where operand 0 is the one that counts: ties have been sorted out before
    first = array((flint.arb(1 if a > b else 0) for a, b in zip(u, v, strict=True)), len(u))
    return [first, 1 - first], {}


def _divide(operands: Sequence[Balls], y: Balls) -> tuple[First, Second]:
    inverse: Any = 1 / operands[1]
    square = inverse * inverse
    return [inverse, -y * inverse], {(0, 1): -square, (1, 1): 2 * y * square}


def _abs(operands: Sequence[Balls], _: Balls) -> tuple[First, Second]:
    import flint

    return [array((flint.arb(1 if u > 0 else -1) for u in operands[0]), len(operands[0]))], {}


def _select(operands: Sequence[Balls], _: Balls) -> tuple[First, Second]:
    # the condition is the same at all points: whoever calls has sorted them by the branches they take
    return [None, 1, None] if operands[0][0] else [None, None, 1], {}


ARITHMETIC: dict[str, Callable[[Sequence[Balls], Balls], tuple[First, Second]]] = {
    "add": lambda *_: ([1, 1], {}),
    "subtract": lambda *_: ([1, -1], {}),
    "negate": lambda *_: ([-1], {}),
    "multiply": lambda operands, _: ([operands[1], operands[0]], {(0, 1): 1}),
    "divide": _divide,
    "abs": _abs,
    "maximum": lambda operands, _: _larger(operands, 0),
    "minimum": lambda operands, _: _larger(operands, 1),
    "select": _select,
}


def _from_series(
    function: Function, operands: Sequence[Balls], static: Sequence[Any], varying: Sequence[bool]
) -> tuple[First, Second]:
    import flint

    points = len(operands[0])

    def along(*axes: int) -> tuple[Balls, Balls]:
        lines = [
            [flint.arb_series([u, 1] if k in axes else [u], 3) for u in column] for k, column in enumerate(operands)
        ]
        found = [applied(function.ball, line, static) for line in zip(*lines, strict=True)]
        series = [s if isinstance(s, flint.arb_series) else [s] * 3 for s in found]
        return array((s[1] for s in series), points), array((2 * s[2] for s in series), points)

    first: First = [None] * len(operands)
    second: Second = {}
    diagonal: dict[int, Balls] = {}
    moving = [k for k, varies in enumerate(varying) if varies]
    for k in moving:
        first[k], diagonal[k] = along(k)
        second[k, k] = diagonal[k]
    for i, k in enumerate(moving):
        for j in moving[:i]:
            second[j, k] = (along(j, k)[1] - diagonal[j] - diagonal[k]) / 2
    return first, second


def product(a: Factor, b: Factor) -> Factor:
    """Product of two factors, at no cost where one of them is 1 or -1."""
    if isinstance(a, int):
        a, b = b, a
    if isinstance(b, int) and b in (1, -1):
        return a if b == 1 else -a
    return np.multiply(a, b) if not (isinstance(a, int) and isinstance(b, int)) else a * b
