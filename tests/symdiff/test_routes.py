"""The three routes against mpmath: values and partials of many formulas, in float64 and float32; shapes, edges.

Reference partials are difference quotients of mpmath's values in 90 digits, so no rule of differentiation is used. A
route may be off by what the problem forces, 64*eps*(1 + kappa) (design.md, section 4), kappa being the condition number
of that partial, from second difference quotients.
"""

import jax
import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from symdiff.errors import InputError, OptionError, SymbolError, UnsupportedError
from symdiff.forms.elementary_classes import sigmoid
from symdiff.lowering import lambdify
from symdiff.routes import ROUTES, value_and_gradient

x, y, z = WRT = sp.symbols("x y z", real=True)
P, R = sp.Piecewise, sp.Rational
DIGITS, STEP = 90, mp.mpf(10) ** -20
DTYPES = [np.float64, np.float32]

# for x, y, z of any sign
ANYWHERE = [
    x * y,
    (x * y - z) ** 2,
    x * y**2 + z * y + 1,
    x**3 - 3 * x * y**2 + z,
    x / (1 + y**2),
    (x - y) / (x**2 + y**2 + z**2),
    x**-1 + y**-2 + z**-3,
    (x * y) ** 9 / z**9,
    2**x + 3**y + R(1, 2) ** z,
    sp.exp(x * y) * z,
    sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi),
    sp.log(1 + x**2) * y,
    sp.log(x**2 + y**2 + 1, 10),
    sp.sqrt(1 + x**2) + sp.sqrt(y**2 + z**4 + 1),
    sp.sin(x) * sp.cos(y) + sp.tan(z / 4),
    sp.sin(sp.cos(sp.sin(x * y)) + z),
    sp.tanh(x + y) * z,
    sp.tanh(x * sp.tanh(y * sp.tanh(z))),
    sigmoid(x) * y + sigmoid(-z),
    sigmoid(x * y + z) ** 2,
    sp.log(1 + sp.exp(x + y)),
    sp.Abs(x) * y + sp.Abs(x * z),
    sp.Abs(sp.sin(3 * x)) + sp.Abs(y - z),
    sp.sign(x) * y**2 + sp.Heaviside(y) * x,
    sp.Max(x, y) * z,
    sp.Max(x, y, z, R(1, 2)) - sp.Min(x, y, z, R(1, 2)),
    sp.Max(x * y, sp.sin(z)) ** 2,
    sp.Min(sp.exp(x), 1 + x + x**2),
    sp.Max(0, 1 - y * (x * z + 1)),
    P((x**2, x > 0), (y * x, True)),
    P((x * y, x < -1), (sp.sin(z), x < 1), (sp.exp(x), True)),
    P((sp.sqrt(x) * y, x > 0), (z, True)),
    P((sp.log(x), x > 0), (sp.log(-x), x < 0), (0, True)),
    P((sp.sin(x) / x, sp.Ne(x, 0)), (1, True)) * y,
    P((P((x, y > 0), (x**2, True)), sp.Or(z > 0, y > 1)), (z, sp.And(x < 0, y < 0)), (y, True)),
    P((y**2 / 2, sp.Abs(y) < 1), (sp.Abs(y) - R(1, 2), True)) * x,
    (1 + x**2) ** y,
    (2 + sp.sin(x)) ** (y - z),
    (x**2 + y**2) ** R(5, 3) + (1 + z**2) ** R(-7, 4),
    (1 + sp.exp(x)) ** sp.sqrt(2) + (1 + y**2) ** sp.pi,
    (1 + y**2) ** -1.5 + (1 + x**2) ** 0.1,
    x * sp.E + y * sp.pi + z * sp.EulerGamma,
    sp.Mul(x, x, evaluate=False) * sp.cos(y + sp.Mul(x, x, evaluate=False)) * 2,
    (x + y) * (x - y) * (x + z) / 7 - R(22, 7) * x,
]
# for positive x, y, z
POSITIVE = [
    x**y,
    x**y * y**z * z**x,
    x ** (y**2) + z**-y,
    sp.sqrt(x) * y ** R(1, 3) / z ** R(3, 2),
    x ** R(-5, 2) + y**0.7 * z**-0.3,
    sp.log(x) * sp.log(y) / sp.log(z + 2),
    sp.log(x / y) - sp.log(z, 2) + sp.log(x * y) ** 2,
    x * (1 - sp.exp(-y * z)),
    sp.exp(-x * z) / (y + x * z),
    (x + y * z + x * z**2) / (1 + x * z + y * z**2 + z**3),
    x * y / (z**2 * (1 + (x / z) ** 2) ** R(3, 2)),
    4 * x * ((y / z) ** 12 - (y / z) ** 6),
    sp.sqrt(x * y) / sp.sqrt(x + y) + 1 / sp.sqrt(z),
    z * sp.tanh(x / y) / (1 + x**2 * y),
    x**2 / (2 * y) + y * z**2 / 2,
    sp.exp(sp.log(x) * y) - sp.log(sp.exp(y * z)),
]
FORMULAS = [*ANYWHERE, *POSITIVE]
RNG = np.random.default_rng(7)
SIZES, SIGNS = RNG.uniform(0.3, 2.2, (len(FORMULAS), 3, 4)), RNG.choice([-1.0, 1.0], (len(FORMULAS), 3, 4))
SIGNS[len(ANYWHERE) :] = 1.0
POINTS = {dtype: list((SIZES * SIGNS).astype(dtype)) for dtype in DTYPES}


