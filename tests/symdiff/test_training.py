import json
import math
from pathlib import Path

import jax
import numpy as np
import optax
import pytest
import sympy as sp

import symdiff
from symdiff import Parameter, models
from symdiff.descent.loops import compiled
from symdiff.errors import DataError, DivergenceError, SymbolError

# what PyTorch 2.14 computes, update by update: see the file's "about"
TRACES = json.loads((Path(__file__).parents[1] / "data" / "pytorch_traces.json").read_text())
ROUTES = ["autodiff", "symbolic", "chain"]


def line(**changes):
    """y = w*x with the data of the linear model, but with other loss, parameters and so on."""
    parts = {"inputs": ["x"], "target": "y", "parameters": {"w": 1.0}, "data": {"x": [1, 2, 3], "y": [2, 4, 6]}}
    return symdiff.Model("line", "w*x", **(parts | changes))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("name", ["linear", "quadratic"])
@pytest.mark.parametrize("route", ROUTES)
def test_every_update_is_that_of_pytorch(route, name, dtype, tolerance):
    trace = TRACES[dtype][name]
    rows = np.array(trace["rows"])
    result = symdiff.train(models.load(name), route=route, dtype=dtype, record_gradients=True)
    assert len(rows) == result.steps == 300
    np.testing.assert_allclose(result.gradients, rows[:, 3:-1], rtol=tolerance, atol=0)
    np.testing.assert_allclose(result.update_losses, rows[:, -1], rtol=tolerance, atol=0)
    np.testing.assert_allclose(result.losses, rows[:, -1].reshape(100, 3).mean(axis=1), rtol=tolerance, atol=0)
    assert result.before == trace["before"]
    assert result.after == pytest.approx(trace["after"], rel=tolerance)
    assert result.predict(x=4.0) == result.after


@pytest.mark.parametrize("route", ROUTES)
def test_an_update_takes_the_gradient_of_the_mean_loss_of_its_batch(route):
    # by hand, exact in binary: (1, 2), (2, 4) give slopes -2, -8, mean -5; then w = 1.625, and (3, 6) alone gives -6.75
    result = symdiff.train(line(), epochs=1, batch_size=2, learning_rate=0.125, route=route, record_gradients=True)
    assert result.gradients.tolist() == [[-5.0], [-6.75]]
    assert result.parameters == {"w": 2.46875}
    assert result.update_losses.tolist() == [2.5, 1.265625]
    assert result.losses.tolist() == [pytest.approx((1 + 4 + 1.265625) / 3, rel=1e-15)]
    # of five samples in batches of three, the last two share an update: slopes 2, 2, 2; then w = 0.5 and slopes 1, 4
    data = {"x": [1.0, 1.0, 1.0, 1.0, 2.0], "y": [0.0] * 5}
    rest = symdiff.train(line(), data, epochs=1, batch_size=3, learning_rate=0.25, route=route, record_gradients=True)
    assert rest.gradients.tolist() == [[2.0], [2.5]]
    assert rest.losses.tolist() == [(3 * 1.0 + 0.25 + 1.0) / 5]
    # all three at once: mean slope (-2 - 8 - 18) / 3
    whole = symdiff.train(line(), epochs=1, batch_size=3, route=route, record_gradients=True)
    np.testing.assert_allclose(whole.gradients, [[-28 / 3]], rtol=1e-15)


@pytest.mark.parametrize("route", ROUTES)
def test_shuffling_is_a_function_of_seed_and_epoch(route):
    # with the prediction as loss the gradient is x, and tells which sample an update took
    model = line(loss="prediction + 0*y", data={"x": np.arange(5.0), "y": np.zeros(5)})
    seen = symdiff.train(model, epochs=3, shuffle=True, seed=7, route=route, record_gradients=True).gradients
    key = jax.random.key(7)
    orders = [jax.random.permutation(jax.random.fold_in(key, epoch), 5) for epoch in range(3)]
    assert seen.ravel().tolist() == np.concatenate(orders).tolist()
    other = symdiff.train(model, epochs=3, shuffle=True, seed=8, route=route, record_gradients=True).gradients
    assert other.tolist() != seen.tolist()
    longer = symdiff.train(model, epochs=6, shuffle=True, seed=7, route=route, record_gradients=True).gradients
    assert longer[:15].tolist() == seen.tolist()


