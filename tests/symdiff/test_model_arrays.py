# ruff: noqa: N806, S301 - matrices have capital letters; what is unpickled was made here
import copy
import math
import pickle

import numpy as np
import pytest
import sympy as sp

from symdiff.errors import DataError, InputError, ModelError, ShapeError
from symdiff.initial_values import initial
from symdiff.model import Model
from symdiff.parameter import Parameter
from symdiff.routes import value_and_gradient

k, m, n = sp.symbols("k m n", integer=True, positive=True)
PREDICTION = [[0.5], [-1.0], [2.0]]
TARGET = [[0.0], [1.0], [0.0]]


def network(dims=(k, m, n), **changes):
    k, m, n = dims
    shapes = {"W1": (m, n), "b1": (m, 1), "W2": (k, m), "b2": (k, 1), "x": (n, 1), "y": (k, 1)}
    W1, b1, W2, b2, x, y = (sp.MatrixSymbol(name, *shape) for name, shape in shapes.items())
    rng = np.random.default_rng(1)
    values = {W1: rng.normal(size=(4, 3)), b1: np.zeros(4), W2: rng.normal(size=(2, 4)), b2: np.zeros((2, 1))}
    prediction = W2 * (W1 * x + b1).applyfunc(sp.tanh) + b2
    return Model("net", prediction, **{"inputs": [x], "target": y, "parameters": values, **changes})


def test_parameters_keep_arrays_read_only_and_compare_them_bit_for_bit():
    given = np.array([[1, 2], [3, 4]], dtype=np.int32)
    parameter = Parameter(given, min=0, max=4, unit="m")
    given[0, 0] = 9
    assert parameter.value.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert parameter.value.dtype == np.float64
    assert (
        parameter
        == Parameter([[1, 2], [3, 4]], 0, 4, unit="m")
        == Parameter(sp.Matrix([[1, 2], [3, 4]]), 0, 4, unit="m")
    )
    assert hash(parameter) == hash(Parameter([[1, 2], [3, 4]], 0, 4, unit="m"))
    assert Parameter([0.0]) != Parameter([-0.0])
    assert Parameter([1.0]) != Parameter(1.0)
    assert Parameter([1.0, 2.0]) != Parameter([[1.0, 2.0]])
    for other in (copy.copy(parameter), copy.deepcopy(parameter), pickle.loads(pickle.dumps(parameter))):  # noqa: S301 - our own bytes
        assert other == parameter
        with pytest.raises(ValueError, match="read-only"):
            other.value[0, 0] = 1.0


def test_the_repr_of_long_arrays_is_short_and_tells_them_apart():
    one, other = np.zeros((64, 64)), np.zeros((64, 64))
    other[5, 5] = 1e-300
    assert repr(Parameter(one)).startswith("Parameter(value=array(64×64, sha256=")
    assert repr(Parameter(one)) != repr(Parameter(other))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, math.nan], r"^value\[1\] is nan; give finite numbers"),
        ([[1.0], [math.inf]], r"^value\[1, 0\] is inf"),
        ([[1.0], [1.0, 2.0]], "^value is no array: its rows are of unequal length"),
        (np.array([object()]), "^value is an array of object"),
        ([True, False], "^value is an array of bool"),
        (["a"], "^value is an array of str"),
        ([], r"^value has no entries \(shape \(0\)\)"),
        (sp.Matrix([sp.Symbol("a")]), "^value is a matrix that holds more than real numbers"),
        ([0.0, -2.0], r"^value\[1\] -2.0 lies below min -1.0"),
        ([0.0, 2.0], r"^value\[1\] 2.0 lies above max 1.0"),
    ],
)
def test_arrays_that_are_no_values_are_refused(value, message):
    with pytest.raises(ModelError, match=message):
        Parameter(value, min=-1, max=1)


@pytest.mark.parametrize("dims", [(k, m, n), (2, 4, 3)])
def test_shapes_of_a_network(dims):
    model = network(dims, data={"x": np.ones((5, 3)), "y": np.ones((5, 2, 1))}, probe={"x": [1, 2, 3]})
    shapes = {symbol.name: shape for symbol, shape in model.shapes.items()}
    assert shapes == {"W1": (4, 3), "b1": (4, 1), "W2": (2, 4), "b2": (2, 1), "x": (3, 1), "y": (2, 1)}
    assert (model.data["x"].shape, model.data["y"].shape, model.probe["x"].shape) == ((5, 3, 1), (5, 2, 1), (3, 1))
    assert network(dims, probe={"x": np.ones((7, 3))}).probe["x"].shape == (7, 3, 1)
    assert model == model.replace() == copy.deepcopy(model) == pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
    assert model == network(dims, data={"x": np.ones((5, 3)), "y": np.ones((5, 2))}, probe={"x": [1, 2, 3]})
    assert hash(model) == hash(model.replace())
    assert model != model.replace(loss="logistic")


