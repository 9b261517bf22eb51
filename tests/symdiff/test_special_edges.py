"""Rows of the function table at edges: tiny and huge operands, poles, overflow, and derivatives whose terms cancel.

What is expected is ball arithmetic's (`symdiff.measuring.truth`, which other tests hold against mpmath) or a literal
with its source; all routes must give it within the limits of `symdiff.measuring.accuracy`.
"""

import math

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.special

from symdiff.forms import gamma as gamma_forms
from symdiff.functions import FUNCTIONS, ROWS
from symdiff.lowering import resolve
from symdiff.measuring.accuracy import errors_of
from symdiff.measuring.case import RowCase
from symdiff.measuring.routes import by_route

BRANCH = -math.exp(-1.0)
# row, static arguments, points in float64
POINTS = [
    ("zeta", (), [37.3, -37.3, -100.25, -219.6, -700.0, 24.1, 23.9, 0.9999999, 1 + 1e-12, -2.0]),
    ("beta", (), [(0.4339389674284928, 1e-15), (1e-15, 1e-15), (1e-12, 1e5), (1e-8, 0.5), (600.0, 600.0), (1e5, 1e5)]),
    (
        "binomial",
        (),
        [(1e-200, 0.0), (1e-15, 1e-15), (-0.99999, -1e-15), (5.0, 7.0), (2000.0, 1000.0), (10.0, -3.5), (1e200, 1e200)],
    ),
    ("lowergamma", (), [(40.0, 40.0), (300.0, 0.5), (1e-30, 1e-30)]),
    ("uppergamma", (), [(40.0, 40.0), (300.0, 1600.0), (1e-12, 1e-12)]),
    ("Mod", (), [(1.0, 0.1), (-1.0, 0.1), (1.0, -0.1)]),
    ("power", (), [(2.0, 0.0), (2.0, 3.0)]),
    ("atan", (), [1e77, -1e100, 2.0**27, 0.0, 1e-30]),
    ("acsch", (), [1e77, -1e100, 0.5]),
    ("LambertW", (0,), [BRANCH + 1e-7, -0.2, 1e-10, 1e37]),
    ("LambertW", (-1,), [BRANCH + 1e-7, -1e-30]),
]
# on their own, for they call SciPy or are of one dtype
WIDE = [
    ("airyai", (), [-1e4, -1e10, 5.0]),
    ("airybi", (), [-1e7, 8.0, 104.3]),
    ("besselj", (1000,), [900.0, 1e-5]),
    ("besseli", (2,), [700.0, 1e-200]),
    ("besselk", (2,), [700.0]),
    ("bessely", (2,), [1e-30]),
]
NARROW = ("zeta", "beta", "lowergamma", "LambertW")
CASES = [(*case, "float64") for case in POINTS + WIDE] + [(*c, "float32") for c in POINTS if c[0] in NARROW]


def _case(name, static, points, dtype):
    operands = [point if isinstance(point, tuple) else (point,) for point in points]
    largest = float(np.finfo(dtype).max)
    columns = zip(*(point for point in operands if max(map(abs, point)) < largest), strict=True)
    return RowCase(FUNCTIONS[name], static, tuple(np.asarray(column, dtype) for column in columns))


@pytest.mark.parametrize("edges", CASES, ids=[f"{n}{list(s) or ''}-{d}" for n, s, _, d in CASES])
def test_edges(edges):
    case = _case(*edges)
    [routes] = by_route([case])
    errors = list(errors_of(case, routes))
    assert len(errors) >= 3 * case.points
    assert not [str(error) for error in errors if not error.allowed]


def test_derivative_where_the_binomial_coefficient_itself_overflows():
    # C(u, 2) = u*(u - 1)/2
    point = jnp.float64(1e200), jnp.float64(2.0)
    assert np.isinf(resolve("symdiff.forms.jax_gamma.binomial")(*point))
    assert float(jax.grad(resolve("symdiff.forms.jax_gamma.binomial"))(*point)) == pytest.approx(1e200, rel=1e-10)


