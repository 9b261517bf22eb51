"""Training a written-out network: vectors in the loop give what optax gives for the same network in matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sympy as sp
from families import network

from symdiff import Model, train
from symdiff.descent.in_vectors import is_alike
from symdiff.descent.options import checked_options
from symdiff.descent.updates import Updates
from symdiff.errors import DivergenceError
from symdiff.parameter import Parameter

HIDDEN, INPUTS, SAMPLES = 12, 3, 10
EXPRESSION, PARAMETERS, X = network(HIDDEN, INPUTS)
DRAW = np.random.default_rng(0)
START = tuple(0.5 * DRAW.normal(size=shape) for shape in ((HIDDEN, INPUTS), HIDDEN, HIDDEN))
XS, YS = DRAW.normal(size=(SAMPLES, INPUTS)), DRAW.normal(size=SAMPLES)
DATA = {symbol.name: XS[:, k] for k, symbol in enumerate(X)} | {"y": YS}


def model(**changes):
    values = np.concatenate([part.ravel() for part in START])
    given = {symbol: changes.get(symbol.name, float(value)) for symbol, value in zip(PARAMETERS, values, strict=True)}
    return Model("network", EXPRESSION, inputs=list(X), target=sp.Symbol("y", real=True), parameters=given)


def by_hand(optimizer, batch, epochs):
    """Losses of the updates and the last parameters."""

    def loss(parameters, rows):
        w, b, v = parameters
        return jnp.mean((jnp.tanh(XS[rows] @ w.T + b[None]) @ v - YS[rows]) ** 2)

    parameters, losses = jax.tree.map(jnp.asarray, START), []
    state = optimizer.init(parameters)
    for _ in range(epochs):
        for first in range(0, SAMPLES, batch):
            rows = np.arange(first, min(first + batch, SAMPLES))
            value, gradient = jax.value_and_grad(loss)(parameters, rows)
            with jax.numpy_dtype_promotion("standard"):
                changes, state = optimizer.update(gradient, state, parameters)
                parameters = optax.apply_updates(parameters, changes)
            losses.append(value)
    return np.array(losses), np.concatenate([np.asarray(part).ravel() for part in parameters])


@pytest.mark.parametrize("route", ["autodiff", "symbolic"])
@pytest.mark.parametrize(("name", "batch"), [("sgd", 1), ("adam", 4), ("momentum", 5)])
def test_the_numbers_of_the_network_in_matrices(name, batch, route):
    optimizer = {"sgd": optax.sgd(0.02), "adam": optax.adam(0.02), "momentum": optax.sgd(0.02, momentum=0.9)}[name]
    result = train(model(), DATA, epochs=3, learning_rate=0.02, batch_size=batch, optimizer=name, route=route)
    losses, parameters = by_hand(optimizer, batch, 3)
    np.testing.assert_allclose(result.update_losses, losses, rtol=1e-11)
    found = [result.parameters[symbol.name] for symbol in PARAMETERS]
    np.testing.assert_allclose(found, parameters, rtol=1e-10, atol=1e-13)


def test_vectors_are_taken_for_named_optimizers_only():
    options = {"epochs": 1, "learning_rate": 0.1, "batch_size": 1, "shuffle": False, "seed": 0, "route": "autodiff"}
    options |= {"dtype": "float64", "device": "auto", "checkpoint": None, "resume": False, "record_gradients": False}
    for optimizer, expected in ((None, True), ("adam", True), (optax.lamb(0.1), False)):
        checked = checked_options(SAMPLES, optimizer=optimizer, **options)
        assert is_alike(Updates.of(model(), SAMPLES, checked)) is expected


def test_bounds_fixed_parameters_and_recorded_gradients():
    given = model(b3=Parameter(0.25, fixed=True), v2=Parameter(0.1, min=0.09, max=0.11))
    vectors = train(given, DATA, epochs=2, batch_size=3, record_gradients=True)
    assert vectors.parameters["b3"] == 0.25
    assert 0.09 <= vectors.parameters["v2"] <= 0.11
    chain = train(given, DATA, epochs=2, batch_size=3, route="chain", record_gradients=True)
    np.testing.assert_allclose(vectors.gradients, chain.gradients, rtol=1e-9, atol=1e-12)
    for name, value in chain.parameters.items():
        assert vectors.parameters[name] == pytest.approx(value, rel=1e-10, abs=1e-13)


def test_a_run_that_is_resumed_is_the_unbroken_one(tmp_path):
    whole = train(model(), DATA, epochs=4, optimizer="adam", checkpoint=tmp_path / "whole")
    train(model(), DATA, epochs=2, optimizer="adam", checkpoint=tmp_path / "half")
    resumed = train(model(), DATA, epochs=4, optimizer="adam", checkpoint=tmp_path / "half", resume=True)
    assert resumed.resumed_from == 2
    assert resumed.parameters == whole.parameters
    np.testing.assert_array_equal(resumed.update_losses, whole.update_losses)


def test_divergence_names_the_update():
    with pytest.raises(DivergenceError, match=r"training diverged at update \d+ \(epoch \d+, data row"):
        train(model(), DATA, epochs=20, learning_rate=1e200)
