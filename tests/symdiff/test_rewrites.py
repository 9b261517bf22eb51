"""The table of rewrites: each proved in balls, and what they are for: numbers by the routes.

The oracle is ball arithmetic in 6,000 bits on the graph that SymPy gives, without any rewrite: value, first and second
derivatives come from the `ball` columns by truncated power series (compare.certified.local_partials), and no rule is shared
with a route.
"""

# ruff: noqa: E501 - the cases are read as a table
import dataclasses
import itertools

import jax
import numpy as np
import pytest
import sympy as sp

from compare.certified.balls import exact
from compare.certified.local_partials import local_partials
from symdiff import chain
from symdiff.from_sympy import graph_of
from symdiff.lowering import jax_outputs, lambdify
from symdiff.precision import working
from symdiff.rewriting.rewrites import REWRITES, lowerable
from symdiff.symbolic import gradient_graph

flint = pytest.importorskip("flint")

BITS = 6000
u, v = sp.symbols("u v", real=True)
exp, log, sqrt, cos, sin, tanh, cosh, R = sp.exp, sp.log, sp.sqrt, sp.cos, sp.sin, sp.tanh, sp.cosh, sp.Rational


def expansion(graph, point, direction):
    """Value, first and second derivative of the first output along a direction, as balls; None where one is open."""
    terms = [None] * len(graph)
    zero = flint.arb(0)
    for node, symbol in graph.symbols.items():
        terms[node] = (point[symbol], flint.arb(direction.get(symbol, 0)), zero)
    for node, constant in graph.constants.items():
        terms[node] = (exact(constant), zero, zero)
    for step in graph.applications:
        operands = [terms[i] for i in step.operands]
        if step.function.name in ("equal", "unequal") and operands[0][0] == operands[1][0]:
            return None  # between two branches
        value = step.function.ball(*(t[0] for t in operands), *step.static)
        if value is None:
            return None
        if step.function.name == "select":
            # the branch not taken may have no value
            terms[step.node] = operands[1 if operands[0][0] else 2]
            continue
        columns = [np.array([t[0]], dtype=object) for t in operands]
        try:
            first, second = local_partials(step, columns, np.array([value], dtype=object), [True] * len(operands))
        except (ZeroDivisionError, ValueError):
            return None  # a pole
        partials = [p if isinstance(p, int) else zero if p is None else p[0] for p in first]
        slope = sum((p * t[1] for p, t in zip(partials, operands, strict=True)), zero)
        curve = sum((p * t[2] for p, t in zip(partials, operands, strict=True)), zero)
        for (j, k), p in second.items():
            number = p if isinstance(p, int) else p[0]
            curve += (1 if j == k else 2) * number * operands[j][1] * operands[k][1]
        terms[step.node] = (value, slope, curve)
    return terms[graph.outputs[0]]


SIZES = [1e-300, 1e-100, 1e-20, 1e-8, 1e-3, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 40.0, 100.0, 299.0, 690.0, 999.0]
SIZES += [1e4, 1e6, 1e20, 1e50, 1e99, 1e150, 1e200, 1e299]
NEAR_ENDS = [-1 + 1e-3, -1 + 1e-10, -1 + 1e-15]


def sample(row):
    """Points of the whole domain of a row, every pair of neighbours where it has several operands."""
    low, high = row.sample
    numbers = [s * size for size in SIZES for s in (1, -1) if low < s * size < high]
    numbers += [0.0] if low < 0 < high else []
    numbers += [n for n in NEAR_ENDS if low == -1]
    arity = row.unstable.__code__.co_argcount - len(row.unstable.__defaults__ or ())
    if arity == 1:
        return [(n,) for n in numbers]
    rng = np.random.default_rng(4)
    return [tuple(rng.choice(numbers, arity)) for _ in range(60)] + [(numbers[0],) * arity]


