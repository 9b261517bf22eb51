"""What the checks of random expressions have found: each cause in its smallest form, with numbers from mpmath."""

import flint
import jax
import mpmath
import numpy as np
import pytest
import sympy as sp

from symdiff.from_sympy import graph_of
from symdiff.functions import FUNCTIONS
from symdiff.lowering import lambdify
from symdiff.precision import working
from symdiff.rewriting.rewrites import lowerable
from symdiff.routes import ROUTES, of_graph

x, y = sp.symbols("x y", real=True)
DTYPES = (np.float32, np.float64)
EXP = sp.exp(x)


def found(expression, route, dtype, at, beside=0.5):
    """Value and derivative in x by one route."""
    arrays = {x: np.asarray(at, dtype), y: np.asarray(beside, dtype)}
    value, (slope,) = of_graph(lowerable(graph_of([expression])), [x], route, [x, y])(arrays)
    return float(value), float(slope)


def agrees(number, expected, dtype, digits=64):
    """Whether a number is right but for rounding; what is below the normal range may be 0."""
    info = np.finfo(dtype)
    assert abs(mpmath.mpf(number) - expected) <= digits * float(info.eps) * abs(expected) + float(info.tiny), expected


def true(form, at):
    """Value and derivative by mpmath, in enough digits for 1 - tanh(800)."""
    with mpmath.workdps(900):
        return +form(mpmath.mpf(at)), mpmath.diff(form, mpmath.mpf(at))


# compositions whose inner function is rounded to the edge of the outer one's domain, or overflows
COMPOSED = {
    "asin of tanh": (sp.asin(sp.tanh(x)), lambda t: mpmath.asin(mpmath.tanh(t))),
    "acos of tanh": (sp.acos(sp.tanh(x)), lambda t: mpmath.acos(mpmath.tanh(t))),
    "atanh of tanh": (sp.atanh(sp.tanh(x)), lambda t: t),
    "asinh of sinh": (sp.asinh(sp.sinh(x)), lambda t: t),
    "1/cosh": (1 / sp.cosh(x), mpmath.sech),
    "power of 1/cosh": (y * sp.cosh(x) ** -2, lambda t: mpmath.sech(t) ** 2 / 2),
    "sinh over cosh**2": (sp.sinh(x) / sp.cosh(x) ** 2, lambda t: mpmath.sinh(t) / mpmath.cosh(t) ** 2),
    "exp over cosh": (sp.exp(-x) / sp.cosh(x), lambda t: mpmath.exp(-t) / mpmath.cosh(t)),
    "1/sinh": (2 / sp.sinh(x), lambda t: 2 * mpmath.csch(t)),
    "sinc of 1/sinh": (sp.sinc(1 / sp.sinh(x)), lambda t: mpmath.sinc(mpmath.csch(t))),
}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", COMPOSED)
def test_compositions_keep_their_digits(name, route, dtype):
    expression, form = COMPOSED[name]
    for at in (0.75, 17.25, -17.25, 60.0, 359.0, -794.0):
        for number, expected in zip(found(expression, route, dtype, at), true(form, at), strict=True):
            # a square doubles the error of an exponential, which is relative to the operand
            agrees(number, expected, dtype, 64 + 4 * abs(at))


# an operand that overflows, under a function whose slope falls as the inverse square: limit and slope 0
FALLING = {
    "atan": (sp.atan(sp.sinh(x)), mpmath.pi / 2, -mpmath.pi / 2),
    "acot": (sp.acot(sp.sinh(x)), 0, 0),
    "asec": (sp.asec(sp.Rational(5, 4) + EXP**2), mpmath.pi / 2, mpmath.asec(1.25)),
    "acsc": (sp.acsc(sp.Rational(5, 4) + EXP**2), 0, mpmath.acsc(1.25)),
    "acoth": (sp.acoth(sp.Rational(5, 4) + EXP**2), 0, mpmath.acoth(1.25)),
    "acsch": (sp.acsch(sp.sinh(x)), 0, 0),
    "divisor": (x / (9 - sp.besseli(3, x**3)), 0, 0),
    "power": ((1 + sp.cosh(x)) ** -2, 0, 0),
    "ordinate": (sp.atan2(sp.sinh(x), y), mpmath.pi / 2, -mpmath.pi / 2),
    "abscissa": (sp.atan2(y, -sp.sinh(x)), mpmath.pi, 0),
}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", FALLING)
def test_an_overflowed_operand_is_taken_to_the_limit(name, route, dtype):
    expression, above, below = FALLING[name]
    for at, limit in ((800.0, above), (-800.0, below)):
        value, slope = found(expression, route, dtype, at)
        agrees(value, mpmath.mpf(limit), dtype, 4)
        assert slope == 0, at


