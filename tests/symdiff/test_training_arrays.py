# ruff: noqa: N806 - matrices have capital letters
import json
from pathlib import Path

import jax
import numpy as np
import optax
import pytest
import sympy as sp

import symdiff
from symdiff import Parameter
from symdiff.errors import DataError, DivergenceError, ShapeError

# what PyTorch 2.13 computes, update by update: see the file's "about"
TORCH = json.loads((Path(__file__).parents[1] / "data" / "pytorch_two_layer.json").read_text())
ROUTES = ["autodiff", "symbolic", "chain"]
n, d = sp.symbols("n d", integer=True, positive=True)
i, j = sp.symbols("i j", integer=True)


def two_layer(**changes):
    W1, b1, W2, b2 = (sp.MatrixSymbol(*s) for s in (("W1", 3, 2), ("b1", 3, 1), ("W2", 2, 3), ("b2", 2, 1)))
    x, y = sp.MatrixSymbol("x", 2, 1), sp.MatrixSymbol("y", 2, 1)
    parameters = {symbol: np.array(TORCH["start"][symbol.name]) for symbol in (W1, b1, W2, b2)}
    parts = {"inputs": [x], "target": y, "parameters": parameters, "data": TORCH["data"]}
    return symdiff.Model("two", W2 * (W1 * x + b1).applyfunc(sp.tanh) + b2, **(parts | changes))


def least_squares(count=20, width=3, **changes):
    """y = X*w over all data at once, and the arrays."""
    rng = np.random.default_rng(5)
    X, y, w = sp.MatrixSymbol("X", n, d), sp.MatrixSymbol("y", n, 1), sp.MatrixSymbol("w", d, 1)
    table = {"X": rng.normal(size=(count, width)), "y": rng.normal(size=(count, 1))}
    parts = {"inputs": [X], "target": y, "parameters": {w: np.zeros((width, 1))}, "data": table}
    return symdiff.Model("least", X * w, **(parts | changes)), table


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 2e-6)])
@pytest.mark.parametrize("route", ROUTES)
def test_every_update_of_a_two_layer_network_is_that_of_pytorch(route, dtype, tolerance):
    options = {name: TORCH[name] for name in ("learning_rate", "batch_size", "epochs")}
    result = symdiff.train(two_layer(), route=route, dtype=dtype, record_gradients=True, **options)
    assert result.steps == len(TORCH["updates"]) == 6
    for k, update in enumerate(TORCH["updates"]):
        np.testing.assert_allclose(result.update_losses[k], update["loss"], rtol=tolerance)
        for name, gradient in update["gradients"].items():
            np.testing.assert_allclose(result.gradients[name][k], gradient, rtol=0, atol=10 * tolerance)
    for name, value in TORCH["parameters"].items():
        assert result.parameters[name].dtype == dtype
        np.testing.assert_allclose(result.parameters[name], value, rtol=0, atol=10 * tolerance)


@pytest.mark.parametrize("route", ROUTES)
def test_one_update_on_whole_data_is_numpy_s(route):
    model, table = least_squares()
    result = symdiff.train(model, epochs=1, learning_rate=0.01, route=route)
    X, y = table["X"], table["y"]
    assert (result.steps, result.parameters["w"].shape) == (1, (3, 1))
    np.testing.assert_allclose(result.losses, [np.sum(y**2)], rtol=1e-14)
    # d|X*w - y|**2/dw = 2*X.T*(X*w - y), at w = 0
    np.testing.assert_allclose(result.parameters["w"], 0.01 * 2 * X.T @ y, rtol=1e-13)


def test_descent_on_whole_data_finds_the_least_squares_solution():
    model, table = least_squares()
    result = symdiff.train(model, epochs=2000, learning_rate=0.01)
    expected = np.linalg.lstsq(table["X"], table["y"])[0]
    np.testing.assert_allclose(result.parameters["w"], expected, rtol=1e-12)
    np.testing.assert_allclose(result.predict(X=table["X"][:4]), table["X"][:4] @ expected, rtol=1e-11)
    # data of another length; a list of numbers is the column y
    other = symdiff.train(model, {"X": table["X"][:7], "y": table["y"][:7, 0]}, epochs=1)
    assert other.losses[0] == pytest.approx(np.sum(table["y"][:7] ** 2), rel=1e-14)