def at_point(formula):
    """Value, partials and the condition number of each partial, of a formula at a point, by mpmath alone."""
    step_at_zero = {"Heaviside": lambda u, _: mp.mpf(u > 0)}
    f = sp.lambdify(WRT, formula.rewrite(sp.exp, sigmoid), [step_at_zero, "mpmath"])

    def moved(point, *shifts):
        shifted = list(point)
        for k, direction in shifts:
            shifted[k] += direction * STEP
        return f(*shifted)

    def partial(point, k, *shifts):
        return (moved(point, (k, 1), *shifts) - moved(point, (k, -1), *shifts)) / (2 * STEP)

    def evaluate(numbers):
        with mp.workdps(DIGITS):
            point = [mp.mpf(float(v)) for v in numbers]
            first = [partial(point, k) for k in range(3)]
            kappas = []
            for k in range(3):
                second = [(partial(point, k, (j, 1)) - partial(point, k, (j, -1))) / (2 * STEP) for j in range(3)]
                weight = sum(abs(u * s) for u, s in zip(point, second, strict=True))
                kappas.append(float(weight / abs(first[k])) if first[k] else np.inf if weight else 0.0)
            return float(f(*point)), [float(v) for v in first], kappas

    return evaluate


@pytest.fixture(scope="module")
def results():
    """Every formula by every route: float64 compiled all at once, float32 one operation at a time."""
    found = {}
    for route in ROUTES:
        each = [value_and_gradient(formula, WRT, route=route) for formula in FORMULAS]

        def run(points, each=each):
            return [h(*point) for h, point in zip(each, points, strict=True)]

        found[route, np.float64] = run(POINTS[np.float64]) if route == "chain" else jax.jit(run)(POINTS[np.float64])
        with jax.disable_jit():
            found[route, np.float32] = run(POINTS[np.float32])
    return found


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda t: np.dtype(t).name)
@pytest.mark.parametrize("index", range(len(FORMULAS)), ids=[str(e) for e in FORMULAS])
def test_routes_agree_with_mpmath(index, dtype, results):
    evaluate, points, eps = at_point(FORMULAS[index]), POINTS[dtype][index], float(np.finfo(dtype).eps)
    for column in range(points.shape[1]):
        value, partials, kappas = evaluate(points[:, column])
        for route in ROUTES:
            got_value, got = results[route, dtype][index]
            assert got.shape == (3, 4)
            assert got_value.dtype == got.dtype == dtype
            assert float(got_value[column]) == pytest.approx(value, rel=64 * eps, abs=64 * eps)
            for k in range(3):
                forced = 64 * eps * (abs(partials[k]) * (1 + kappas[k]) if partials[k] else 1.0)
                error = abs(float(got[k, column]) - partials[k])
                where = f"{route}, d/d{WRT[k]} at {points[:, column]}"
                assert error <= forced, f"{where}: {got[k, column]}, not {partials[k]}"


@pytest.mark.parametrize("route", ROUTES)
def test_shapes_zeros_and_order(route):
    h = value_and_gradient(x * y, ["y", z, x], args=[z, x, "y"], route=route)
    value, partials = h(np.ones((2, 1, 1)), np.arange(3.0)[:, None], np.arange(4.0))
    assert value.shape == (2, 3, 4)
    assert partials.shape == (3, 2, 3, 4)
    np.testing.assert_array_equal(value, np.broadcast_to(np.outer(np.arange(3.0), np.arange(4.0)), (2, 3, 4)))
    np.testing.assert_array_equal(partials[0], np.broadcast_to(np.arange(3.0)[:, None], (2, 3, 4)))
    np.testing.assert_array_equal(partials[1], np.zeros((2, 3, 4)))
    np.testing.assert_array_equal(partials[2], np.broadcast_to(np.arange(4.0), (2, 3, 4)))


@pytest.mark.parametrize("route", ROUTES)
def test_arguments_that_the_formula_does_not_use_still_count_for_the_shape(route):
    value, partials = value_and_gradient(x * y, [x], args=[x, y, z], route=route)(2.0, 3.0, np.ones(5))
    assert (value.shape, partials.shape) == ((5,), (1, 5))
    value, partials = value_and_gradient(sp.Integer(7), [x], route=route)(np.ones((2, 2)))
    assert (value.tolist(), partials.tolist()) == ([[7.0] * 2] * 2, [[[0.0] * 2] * 2])


@pytest.mark.parametrize("route", ROUTES)
def test_default_arguments_are_wrt_and_then_the_others_by_name(route):
    b, a = sp.symbols("b a", real=True)
    h = value_and_gradient(b - 10 * a + 100 * z, [z, b], route=route)
    value, partials = h(1.0, 2.0, 3.0)  # z, b, a
    assert float(value) == 72.0
    assert partials.tolist() == [100.0, 1.0]