def proved(row):
    """Assert that both forms enclose one number, for value, first and second derivative at each point of the sample."""
    points = sample(row)
    symbols = sp.symbols("u v w", real=True)[: len(points[0])]
    forms = [graph_of([form(*symbols)]) for form in (row.unstable, row.stable)]
    directions = [{s: 1} for s in symbols] + ([dict.fromkeys(symbols, 1)] if len(symbols) > 1 else [])
    compared = 0
    with working(BITS):
        for point, direction in itertools.product(points, directions):
            at = dict(zip(symbols, map(flint.arb, point), strict=True))
            found = [expansion(graph, at, direction) for graph in forms]
            if found[0] is None or not all(ball.is_finite() for ball in found[0]):
                continue  # the unstable form has no value here
            compared += 1
            for order, (one, other) in enumerate(zip(*found, strict=True)):
                told = f"{row.name}: derivative {order} at {point} along {direction}"
                assert other.is_finite(), f"{told}: the stable form has no value"
                size = abs(one).upper()
                close = abs(one - other).upper() <= size * flint.arb(2) ** -200
                assert close or abs(one - other).upper() < flint.arb(2) ** -3000, f"{told}: {one} and {other}"
    assert compared >= len(points) * len(directions) // 2, f"{row.name}: few points have a value"


KEYS = [f"{row.name} ({row.top})" for row in REWRITES]


@pytest.mark.parametrize("row", REWRITES, ids=KEYS)
def test_both_forms_are_equal_on_the_whole_sample(row):
    assert row.source.strip(), "no source"
    proved(row)


FAULTS = {
    "factor": lambda s: s * (1 + R(1, 10**9)),
    "term": lambda s: s + R(1, 10**9),
    "sign": lambda s: -s,
}


