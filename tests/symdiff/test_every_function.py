"""Walks the whole function table: value, first and second derivative of every row, by every route, in both dtypes.

The truth is ball arithmetic (`symdiff.measuring.truth`, itself held against mpmath in test_row_truth). A number may be off by
1e-13*(1 + kappa) of it in float64 (1e-10 for special functions), and by as many ulps in float32; kappa is how much
relative errors of the operands are magnified in the quantity at hand.
"""

import dataclasses

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from sympy.codegen.cfunctions import Cbrt, Sqrt

from symdiff.errors import UnsupportedError
from symdiff.from_sympy import graph_of
from symdiff.functions import FUNCTIONS, ROWS, formula_functions
from symdiff.lowering import resolve
from symdiff.measuring.accuracy import errors_of
from symdiff.measuring.case import cases
from symdiff.measuring.routes import by_route
from symdiff.routes import ROUTES, value_and_gradient

BOTH = ("float64", "float32")


def complaints(case, routes):
    return [error for error in errors_of(case, routes) if not error.allowed]


# rows that are the partials of another row, and so a part of its compiled second partials
DERIVATIVES = ("polygamma_gap", "beta_derivative", "binomial_derivative", "zeta_derivative")
# rows that special_edges measures in the same way at points of its own, compiled there
AT_EDGES = ("zeta", "beta", "binomial", "lowergamma", "uppergamma", "LambertW")


def late(dtype, row, place):
    """XLA takes 40 seconds for the special rows of a dtype; float32 of some of them is in special_edges."""
    if dtype == "float64":
        return row.name in DERIVATIVES + AT_EDGES
    return row.special_function or place % 3


MEASURED = [
    pytest.param(dtype, row, id=f"{dtype}-{row.name}", marks=pytest.mark.sweep if late(dtype, row, place) else ())
    for dtype in BOTH
    for place, row in enumerate(ROWS)
]


@pytest.mark.parametrize(("dtype", "row"), MEASURED)
def test_value_first_and_second_derivative(dtype, row):
    chosen = list(cases([row], dtype))
    assert chosen, f"{row.name} is not measured"
    for case, routes in zip(chosen, by_route(chosen), strict=True):
        errors = list(errors_of(case, routes))
        # three routes for every quantity: value, partials, second partials
        n = len(case.moving)
        assert len({(e.quantity, e.route) for e in errors}) == 3 * (1 + n + n * (n + 1) // 2), (
            f"{row.name} has no truth"
        )
        wrong = [str(error) for error in errors if not error.allowed]
        assert not wrong, "\n".join(wrong[:40])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_complete(row):
    assert len(row.partials) == row.arity == len(row.domain), "a partial and a domain for each operand"
    assert not row.rules or len(row.rules) == row.arity
    assert row.special, "no special points"
    assert row.source.strip(), "no source"
    assert callable(resolve(row.jax))
    for domain in row.domain:
        assert domain.truth or domain.contains(np.array([domain.regular]))[0]
    if row.spoken:
        assert formula_functions()[row.name] is row.sympy


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_special_points_are_what_sympy_says(row):
    compiled = jax.jit(resolve(row.jax), static_argnums=range(row.arity, len(row.special[0][0])))
    for point, expected in row.special:
        exact = row.sympy(*(sp.Rational(u) if isinstance(u, float) else u for u in point))
        if exact.has(Cbrt):
            exact = exact.replace(Cbrt, lambda u: sp.real_root(u, 3))
        assert exact == expected or abs(sp.N(exact - expected, 15)) <= 1e-15 * max(1, abs(float(expected)))
        operands = [np.asarray(u, None if isinstance(u, bool) else np.float64)[()] for u in point[: row.arity]]
        with np.errstate(all="ignore"):
            by_numpy = row.value(*operands, *point[row.arity :])
        for value in (by_numpy, compiled(*map(jnp.asarray, operands), *point[row.arity :])):
            accuracy = 1e-12 if row.special_function else 1e-14
            np.testing.assert_allclose(np.asarray(value, float), float(expected), rtol=accuracy, atol=1e-300)


