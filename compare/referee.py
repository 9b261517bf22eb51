"""The referee: value, partials and condition numbers enclosed by ball arithmetic at the exact floating-point inputs.

Each function is enclosed by its `ball` column alone. Its local partials are read off Arb's truncated power series of it, so the
referee has no table of derivatives that could share an error with a route; the four operations of arithmetic are its own.
Adjoints and, for the condition numbers, Hessian rows (forward over reverse) are then accumulated in balls. Precision is
doubled until the enclosures are tight enough; a sign or a condition that the balls do not decide is never guessed.

Source: Johansson, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic, IEEE Trans. Comput. 66 (2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symdiff.function import Absence, Function
from symdiff.graph import Application, Graph

PRECISIONS = (128, 256, 512, 1024, 2048, 4096)
# relative radius at which an enclosure counts as tight, whatever the tolerance
TIGHT = 2.0**-70

Ball = Any  # flint.arb, which has no type stubs
Number = Ball | bool


class Unresolved(Exception):  # noqa: N818 - a signal between two functions here, never seen by a caller
    """The balls at this precision leave something open."""


class Irregular(Exception):  # noqa: N818 - the same
    """The point is certainly a kink, a jump, a pole or outside the domain of a node."""

    def __init__(self, node: int, what: str) -> None:
        super().__init__(what)
        self.node = node
        self.what = what


@dataclass(frozen=True)
class Partial:
    """Enclosure of one partial derivative, and the condition number of it as a function of the inputs."""

    ball: Ball
    kappa: float | None


@dataclass(frozen=True)
class Judgement:
    """What the referee found at one point: partials, or why there are none.

    `irregular` says what is certain to be wrong with the point, `undecided` what could not be settled; both name the node.
    """

    partials: tuple[Partial, ...] = ()
    irregular: str | None = None
    undecided: str | None = None
    node: int | None = None


def available() -> bool:
    """Whether python-flint can be imported; without it every row is undecided."""
    try:
        import flint  # noqa: F401
    except ImportError:
        return False
    return True


def judge(
    graph: Graph, point: Mapping[sp.Symbol, float], wrt: Sequence[sp.Symbol], radii: Sequence[float] | None = None
) -> Judgement:
    """Enclose the partials of the graph's first output at one point.

    `radii`: for each of `wrt` the absolute radius that is tight enough; relative tightness suffices too.

    >>> from symdiff.from_sympy import graph_of
    >>> x = sp.Symbol("x", real=True)
    >>> found = judge(graph_of([1 - sp.tanh(x) ** 2]), {x: 20.0}, [x])
    >>> float(found.partials[0].ball)
    -3.39883412542312e-17
    >>> judge(graph_of([sp.Abs(x)]), {x: 0.0}, [x]).irregular
    'abs has its kink here'
    """
    import flint

    reason, node = "", None
    for precision in PRECISIONS:
        with flint.ctx.workprec(precision):
            flint.ctx.cap = 3
            try:
                partials = _partials(graph, point, wrt)
            except Irregular as irregular:
                return Judgement(irregular=irregular.what, node=irregular.node)
            except Unresolved as unresolved:
                reason, node = unresolved.args
                continue
            wide = [
                str(symbol)
                for k, (symbol, partial) in enumerate(zip(wrt, partials, strict=True))
                if not _tight(partial.ball, radii[k] if radii is not None else 0.0)
            ]
            if not wide:
                return Judgement(partials=tuple(partials))
            reason, node = f"the derivative in {', '.join(wide)} is not enclosed tightly enough", None
    return Judgement(undecided=f"{reason} at {PRECISIONS[-1]} bits", node=node)


def _tight(ball: Ball, radius: float) -> bool:
    if not ball.is_finite():
        return False
    return bool(ball.rad() <= radius) or bool(ball.rad() <= abs(ball.mid()) * TIGHT)


def _partials(graph: Graph, point: Mapping[sp.Symbol, float], wrt: Sequence[sp.Symbol]) -> list[Partial]:
    values, steps = _evaluate(graph, point)
    output = graph.outputs[0]
    varying = graph.depends_on(graph.symbols).tolist()
    derivatives = [
        (step, _local(step, [values[i] for i in step.operands], values[step.node], [varying[i] for i in step.operands]))
        for step in steps
        if varying[step.node]
    ]
    adjoints = _adjoints(derivatives, output)
    partials: list[Partial] = []
    for symbol in wrt:
        source = graph.inputs.get(symbol, -1)
        ball = adjoints.get(source)
        if ball is None:
            partials.append(Partial(exact(sp.Integer(0)), 0.0))
            continue
        if not ball.is_finite():
            raise Unresolved(f"the derivative in {symbol} is not finite", source)
        partials.append(Partial(ball, _kappa(graph, derivatives, adjoints, values, source)))
    return partials


def exact(constant: sp.Basic) -> Number:
    """Ball of an exact constant at the present precision."""
    import flint

    if constant is sp.true or constant is sp.false:
        return constant is sp.true
    if isinstance(constant, (sp.Rational, sp.Float)):
        rational = sp.Rational(constant)
        return flint.arb(flint.fmpq(int(rational.p), int(rational.q)))
    named = {sp.pi: flint.arb.pi, sp.E: flint.arb.const_e, sp.EulerGamma: flint.arb.const_euler}
    named |= {sp.Catalan: flint.arb.const_catalan, sp.GoldenRatio: lambda: (1 + flint.arb(5).sqrt()) / 2}
    return named[constant]() if constant in named else flint.arb.nan()


def _evaluate(graph: Graph, point: Mapping[sp.Symbol, float]) -> tuple[list[Number], list[Application]]:
    """Ball of every node, and the applications that count at this point, front to back: of a branch only the one taken."""
    import flint

    values: list[Number] = [None] * len(graph)
    for node, symbol in graph.symbols.items():
        values[node] = flint.arb(point[symbol])
    for node, constant in graph.constants.items():
        values[node] = exact(constant)
    for node, function, operands, static in graph.applications:
        values[node] = function.ball(*(values[i] for i in operands), *static)
    counting = _counting(graph, values)
    for step in counting:
        _certify(step, [values[i] for i in step.operands], values[step.node])
    if not values[graph.outputs[0]].is_finite():
        raise Unresolved("the value is not finite", graph.outputs[0])
    return values, counting


def _counting(graph: Graph, values: Sequence[Number]) -> list[Application]:
    wanted = set(graph.outputs)
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
        # where the condition is open, certifying it raises before either branch matters
        if values[condition] is not None:
            wanted.add(taken if values[condition] else otherwise)
    return kept[::-1]


def _certify(step: Application, operands: Sequence[Number], value: Number) -> None:
    """Raise unless the node is certainly regular here; called front to back, so that the first culprit is named."""
    name = step.function.name
    if name in _TURNING:
        operand, happens = _TURNING[name](*operands)
        if operand.is_zero():
            raise Irregular(step.node, happens)
        if operand.contains(0):
            raise Unresolved(f"whether {happens} is open", step.node)
    if value is None:
        raise Unresolved(f"whether the condition {name} holds is open", step.node)
    if isinstance(value, bool) or value.is_finite():
        return
    for operand, domain in zip(operands, step.function.domain, strict=True):
        if domain.truth or not operand.is_finite():
            continue
        at = operand.str(10, radius=False)
        if operand < domain.low or operand > domain.high:
            raise Irregular(step.node, f"{name} is outside its domain {domain} at {at}")
        if operand.is_exact() and any(operand == bound for bound in (domain.low, domain.high, *domain.excluded)):
            raise Irregular(step.node, f"{name} has a pole or an end of its domain {domain} at {at}")
    raise Unresolved(f"the value of {name} is not finite", step.node)


# where these quantities vanish, the function turns, jumps or ends: the derivative there is a matter of both sides
_TURNING: dict[str, Callable[..., tuple[Ball, str]]] = {
    "abs": lambda u: (u, "abs has its kink here"),
    "sign": lambda u: (u, "sign jumps here"),
    "heaviside": lambda u, *_: (u, "heaviside jumps here"),
    "maximum": lambda u, v: (u - v, "two arguments of Max tie"),
    "minimum": lambda u, v: (u - v, "two arguments of Min tie"),
    "sqrt": lambda u: (u, "sqrt has its infinite slope here"),
    "power_constant": lambda u: (u, "a fractional power has the end of its domain here"),
    **dict.fromkeys(("less", "less_equal", "equal", "unequal"), lambda u, v: (u - v, "a condition is at its boundary")),
}

First = list[Ball | None]
Second = dict[tuple[int, int], Ball]
Derivatives = Sequence[tuple[Application, tuple[First, Second]]]


def _local(
    step: Application, operands: Sequence[Number], value: Number, varying: Sequence[bool]
) -> tuple[First, Second]:
    """Local partials of a node and its second ones; None where it is zero."""
    rule = _ARITHMETIC.get(step.function.name)
    if rule is not None:
        return rule(operands, value)
    if all(partial is Absence.ZERO for partial in step.function.partials):
        return [None] * len(operands), {}
    return _series_partials(step.function, operands, step.static, varying)


def _chosen(position: int, count: int) -> tuple[First, Second]:
    return [1 if k == position else None for k in range(count)], {}


_ARITHMETIC: dict[str, Callable[[Sequence[Number], Number], tuple[First, Second]]] = {
    "add": lambda operands, y: ([1, 1], {}),
    "subtract": lambda operands, y: ([1, -1], {}),
    "negate": lambda operands, y: ([-1], {}),
    "multiply": lambda operands, y: ([operands[1], operands[0]], {(0, 1): 1}),
    "divide": lambda operands, y: (
        [1 / operands[1], -y / operands[1]],
        {(0, 1): -1 / operands[1] ** 2, (1, 1): 2 * y / operands[1] ** 2},
    ),
    "abs": lambda operands, y: ([1 if operands[0] > 0 else -1], {}),
    "maximum": lambda operands, y: _chosen(0 if operands[0] > operands[1] else 1, 2),
    "minimum": lambda operands, y: _chosen(0 if operands[0] < operands[1] else 1, 2),
    "select": lambda operands, y: _chosen(1 if operands[0] else 2, 3),
}


def _series_partials(
    function: Function, operands: Sequence[Ball], static: Sequence[Any], varying: Sequence[bool]
) -> tuple[First, Second]:
    """Partials from Arb's power series of the function along the axes and, for the mixed ones, along their diagonals."""
    import flint

    def along(*axes: int) -> tuple[Ball, Ball]:
        lines = [flint.arb_series([u, 1] if k in axes else [u], 3) for k, u in enumerate(operands)]
        series = function.ball(*lines, *static)
        return series[1], 2 * series[2]

    first: First = [None] * len(operands)
    second: Second = {}
    moving = [k for k, varies in enumerate(varying) if varies]
    for k in moving:
        first[k], second[k, k] = along(k)
    for i, k in enumerate(moving):
        for j in moving[:i]:
            second[j, k] = (along(j, k)[1] - second[j, j] - second[k, k]) / 2
    return first, second


