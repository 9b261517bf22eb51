# ruff: noqa: N806 - matrices have capital letters
import numpy as np
import sympy as sp

from compare.checking import check
from compare.collapse import collapsed
from symdiff import Model, models


def test_check_says_that_linear_layers_collapse_and_that_an_activation_keeps_them_apart():
    facts = check(models.load("collapse")).facts
    assert facts["one linear layer"] == "W2*(W1*x + b1) + b2 = (W2*W1)*x + (W2*b1 + b2)"
    assert facts["the same in numbers"] == "equal at 16 of 16 random points in exact rational arithmetic"
    assert facts["with tanh between"].startswith("W2*tanh(W1*x + b1) + b2 = (W2*W1)*x")
    assert "f(u) + f(v) - f(u + v) - f(0) = " in facts["no other layer"]


def test_the_counterexample_is_one():
    told = collapsed(models.load("collapse"))["where it fails"]
    point, _, rest = told.partition("]]: ")
    at = {name: np.array(sp.sympify(part), float) for name, part in
          (piece.split(" = ") for piece in f"{point}]]".replace("]], ", "]]\n").splitlines())}  # fmt: skip
    z = at["W1"] @ at["x"] + at["b1"]
    left, right = (float(word) for word in rest.split() if word[-1].isdigit())
    np.testing.assert_allclose(at["W2"] @ np.tanh(z) + at["b2"], left, atol=1e-9)
    np.testing.assert_allclose(at["W2"] @ z + at["b2"], right, atol=1e-9)


def test_nothing_is_said_of_one_layer_nor_of_layers_with_an_activation():
    A, x, b, y = (sp.MatrixSymbol(*s) for s in (("A", 2, 2), ("x", 2, 1), ("b", 2, 1), ("y", 2, 1)))
    one = Model("one", A * x + b, inputs=[x], target=y, parameters={A: np.eye(2), b: [0, 0]})
    assert collapsed(one) == {}
    assert collapsed(models.load("two_layer_relu")) == {}
    assert collapsed(models.load("linear")) == {}
