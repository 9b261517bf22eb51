"""Guards: values unchanged, no NaN from a branch that is not taken, in first and second derivatives by every route."""

import jax
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symdiff import chain
from symdiff.from_sympy import graph_of
from symdiff.guard import guarded
from symdiff.jacobians import hessian
from symdiff.lowering import lambdify
from symdiff.routes import ROUTES, value_and_gradient

x, y = sp.symbols("x y", real=True)
P = sp.Piecewise
POINTS = np.array([-3.0, -1.0, -0.25, 0.0, 0.25, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0])

CASES = {
    # the five of peers.md, pain 1
    "square root": P((sp.sqrt(x), x > 0), (0, True)),
    "entropy": P((x * sp.log(x), x > 0), (0, True)),
    "reciprocal": P((1 / x, sp.Ne(x, 0)), (0, True)),
    "sinc": P((sp.sin(x) / x, sp.Ne(x, 0)), (1, True)),
    "bump": P((sp.exp(-1 / x), x > 0), (0, True)),
    # shapes of branching
    "three branches": P((sp.sqrt(-x), x < -0.5), (x, x < 1.25), (sp.log(x - 1) * sp.sqrt(x), True)),
    "nested": P((P((sp.sqrt(x - 1), x > 1), (1 / (x - 1), True)) + sp.log(x), x > 0), (sp.sqrt(-x), True)),
    "same condition nested": P((P((sp.sqrt(x), x > 0), (sp.log(x), True)), x > 0), (x, True)),
    "no last branch": P((sp.sqrt(x), x > 2), (x**2, x > -2)),
    # sharing
    "shared by two branches": P((sp.sqrt(x) * y, x > 1), (sp.sqrt(x), x > 0), (y, True)),
    "shared with another condition": P((sp.sqrt(x), x > 0), (0, True)) + P((sp.sqrt(x) * y, x > 1.25), (x, True)),
    "shared with the outside": P((sp.sqrt(x**2 + 1) / x, x > 0.5), (sp.sqrt(x**2 + 1), True)) * sp.sqrt(x**2 + 1),
    "condition that holds a guarded node": P(
        (sp.log(x - 1), P((x * sp.log(sp.Abs(x)), sp.Ne(x, 0)), (-1, True)) > 0.2), (x, True)
    ),
    "condition that shares a node with its branch": P((1 / sp.sin(x), sp.sin(x) > 0.01), (sp.sin(x), True)),
    "joined conditions": P((sp.log(3 - x), sp.And(x > 0, x < 3)), (sp.sqrt(-x), sp.Or(x < -1, x > 4)), (2 * x, True)),
    # what overflows where it is not taken, at the replaced operand too
    "power of a large number": P(((1000 * x + 1) ** 120, sp.Abs(x) < 0.1), (x, True)),
    "product of large numbers": P((sp.exp(sp.exp(x**2 * y)) * x**3, x < 1), (x, True)),
    "tangent of everything": P((sp.tan(1 / x) ** 2 / (x + 3), sp.And(sp.Ne(x, 0), sp.Ne(x, -3))), (x, True)),
    "kinks": P((sp.Max(1 / x, y) * sp.Abs(sp.log(x)), x > 0), (sp.Min(sp.sqrt(-x), y), x < 0), (x, True)),
    # of Max and Min the operand that is not taken
    "larger of an exponential": sp.Max(0, 1 - sp.exp(1000 * x)),
    "nested extremes": sp.Min(sp.Max(y * x, sp.Max(-sp.exp(300 * x), sp.sqrt(x**2 + 1) - 3)), sp.cosh(200 * x) * x + 4),
    "extremes with a shared operand": sp.Max(sp.exp(-400 * x) - 1, x) + sp.Min(sp.exp(-400 * x), x**2),
    "extreme within a branch": P(
        (sp.Max(1 / x, sp.log(x), -sp.exp(900 * x)), x > 0), (sp.Min(x, sp.exp(-900 * x)), True)
    ),
    "real power": P((x ** sp.Rational(7, 3) * x**y, x > 0), (0, True)),
}