def _adjoints(derivatives: Derivatives, output: int) -> dict[int, Ball]:
    adjoints: dict[int, Ball] = {output: exact(sp.Integer(1))}
    for step, (first, _) in reversed(derivatives):
        adjoint = adjoints.get(step.node)
        if adjoint is None:
            continue
        for operand, partial in zip(step.operands, first, strict=True):
            if partial is not None:
                known = adjoints.get(operand)
                adjoints[operand] = adjoint * partial if known is None else known + adjoint * partial
    return adjoints


def _kappa(
    graph: Graph, derivatives: Derivatives, adjoints: Mapping[int, Ball], values: Sequence[Number], source: int
) -> float | None:
    """Sum over inputs x of |x * d(partial)/dx| / |partial|: one row of the Hessian, forward over reverse."""
    tangents: dict[int, Ball] = {source: exact(sp.Integer(1))}
    for step, (first, _) in derivatives:
        terms = [p * tangents[i] for i, p in zip(step.operands, first, strict=True) if i in tangents and p is not None]
        if terms:
            tangents[step.node] = sum(terms[1:], terms[0])
    rates: dict[int, Ball] = {}

    def add(node: int, term: Ball) -> None:
        rates[node] = rates[node] + term if node in rates else term

    for step, (first, second) in reversed(derivatives):
        adjoint, rate = adjoints.get(step.node), rates.get(step.node)
        if rate is not None:
            for operand, partial in zip(step.operands, first, strict=True):
                if partial is not None:
                    add(operand, rate * partial)
        if adjoint is not None:
            for (k, j), curvature in second.items():
                for here, other in {(k, j), (j, k)}:
                    if step.operands[other] in tangents:
                        add(step.operands[here], adjoint * curvature * tangents[step.operands[other]])
    partial = adjoints[source]
    total = sum((abs(values[node] * rates[node]) for node in graph.symbols if node in rates), exact(sp.Integer(0)))
    if total.is_zero():
        return 0.0
    kappa = float((total / abs(partial)).upper()) if not partial.contains(0) else math.inf
    return kappa if math.isfinite(kappa) else None
