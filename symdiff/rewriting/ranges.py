"""Ranges: between which numbers the value of a node lies for all real inputs, by interval arithmetic on the graph.

What is not known is unbounded. Where a value is NaN nothing is said, and a comparison is false either way. Bounds are
kept a little wider than rounding can move them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from symdiff.graph import Application, Graph

Range = tuple[float, float]
EVERYTHING: Range = (-math.inf, math.inf)
WIDER = 1 + 2.0**-20
# beyond this a power or an exponential counts as unbounded
LARGE = 1e100
BOUNDED: dict[str, Range] = {
    **dict.fromkeys(("sin", "cos", "tanh", "erf", "sign", "sinc"), (-1.0, 1.0)),
    **dict.fromkeys(("sigmoid", "sech", "heaviside", "frac"), (0.0, 1.0)),
    "atan": (-1.6, 1.6),
    "erfc": (0.0, 2.0),
}


def ranges(graph: Graph) -> list[Range]:
    """The range of every node; time is linear in the graph.

    >>> import sympy as sp
    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> low, high = ranges(graph_of([sp.sin(x) ** 2 + 3]))[-1]
    >>> low <= 3 and 4 <= high < 4.001
    True
    """
    found = [EVERYTHING] * len(graph)
    for node, value in graph.constants.items():
        number = float(value) if value.is_real else math.nan
        if math.isfinite(number):
            found[node] = _wider(number, number)
    for step in graph.applications:
        if step.node not in graph.shapes:
            found[step.node] = _range(step, [found[i] for i in step.operands])
    return found


def _range(step: Application, operands: Sequence[Range]) -> Range:
    name = step.function.name
    if name in BOUNDED:
        return _wider(*BOUNDED[name])
    rule = _RULES.get(name)
    if rule is None:
        return EVERYTHING
    if name == "power_integer":
        largest = max(map(abs, operands[0]))
        exponent = int(step.static[0])
        high = largest**exponent if largest < LARGE ** (1 / exponent) else math.inf
        return _wider(0.0 if exponent % 2 == 0 else -high, high)
    return _wider(*rule(*operands))


def _wider(low: float, high: float) -> Range:
    low, high = min(low * WIDER, low / WIDER), max(high * WIDER, high / WIDER)
    return (low, high) if low <= high else EVERYTHING


def _product(u: Range, v: Range) -> Range:
    corners = [a * b for a in u for b in v]
    return EVERYTHING if any(math.isnan(c) for c in corners) else (min(corners), max(corners))


def _exp(u: Range) -> Range:
    return 0.0, math.exp(u[1]) if u[1] < math.log(LARGE) else math.inf


def _abs(u: Range) -> Range:
    return 0.0, max(abs(u[0]), abs(u[1]))


_RULES: dict[str, Callable[..., Range]] = {
    "add": lambda u, v: (u[0] + v[0], u[1] + v[1]),
    "subtract": lambda u, v: (u[0] - v[1], u[1] - v[0]),
    "negate": lambda u: (-u[1], -u[0]),
    "multiply": _product,
    "exp": _exp,
    "abs": _abs,
    "power_integer": _abs,
    "maximum": lambda u, v: (max(u[0], v[0]), max(u[1], v[1])),
    "minimum": lambda u, v: (min(u[0], v[0]), min(u[1], v[1])),
    "select": lambda _, u, v: (min(u[0], v[0]), max(u[1], v[1])),
}
