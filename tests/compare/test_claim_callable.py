# ruff: noqa: ARG005 what a claim is called with, it need not use
"""Claims that are Python functions: of NumPy, of JAX, of math; called by name or in order; wrong and malformed ones."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

import compare
from compare.verdict import Verdict
from symdiff.errors import InputError

w, x, y = sp.symbols("w x y", real=True)
SIGMOID = 1 / (1 + sp.exp(-x))

RIGHT = [
    (sp.sin(x), np.cos),
    (sp.sin(x), math.cos),
    (sp.exp(x), math.exp),
    (SIGMOID, lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
    (SIGMOID, lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
    (SIGMOID, lambda x: jnp.exp(-x) / (1 + jnp.exp(-x)) ** 2),
    (sp.tanh(x), lambda x: 1 - np.tanh(x) ** 2),
    (sp.tanh(x), lambda x: 1 - math.tanh(x) ** 2),
    (sp.tanh(x), lambda x: 1 - jnp.tanh(x) ** 2),
    (sp.tanh(x), lambda x: 1 / math.cosh(x) ** 2),
    (x * sp.tanh(x), jax.grad(lambda x: jnp.tanh(x) * x)),
    (x**3, lambda x: 3 * x**3 / x),
    (sp.log(1 + x), lambda x: 1 / (1 + x)),
    (sp.Max(x, 0), lambda x: 1.0 if x > 0 else 0.0),
]
WRONG = [
    (sp.cos(x), lambda x: np.sin(x), "sign"),
    (sp.sin(x), lambda x: np.cos(x) * (1 + 1e-9), "constant factor"),
    (sp.exp(x), lambda x: math.exp(x) * (1 + 1e-9), "constant factor"),
    (x * sp.tanh(x), lambda x: (jnp.tanh(x) + x * (1 - jnp.tanh(x) ** 2)) * (1 - 1e-9), "constant factor"),
    (sp.sin(3 * x), lambda x: math.cos(3 * x), "missing chain factor"),
    (x**2, lambda x: 2 * x if abs(x) < 10 else 2 * x + 1, "part of the domain"),
    (x**2, lambda x: 2 * x if abs(x) < 12345 else 0.0, "part of the domain"),
    (x**2, lambda x: 2 * x if not 3.14 < x < 3.15 else 0.0, "part of the domain"),
    (sp.sqrt(x**2) * x, lambda x: 2 * x, "part of the domain"),
    (x**3, lambda x: 3 * math.exp(2 * math.log(x)), "part of the domain"),
]


@pytest.mark.parametrize(("expression", "claim"), RIGHT)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_function_agrees(expression, claim, dtype):
    assert compare.check_claim(expression, claim, dtype=dtype, points=24).verdict is Verdict.AGREE


@pytest.mark.parametrize(("expression", "claim", "mistake"), WRONG)
def test_a_wrong_function_disagrees(expression, claim, mistake):
    found = compare.check_claim(expression, claim)
    assert found.verdict is Verdict.DISAGREE
    assert found.claims[0].mistake == mistake


@pytest.mark.parametrize(
    ("claimed", "wrt"),
    [
        (lambda a, b, c: 2 * b * (a * b - c), "w"),  # in order: w, then x, y
        (lambda x, y, w: 2 * x * (w * x - y), "w"),  # by name
        (lambda *, y, w, x: 2 * x * (w * x - y), "w"),
        (lambda w, x, y: (2 * x * (w * x - y), -2 * (w * x - y)), ["w", "y"]),
        (lambda w, x, y: jnp.stack([2 * x * (w * x - y), -2 * (w * x - y)]), ["w", "y"]),
        ({"w": lambda w, x, y: 2 * x * (w * x - y), y: "2*y - 2*w*x"}, None),
        ([lambda w, x, y: 2 * x * (w * x - y), 2 * y - 2 * w * x], [w, y]),
        (jax.grad(lambda w, x, y: (w * x - y) ** 2), "w"),
    ],
)
def test_how_a_function_is_called(claimed, wrt):
    assert compare.check_claim((w * x - y) ** 2, claimed, wrt, points=8).verdict is Verdict.AGREE


def test_the_order_of_arguments_may_be_given():
    found = compare.check_claim(w * x**2, lambda a, b: 2 * a * b, "x", args=["w", "x"], points=8)
    assert found.verdict is Verdict.AGREE
    assert compare.check_claim(w * x**2, lambda a, b: b**2, "w", args=["x", "w"], points=8).verdict is Verdict.DISAGREE


def test_swapped_claims_of_one_function_are_called_transposed():
    found = compare.check_claim(x**2 * y, lambda x, y: (x**2, 2 * x * y), ["x", "y"])
    assert [outcome.mistake for outcome in found.claims] == ["transposed", "transposed"]


@pytest.mark.parametrize(
    ("claim", "match"),
    [
        (lambda a: a, r"takes a; it is called with the values of x, y"),
        (lambda a, b, c: a, r"takes a, b, c"),
        (lambda y, q: q, r"takes y, q"),
        (lambda x, y: [y, x], r"array of shape \(2,\); it must return one real number"),
        (lambda x, y: None, r"returns None"),
        (lambda x, y: "a", r"returns 'a'"),
        (lambda x, y: 1j, r"returns 1j"),
        (lambda x, y: {}[x], r"raises KeyError at x="),
    ],
)
def test_what_is_no_claim_is_refused_in_a_line(claim, match):
    with pytest.raises(InputError, match=match) as caught:
        compare.check_claim(x * y, claim, "x")
    assert "\n" not in str(caught.value)


def test_points_at_which_a_function_gives_no_number_are_told():
    (outcome,) = compare.check_claim(x**2, {x: lambda x: 2 * x if abs(x) < 1e3 else math.inf}).claims
    assert outcome.verdict is Verdict.AGREE
    assert re.match(
        r"no number at \d+ points, as x = -?[\d.e+]+, perhaps from overflow on its way: not counted as wrong",
        outcome.note,
    )
    (outcome,) = compare.check_claim(x**2, {x: lambda x: 2 * x}).claims
    assert outcome.note == ""


@pytest.mark.parametrize("factor", ["1e-12", "1e-13"])
def test_a_factor_very_near_one_is_no_factor_of_one(factor):
    (outcome,) = compare.check_claim(x**2, f"x: 2*x*(1 + {factor})").claims
    assert outcome.mistake == "constant factor"
    size = re.search(r"times \(1 \+ ([\d.e-]+)\)", outcome.guess)
    assert float(size[1]) == pytest.approx(float(factor), rel=1e-2)
