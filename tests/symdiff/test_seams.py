"""Branches and seams: what is not taken poisons nothing, and at a seam the derivative is the one that exists.

Value, gradient and Hessian by every way there is, in both dtypes, under jit and vmap and over a batch whose points take
different branches. Expected numbers are written out by hand or from mpmath's differences of values.
"""

import dataclasses

# ruff: noqa: E501 - the cases are read as a table
import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from sympy.codegen.cfunctions import log1p

import compare
import symdiff
from symdiff import chain
from symdiff.from_sympy import graph_of
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import ROUTES
from symdiff.symbolic import gradient_graph

x, y = sp.symbols("x y", real=True)
P, Eq, Ne, R, ITE = sp.Piecewise, sp.Eq, sp.Ne, sp.Rational, sp.ITE
nan = float("nan")
TINY = 1e-150

# expression in x: {point: (value, first derivative, second derivative)}; nan where there is none
SEAMS = {
    "sinc": (
        P((1, Eq(x, 0)), (sp.sin(x) / x, True)),
        {0.0: (1, 0, -1 / 3), TINY: (1, -TINY / 3, -1 / 3), np.pi: (3.8981718325193755e-17, -1 / np.pi, 2 / np.pi**2)},
    ),
    "sinc by Ne": (P((sp.sin(x) / x, Ne(x, 0)), (1, True)), {0.0: (1, 0, -1 / 3), 1e-5: (1 - 1e-10 / 6, -1e-5 / 3 + 1e-15 / 30, -1 / 3 + 1e-11)}),
    "sinc of 2x": (P((2, Eq(x, 0)), (sp.sin(2 * x) / x, True)), {0.0: (2, 0, -8 / 3)}),
    "sinc squared": (P((1, Eq(x, 0)), (sp.sin(x) ** 2 / x**2, True)), {0.0: (1, 0, -2 / 3)}),
    "versine": (P((R(1, 2), Eq(x, 0)), ((1 - sp.cos(x)) / x**2, True)), {0.0: (0.5, 0, -1 / 12), TINY: (0.5, -TINY / 12, -1 / 12)}),
    "versine by x": (P((0, Eq(x, 0)), ((1 - sp.cos(x)) / x, True)), {0.0: (0, 0.5, 0), 1e-9: (5e-10, 0.5, -2.5e-10)}),
    "bump": (
        P((sp.exp(-1 / x), x > 0), (0, True)),
        {0.0: (0, 0, 0), -1.0: (0, 0, 0), 2.0**-9: (np.exp(-512.0), np.exp(-512.0) * 2**18, np.exp(-512.0) * (2.0**36 - 2**28)), 1e-4: (0, 0, 0), 0.5: (np.exp(-2), 4 * np.exp(-2), 0)},
    ),
    "bump at tiny points": (
        P((sp.exp(-1 / x), x > 0), (0, True)),
        {1e-200: (0, 0, 0), 1e-80: (0, 0, 0), 1e-30: (0, 0, 0), 0.0: (0, 0, 0), -1e-200: (0, 0, 0)},
    ),
    "bump of x**2": (
        P((sp.exp(-1 / x**2), x > 0), (0, True)),
        {1e-200: (0, 0, 0), 1e-80: (0, 0, 0), 1e-30: (0, 0, 0), 0.0: (0, 0, 0), 1.0: (np.exp(-1), 2 * np.exp(-1), -2 * np.exp(-1))},
    ),
    "exp(-1/x)": (sp.exp(-1 / x), {1e-200: (0, 0, 0), 1e-80: (0, 0, 0), 1e-30: (0, 0, 0), 1.0: (np.exp(-1), np.exp(-1), -np.exp(-1))}),
    "exp(-1/x)/x**2": (sp.exp(-1 / x) / x**2, {1e-200: (0, 0, 0), 1e-80: (0, 0, 0), 1e-30: (0, 0, 0), 1.0: (np.exp(-1), -np.exp(-1), np.exp(-1))}),
    "tanh(1/x)": (sp.tanh(1 / x), {1e-200: (1, 0, 0), -1e-200: (-1, 0, 0), 2.0**-90: (1, 0, 0)}),
    "bell at 1e200": (sp.exp(-(x**2)), {1e200: (0, 0, 0), 1e25: (0, 0, 0), 0.0: (1, 0, -2)}),
    "(exp(x) - 1)/x": (P((1, Eq(x, 0)), ((sp.exp(x) - 1) / x, True)), {0.0: (1, 0.5, 1 / 3), 1.0: (np.e - 1, 1, np.e - 2)}),
    "tan(x)/x": (P((sp.tan(x) / x, Ne(x, 0)), (1, True)), {0.0: (1, 0, 2 / 3)}),
    "log(1 + x)/x": (P((1, Eq(x, 0)), (sp.log(1 + x) / x, True)), {0.0: (1, -0.5, 2 / 3)}),
    "(sqrt(1 + x) - 1)/x": (P((0.5, Eq(x, 0)), ((sp.sqrt(1 + x) - 1) / x, True)), {0.0: (0.5, -0.125, 0.125)}),
    "sinc of x - 1": (P((1, Eq(x, 1)), (sp.sin(x - 1) / (x - 1), True)), {1.0: (1, 0, -1 / 3)}),
    "log(x)/(x - 1)": (P((1, Eq(x - 1, 0)), (sp.log(x) / (x - 1), True)), {1.0: (1, -0.5, 2 / 3)}),
    "log(x)/(2 - 2*x)": (P((-R(1, 2), Eq(2 - 2 * x, 0)), (sp.log(x) / (2 - 2 * x), True)), {1.0: (-0.5, 0.25, -1 / 3)}),
    "x/(exp(x) - 1)": (P((1, Eq(x, 0)), (x / (sp.exp(x) - 1), True)), {0.0: (1, -0.5, 1 / 6), 800.0: (0, 0, 0)}),
    "1/x - 1/sin(x)": (P((0, Eq(x, 0)), (1 / x - 1 / sp.sin(x), True)), {0.0: (0, -1 / 6, 0)}),
    "(x - sin(x))/x**3": (P((R(1, 6), Eq(x, 0)), ((x - sp.sin(x)) / x**3, True)), {0.0: (1 / 6, 0, -1 / 60)}),
    "erf(x)/x": (P((2 / sp.sqrt(sp.pi), Eq(x, 0)), (sp.erf(x) / x, True)), {0.0: (2 / np.sqrt(np.pi), 0, -4 / 3 / np.sqrt(np.pi))}),
    "a jump stays": (P((3, Eq(x, 0)), ((sp.exp(x) - 1) / x, True)), {0.0: (3, nan, nan)}),
    "x*log(x) at 0": (P((0, Eq(x, 0)), (x * sp.log(x), True)), {0.0: (0, nan, nan)}),
    "square root": (P((sp.sqrt(x), x > 0), (0, True)), {-1.0: (0, 0, 0), 0.0: (0, 0, 0), 4.0: (2, 0.25, -1 / 32)}),
    "entropy": (P((x * sp.log(x), x > 0), (0, True)), {-1.0: (0, 0, 0), 0.0: (0, 0, 0), 1.0: (0, 1, 1)}),
    "x**2*log(x)": (P((x**2 * sp.log(x), x > 0), (0, True)), {0.0: (0, 0, 0), 1.0: (0, 1, 3)}),
    "x**2*sin(1/x)": (P((x**2 * sp.sin(1 / x), Ne(x, 0)), (0, True)), {0.0: (0, 0, 0)}),
    "x**3*exp(1/x)": (P((x**3 * sp.exp(1 / x), x < 0), (0, True)), {0.0: (0, 0, 0), 1e-9: (0, 0, 0), -1e-4: (0, 0, 0)}),
    "x*|x|": (x * sp.Abs(x), {0.0: (0, 0, nan), -2.0: (-4, 4, -2), 1e-200: (0, 2e-200, 2)}),
    "smooth step": (
        P((0, x <= 0), (1, x >= 1), (3 * x**2 - 2 * x**3, True)),
        {0.0: (0, 0, nan), 1.0: (1, 0, nan), 0.5: (0.5, 1.5, 0), -7.0: (0, 0, 0), 1e200: (1, 0, 0)},
    ),
    "Huber": (P((x**2 / 2, sp.Abs(x) <= 1), (sp.Abs(x) - R(1, 2), True)), {1.0: (0.5, 1, nan), 0.0: (0, 0, 1), -3.0: (2.5, -1, 0), 1e200: (1e200, 1, 0)}),
    "nested": (
        P((P((sp.sqrt(x - 1), x > 1), (P((1 / (x - 1), x < R(1, 2)), (sp.log(1 - x), x < 1), (7, True)), True)), x > 0), (sp.sqrt(-x), True)),
        {-4.0: (2, -0.25, -1 / 32), 0.25: (-4 / 3, -16 / 9, -128 / 27), 0.75: (np.log(0.25), -4, -16), 1.0: (7, nan, nan), 2.0: (1, 0.5, -0.25)},
    ),
    "ITE": (
        P((sp.log(x), ITE(x > 2, x < 5, x > 1)), (x**2, True)),
        {-3.0: (9, -6, 2), 0.0: (0, 0, 2), 1.5: (np.log(1.5), 2 / 3, -4 / 9), 3.0: (np.log(3), 1 / 3, -1 / 9), 6.0: (36, 12, 2)},
    ),
    "Max and Min": (
        P((sp.Max(sp.log(x), 1 / x) + sp.Min(sp.sqrt(x), x), x > 0), (x, True)),
        {-1.0: (-1, 1, 0), 0.0: (0, nan, nan), 0.25: (4.25, -15, 128), 4.0: (np.log(4) + 2, 0.5, -1 / 16 - 1 / 32)},
    ),
    "not taken overflows": (P((sp.exp(sp.exp(x)), x < 1), (x, True)), {800.0: (800, 1, 0), 0.0: (np.e, np.e, 2 * np.e)}),
}  # fmt: skip