def test_zeta_beyond_the_range_of_numbers_has_the_right_sign():
    zeta = resolve("symdiff.forms.jax_lambert_zeta.zeta")
    slope, curvature = jax.grad(zeta), jax.grad(jax.grad(zeta))
    at = [-700.0, -702.0]
    # zeta'(-2n) = (-1)**n*(2n)!*zeta(2n + 1)/(2*(2*pi)**(2n)), DLMF 25.6.13
    expected = [np.inf, -np.inf]
    assert [float(zeta(u)) for u in at] == [0.0, 0.0]
    assert [float(slope(u)) for u in at] == expected
    assert all(np.isinf(float(curvature(u))) for u in at)


def test_the_slope_in_the_base_of_a_power_at_the_origin_is_zero():
    [routes] = by_route([_case("power", (), [(0.0, 0.0), (0.0, 2.0)], "float64")])
    assert {name: list(found[0,]) for name, found in routes.items()} == {key: [0.0, 0.0] for key in routes}


@pytest.mark.parametrize("n", [0, 1, 4])
def test_polygamma_of_positive_operands(n):
    x = np.array([1e-5, 0.1, 1.0, 5.0, 40.0, 1e5])
    expected = [float(mpmath.psi(n, mpmath.mpf(u))) for u in x]
    np.testing.assert_allclose(gamma_forms.psi(x, n), expected, rtol=2e-15)


@pytest.mark.parametrize("order", [(2, 1), (1, 2), (2, 2), (3, 0)])
@pytest.mark.parametrize("point", [(0.4, 1e-12), (1e-12, 1e-12), (3.0, 5.0), (1e-3, 40.0)])
def test_high_partials_of_beta(order, point):
    with mpmath.workdps(80):
        expected = float(mpmath.diff(mpmath.beta, tuple(map(mpmath.mpf, point)), order))
    u, v = map(np.float64, point)
    assert float(gamma_forms.beta_derivative(u, v, *order, scipy.special.gammaln)) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("point", [(0.4, 1e-12), (-0.99999, 1e-12), (7.5, 2.25), (7.5, 8.4), (3.0, -2.5), (3.0, 9.5)])
def test_high_partials_of_the_binomial_coefficient(point):
    with mpmath.workdps(80):
        expected = float(mpmath.diff(mpmath.binomial, tuple(map(mpmath.mpf, point)), (1, 2)))
    u, v = map(np.float64, point)
    found = gamma_forms.binomial_derivative(u, v, 1, 2, scipy.special.gammaln)
    assert float(found) == pytest.approx(expected, rel=1e-9)


HARD = (np.nan, np.inf, 0.0, 1e-320, 1e-300, 1e300, -1e300, -3.5, 1e5, 40.0)
SPECIAL = [row for row in ROWS if row.special_function]


@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.sweep)])
def test_every_special_form_ends_on_hard_operands_together_and_hands_nan_on(dtype):
    with np.errstate(over="ignore"):
        numbers = np.array(HARD).astype(dtype)
    columns = {n: [a.ravel() for a in np.meshgrid(*[numbers] * n)] for n in (1, 2)}
    static = {row.name: row.special[0][0][row.arity :] for row in SPECIAL}
    together = jax.jit(lambda c: {r.name: resolve(r.jax)(*c[r.arity], *static[r.name]) for r in SPECIAL})
    found = together(columns)
    for row in SPECIAL:
        lost = np.isnan(columns[row.arity]).any(axis=0)
        assert found[row.name].dtype == dtype, row.name
        assert np.isnan(np.asarray(found[row.name])[lost]).all(), row.name
        with np.errstate(all="ignore"):
            assert np.isnan(row.value(*columns[row.arity], *static[row.name])[lost]).all(), row.name


@pytest.mark.parametrize("u", [-9.999999999999998, -1.9999999999996816, -295.9999999999942, -20.5, -3.25, -0.5])
def test_digamma_beside_its_poles(u):
    # the operand is exact here, as a sum of two numbers may be: SciPy's digamma is off by one part in 20
    with mpmath.workdps(40):
        psi, gamma = mpmath.digamma(mpmath.mpf(u)), mpmath.gamma(mpmath.mpf(u))
    assert float(FUNCTIONS["polygamma"].value(np.float64(u), 0)) == pytest.approx(float(psi), rel=1e-13)
    (partial,) = FUNCTIONS["gamma"].partials
    assert float(partial(np.float64(u), np.float64(gamma))) == pytest.approx(float(psi * gamma), rel=1e-13)