def taken(expression, order):
    """SymPy's derivative of the branch taken, at exact points; NaN where it is not a finite real number.

    Of a branch at one point SymPy knows the value alone: -1/3 is the second derivative of sin(x)/x there.
    """
    if expression == CASES["sinc"] and order == 2:
        expression = sp.sinc(x)
    derivative = sp.diff(expression, x, order).replace(sp.DiracDelta, lambda *_: sp.Integer(0))
    expected = []
    for point in POINTS:
        if point == 0 and expression == sp.sinc(x):
            expected.append(-1 / 3)
            continue
        try:
            number = sp.N(derivative.subs({x: sp.Rational(point), y: sp.Rational(3, 2)}), 30)
        except TypeError:  # a condition that compares what is not real
            number = sp.nan
        expected.append(float(number) if number.is_real and number.is_finite else np.nan)
    return np.array(expected)


@pytest.mark.parametrize("name", CASES)
def test_values_are_unchanged_bit_for_bit(name):
    graph = graph_of([CASES[name]])
    before, after = (chain.forward(g, {x: POINTS, y: 1.5})[g.outputs[0]] for g in (graph, guarded(graph)))
    np.testing.assert_array_equal(before, after)


HOW = {**dict.fromkeys(ROUTES, 1), "jax.jvp of jax.jvp": 2, "hessian": 2}


@pytest.fixture(scope="module")
def derivatives():
    """First derivatives by each route, second ones by JAX and by `hessian`: all cases in one compilation each."""
    cases = list(CASES.values())
    model, written = lambdify([x, y], cases), lambdify([x, y], [hessian(e, x)[x, x] for e in cases])
    one = np.ones_like(POINTS)

    def slope(a):
        return jax.jvp(lambda u: model(u, 1.5), (a,), (one,))[1]

    second = jax.jit(lambda a: jax.jvp(slope, (a,), (one,))[1])
    found = {"jax.jvp of jax.jvp": second(POINTS), "hessian": written(POINTS, 1.5)}
    for route in ROUTES:
        each = [value_and_gradient(e, [x], args=[x, y], route=route) for e in cases]

        def run(a, each=each):
            return [h(a, 1.5)[1][0] for h in each]

        found[route] = run(POINTS) if route == "chain" else jax.jit(run)(POINTS)
    return found


# the formula that `hessian` writes has Heaviside(1 - exp(x))*exp(x), which is a product and no branch
WRITTEN_WITH_HEAVISIDE = {name for name in CASES if "extreme" in name or name.startswith("larger")}


@pytest.mark.parametrize(
    ("name", "how"),
    [(n, h) for n in CASES for h in HOW if not (h == "hessian" and n in WRITTEN_WITH_HEAVISIDE)],
)
def test_derivatives_are_those_of_the_branch_taken(name, how, derivatives):
    expected = taken(CASES[name], HOW[how])
    known = np.isfinite(expected)
    assert known.sum() >= 4
    got = np.asarray(derivatives[how][list(CASES).index(name)])
    np.testing.assert_allclose(got[known], expected[known], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", ["square root", "entropy", "reciprocal", "sinc", "bump"])
@pytest.mark.parametrize("point", [-1.0, 0.0])
def test_jax_grad_and_hessian_are_finite_off_the_branch(name, point):
    model = lambdify([x], CASES[name])
    expected = [float(sp.diff(CASES[name], x, k).subs(x, sp.Rational(point))) for k in (1, 2)]
    if name == "sinc" and point == 0:
        expected = [0.0, -1 / 3]
    assert [float(jax.grad(model)(point)), float(jax.hessian(model)(point))] == pytest.approx(
        expected, rel=1e-14, abs=0
    )


def test_without_branches_the_graph_is_its_own():
    graph = graph_of([sp.sqrt(x) / y])
    assert guarded(graph) is graph


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("expression", "point", "value", "slope"),
    [
        # exp(1000) is beyond the range: what is not taken has no say
        (sp.Max(0, 1 - sp.exp(x)), 1000.0, 0.0, 0.0),
        (sp.Max(0, 1 - sp.exp(x)), -1.0, 1 - np.exp(-1), -np.exp(-1)),
        (sp.Min(7, sp.exp(x) + 3 * x), 1e5, 7.0, 0.0),
        (sp.Max(sp.Max(-sp.exp(x**2), x / 4), -sp.sinh(x)) ** 2, 800.0, 40000.0, 100.0),
        (sp.Max(-5, sp.Min(x**3, sp.exp(-x))) * x, -1e150, 5e150, -5.0),
        # at a tie the middle of both slopes, as without guards; and a NaN stays one
        (sp.Max(0, 1 - sp.exp(x)), 0.0, 0.0, -0.5),
        (sp.Max(0, 1 - sp.exp(x)), np.nan, np.nan, np.nan),
    ],
)
def test_the_operand_of_an_extreme_that_is_not_taken_is_silent(route, expression, point, value, slope):
    found, (partial,) = value_and_gradient(expression, [x], route=route)(point)
    assert [float(found), float(partial)] == pytest.approx([value, slope], rel=1e-14, abs=0, nan_ok=True)