# functions of the table outside of their domain in a branch not taken: condition that holds inside, points outside
OUTSIDE = {
    "acosh": (sp.acosh(x), x > 1, [-2.0, 0.0, 1.0]),
    "asin": (sp.asin(x), sp.Abs(x) < 1, [-2.0, -1.0, 1.0, 5.0]),
    "atanh": (sp.atanh(x), sp.Abs(x) < 1, [-2.0, -1.0, 1.0, 5.0]),
    "acoth": (sp.acoth(x), sp.Abs(x) > 1, [-1.0, 0.0, 0.5, 1.0]),
    "asech": (sp.asech(x), (x > 0) & (x < 1), [-2.0, 0.0, 1.0, 5.0]),
    "acsc": (sp.acsc(x), sp.Abs(x) > 1, [-1.0, 0.0, 0.5, 1.0]),
    "coth": (sp.coth(x), x > 0, [0.0, -0.0]),
    "csc": (sp.csc(x), x > 0, [0.0]),
    "log1p": (log1p(x), x > -1, [-1.0, -5.0]),
    "gamma": (sp.gamma(x), x > 0, [0.0, -1.0, -2.0]),
    "loggamma": (sp.loggamma(x), x > 0, [0.0, -1.0, -2.5]),
    "digamma": (sp.digamma(x), x > 0, [0.0, -1.0, -2.0]),
    "factorial": (sp.factorial(x), x > -1, [-1.0, -2.0]),
    "LambertW": (sp.LambertW(x), x > 0, [-1.0, -20.0]),
    "erfinv": (sp.erfinv(x), sp.Abs(x) < 1, [-1.0, 1.0, 2.0]),
    "bessely": (sp.bessely(0, x), x > 0, [0.0, -1.0]),
    "besselk": (sp.besselk(1, x), x > 0, [0.0, -1.0]),
    "besselj of half order": (sp.besselj(R(1, 2), x), x > 0, [0.0, -1.0]),
    "expint": (sp.expint(1, x), x > 0, [0.0, -1.0]),
    "Ci": (sp.Ci(x), x > 0, [0.0, -1.0]),
    "zeta": (sp.zeta(x), x > 1, [1.0]),
    "power": (x**y * x ** R(7, 3), x > 0, [0.0, -1.0]),
    "log10": (sp.log(x, 10), x > 0, [0.0, -1.0]),
    "log of 1 - exp": (sp.log(1 - sp.exp(x)), x < 0, [0.0, 3.0, 800.0]),
    "log of exp - 1": (sp.log(sp.exp(x) - 1), x > 0, [0.0, -3.0, -800.0]),
    "Planck": (x**3 / (sp.exp(x) - 1), x > 0, [0.0, -1.0]),
    "nested in itself": (sp.gamma(sp.log(x - 1)) * sp.sqrt(x - 2), x > 2, [0.0, 1.0, 2.0]),
}  # fmt: skip