@pytest.mark.parametrize("dims", [(k, m, n), (2, 4, 3)])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"data": {"x": np.ones((5, 4)), "y": np.ones((5, 2))}}, ShapeError, "x has the shape .*×1.* the shape 4×1"),
        ({"data": {"x": np.ones((5, 3)), "y": np.ones((4, 2))}}, DataError, r"unequal length \(x has 5, y has 4\)"),
        ({"data": {"x": np.ones(3), "y": np.ones((4, 2))}}, DataError, r"unequal length \(x has 1, y has 4\)"),
        ({"target": "y"}, ShapeError, "the prediction is of shape .*×1, and the target y is one number"),
        ({"probe": {"x": [1, 2]}}, ShapeError, "probe: 'x': x has the shape .*×1.* the shape 2×1"),
        ({"starts": [{"b1": [1, 2]}]}, ShapeError, r"start 1, b1: b1 has the shape 4×1, .* the shape \(2\)"),
        ({"loss": "hinge"}, ModelError, "loss: "),
    ],
)
def test_arrays_that_do_not_fit_are_refused_in_one_line(dims, changes, error, message):
    with pytest.raises(error, match=message) as caught:
        network(dims, **changes)
    assert "\n" not in str(caught.value)


def test_lengths_that_contradict_each_other():
    A, b, x = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("b", m, 1), sp.MatrixSymbol("x", n, 1)
    y = sp.MatrixSymbol("y", m, 1)
    with pytest.raises(ShapeError, match=r"parameters\.b: b has the shape m×1 \(m = 4 by A\), but .* the shape \(3\)"):
        Model("affine", A * x + b, inputs=[x], target=y, parameters={A: np.ones((4, 2)), b: np.ones(3)})
    with pytest.raises(ShapeError, match=r"parameters\.b: b has the shape m×1, but a single number is given"):
        Model("affine", A * x + b, inputs=[x], target=y, parameters={b: 1.0, A: np.ones((4, 2))})
    with pytest.raises(ShapeError, match=r"parameters\.A: A has the shape 4×n, and the length n is not known"):
        Model("affine", A * x + b, inputs=[x], target=y, parameters={b: np.ones(4), A: "glorot"})


# with z = (1/2, -1, 2) and y = (0, 1, 0), by hand
LOSSES = {
    "squared_error": 0.25 + 4.0 + 4.0,
    "absolute_error": 0.5 + 2.0 + 2.0,
    "softmax_cross_entropy": math.log(math.exp(0.5) + math.exp(-1.0) + math.exp(2.0)) + 1.0,
    "logistic": math.log1p(math.exp(0.5)) + math.log1p(math.exp(-1.0)) + 1.0 + math.log1p(math.exp(2.0)),
}


@pytest.mark.parametrize("rows", [3, k])
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_a_column(loss, rows):
    b, x, y = (sp.MatrixSymbol(name, rows, 1) for name in ("b", "x", "y"))
    model = Model("shift", x + b, inputs=[x], target=y, parameters={b: [0, 0, 0]}, loss=loss)
    value, (gradient,) = value_and_gradient(model.loss, [b], [b, x, y])(np.zeros((3, 1)), PREDICTION, TARGET)
    assert float(value) == pytest.approx(LOSSES[loss], rel=1e-15)
    assert gradient.shape == (3, 1)


def test_logistic_loss_of_a_number():
    w, x, y = sp.symbols("w x y", real=True)
    model = Model("logit", w * x, inputs=[x], target=y, parameters={w: 1.0}, loss="logistic")
    assert model.loss == sp.log(1 + sp.exp(w * x)) - y * w * x


def test_losses_as_formulas():
    b, x, y = (sp.MatrixSymbol(name, 3, 1) for name in ("b", "x", "y"))
    prediction = sp.MatrixSymbol("prediction", 3, 1)
    parts = {"inputs": [x], "target": y, "parameters": {b: [0, 0, 0]}}
    expected = sp.Trace((x + b - y).T * (x + b - y)) / 2
    by_expression = Model("shift", x + b, **parts, loss=sp.Trace((prediction - y).T * (prediction - y)) / 2)
    by_text = Model("shift", x + b, **parts, loss="dot(prediction - y, prediction - y)/2")
    at = np.zeros((3, 1)), PREDICTION, TARGET
    for model in (by_expression, by_text):
        assert value_and_gradient(model.loss, [b], [b, x, y])(*at)[0] == LOSSES["squared_error"] / 2
    assert value_and_gradient(expected, [b], [b, x, y])(*at)[0] == LOSSES["squared_error"] / 2
    with pytest.raises(ShapeError, match="`prediction` is there of another shape"):
        Model("shift", x + b, **parts, loss=sp.Symbol("prediction") ** 2)
    with pytest.raises(ShapeError, match="loss: a matrix of shape 3×1 given"):
        Model("shift", x + b, **parts, loss=prediction - y)


