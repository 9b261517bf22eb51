"""`symdiff.register`: a right row works by every route and check; a wrong one leaves the table as it was."""

import dataclasses

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import sympy as sp

import compare
import symdiff
from symdiff.errors import RowError
from symdiff.functions import BY_HEAD, FUNCTIONS
from symdiff.registration import unregister
from symdiff.routes import ROUTES


class swish(sp.Function):  # noqa: N801 - named as in formulas
    """u/(1 + exp(-u)), with SymPy's derivative by hand."""

    def fdiff(self, _=1):
        u = self.args[0]
        return symdiff.sigmoid(u) * (1 + u * symdiff.sigmoid(-u))

    def _eval_evalf(self, prec):
        return (self.args[0] / (1 + sp.exp(-self.args[0])))._eval_evalf(prec)


def logistic(u):
    return 0.5 * (1 + np.tanh(0.5 * u))


@jax.custom_jvp
def jax_swish_with_a_wrong_rule(u):
    return jax.nn.silu(u)


def wrong_rule(tangent, _, u):
    return 1.000001 * jax.nn.sigmoid(u) * (1 + u * jax.nn.sigmoid(-u)) * tangent


jax_swish_with_a_wrong_rule.defjvps(wrong_rule)


ROW = symdiff.Function(
    name="swish",
    sympy=swish,
    value=lambda u: u * logistic(u),
    partials=(lambda u, _: logistic(u) * (1 + u * logistic(-u)),),
    jax=jax.nn.silu,
    ball=lambda u: u / (1 + (-u).exp()),
    domain=(symdiff.Domain(low=-4.0, high=4.0),),
    special=(((0.0,), 0), ((1.0,), sp.E / (1 + sp.E))),
    source="Elfwing et al., arXiv:1702.03118",
    ulp=lambda u, _: 8.0 + np.abs(u),
    heads=(swish,),
    spoken=True,
)


@pytest.fixture
def table():
    before = dict(FUNCTIONS), dict(BY_HEAD)
    yield
    if ROW.name in FUNCTIONS:
        unregister(ROW.name)
    assert (dict(FUNCTIONS), dict(BY_HEAD)) == before, "the table was left changed"


@pytest.mark.usefixtures("table")
def test_a_right_row_is_known_everywhere():
    symdiff.register(ROW)
    x = sp.Symbol("x", real=True)
    formula = symdiff.parse("swish(2*x) + x")
    assert formula == swish(2 * sp.Symbol("x")) + sp.Symbol("x") or formula.has(swish)
    with mp.workdps(30):
        slope = mp.diff(lambda t: 2 * t / (1 + mp.exp(-2 * t)) + t, mp.mpf("0.3"))
    for route in ROUTES:
        _, partials = symdiff.value_and_gradient(swish(2 * x) + x, [x], route=route)(0.3)
        np.testing.assert_allclose(partials[0], float(slope), rtol=1e-14)
    assert compare.check(swish(2 * x) + x, points=16, at=[{x: 0.25 * k - 1.9} for k in range(16)]).verdict == "agree"
    assert jax.grad(symdiff.lambdify(x, swish(x)))(jnp.asarray(0.0)) == 0.5


@pytest.mark.usefixtures("table")
def test_the_same_row_again_changes_nothing():
    symdiff.register(ROW)
    symdiff.register(ROW)


@pytest.mark.parametrize(
    ("column", "wrong", "complaint"),
    [
        ("partials", (lambda u, y: 1.000001 * ROW.partials[0](u, y),), "derivative in operand 1 by chain"),
        ("partials", (lambda u, y: -ROW.partials[0](u, y),), "derivative in operand 1 by chain"),
        ("jax", lambda u: u * jax.nn.sigmoid(u) + 1e-9 * u * (u - 1), "value by autodiff|value by symbolic"),
        ("jax", jax_swish_with_a_wrong_rule, "derivative in operand 1 by autodiff"),
        ("jax", "numpy.no_such_function", "cannot be imported"),
        ("jax", "no_such_module.f", "cannot be imported"),
        ("value", lambda u: u * logistic(1.0000001 * u), "NumPy form|value by chain"),
        ("ball", lambda u: u / (1 + (-u).exp()) + 1, "by the ball form"),
        ("ball", lambda u: u.no_such_method(), "ball form fails with AttributeError"),
        ("rules", (lambda u: symdiff.sigmoid(u),), "derivative in operand 1 by symbolic"),
        ("special", (((0.0,), 1),), "by the special points"),
        ("special", (), "special is"),
        ("special", (((),  1),), "fewer numbers"),
        ("source", " ", "source is empty"),
        ("name", "exp", "is taken"),
        ("name", "ln", "is taken"),
        ("name", "pi", "is taken"),
        ("name", "two words", "no identifier"),
        ("heads", (sp.exp,), "belongs to the row 'exp'"),
        ("heads", ("swish",), "no SymPy class"),
        ("partials", (), "partials is"),
        ("partials", (1.0, 2.0), "2 partials"),
        ("domain", (symdiff.Domain(low=5.0, regular=1.0),), "outside"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("table")
def test_a_wrong_row_is_refused_and_nothing_is_changed(column, wrong, complaint):
    with pytest.raises(RowError, match=complaint) as refusal:
        symdiff.register(dataclasses.replace(ROW, **{column: wrong}))
    assert "\n" not in str(refusal.value)


@pytest.mark.usefixtures("table")
def test_what_is_no_row_is_refused():
    with pytest.raises(RowError, match=r"has to be a symdiff\.Function, not function"):
        symdiff.register(lambda u: u)