def by_every_way(expression, points, dtype, symbols=(x,)):
    """{way: (values, first, second) in x} at once over all points, which take different branches."""
    columns = [np.array(points, dtype), *(np.array(1.5, dtype) for _ in symbols[1:])]
    found = {}
    f = symdiff.lambdify(list(symbols), expression)
    g, h = jax.grad(f), jax.hessian(f)
    each = (0, *(None for _ in symbols[1:]))
    found["jax"] = jax.jit(lambda *c: [jax.vmap(fun, each)(*c) for fun in (f, g, h)])(*columns)
    # written out, a first derivative is SymPy's, to be read; the second is right at a seam too
    value, second = symdiff.lambdify(list(symbols), [expression, symdiff.hessian(expression, x)[x, x]])(*columns)
    found["hessian"] = [value, found["jax"][1], second]
    graph = lowerable(graph_of([expression]))
    first = gradient_graph(graph, [x])
    slope = dataclasses.replace(first, outputs=first.outputs[1:])
    for route in ROUTES:
        run = symdiff.value_and_gradient(expression, [x], args=list(symbols), route=route)
        value, (partial,) = run(*columns)
        if route == "chain":
            _, (second,) = chain.value_and_gradient(slope, dict(zip(symbols, columns, strict=True)), [x], dtype)
        else:
            # the route's own function is differentiated once more by JAX, compiled and point by point
            second = jax.jit(jax.vmap(jax.grad(lambda *c, run=run: run(*c)[1][0]), each))(*columns)
        found[route] = [value, partial, second]
    return {way: [np.broadcast_to(np.asarray(n), len(points)) for n in numbers] for way, numbers in found.items()}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SEAMS)
