"""The referee: value, partials and condition numbers enclosed by ball arithmetic at the exact floating-point inputs.

Each function is enclosed by its `ball` column alone. Its local partials are read off Arb's truncated power series of
it, so the referee has no table of derivatives that could share an error with a route; the four operations of arithmetic
are its own. Adjoints and, for the condition numbers, Hessian rows (forward over reverse) are then accumulated in balls,
over many points at once. Precision is doubled until the enclosures are tight enough; a sign or a condition that the
balls do not decide is never guessed.

Source: Johansson, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic, IEEE Trans. Comput. 66, 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from compare.certified.balls import Ball, Balls, array, available, exact, spread
from compare.certified.hessian_rows import Partial, adjoints_of, condition_numbers, curvatures_of, derivatives_of
from compare.certified.referee_second import hessian_entries
from compare.certified.regularity import faults
from symdiff.graph import Application, Graph
from symdiff.precision import applied, working

PRECISIONS = (128, 256, 512, 1024, 2048, 4096)
# relative radius at which an enclosure counts as tight, whatever the tolerance
TIGHT = 2.0**-70
# how many node values are held at once
LARGEST_BLOCK = 2**17
# a sine or a floor of a longer number is open at every precision of the list, and is tried at one of its own up to this
LONGEST_NUMBER = 2**15


@dataclass(frozen=True)
class Judgement:
    """What the referee found at one point: partials, or why there are none.

    `irregular` says what is certain to be wrong with the point, `undecided` what could not be settled, at `node`.
    """

    partials: tuple[Partial, ...] = ()
    irregular: str | None = None
    undecided: str | None = None
    node: int | None = None


# exact numbers: floats, or balls of radius zero
Point = Mapping[sp.Symbol, Ball]


def judge(
    graph: Graph,
    points: Sequence[Point],
    wrt: Sequence[sp.Symbol],
    radii: NDArray[np.float64] | None = None,
    order: int = 1,
) -> list[Judgement]:
    """Enclose the partials of the graph's first output at each of the points.

    `radii`, of shape (partials, points): the absolute radius that is tight enough; relative tightness suffices too.
    With order 2 the partials are the second ones, of each pair of `wrt`, row by row from the diagonal on.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> (found,) = judge(graph_of([1 - sp.tanh(x) ** 2]), [{x: 20.0}], [x])
    >>> float(found.partials[0].ball)
    -3.398683404233271e-17
    >>> judge(graph_of([sp.Abs(x)]), [{x: 0.0}], [x])[0].irregular
    'abs has its kink here'
    """
    if not available():
        return [Judgement(undecided="python-flint is not installed; pip install python-flint")] * len(points)
    names = [str(symbol) for symbol in wrt]
    if order == 2:
        names = [f"{a} and {b}" for i, a in enumerate(names) for b in names[i:]]
    enough = np.zeros((len(names), len(points))) if radii is None else radii
    found: dict[int, Judgement] = {}
    # for second partials the neighbours of a point are looked at too
    held = len(graph) * (1 if order == 1 else 1 + len(graph.symbols))
    block = max(1, LARGEST_BLOCK // held)
    for start in range(0, len(points), block):
        pending = range(len(points))[start : start + block]
        for bits in PRECISIONS:
            with working(bits):
                judged = _judged(graph, [points[k] for k in pending], wrt, names, enough[:, pending], order)
            found |= dict(zip(pending, judged, strict=True))
            pending = [k for k in pending if found[k].undecided is not None]
            if not pending:
                break
        bits = PRECISIONS[-1]
        if pending and (longer := _longest(graph, [points[k] for k in pending])) > bits:
            bits = longer
            with working(bits):
                judged = _judged(graph, [points[k] for k in pending], wrt, names, enough[:, pending], order)
            found |= dict(zip(pending, judged, strict=True))
            pending = [k for k in pending if found[k].undecided is not None]
        for k in pending:
            found[k] = Judgement(undecided=f"{found[k].undecided} at {bits} bits", node=found[k].node)
    return [found[k] for k in range(len(points))]


# of these all digits before the point count
PERIODIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc", "sinc", "cosm1", "floor", "ceiling", "frac", "Mod"})
# exp(-this) of an operand's size is how far these are from a limit that is no zero: the bits that tell them apart
SATURATING: dict[str, Callable[[float], float]] = {
    **dict.fromkeys(("tanh", "coth"), lambda size: 2 * size),
    **dict.fromkeys(("erf", "erfc"), lambda size: size * size),
    "sigmoid": lambda size: size,
    # 1 + 2**-u
    "zeta": lambda size: math.log(2) * size,
}


def _longest(graph: Graph, points: Sequence[Point]) -> int:
    """Bits that enclose functions of which every digit before the point counts, or many after it; 0 if too many.

    A tanh(2000) is 1 - 4e-1738: whether acos has its end there is decided with 5,771 bits and no fewer.
    """
    with working(PRECISIONS[0]):
        values = node_balls(graph, points)
        longest = 0.0
        for name, operands in {(step.function.name, step.operands) for step in graph.applications}:
            if name not in PERIODIC and name not in SATURATING:
                continue
            for size in (abs(u).upper() for u in values[operands[0]] if u.is_finite()):
                if name in PERIODIC:
                    longest = max(longest, float(size.log()) / math.log(2) if size > 1 else 0.0)
                elif size <= LONGEST_NUMBER and (bits := SATURATING[name](float(size)) / math.log(2)) <= LONGEST_NUMBER:
                    longest = max(longest, bits)
    return int(longest) + 2 * PRECISIONS[0] if longest <= LONGEST_NUMBER else 0


def _judged(
    graph: Graph,
    points: Sequence[Point],
    wrt: Sequence[sp.Symbol],
    names: Sequence[str],
    radii: NDArray[np.float64],
    order: int,
) -> list[Judgement]:
    """Judgements at the present precision."""
    found: dict[int, Judgement] = {}
    values = node_balls(graph, points)
    for members in _sorted_by_branches(graph, values):
        steps = counting(graph, [value[members[0]] for value in values])
        here = [value[members] for value in values]
        for k, fault in faults(graph, steps, here, [points[m] for m in members]).items():
            certain, open_question = (fault.what, None) if fault.certain else (None, fault.what)
            found[members[k]] = Judgement(irregular=certain, undecided=open_question, node=fault.node)
        regular = [k for k, member in enumerate(members) if member not in found]
        if regular:
            if order == 1:
                judged = _partials(graph, steps, [value[regular] for value in here], wrt)
            else:
                inputs = [{s: values[node][members[k]] for node, s in graph.symbols.items()} for k in regular]
                judged = hessian_entries(graph, steps, inputs, wrt, node_balls)
            for k, partials in zip(regular, judged, strict=True):
                found[members[k]] = tight_or_undecided(partials, names, radii[:, members[k]])
    return [found[k] for k in range(len(points))]


def tight_or_undecided(partials: tuple[Partial, ...], names: Sequence[str], radii: NDArray[np.float64]) -> Judgement:
    """The partials as a judgement, undecided unless each is enclosed within its radius."""
    loose = [
        name
        for name, partial, radius in zip(names, partials, radii.tolist(), strict=True)
        if not _tight(partial.ball, radius)
    ]
    if loose:
        return Judgement(undecided=f"the derivative in {', '.join(loose)} is not enclosed tightly enough")
    return Judgement(partials)


def _tight(ball: Ball, radius: float) -> bool:
    if not ball.is_finite():
        return False
    return bool(ball.rad() <= radius) or bool(ball.rad() <= abs(ball.mid()) * TIGHT)


def node_balls(graph: Graph, points: Sequence[Point]) -> list[Balls]:
    """Ball of every node at every point."""
    import flint

    count = len(points)
    values: list[Balls] = [np.empty(0, object)] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = array((flint.arb(point[symbol]) for point in points), count)
    for node, constant in graph.constants.items():
        ball = exact(constant)
        values[node] = array((ball for _ in points), count)
    for node, function, operands, static in graph.applications:
        ball, columns = function.ball, [values[i] for i in operands]
        values[node] = array((applied(ball, row, static) for row in zip(*columns, strict=True)), count)
    return values


def _sorted_by_branches(graph: Graph, values: Sequence[Balls]) -> list[list[int]]:
    """The points, those together at which every condition has the same value."""
    conditions = {step.operands[0] for step in graph.applications if step.function.name == "select"}
    together: dict[tuple[bool | None, ...], list[int]] = {}
    for k in range(len(values[0])):
        together.setdefault(tuple(values[i][k] for i in conditions), []).append(k)
    return list(together.values())


def counting(graph: Graph, values: Sequence[Ball]) -> list[Application]:
    """The applications that count, front to back: of a branch only the one taken."""
    wanted = {graph.outputs[0]}
    kept: list[Application] = []
    for step in reversed(graph.applications):
        if step.node not in wanted:
            continue
        kept.append(step)
        if step.function.name != "select":
            wanted.update(step.operands)
            continue
        condition, taken, otherwise = step.operands
        wanted.add(condition)
        # where the condition is open, that is a fault of the point before either branch matters
        if values[condition] is not None:
            wanted.add(taken if values[condition] else otherwise)
    return kept[::-1]


def _partials(
    graph: Graph, steps: Sequence[Application], values: Sequence[Balls], wrt: Sequence[sp.Symbol]
) -> list[tuple[Partial, ...]]:
    derivatives = derivatives_of(graph, steps, values)
    adjoints = adjoints_of(derivatives, graph.outputs[0])
    curved = curvatures_of(derivatives, adjoints)
    inputs = {node: values[node] for node in graph.symbols}
    columns: list[list[Partial]] = []
    for symbol in wrt:
        source = graph.inputs.get(symbol, -1)
        balls = spread(adjoints.get(source, 0), len(values[0]))
        kappas = condition_numbers(curved, inputs, source, balls)
        columns.append([Partial(*pair) for pair in zip(balls, kappas, strict=True)])
    return list(zip(*columns, strict=True))