def test_softmax_needs_a_column_of_scores():
    w, x, y = sp.symbols("w x y", real=True)
    with pytest.raises(ShapeError, match="softmax_cross_entropy takes a column of scores"):
        Model("line", w * x, inputs=[x], target=y, parameters={w: 1.0}, loss="softmax_cross_entropy")


def test_a_matrix_of_one_entry_predicts_a_number():
    w, x, y = sp.MatrixSymbol("w", 3, 1), sp.MatrixSymbol("x", 3, 1), sp.Symbol("y", real=True)
    model = Model("line", w.T * x, inputs=[x], target=y, parameters={w: [1, 2, 3]})
    assert model.prediction == sp.Trace(w.T * x)
    assert value_and_gradient(model.loss, [w], [w, x, y])(np.ones((3, 1)), [[1.0], [2.0], [3.0]], 4.0)[0] == 4.0


def test_an_objective_over_all_data():
    X, Y, i = sp.IndexedBase("X"), sp.IndexedBase("Y"), sp.Symbol("i", integer=True)
    w, b = sp.symbols("w b", real=True)
    objective = sp.Sum((Y[i] - w * X[i] - b) ** 2, (i, 0, n - 1)) / n
    parts = {"inputs": [X, Y], "target": None, "parameters": {w: 1.0, b: 0.0}, "loss": "prediction"}
    model = Model("ls", objective, **parts, data={"X": [1, 2, 3], "Y": [2, 4, 6]})
    assert model.loss == objective
    assert model.observed == (X, Y)
    assert model.data["X"].tolist() == [[1.0, 2.0, 3.0]]
    assert model == pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
    with pytest.raises(ModelError, match=r"^None cannot be the target; .* without a target the loss is 'prediction'"):
        Model("ls", objective, **{**parts, "loss": "squared_error"})


@pytest.mark.parametrize(
    ("form", "variance", "bound"),
    [
        ("glorot", 2 / (300 + 200), math.sqrt(6 / (300 + 200))),
        ("he", 2 / 200, math.inf),
        ("normal", 1.0, math.inf),
    ],
)
def test_moments_of_initial_values(form, variance, bound):
    values = initial(form, (300, 200), "W", seed=5)
    deviation = math.sqrt(variance / values.size)
    assert abs(values.mean()) < 5 * deviation
    # the variance of a sample variance is at most 2/N of its square, for the normal and flatter distributions
    assert abs(values.var() - variance) < 5 * variance * math.sqrt(2 / values.size)
    assert np.abs(values).max() <= bound
    assert form != "glorot" or np.abs(values).max() > 0.999 * bound


def test_draws_depend_on_seed_and_name_alone():
    one = initial("he", (4, 3), "W1", seed=1)
    assert (one == initial("he", (4, 3), "W1", seed=1)).all()
    assert not (one == initial("he", (4, 3), "W1", seed=2)).any()
    assert not (one == initial("he", (4, 3), "W2", seed=1)).any()
    values = {symbol.name: parameter for symbol, parameter in network().parameters.items()}
    drawn = network((2, 4, 3), parameters={**values, "W1": "he"}, seed=1)
    assert next(p.value for s, p in drawn.parameters.items() if s.name == "W1").tolist() == one.tolist()
    assert drawn.redrawn(1) == drawn != drawn.redrawn(2)
    assert drawn.redrawn(2).parameters[sp.MatrixSymbol("W2", 2, 4)] == values["W2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("glorott", (2,), "w"), "initial value 'glorott' of w is not known; did you mean 'glorot'"),
        (("he", (2,), "w", -1), "seed is -1; give a whole number from 0"),
        (("he", (2,), "w", True), "seed is True"),
        (("he", (0, 2), "w"), "w has the shape 0×2; initial values need lengths that are known"),
        (("zeros", (10**9,), "w"), "initial values go up to 100,000,000 entries"),
    ],
)
def test_initial_values_that_cannot_be(arguments, message):
    with pytest.raises(InputError, match=message):
        initial(*arguments)