@pytest.mark.parametrize("route", ROUTES)
def test_a_large_dividend_over_an_overflowed_divisor_is_not_left_to_be_nothing(route):
    # 80**20 is 1e38 and gamma(80) overflows in float32: a limit of 0 would rest on nothing
    large = sp.Mul(x**20, sp.Pow(sp.gamma(x), -1))
    assert np.isnan(found(large, route, np.float32, 80.0)[1])


@pytest.mark.parametrize(
    "step", [sp.Heaviside, sp.floor, sp.ceiling, sp.sign, lambda u: sp.Piecewise((y, u > 0), (x, True))]
)
def test_nothing_flows_through_a_step_of_an_overflowed_operand(step):
    f = lambdify([x, y], step(sp.besseli(1, x)) * y)
    assert float(jax.grad(f)(np.float32(546.5), np.float32(2.0))) == 0
    for route in ROUTES:
        assert found(step(sp.besseli(1, x)) * y, route, np.float32, 546.5)[1] == 0


INTEGRALS = {
    "Ei": (sp.Ei, mpmath.ei, mpmath.exp),
    "Chi": (sp.Chi, mpmath.chi, mpmath.cosh),
    "Shi": (sp.Shi, mpmath.shi, mpmath.sinh),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("dtype", "places"), [(np.float32, (60.0, 65.0, 91.5)), (np.float64, (63.0, 65.0, 714.0))])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", INTEGRALS)
def test_integrals_reach_to_where_they_overflow(name, route, dtype, places):
    head, value, growth = INTEGRALS[name]
    for at in places:
        with mpmath.workdps(30):
            expected = (value(mpmath.mpf(at)), growth(mpmath.mpf(at)) / mpmath.mpf(at))
        for number, right in zip(found(head(x), route, dtype, at), expected, strict=True):
            agrees(number, right, dtype, 64)


@pytest.mark.parametrize("route", ROUTES)
def test_beta_of_an_infinite_operand_is_nothing(route):
    # exp(x) overflows in float32; the derivative is that in the other operand
    value, slope = found(sp.beta(1 + x * y / 2000, sp.exp(100 + y) ** 2), route, np.float32, 3.0)
    assert value == 0
    assert slope == 0


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("at", [1.9998, -0.5, 1e-3])
def test_a_sine_over_its_argument_bears_an_adjoint_near_the_end_of_the_range(route, at):
    # in reverse mode a power series multiplies the adjoint by powers of the square
    number, slope = found(y * sp.sinc(x), route, np.float32, at, 3e37)
    at, beside = mpmath.mpf(float(np.float32(at))), mpmath.mpf(float(np.float32(3e37)))
    agrees(number, beside * mpmath.sinc(at), np.float32)
    agrees(slope, beside * mpmath.diff(mpmath.sinc, at), np.float32)


@pytest.mark.parametrize(
    ("name", "static", "at"),
    [
        # where the function falls off, or before its first zero, there is no wave to be out of step with
        ("airyai", (), [0.5, 3.0, 10.0, 40.0, 90.0]),
        ("airyaiprime", (), [0.5, 3.0, 10.0, 40.0, 90.0]),
        ("airybi", (), [0.5, 3.0, 10.0, 40.0, 90.0]),
        ("besselj", (3,), [1e-6, 1e-3, 0.5, 2.5]),
        ("bessely", (3,), [1e-6, 1e-3, 0.5, 2.5]),
    ],
)
def test_the_accuracy_claimed_of_airy_and_bessel_functions_is_relative_where_they_have_no_zeros(name, static, at):
    row = FUNCTIONS[name]
    u = np.array(at)
    claimed = row.ulp(u, *static, row.value(u, *static)) * np.finfo(np.float64).eps
    assert (claimed < 1e-12).all()
    with working(200):
        true = [row.ball(flint.arb(number), *static) for number in at]
        errors = [abs(1 - flint.arb(float(y)) / t) for y, t in zip(row.value(u, *static), true, strict=True)]
        assert all(error < bound for error, bound in zip(errors, claimed.tolist(), strict=True))