@pytest.mark.parametrize("route", ROUTES)
def test_fixed_parameters_stay_and_bounds_hold(route):
    model = symdiff.Model(
        "line",
        "w*x + b",
        inputs=["x"],
        target="y",
        parameters={"w": Parameter(1.0, max=1.5), "b": Parameter(0.25, fixed=True)},
        data={"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]},
    )
    passed = []
    result = symdiff.train(model, epochs=20, route=route, on_epoch=lambda *call: passed.append(call[2]))
    assert result.parameters == {"w": 1.5, "b": 0.25}
    assert all(values["w"] <= 1.5 and values["b"] == 0.25 for values in passed)


def test_on_epoch_sees_every_epoch_and_changes_nothing():
    calls = []
    model = models.load("quadratic")
    watched = symdiff.train(model, epochs=7, on_epoch=lambda *call: calls.append(call))
    result = symdiff.train(model, epochs=7)
    assert [epoch for epoch, _, _ in calls] == [1, 2, 3, 4, 5, 6, 7]
    assert [loss for _, loss, _ in calls] == result.losses.tolist() == watched.losses.tolist()
    assert calls[-1][2] == result.parameters == watched.parameters


@pytest.mark.parametrize("route", ROUTES)
def test_adam_is_that_of_its_paper(route):
    # Kingma and Ba 2015, algorithm 1, with its settings
    w, m, v = 1.0, 0.0, 0.0
    for t, (x, y) in enumerate([(1, 2), (2, 4), (3, 6)] * 10, start=1):
        g = 2 * x * (w * x - y)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.1 * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
    for optimizer in (optax.adam(0.1), "adam"):
        result = symdiff.train(line(), epochs=10, optimizer=optimizer, learning_rate=0.1, route=route)
        assert result.parameters["w"] == pytest.approx(w, rel=1e-12)


@pytest.mark.parametrize(
    "optimizer",
    [
        "momentum",
        "rmsprop",
        "adagrad",
        "adamw",
        optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(optax.exponential_decay(0.1, 10, 0.9))),
        optax.inject_hyperparams(optax.sgd)(0.05),
        optax.noisy_sgd(0.01, key=jax.random.key(1)),
    ],
)
@pytest.mark.parametrize("route", ["autodiff", "chain"])
def test_any_optax_transformation_trains_in_the_dtype(optimizer, route):
    result = symdiff.train(line(), epochs=20, optimizer=optimizer, dtype="float32", route=route)
    assert result.update_losses.dtype == np.float32
    assert result.losses[-1] < result.losses[0]


def test_a_run_is_compiled_once_and_found_again():
    model = line(loss="(prediction - y)**2/3")
    symdiff.train(model, epochs=2)
    count = []

    def listener(name, *_, **__):
        count.append(name)

    jax.monitoring.register_event_duration_secs_listener(listener)
    symdiff.train(model, epochs=60, on_epoch=lambda *_: None)
    jax.monitoring.unregister_event_duration_listener(listener)
    assert sum("backend_compile" in name for name in count) == 1
    before = compiled.cache_info().misses
    again = symdiff.train(model, data={"x": [2.0, 1.0, 0.0], "y": [2.0, 2.0, 2.0]}, epochs=60, on_epoch=lambda *_: None)
    assert compiled.cache_info().misses == before
    # other data, same program: the first loss is (1*2 - 2)**2/3, then (1*1 - 2)**2/3
    assert again.update_losses[:2].tolist() == [0.0, pytest.approx(1 / 3, rel=1e-15)]
    # another formula of the same symbols is another program
    other = symdiff.train(line(loss="(prediction - y)**2/4"), epochs=60, on_epoch=lambda *_: None)
    assert other.update_losses[0] == 0.25


def diverging(rate):
    """Update, epoch and row at which w <- w - 2*rate*x*(w*x - y) meets a loss that is not finite, in plain Python."""
    w, update = 1.0, 0
    while True:
        for row, (x, y) in enumerate([(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)], start=1):
            update += 1
            residual = w * x - y
            if not math.isfinite(residual * residual):
                return update, (update + 2) // 3, row
            w -= rate * (2 * x * residual)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("on_epoch", [None, lambda *_: None])