WRONG = {
    "factor": lambda partial: lambda *a: 1.0000001 * partial(*a),
    "sign": lambda partial: lambda *a: -partial(*a),
    "dropped term": lambda partial: lambda *a: partial(*a) - 1e-9,
}


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("name", ["atan2", "sech", "sinc", "acosh"])
def test_a_row_wrong_on_purpose_fails_by_name(name, fault):
    row = FUNCTIONS[name]
    broken = dataclasses.replace(row, partials=(*row.partials[:-1], WRONG[fault](row.partials[-1])))
    [case] = cases([broken], "float64", 6)
    [routes] = by_route([case])
    found = complaints(case, routes)
    assert found
    assert {error.route for error in found} == {"chain"}
    assert str(found[0]).startswith(f"{name}: derivative in operand")


X, Y, Z = sp.Symbol("x", real=True), sp.Symbol("y", real=True), sp.Symbol("z")
# how SymPy and its code-generation classes write the functions: expression, operands, value by mpmath
READ = [
    (sp.log(X, 10), {X: 1000.0}, 3),
    (sp.log(X, Y), {X: 8.0, Y: 2.0}, 3),
    (sp.cbrt(X), {X: 27.0}, 3),
    (sp.real_root(X, 3), {X: -8.0}, -2),
    (sp.real_root(Z, 3), {Z: -8.0}, -2),
    (sp.re(Z) + 2 * sp.conjugate(Z) + 3 * sp.im(Z), {Z: 5.0}, 15),
    (sp.Mod(-X, 3), {X: 1.0}, 2),
    (sp.Heaviside(X), {X: 0.0}, 0.5),
    (sp.Heaviside(X, 0), {X: 0.0}, 0),
    (sp.Heaviside(X, 1), {X: 0.0}, 1),
    (sp.Piecewise((1, sp.Xor(X > 0, X > 1, X > 2)), (0, True)), {X: 2.5}, 1),
    (sp.Piecewise((1, sp.ITE(X > 0, X > 1, X > 2)), (0, True)), {X: 0.5}, 0),
    (Sqrt(X), {X: 4.0}, 2),
    (Cbrt(X), {X: -8.0}, -2),
    (sp.EulerGamma * X, {X: 1.0}, mp.euler),
    (sp.Catalan * X, {X: 1.0}, mp.catalan),
    (sp.GoldenRatio * X, {X: 1.0}, mp.phi),
]


@pytest.mark.parametrize(
    ("expression", "at", "expected"), READ, ids=lambda v: str(v) if isinstance(v, sp.Basic) else ""
)
@pytest.mark.parametrize("route", ROUTES)
def test_heads_are_read(expression, at, expected, route):
    value, _ = value_and_gradient(expression, list(at), route=route)(*at.values())
    np.testing.assert_allclose(value, float(expected), rtol=1e-14)


def test_a_static_argument_must_be_a_number():
    with pytest.raises(UnsupportedError, match="argument 2 of Heaviside has to be a number"):
        graph_of([sp.Heaviside(X, Y)])


BY_MPMATH = {"tanh": mp.tanh, "asinh": mp.asinh, "sinc": mp.sinc, "csch": mp.csch}


@pytest.mark.parametrize("name", BY_MPMATH)
def test_under_jit_vmap_and_batch(name):
    f = resolve(FUNCTIONS[name].jax)
    points = jnp.asarray([[-20.0, -0.3], [1e-9, 30.0]])
    slope = jax.jit(jax.vmap(jax.vmap(jax.grad(f))))
    with mp.workdps(50):
        expected = [[float(mp.diff(BY_MPMATH[name], mp.mpf(float(u)))) for u in row] for row in points]
    np.testing.assert_allclose(slope(points), expected, rtol=1e-12)