@pytest.mark.parametrize("route", ROUTES)
def test_a_sum_over_indexed_data_is_one_update_an_epoch(route):
    X, Y = sp.IndexedBase("X"), sp.IndexedBase("Y")
    w, b = sp.symbols("w b", real=True)
    loss = sp.Sum((w * X[i] + b - Y[i]) ** 2, (i, 0, n - 1)) / n
    x, y = np.array([1.0, 2.0, 3.0, 5.0]), np.array([2.0, 4.0, 7.0, 9.0])
    model = symdiff.Model(
        "line", loss, inputs=[X, Y], target=None, loss="prediction", parameters={w: 1.0, b: 0.5}, data={"X": x, "Y": y}
    )
    result = symdiff.train(model, epochs=1, learning_rate=0.1, route=route)
    residual = x + 0.5 - y
    assert isinstance(result.parameters["w"], float)
    assert result.parameters["w"] == pytest.approx(1 - 0.1 * np.mean(2 * residual * x), rel=1e-14)
    assert result.parameters["b"] == pytest.approx(0.5 - 0.1 * np.mean(2 * residual), rel=1e-14)


@pytest.mark.parametrize("route", ROUTES)
def test_an_array_of_the_symbol_s_shape_is_the_same_in_every_sample(route):
    A, x, y, w = (sp.MatrixSymbol(*s) for s in (("A", 2, 3), ("x", 3, 1), ("y", 2, 1), ("w", 3, 1)))
    model = symdiff.Model(
        "mixed", A * sp.HadamardProduct(w, x), inputs=[A, x], target=y, parameters={w: [[1.0], [2.0], [3.0]]}
    )
    rng = np.random.default_rng(2)
    a, xs, ys = rng.normal(size=(2, 3)), rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    result = symdiff.train(model, {"A": a, "x": xs, "y": ys}, epochs=1, batch_size=5, learning_rate=0.1, route=route)
    start = np.array([1.0, 2.0, 3.0])
    residual = (start * xs) @ a.T - ys
    np.testing.assert_allclose(result.losses, [np.mean(np.sum(residual**2, axis=1))], rtol=1e-14)
    expected = start - 0.1 * np.mean(2 * xs * (residual @ a), axis=0)
    np.testing.assert_allclose(result.parameters["w"][:, 0], expected, rtol=1e-13)


def test_rows_of_numbers_are_columns_of_a_matrix():
    data = {name: np.array(values) for name, values in TORCH["data"].items()}
    whole = symdiff.train(two_layer(), data, epochs=1)
    flat = symdiff.train(two_layer(), {name: values[:, :, 0] for name, values in data.items()}, epochs=1)
    np.testing.assert_array_equal(whole.parameters["W1"], flat.parameters["W1"])
    one, rows = whole.predict(x=data["x"][0]), whole.predict(x=data["x"][:, :, 0])
    assert (one.shape, rows.shape) == ((2, 1), (7, 2, 1))
    np.testing.assert_allclose(rows[0], one, rtol=1e-14)
    p = whole.parameters
    np.testing.assert_allclose(one, p["W2"] @ np.tanh(p["W1"] @ data["x"][0] + p["b1"]) + p["b2"], rtol=1e-13)