def test_divergence_names_update_epoch_row_and_remedy(route, on_epoch):
    update, epoch, row = diverging(5.0)
    where = rf"^training diverged at update {update} \(epoch {epoch}, data row {row}\): the loss is inf at w=-?\d"
    with pytest.raises(
        DivergenceError, match=where + r".*; lower the learning rate of sgd\(5\.0\), or use `symdiff fit`$"
    ):
        symdiff.train(models.load("linear"), learning_rate=5.0, epochs=200, route=route, on_epoch=on_epoch)


@pytest.mark.parametrize("route", ROUTES)
def test_divergence_of_a_batch_names_its_rows(route):
    # slopes of both signs overflow together
    data = {"x": [1e160, 1.0, -1e160], "y": [1.0, 1.0, 1.0]}
    with pytest.raises(
        DivergenceError, match=r"^training diverged at update 1 \(epoch 1, data rows 1, 2\): the loss is inf"
    ):
        symdiff.train(line(), data, batch_size=2, route=route)


@pytest.mark.parametrize("route", ROUTES)
def test_divergence_through_start_or_gradient_is_told_apart(route):
    start = line().replace(prediction="log(w)*x", parameters={"w": -1.0})
    with pytest.raises(
        DivergenceError, match=r"update 1 \(epoch 1, data row 1\): the loss is nan .*; start from other"
    ):
        symdiff.train(start, route=route)
    # sqrt has an infinite slope at 0; a bound must not turn the infinite step into a number
    kink = line().replace(prediction="sqrt(w)*x", parameters={"w": Parameter(0.0, max=9.0)})
    with pytest.raises(DivergenceError, match=r"update 1 .*: the gradient or step is not finite at w=0\.0"):
        symdiff.train(kink, route=route)
    # the last update of all, after which no loss is taken
    last = line(data={"x": [1.0], "y": [2.0]}).replace(prediction="sqrt(w)*x", parameters={"w": 0.0})
    with pytest.raises(DivergenceError, match=r"update 1 .*: the gradient or step is not finite at w=0\.0"):
        symdiff.train(last, epochs=1, route=route)


def test_a_branch_that_is_not_taken_does_no_harm():
    x, w = sp.symbols("x w", real=True)
    model = line().replace(prediction=sp.Piecewise((w * sp.sqrt(x), x > 0), (w, True)), data=None)
    for route in ROUTES:
        result = symdiff.train(model, {"x": [-1.0, 4.0], "y": [3.0, 6.0]}, epochs=200, learning_rate=0.05, route=route)
        assert result.parameters["w"] == pytest.approx(3.0, rel=1e-6)


def test_predict_takes_numbers_and_arrays_by_name():
    result = symdiff.train(models.load("linear"))
    assert result.predict(x=4) == pytest.approx(8.0, rel=1e-6)
    assert isinstance(result.predict(x=4), float)
    np.testing.assert_allclose(result.predict(x=[[1.0], [2.0]]), [[2.0], [4.0]], rtol=1e-6)
    with pytest.raises(SymbolError, match=r"no value for input 'x'; give one for each of x$"):
        result.predict()
    with pytest.raises(SymbolError, match=r"no input 'X'; did you mean 'x'\? \(inputs: x\)$"):
        result.predict(X=4.0)
    with pytest.raises(DataError, match=r"input 'x' is 'four'; give a number or an array of numbers$"):
        result.predict(x="four")


def test_the_result_as_json_has_the_keys_of_the_contract(capfd):
    result = symdiff.train(models.load("linear"), epochs=2)
    assert set(result.to_dict()) == {"parameters", "losses", "before", "after", "steps", "seconds", "device", "dtype"}
    back = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert (back["before"], back["steps"], back["dtype"]) == (4.0, 6, "float64")
    assert json.dumps(symdiff.train(line(), epochs=1).to_dict()["after"]) == "null"
    assert capfd.readouterr() == ("", "")