@pytest.mark.parametrize("route", ROUTES)
def test_dtypes_and_kinds_of_arguments(route):
    h = value_and_gradient(x * y + R(1, 3), [x, y], route=route)
    for arguments, dtype in [
        ((2, 3), np.float64),
        ((np.int32(2), 3), np.float64),
        (([2, 4], 3.0), np.float64),
        ((np.float32(2), 3.0), np.float32),
        ((np.float32(2), np.float64(3)), np.float64),
        ((sp.Integer(2), sp.Rational(3)), np.float64),
    ]:
        value, partials = h(*arguments)
        assert value.dtype == partials.dtype == dtype
        assert float(np.ravel(partials)[0]) == 3.0
    assert float(h(10**30, 3.0)[1][1]) == 1e30


HUGE = 10**400
# formula; value, d/dx and d/dy at x = 2, y = 3; constants are mpmath's
KEPT = [
    (HUGE * x, (np.inf, np.inf, 0.0)),
    ((HUGE * x) / 10**399, (20.0, 10.0, 0.0)),
    (R(HUGE, 3 * HUGE + 3) * x * y, (2.0, 1.0, 2 / 3)),
    (R(1, HUGE) * x + y, (3.0, 0.0, 1.0)),
    (R(HUGE + 1, HUGE) * x**2, (4.0, 4.0, 0.0)),
    (x + R(10**30, 7) * y, (3e30 / 7, 1.0, 1e30 / 7)),
    (sp.pi * x, (float(2 * mp.pi), float(mp.pi), 0.0)),
    (sp.E * x * y, tuple(float(k * mp.e) for k in (6, 3, 2))),
    (sp.EulerGamma + x, (float(2 + mp.euler), 1.0, 0.0)),
    (sp.Catalan * sp.GoldenRatio * y, (float(3 * mp.catalan * mp.phi), 0.0, float(mp.catalan * mp.phi))),
    (sp.Integer(7), (7.0, 0.0, 0.0)),
    (sp.pi, (float(mp.pi), 0.0, 0.0)),
    (2 * x + 3 * y, (13.0, 2.0, 3.0)),
    (sp.floor(x / 7) + y, (3.0, 0.0, 1.0)),
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("formula", "expected"), KEPT, ids=range(len(KEPT)))
def test_numbers_of_any_size_and_constant_derivatives_keep_shape_and_value(formula, expected, route):
    h, f = value_and_gradient(formula, [x, y], route=route), lambdify([x, y], formula)
    column, row = np.full((3, 1), 2, np.int32), np.full(4, 3, np.int32)
    for arguments, shape in [((2, 3), ()), ((np.array(2.0), np.int64(3)), ()), ((column, row), (3, 4))]:
        value, partials = h(*arguments)
        alone = f(*arguments)
        assert (value.shape, partials.shape, alone.shape) == (shape, (2, *shape), shape)
        assert value.dtype == partials.dtype == alone.dtype == np.float64
        for got, number in zip((value, *partials, alone), (*expected, expected[0]), strict=True):
            np.testing.assert_allclose(got, np.full(shape, number), rtol=5e-16)


def test_jax_routes_work_under_jit_vmap_and_grad():
    for route in ("symbolic", "autodiff"):
        h = value_and_gradient(x**3 * y, [x], route=route)
        assert jax.jit(h)(2.0, 5.0)[1].tolist() == [60.0]
        assert jax.vmap(h, in_axes=(0, None))(np.array([1.0, 2.0]), 5.0)[1].tolist() == [[15.0], [60.0]]
        assert float(jax.grad(lambda a, h=h: h(a, 5.0)[1][0])(2.0)) == 60.0


@pytest.mark.parametrize("route", ROUTES)
def test_refusals(route):
    for call, error, message in [
        (lambda: value_and_gradient(sp.elliptic_k(x), x, route=route), UnsupportedError, "elliptic_k at the top"),
        (lambda: value_and_gradient(sp.Integral(x * y, y), x, route=route), UnsupportedError, "Integral at the top"),
        (lambda: value_and_gradient(x, "q", route=route), SymbolError, "'q', which the expression does not contain"),
        (lambda: value_and_gradient(x * y, x, args=[x], route=route), SymbolError, "y is not among the arguments"),
        (lambda: value_and_gradient(x, x, route=route)(1.0, 2.0), OptionError, r"expected 1 arrays \(x\), got 2"),
        (lambda: value_and_gradient(x, x, route=route)(1j), OptionError, "x has dtype complex128; give real numbers"),
        (lambda: value_and_gradient(x, x, route=route)("a"), OptionError, "x .*; give real numbers"),
        (lambda: value_and_gradient(x * y, x, route=route)(np.ones(2), np.ones(3)), OptionError, "do not broadcast"),
        (lambda: value_and_gradient(None, x, route=route), InputError, "the expression is NoneType"),
    ]:
        with pytest.raises(error, match=message):
            call()
    with pytest.raises(OptionError, match="route is 'finite'; choose one of symbolic, autodiff, chain"):
        value_and_gradient(x, x, route="finite")