@pytest.mark.parametrize("route", ROUTES)
def test_bounds_hold_for_every_entry_and_fixed_arrays_stay(route):
    model, table = least_squares()
    (w,) = model.parameters
    bounded = model.replace(parameters={w: Parameter(np.zeros((3, 1)), min=-0.01, max=0.02)})
    result = symdiff.train(bounded, epochs=300, route=route)
    free = np.linalg.lstsq(table["X"], table["y"])[0]
    assert result.parameters["w"].min() >= -0.01
    assert result.parameters["w"].max() <= 0.02
    assert (free < -0.01).any() | (free > 0.02).any()
    b1 = next(symbol for symbol in two_layer().parameters if symbol.name == "b1")
    start = dict(two_layer().parameters) | {b1: Parameter(TORCH["start"]["b1"], fixed=True)}
    kept = symdiff.train(two_layer(parameters=start), epochs=1, route=route, record_gradients=True)
    np.testing.assert_array_equal(kept.parameters["b1"], TORCH["start"]["b1"])
    assert set(kept.gradients) == {"W1", "W2", "b2"}


@pytest.mark.parametrize("route", ["autodiff", "chain"])
def test_a_run_is_resumed_bit_for_bit(route, tmp_path):
    options = {
        "batch_size": 3,
        "shuffle": True,
        "optimizer": optax.adam(0.05),
        "route": route,
        "record_gradients": True,
    }
    unbroken = symdiff.train(two_layer(), epochs=8, **options)
    symdiff.train(two_layer(), epochs=4, checkpoint=tmp_path, **options)
    resumed = symdiff.train(two_layer(), epochs=8, checkpoint=tmp_path, resume=True, **options)
    assert resumed.resumed_from == 4
    np.testing.assert_array_equal(resumed.losses, unbroken.losses)
    for name, value in unbroken.parameters.items():
        np.testing.assert_array_equal(resumed.parameters[name], value)
        np.testing.assert_array_equal(resumed.gradients.get(name), unbroken.gradients[name])
    start = {s: np.array(p.value) + 1e-9 for s, p in two_layer().parameters.items()}
    with pytest.raises(symdiff.OptionError, match="another parameters"):
        symdiff.train(two_layer(parameters=start), epochs=9, checkpoint=tmp_path, resume=True, **options)
    data = {name: np.array(values) + 1e-9 for name, values in TORCH["data"].items()}
    with pytest.raises(symdiff.OptionError, match="another data"):
        symdiff.train(two_layer(), data, epochs=9, checkpoint=tmp_path, resume=True, **options)


@pytest.mark.parametrize("route", ROUTES)
def test_divergence_tells_the_largest_entry(route):
    model, _ = least_squares()
    with pytest.raises(DivergenceError, match=r"diverged at update \d+ \(epoch \d+\): the loss is \w+ at max \|w\|=\d"):
        symdiff.train(model, epochs=400, learning_rate=10.0, route=route)
    with pytest.raises(DivergenceError, match=r"\(epoch \d+, data rows? \d.*\): the .* at max \|W1\|=.*, max \|b1\|="):
        symdiff.train(two_layer(loss="squared_error"), epochs=400, learning_rate=1e3, batch_size=2, route=route)


def test_on_epoch_is_given_arrays():
    seen = []
    symdiff.train(two_layer(), epochs=2, on_epoch=lambda epoch, _, parameters: seen.append((epoch, parameters["W1"])))
    assert [(epoch, value.shape) for epoch, value in seen] == [(1, (3, 2)), (2, (3, 2))]


def test_the_result_as_json_holds_nested_lists():
    result = symdiff.train(two_layer(), epochs=1)
    back = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert np.shape(back["parameters"]["W2"]) == (2, 3)
    assert "3×2 array" in repr(result)