def test_extremes_of_what_stays_in_range_are_left_alone():
    graph = graph_of([sp.Max(0, x * y + 1) + sp.Min(sp.sin(x), sp.Abs(y)) + sp.exp(sp.Max(x, y))])
    assert guarded(graph) is graph


def test_what_is_always_needed_is_not_guarded():
    # sin(x) stands outside too, and in both branches; no choice is made for it
    graph = guarded(graph_of([P((sp.sin(x), x > 0), (2 * sp.sin(x), True))]))
    assert [step.function.name for step in graph.applications].count("select") == 1


@pytest.mark.parametrize("count", [3, 300])
def test_guards_cost_a_constant_per_branch(count):
    # each branch: x < k, x + k, sqrt, select; guarded: not x < k, two of "and", one choice of an operand
    table = P(*[(sp.sqrt(x + k), x < k) for k in range(count)], (0, True), evaluate=False)
    graph = graph_of([table])
    assert graph.operation_count <= 4 * count
    assert guarded(graph).operation_count <= 9 * count


def test_deeply_nested_branches():
    deep = sp.sqrt(x)
    for k in range(1000):
        deep = P((sp.log(deep + k, evaluate=False), x > k), (y, True), evaluate=False)
    graph = graph_of([deep])
    before, after = (chain.forward(g, {x: 0.5, y: 2.5})[g.outputs[0]] for g in (graph, guarded(graph)))
    assert float(before) == float(after) == 2.5


numbers = st.sampled_from([sp.Integer(1), sp.Integer(2), sp.Rational(-1, 2), sp.Float(0.7)])
atoms = st.one_of(st.sampled_from([x, y]), numbers)


def compound(inner):
    unary = st.sampled_from([sp.sqrt, sp.log, sp.sin, sp.exp, sp.tanh, lambda u: 1 / (u + 3), lambda u: u**2])
    relation = st.sampled_from([sp.Lt, sp.Ge, sp.Ne])
    condition = st.builds(lambda r, u, v: r(u, v), relation, inner, inner)
    return st.one_of(
        st.builds(lambda f, u: f(u), unary, inner),
        st.builds(lambda u, v: u + v, inner, inner),
        st.builds(lambda u, v: u * v, inner, inner),
        st.builds(lambda f, u, v: f(u, v, evaluate=False), st.sampled_from([sp.Max, sp.Min]), inner, inner),
        st.builds(lambda c, u, v: P((u, c), (v, True)), condition, inner, inner),
        st.builds(lambda c, d, u, v, t: P((u, c), (v, d), (t, True)), condition, condition, inner, inner, inner),
    )


@settings(max_examples=150)
@given(st.recursive(atoms, compound, max_leaves=12))
def test_guarding_random_branches_changes_no_value(expression):
    if expression.has(sp.zoo, sp.nan, sp.I, sp.oo):
        return
    graph = graph_of([expression])
    point = {x: POINTS, y: POINTS[::-1] + 0.125}
    before, after = (chain.forward(g, point)[g.outputs[0]] for g in (graph, guarded(graph)))
    np.testing.assert_array_equal(before, after)
    # and where the derivative without guards is a number, it is the same number
    plain, safe = (chain.value_and_gradient(g, point, [x, y])[1] for g in (graph, guarded(graph)))
    known = np.isfinite(plain)
    np.testing.assert_array_equal(plain[known], safe[known])
