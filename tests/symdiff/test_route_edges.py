"""Edges of domains and of the range of floating point: what each route gives where a careless rule gives NaN."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from symdiff.forms.elementary_classes import sigmoid
from symdiff.forms.jax_arithmetic import divide
from symdiff.routes import ROUTES, value_and_gradient

x, y = sp.symbols("x y", real=True)
R = sp.Rational

# at the edge x = 0 of the base: (formula, point, partials), None where there is none; DLMF 4.2(iv), style.md 12.3
EDGES = [
    (x**y, (0.0, 2.0), (0.0, 0.0)),
    (x**y, (0.0, 1.0), (1.0, 0.0)),
    (x**y, (0.0, 0.5), (np.inf, 0.0)),
    (x**y, (-2.0, 3.0), (12.0, None)),
    (x**2 * y, (0.0, 3.0), (0.0, 0.0)),
    (x ** R(3, 2) * y, (0.0, 3.0), (0.0, 0.0)),
    (sp.sqrt(x) * y, (0.0, 3.0), (np.inf, 0.0)),
    (x ** R(1, 3) * y, (0.0, 3.0), (np.inf, 0.0)),
    (sp.Max(x, y), (1e308, -1e308), (1.0, 0.0)),
    (sigmoid(x) * y, (-800.0, 1.0), (0.0, 0.0)),
    (sigmoid(x) * y, (40.0, 1.0), (float(mp.exp(-40)), 1.0)),
    (sp.tanh(x) * y, (1000.0, 1.0), (0.0, 1.0)),
]


@pytest.mark.parametrize("route", ROUTES)
def test_edges(route):
    each = [value_and_gradient(formula, [x, y], route=route) for formula, _, _ in EDGES]
    found = [h(*point)[1] for h, (_, point, _) in zip(each, EDGES, strict=True)]
    for got, (formula, point, expected) in zip(found, EDGES, strict=True):
        for k, number in enumerate(expected):
            if number is not None:
                assert float(got[k]) == pytest.approx(number, rel=1e-13, abs=0), f"{formula} at {point} in {[x, y][k]}"


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("power", "point"),
    [
        (2, np.float64(1e-100)),
        (3, np.float64(1e-70)),
        (12, np.float64(1e-20)),
        (2, np.float32(1e-12)),
        (6, np.float32(1e-4)),
    ],
    ids=str,
)
def test_negative_powers_overflow_no_earlier_than_their_derivative(route, power, point):
    expected = -power * mp.mpf(float(point)) ** (-power - 1)
    _, (got,) = value_and_gradient(x**-power, x, route=route)(point)
    assert float(got) == pytest.approx(float(expected), rel=32 * float(np.finfo(point.dtype).eps), abs=0)


# quotients whose derivative lies in range where u/v**2 or v**-2 does not: (dtype, u, v)
QUOTIENTS = [
    (np.float32, 1e-20, 4e-21),
    (np.float32, -3e25, 5e22),
    (np.float32, 1e30, 2e20),
    (np.float64, 1e-180, -4e-181),
    (np.float64, 1e250, 1e170),
    (np.float64, 3.0, -7.0),
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("dtype", "u", "v"), QUOTIENTS, ids=range(len(QUOTIENTS)))
def test_derivatives_of_a_quotient_overflow_no_earlier_than_they_must(route, dtype, u, v):
    u, v = dtype(u), dtype(v)
    exact = mp.mpf(float(u)), mp.mpf(float(v))
    value, partials = value_and_gradient(x / y, [x, y], route=route)(u, v)
    assert value == u / v
    expected = [float(1 / exact[1]), float(-exact[0] / exact[1] ** 2)]
    assert partials.tolist() == pytest.approx(expected, rel=4 * float(np.finfo(dtype).eps), abs=0)


def test_second_derivatives_of_a_quotient():
    # 1/v, -u/v**2 once more: 0, -1/v**2, 2*u/v**3
    for route in ("symbolic", "autodiff"):
        h = value_and_gradient(x / y, [x, y], route=route)
        for transform in (jax.jacrev, jax.jacfwd):
            (uu, vu), (uv, vv) = np.asarray(transform(lambda p, h=h: h(p[0], p[1])[1])(np.array([3.0, -7.0])))
            assert [uu, uv, vu, vv] == pytest.approx([0.0, -1 / 49, -1 / 49, -6 / 343], rel=1e-15, abs=0)
    # a numerator that is constant adds nothing, not 0/0
    slope, curvature = jax.jvp(jax.grad(lambda v: divide(jnp.ones_like(v), v)), (0.0,), (1.0,))
    assert (float(slope), float(curvature)) == (-np.inf, np.inf)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("formula", [sp.Max(x, y), sp.Min(x, y), sp.Max(x, y, 1), sp.Min(x, y) * sp.Max(x, 2)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_order_with_nan(route, formula, dtype):
    nan = float("nan")
    points = np.array([[nan, 1.0], [1.0, nan], [nan, nan]], dtype)
    value, partials = value_and_gradient(formula, [x, y], route=route)(*points.T)
    assert np.isnan(value).all()
    assert np.isnan(partials).all()


@pytest.mark.parametrize("route", ROUTES)
def test_a_larger_operand_beside_an_infinite_one_has_its_slopes(route):
    _, partials = value_and_gradient(sp.Max(x, y), [x, y], route=route)(
        np.array([np.inf, 1e200]), np.array([1.0, -1e200])
    )
    assert partials.tolist() == [[1.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize("route", ROUTES)
def test_a_power_of_zero_is_constant_where_it_has_a_derivative(route):
    value, partials = value_and_gradient(sp.Pow(0, y, evaluate=False) + x, [x, y], route=route)(
        2.0, np.array([0.5, 3.0])
    )
    assert value.tolist() == [2.0, 2.0]
    assert partials.tolist() == [[1.0, 1.0], [0.0, 0.0]]