def test_at_and_beside_the_seam(name, dtype):
    expression, expected = SEAMS[name]
    small = float(np.finfo(dtype).tiny)
    points = [
        p
        for p in expected
        if (p == 0 or small < abs(p) < 1e30 or dtype == np.float64) and (p == 0.0 or p == float(dtype(p)))
    ]
    truth = np.array([expected[p] for p in points], float).T
    known = np.isfinite(truth)
    assert len(points) >= 1
    for way, numbers in by_every_way(expression, points, dtype).items():
        got = np.array(numbers, float)
        told = f"{name} by {way} at {points}"
        for order in range(3):
            k = known[order]
            np.testing.assert_allclose(
                got[order][k],
                truth[order][k],
                rtol=64 * np.finfo(dtype).eps,
                atol=64 * small + 4e-16 * (dtype == np.float32),
                err_msg=f"{told}, derivative {order}",
            )


@pytest.mark.sampled(7)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_function_not_taken_outside_its_domain(name, dtype):
    inner, condition, outside = OUTSIDE[name]
    expression = P((inner, condition), (3 * x**2 * y, True)) * y
    inside = [p for p in (-3.0, -0.5, 0.5, 1.5, 2.5, 4.0) if bool(condition.subs(x, R(p)))]
    assert inside
    assert not any(bool(condition.subs(x, R(p))) for p in outside)
    points = [*outside, *inside]
    for way, numbers in by_every_way(expression, points, dtype, (x, y)).items():
        got = np.array(numbers, float)
        told = f"{name} by {way}"
        polynomial = np.array([[6.75 * p**2, 13.5 * p, 13.5] for p in outside]).T
        np.testing.assert_allclose(
            got[:, : len(outside)], polynomial, rtol=1e-6 if dtype == np.float32 else 1e-14, err_msg=told
        )
        assert np.isfinite(got).all(), f"{told}: {got}"


def test_the_gradient_in_a_parameter_of_the_branch_not_taken():
    # of y**2*x where x <= 0, though log(x*y) there has no value
    expression = P((sp.log(x * y), x > 0), (x * y**2, True))
    for route in ROUTES:
        _, grads = symdiff.value_and_gradient(expression, [x, y], route=route)(
            np.array([-2.0, 0.0, 2.0]), np.array(3.0)
        )
        np.testing.assert_allclose(grads, [[9, 9, 0.5], [-12, 0, 1 / 3]], rtol=1e-15)
    hessian = jax.hessian(symdiff.lambdify([x, y], expression), (0, 1))(-2.0, 3.0)
    assert [float(n) for row in hessian for n in row] == [0, 6, 6, -4]


def test_sinc_in_two_symbols_at_the_seam():
    # sin(y*x)/x is y - y**3*x**2/6 + ...
    expression = P((y, Eq(x, 0)), (sp.sin(x * y) / x, True))
    expected = [-8 / 3, 0, 0, 0]
    f = symdiff.lambdify([x, y], expression)
    assert [float(n) for row in jax.hessian(f, (0, 1))(0.0, 2.0) for n in row] == pytest.approx(expected, rel=1e-14)
    written = symdiff.hessian(expression, [x, y])
    numbers = symdiff.lambdify([x, y], [written[s, t] for s in (x, y) for t in (x, y)])(0.0, 2.0)
    assert [float(n) for n in numbers] == pytest.approx(expected, rel=1e-14)