def test_the_gradient_of_a_batch_has_no_axis_of_samples():
    from symdiff.descent.options import checked_options
    from symdiff.descent.sampled import mean_gradient
    from symdiff.descent.updates import Updates, loss_graph, samples_for

    defaults = {"epochs": 1, "learning_rate": 0.1, "shuffle": False, "seed": 0, "optimizer": None, "dtype": "float64"}
    rest = {"device": "cpu", "checkpoint": None, "resume": False, "record_gradients": False, "route": "autodiff"}
    model = two_layer()
    samples = samples_for(model, loss_graph(model), TORCH["data"])
    updates = Updates.of(model, samples, checked_options(7, batch_size=7, **defaults, **rest))
    state = updates.start({s.name: p.value for s, p in model.parameters.items()})
    batch = tuple(samples.arrays[s.name] for s in updates.columns)
    program = jax.make_jaxpr(mean_gradient(updates))(state["parameters"], batch, np.arange(7, dtype=np.int32))
    shapes = {tuple(v.aval.shape) for equation in program.jaxpr.eqns for v in equation.outvars}
    # of W1 and W2, one for each sample
    assert not shapes & {(7, 3, 2), (7, 2, 3)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"x": np.zeros((7, 3))},
            r"^data: x has the shape 2×1, but its array has the shape 7×3; give 2×1, or samples×2×1$",
        ),
        ({"x": np.zeros((5, 2))}, r"^data: unequal numbers of samples \(x has 5, y has 7\)"),
        ({"x": np.zeros((7, 2, 1, 1))}, r"x has the shape 2×1, but its array has the shape 7×2×1×1"),
        ({"x": 3.0}, r"x has the shape 2×1"),
        ({"x": np.full((7, 2), np.nan)}, r"^data: x, entry \(0, 0\): nan is no finite float64"),
        ({"x": [["a", "b"]] * 7}, r"^data: x: entries of dtype <U1; give an array of real numbers"),
        ({"x": np.zeros((7, 2), complex)}, r"^data: x: complex numbers"),
        ({"x": [[1.0, 2.0], [3.0]]}, r"^data: x: rows of unequal length"),
        ({"x": np.zeros((0, 2))}, r"^data: "),
    ],
)
def test_wrong_arrays_are_told_in_one_line(changes, message):
    with pytest.raises(DataError, match=message) as caught:
        symdiff.train(two_layer(), TORCH["data"] | changes)
    assert "\n" not in str(caught.value)


def test_entries_may_be_columns_of_a_table():
    arrays = {name: np.array(values)[:, :, 0] for name, values in TORCH["data"].items()}
    table = {f"{name}{k}": array[:, k] for name, array in arrays.items() for k in range(2)}
    expected = symdiff.train(two_layer(), arrays, epochs=1).parameters["W1"]
    np.testing.assert_array_equal(symdiff.train(two_layer(), table, epochs=1).parameters["W1"], expected)


def test_a_missing_array_and_lengths_that_differ():
    with pytest.raises(DataError, match=r"^data: no column 'x'; did you mean 'X'\?"):
        symdiff.train(two_layer(), {"X": np.zeros((7, 2)), "y": np.zeros((7, 2))})
    model, table = least_squares()
    with pytest.raises((DataError, ShapeError), match=r"y .*\(?19.*X .*20×3|y .*19×1"):
        symdiff.train(model, {"X": table["X"], "y": table["y"][:19]})
    with pytest.raises(DataError, match=r"^predict: X has the shape n×3, but its array has the shape 20×2"):
        symdiff.train(model, epochs=1).predict(X=table["X"][:, :2])


@pytest.mark.parametrize(
    ("function", "slope"),
    # to 17 digits by mpmath: sech(20)**2, sigmoid(40)*(1 - sigmoid(40)), 1/(1 + exp(40))
    [(sp.tanh, 1.6993417021166355e-17), (symdiff.sigmoid, 4.2483542552915889e-18)],
)
def test_what_is_trained_are_the_forms_that_are_checked(function, slope):
    """JAX's own tanh and sigmoid have the derivative 0 this far out."""
    W, x, y = sp.MatrixSymbol("W", 2, 2), *sp.symbols("x y", real=True)
    far = 20.0 if function is sp.tanh else 40.0
    parts = {"inputs": [x], "target": y, "parameters": {W: np.full((2, 2), far)}, "data": {"x": [1.0], "y": [0.0]}}
    model = symdiff.Model("far", sp.Trace(W.applyfunc(function)) * x, loss="prediction - y", **parts)
    result = symdiff.train(model, epochs=1, record_gradients=True)
    np.testing.assert_allclose(result.gradients["W"][0], slope * np.eye(2), rtol=4e-15, atol=0)