@pytest.mark.parametrize("row", REWRITES, ids=KEYS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_row_fails_by_its_name(row, fault):
    wrong = dataclasses.replace(row, stable=lambda *operands: FAULTS[fault](row.stable(*operands)))
    with pytest.raises(AssertionError, match=f"^{row.name}:".replace("*", r"\*").replace("+", r"\+")):
        proved(wrong)


# ---- numbers by the routes

EVERYWHERE = [
    log(exp(u) + exp(v)), log(1 + exp(u)) + v, 1 / (1 + exp(-u)) + v, exp(u) * v / (1 + exp(u)), exp(u) / (exp(u) + exp(v)),
    exp(-u) / (1 + exp(-u)) ** 2 * v, log(1 / (1 + exp(-u))) * v, log(exp(u) + exp(v) + 2), (exp(u) - exp(v)) / (exp(u) + exp(v)),
    log(cosh(u)) * v, 1 - tanh(u) ** 2 + 0 * v, 1 - tanh(u), tanh(u) + 1, (1 + exp(-u)) ** -3, 1 / (1 + 3 * exp(v - u)),
]  # fmt: skip
EXPONENTS = [
    (800.0, 799.0),
    (-800.0, 1.5),
    (800.0, -3.0),
    (1e4, 9999.5),
    (-1e4, 0.25),
    (700.5, 2.0),
    (36.0, -1.0),
    (-36.0, 1.0),
]
EXPONENTS += [(1e-300, 1e-300), (1e-8, -1e-8), (0.75, 0.5), (-2.5, 3.0)]
LENGTHS = [
    (1e200, 1e200),
    (1e-200, 1e-200),
    (3e-200, 4e200),
    (-1e200, 1.0),
    (0.0, 1e-200),
    (3.0, 4.0),
    (1e-170, -2e-170),
    (-7e153, 0.0),
]
AT = [(e, EXPONENTS) for e in EVERYWHERE] + [
    *((e, LENGTHS) for e in (sqrt(u**2 + v**2), sqrt(1 + u**2) + v, sqrt(4 * u**2 + v**2 / 9))),
    (sp.atan2(u, v), [(1e200, 1e200), (1e-100, -2e-100), (3e-200, 4e200), (-1e200, 1.0), (3.0, 4.0), (-7e153, 0.0)]),
    (u**3 / (exp(u) - 1) + v, [(800.0, 1.0), (700.0, 1.0), (40.0, 2.0), (-800.0, 1.0), (2.0, 1.0), (1e4, 0.5)]),
    (1 / (exp(u) - 1) * v, [(800.0, 1.0), (1e-100, 2.0), (-1e4, 1.0), (-1e-9, 1.0), (2.0, 1.0)]),
    (exp(u) / (exp(u) - 1) ** 2 * v, [(800.0, 1.0), (-800.0, 2.0), (1e-9, 1.0), (3.0, 1.0)]),
    (log(1 - exp(-u)) * v, [(800.0, 1.0), (1e-100, 2.0), (40.0, 1.0), (0.5, 1.0), (1.5, 1.0)]),
    (log(exp(u) - 1) * v, [(800.0, 1.0), (1e-100, 2.0), (40.0, 1.0), (0.5, 1.0), (1e4, 1.0)]),
    (log(1 + u) + v, [(1e-300, 1e-300), (1e-9, 1e-12), (1e200, 1.0), (-0.999, 1.0)]),
    ((exp(u) - 1) * v, [(1e-300, 2.0), (-1e-9, 1.0), (-800.0, 1.0), (3.0, 1.0)]),
    ((1 - cos(u)) * v, [(1e-150, 2.0), (-1e-9, 1.0), (1e-3, 1.0), (3.0, 1.0)]),
    ((1 - cos(u)) / u**2 * v, [(1e-200, 2.0), (-1e-9, 1.0), (1e-3, 1.0), (3.0, 1.0)]),
    (sin(u) / u * v, [(1e-300, 2.0), (-1e-9, 1.0), (1e-3, 1.0), (30.0, 1.0)]),
    (sqrt(1 + u) - 1 + 0 * v, [(1e-300, 1.0), (-1e-9, 1.0), (1e200, 1.0), (3.0, 1.0)]),
    (sqrt(1 + u**2) - 1, [(1e-100, 1.0), (-1e-9, 1.0), (1e100, 1.0), (3.0, 1.0)]),
    (1 / sqrt(u**2 + v**2), [(1e200, 1e200), (1e-90, 2e-90), (3.0, 4.0), (-1e80, 1.0)]),
    (1 - sp.erf(u), [(20.0, 1.0), (3.0, 1.0), (-3.0, 1.0)]),
    (sqrt(1 + u**2) * v, LENGTHS[:6]),
    (v / (1 + v**2) + 0 * u, [(1.0, 1e200), (1.0, -1e-200), (2.0, 3.0)]),
    (u / sqrt(u**2 + v**2), [(1e8, 1.0), (1e200, 1e200), (3.0, 4.0), (1e-70, -2e-70)]),
    (u / (u**2 + v**2), [(1e200, 1e200), (1e90, -3e90), (3.0, 4.0), (1e-70, -2e-70)]),
    (log(u**2 + v**2), [(1e200, 1e200), (1e-100, 1e-100), (3.0, 4.0), (3e-100, 4e200)]),
    (log(u**2 + 1) * v, [(1e150, 1e100), (1e-100, 1e-100), (3.0, 4.0), (0.5, 4e200)]),
    (1 / (1 + v * exp(-u)), [(800.0, 2.0), (-800.0, -3.0), (30.0, 0.5), (-0.5, 2.0), (1e-9, 3.0), (5.0, -0.2)]),
    (3 / (1 + v * exp(u)), [(800.0, 2.0), (-800.0, -3.0), (30.0, 0.5), (-0.5, 2.0), (1e-9, 3.0), (5.0, -0.2)]),
    (exp(u) - 1 + v, [(1e-20, 1e-20), (1.0, 2.0), (1e-9, -1e-9), (-40.0, 1.0)]),
    (cos(u) + v - 1, [(1e-20, 1e-20), (1.0, 2.0)]),
    (u**v, [(1e-5, 3.0), (2.0, 0.5), (1e10, 1.5)]),
    (u * sp.Abs(u) + v, [(1e-200, 1.0), (-3.0, 1.0), (1e150, 1.0)]),
    (u - sp.floor(u) + v, [(2.75, 1.0), (-1.25, 1.0)]),
]  # fmt: skip
SYMBOLS = (u, v)
WHERE = [(), (0,), (1,), (0, 0), (0, 1), (1, 1)]


def derivatives_in_balls(graph, point):
    """Value, partials and second partials; the mixed one from the diagonal."""
    along = [expansion(graph, point, d) for d in ({u: 1}, {v: 1}, {u: 1, v: 1})]
    mixed = (along[2][2] - along[0][2] - along[1][2]) / 2
    return [along[0][0], along[0][1], along[1][1], along[0][2], mixed, along[1][2]]


def by_routes(expression, points, dtype):
    """{route: array (6, points)} in the order of WHERE."""
    graph = lowerable(graph_of([expression]))
    arrays = dict(zip(SYMBOLS, np.array(points, dtype).T, strict=True))
    first = gradient_graph(graph, SYMBOLS)
    outputs = [first.outputs[1], first.outputs[2]]
    second = gradient_graph(dataclasses.replace(first, outputs=tuple(outputs)), SYMBOLS)
    found = {}
    columns = tuple(arrays[s] for s in SYMBOLS)

    @jax.jit
    def symbolic(*c):
        return [jax_outputs(graph, dict(zip(SYMBOLS, c, strict=True))) for graph in (first, second)]

    (value, *partials), rows = symbolic(*columns)
    found["symbolic"] = [value, *partials, rows[1], rows[2], rows[5]]
    f = lambdify(SYMBOLS, expression)

    @jax.jit
    def autodiff(*c):
        return [jax.vmap(function)(*c) for function in (jax.grad(f, (0, 1)), jax.hessian(f, (0, 1)))]

    gradients, ((uu, uv), (_, vv)) = autodiff(*columns)
    found["autodiff"] = [f(*columns), *gradients, uu, uv, vv]
    value, partials = chain.value_and_gradient(graph, arrays, SYMBOLS, dtype)
    curves = [
        chain.value_and_gradient(dataclasses.replace(first, outputs=(o,)), arrays, SYMBOLS, dtype)[1] for o in outputs
    ]
    found["chain"] = [value, *partials, curves[0][0], curves[0][1], curves[1][1]]
    return {route: np.array([np.broadcast_to(x, len(points)) for x in numbers]) for route, numbers in found.items()}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("expression", "points"), AT, ids=[str(e) for e, _ in AT])