BESIDE = [1e-8, 1e-4, 0.03, 0.7, 3.0, 40.0]


@pytest.fixture(scope="module")
def sinc_beside():
    return by_every_way(SEAMS["sinc"][0], BESIDE, np.float64)


@pytest.mark.parametrize("point", BESIDE)
def test_sinc_keeps_its_digits_beside_the_seam(point, sinc_beside):
    with mp.workdps(60):
        truth = [float(mp.diff(lambda t: mp.sin(t) / t, mp.mpf(point), n)) for n in range(3)]
    for way, got in sinc_beside.items():
        assert [float(n[BESIDE.index(point)]) for n in got] == pytest.approx(truth, rel=4e-13 * max(1, point)), way


def test_int_points_and_scalars():
    f = symdiff.lambdify([x], SEAMS["sinc"][0])
    assert float(f(0)) == 1.0
    assert f(jnp.arange(3)).shape == (3,)
    value, grads = symdiff.value_and_gradient(SEAMS["sinc"][0], [x])(0)
    assert (float(value), float(grads[0])) == (1.0, 0.0)


def test_the_value_at_a_seam_is_the_one_given():
    # 1e300 and 1e-5 are not the limit to the last digit, and stay what they are
    expression = P((y, Eq(x, 0)), ((sp.exp(x * y) - 1) / x, True))
    f = symdiff.lambdify([x, y], expression)
    for given in (1e300, 0.1, -1e-300, 0.0):
        assert float(f(0.0, given)) == given
    # y + x*y**2/2 + x**2*y**3/6
    assert [float(n) for n in jax.grad(f, (0, 1))(0.0, 3.0)] == [4.5, 1.0]
    assert [float(n) for row in jax.hessian(f, (0, 1))(0.0, 3.0) for n in row] == [9.0, 3.0, 3.0, 0.0]


@pytest.mark.parametrize(
    ("expression", "slope"),
    [
        (P((1, Eq(x, 0)), ((sp.exp(x) - 1) / x, True)), 0.5),
        (P((0, Eq(x, 0)), ((1 - sp.cos(x)) / x, True)), 0.5),
        (P((1, Eq(x, 0)), (sp.log(1 + x) / x, True)), -0.5),
        (P((1, Eq(x, 0)), (x / (sp.exp(x) - 1), True)), -0.5),
    ],
)
def test_a_printed_gradient_and_the_referee_at_a_seam(expression, slope):
    printed = symdiff.gradient(expression, [x])[x]
    assert float(symdiff.lambdify([x], printed)(0.0)) == slope
    (row,) = compare.check(expression, at={x: 0}).rows
    assert row.verdict is compare.Verdict.AGREE
    assert [row.symbolic, row.autodiff, row.chain] == [slope] * 3


# where the textbook formula of the second derivative is a difference of equal terms
FAR = {
    sp.log(1 + sp.exp(x)): {800.0: 0, -800.0: 0, 36.0: 2.3195228302435686e-16},
    sp.exp(x) / (1 + sp.exp(x)): {800.0: 0, 36.0: -2.3195228302435677e-16},
    sp.log(sp.cosh(x)): {800.0: 0, 0.0: 1, 20.0: 4 * np.exp(-40)},
}


@pytest.mark.parametrize("expression", FAR, ids=str)
def test_second_derivatives_as_they_are_written(expression):
    found = symdiff.hessian(expression, x)[x, x]
    again = symdiff.jacobian([symdiff.gradient(expression, [x])[x]], [x])[0, x]
    for point, expected in FAR[expression].items():
        numbers = symdiff.lambdify([x], [found, again])(point)
        assert [float(n) for n in numbers] == pytest.approx([expected] * 2, rel=1e-13, abs=0), point


def test_a_node_shared_with_its_own_condition():
    # sqrt(x) steers and is computed; in the branch not taken its infinite slope must not count
    expression = P((sp.sqrt(x) + x, sp.sqrt(x) > R(1, 10)), (x, True))
    for way, (_, first, second) in by_every_way(expression, [0.0, -1.0, 4.0], np.float64).items():
        np.testing.assert_allclose(first, [1, 1, 1.25], err_msg=way)
        np.testing.assert_allclose(second, [0, 0, -1 / 32], err_msg=way)