def test_value_first_and_second_derivative_by_every_route(expression, points, dtype):
    info = np.finfo(dtype)
    points = [p for p in points if all(n == 0 or float(info.tiny) < abs(n) < float(info.max) ** 0.7 for n in p)]
    if dtype == np.float32:
        points = [tuple(float(np.float32(n)) for n in p) for p in points]
    found = by_routes(expression, points, dtype)
    graph = graph_of([expression])
    tolerance = 1e-13 * float(info.eps) * 2.0**52
    complaints = []
    for k, point in enumerate(points):
        with working(BITS):
            at = {s: flint.arb(n) for s, n in zip(SYMBOLS, point, strict=True)}
            truth = derivatives_in_balls(graph, at)
            if not all(ball.is_finite() for ball in truth):
                continue
            # how far relative changes of the inputs move each number: |exact| times its condition number
            nudge = flint.arb(2) ** -300
            moved = [derivatives_in_balls(graph, at | {s: at[s] * (1 + nudge)}) for s in SYMBOLS]
            moves = [sum(float(abs(m[i] - truth[i]) / nudge) for m in moved) for i in range(6)]
        for i, where in enumerate(WHERE):
            exact_number = float(truth[i])
            for route, numbers in found.items():
                got = float(numbers[i][k])
                if abs(exact_number) > float(info.max) / 4:
                    fine = got * exact_number > 0 and abs(got) > float(info.max) / 8
                else:
                    allowed = tolerance * (abs(exact_number) + moves[i]) + 4096 * float(info.tiny)
                    fine = abs(got - exact_number) <= allowed
                if not fine:
                    complaints.append(f"derivative {where} by {route} at {point}: {got}, expected {exact_number}")
    assert not complaints, "\n".join([str(expression), *complaints[:20]])
